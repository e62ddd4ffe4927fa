"""The load generator of last resort, for machines without wrk: asyncio, raw sockets, closed loop.

    python -m bench.rawload PORT PATH --concurrency 16 --seconds 3 --first-id 100000000 --token gp_…

It prints one line like bench/wrk.lua does. It is slower than wrk, so it lowers what a quick contender can show.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from typing import cast

import uvloop

from bench import traffic


class Run:
    """What all connections of a run share."""

    def __init__(self, parts: list[tuple[bytes, bytes]], first_id: int, seconds: float) -> None:
        self.requests = self._requests(parts, first_id)
        self.started = time.perf_counter()
        self.end = self.started + seconds
        self.latencies: list[float] = []
        self.status = 0
        self.read = 0

    @staticmethod
    def _requests(parts: list[tuple[bytes, bytes]], id: int) -> Iterator[bytes]:
        while True:
            for before, after in parts:
                id += 1
                yield before + str(id).encode() + after


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last one is complete."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.rest = b""
        self.sent = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.send()

    def send(self) -> None:
        self.sent = time.perf_counter()
        if self.sent >= self.run.end:
            self.transport.close()
            return
        self.transport.write(next(self.run.requests))

    def data_received(self, data: bytes) -> None:
        data = self.rest + data if self.rest else data
        if not complete(data):
            self.rest = data
            return
        self.rest = b""
        self.run.latencies.append(time.perf_counter() - self.sent)
        if data[9:10] != b"2":
            self.run.status += 1
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None or time.perf_counter() < self.run.end:
            self.run.read += 1
        if not self.done.done():
            self.done.set_result(None)


def complete(data: bytes) -> bool:
    """Whether these bytes are one whole response, by Content-Length or by the last chunk."""
    end = data.find(b"\r\n\r\n") + 4
    if end < 4:
        return False
    head = data[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        return data.endswith(b"\r\n0\r\n\r\n")
    return len(data) >= end + int(head[at + 17 : head.find(b"\r\n", at + 17)])


async def load(run: Run, port: int, concurrency: int) -> None:
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: Connection(run), "127.0.0.1", port) for _ in range(concurrency)]
    await asyncio.wait([protocol.done for _, protocol in made], timeout=run.end - time.perf_counter() + 60)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.rawload", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--first-id", type=int, default=10 ** (traffic.ID_DIGITS - 1))
    parser.add_argument("--token", default="")
    parser.add_argument("--tool", default=traffic.TOOL)
    parser.add_argument("--session", help="calls of 2025-11-25, in this session; empty: in none")
    options = parser.parse_args()
    token = options.token or None
    parts = traffic.templates(options.port, options.path, token, options.tool, options.session)
    run = Run(parts, options.first_id, options.seconds)
    uvloop.run(load(run, options.port, options.concurrency))
    took = time.perf_counter() - run.started
    ordered = sorted(run.latencies) or [0.0]
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1e6 for part in (0.5, 0.99))
    line = {"requests": len(run.latencies), "seconds": took, "p50": p50, "p99": p99, "max": ordered[-1] * 1e6}
    print(
        "BENCH " + json.dumps({**line, "status": run.status, "connect": 0, "read": run.read, "write": 0, "timeout": 0})
    )


if __name__ == "__main__":
    main()
