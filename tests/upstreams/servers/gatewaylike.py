"""A process that holds a stdio server as the gateway does, tells the pids of all it started, and waits to be killed."""

import asyncio
import json
import sys

from gatepost.mcp.message import from_body
from gatepost.upstreams import ServerConfig, connect


async def main() -> None:
    upstream = connect(ServerConfig("scripted", command=tuple(sys.argv[1:])))
    for id, method, params in (
        (1, "initialize", {"protocolVersion": "2025-11-25"}),
        (2, "tools/call", {"name": "spawn", "arguments": {}}),
    ):
        message = from_body({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        reply = await upstream.post(message.encode(), message, [], "s")
        answer = json.loads(await reply.body(2**20))
    print(answer["result"]["content"][0]["text"], flush=True)
    await asyncio.sleep(300)


asyncio.run(main())
