"""Ends of a connection that meet at an awkward moment: a stream with a drain, a flood, a body that is never read."""

from __future__ import annotations

import asyncio
import logging

import pytest

from gatepost.wire.listener import Limits, Request
from tests.wire.serving import Client, Serving, post, run, until


class Stream:
    """A handler that streams what `say` is given, until it is given nothing."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()

    async def __call__(self, request: Request) -> None:
        request.start(200, ())
        while piece := await self.pieces.get():
            await request.write(piece)
        request.end()


async def head_and_first_chunk(client: Client, stream: Stream) -> None:
    stream.pieces.put_nowait(b"first")
    while await client.line() != b"\r\n":
        pass
    assert await client.chunk() == b"first"


def test_a_stream_that_began_before_the_drain_closes_its_connection_at_its_end() -> None:
    async def main() -> None:
        stream = Stream()
        async with Serving(stream) as serving:
            client = await serving.connect()
            await client.send(post())
            await head_and_first_chunk(client, stream)
            draining = asyncio.ensure_future(serving.listener.drain(60))
            await until(lambda: serving.listener.draining)
            stream.pieces.put_nowait(b"")
            assert await client.chunk() == b""
            assert await client.rest() == b""
            await draining

    run(main())


def test_what_was_pipelined_beyond_bounds_behind_a_stream_is_never_read_as_a_request() -> None:
    async def main() -> None:
        stream = Stream()
        async with Serving(stream, limits=Limits(max_body=10_000, linger=0.2)) as serving:
            client = await serving.connect()
            await client.send(post())
            await head_and_first_chunk(client, stream)
            await client.send(b"x" * 200_000)
            (connection,) = serving.listener._open
            await until(lambda: not connection.keeps())
            await client.send(post(b"forged"))
            stream.pieces.put_nowait(b"")
            assert await client.chunk() == b""
            await client.send(post(b"forged"))
            assert await client.rest() == b""
            assert len(serving.requests) == 1

    run(main())


def test_any_of_several_connection_headers_closes_the_connection() -> None:
    async def main() -> None:
        async with Serving() as serving:
            request = post(b"{}", "/", "Connection: keep-alive", "Connection: close")
            answer = await serving.exchange(request)
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"connection: close" in answer

    run(main())


def test_an_http_1_0_client_is_sent_no_interim_answer() -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            await client.send(
                b"POST / HTTP/1.0\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
            )
            (connection,) = serving.listener._open
            await until(lambda: connection._request is not None)
            await client.send(b"{}")
            assert (await client.answer()).status == 200

    run(main())


def test_a_callback_that_fails_leaves_no_connection_behind(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []

    async def wait(request: Request) -> None:
        request.on_gone(lambda: 1 / 0)
        request.on_gone(lambda: told.append("gone"))
        await asyncio.Event().wait()

    async def main() -> None:
        async with Serving(wait) as serving:
            client = await serving.connect()
            await client.send(post())
            await until(lambda: serving.requests)
            client.close()
            await until(lambda: told)
            await until(lambda: serving.listener.connections == 0)

    with caplog.at_level(logging.ERROR):
        run(main())
    assert "ZeroDivisionError" in caplog.text


def test_a_slow_client_may_take_longer_than_the_idle_time_for_a_long_answer() -> None:
    size = 24 << 20

    async def answer(request: Request) -> None:
        request.reply(200, (), bytes(size))

    async def main() -> None:
        async with Serving(answer, limits=Limits(idle_timeout=0.1, write_timeout=5)) as serving:
            client = await serving.connect()
            await client.send(post())
            loop = asyncio.get_running_loop()
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert b"content-length: %d" % size in head
            began, got = loop.time(), 0
            while got < size:
                got += len(await client.reader.readexactly(min(size - got, size // 16)))
                await asyncio.sleep(0.05)  # the client's own slowness
            assert loop.time() - began > 0.5
            client.close()

    run(main())
