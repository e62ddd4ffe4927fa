"""A bare relay: starts a program, passes lines both ways, looks at nothing. What `gatepost run` is compared with.

python -m bench.relay poll COMMAND ARG…       poll(2), read and write: the least that Python can do
python -m bench.relay asyncio COMMAND ARG…    streams of the standard library: what people write
"""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
from typing import Any

CHUNK = 65536


def poll(command: list[str]) -> None:
    """Until either side closes."""
    program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert program.stdin is not None
    assert program.stdout is not None
    into, out = program.stdin.fileno(), program.stdout.fileno()
    poller = select.poll()
    poller.register(0, select.POLLIN)
    poller.register(out, select.POLLIN)
    while True:
        for source, _ in poller.poll():
            data = os.read(source, CHUNK)
            if not data:
                program.kill()
                program.wait()
                return
            os.write(into if source == 0 else 1, data)


async def streams(command: list[str]) -> None:
    """Until either side closes."""
    program = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout)
    writer = asyncio.StreamWriter(transport, protocol, None, loop)

    async def pump(source: asyncio.StreamReader, sink: Any) -> None:
        while line := await source.readline():
            sink.write(line)
            await sink.drain()

    assert program.stdin is not None
    assert program.stdout is not None
    await asyncio.wait(
        [asyncio.create_task(pump(reader, program.stdin)), asyncio.create_task(pump(program.stdout, writer))],
        return_when=asyncio.FIRST_COMPLETED,
    )
    program.kill()
    await program.wait()


if __name__ == "__main__":
    if sys.argv[1] == "poll":
        poll(sys.argv[2:])
    else:
        asyncio.run(streams(sys.argv[2:]))
