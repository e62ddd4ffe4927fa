"""Answers that come in pieces, and clients that read them slowly or not at all."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gatepost.wire.listener import ClientGone, Limits, Request
from tests.wire.serving import Serving, post, run, until

LOOPS = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])


@LOOPS
def test_pieces_arrive_when_they_are_written(loop: str) -> None:
    step = asyncio.Semaphore(0)

    async def stream(request: Request) -> None:
        request.start(200, ((b"content-type", b"text/event-stream"),))
        for piece in (b"one", b"", b"two", b"three" * 10_000):
            await step.acquire()
            await request.write(piece)
        request.end()

    async def main() -> None:
        async with Serving(stream) as serving:
            client = await serving.connect()
            await client.send(post())
            assert await client.line() == b"HTTP/1.1 200 OK\r\n"  # before anything is written
            async with asyncio.timeout(5):
                head = await client.reader.readuntil(b"\r\n\r\n")
            assert b"transfer-encoding: chunked" in head
            assert b"content-length" not in head
            step.release()
            assert await client.chunk() == b"one"
            step.release()
            step.release()
            assert await client.chunk() == b"two"
            step.release()
            assert await client.chunk() == b"three" * 10_000
            assert await client.chunk() == b""
            await client.send(post())
            for _ in range(4):
                step.release()
            assert (await client.answer()).body == b"onetwo" + b"three" * 10_000

    run(main(), loop=loop)


def test_a_stream_to_http_1_0_ends_with_the_connection() -> None:
    async def stream(request: Request) -> None:
        request.start(200, ())
        await request.write(b"one")
        request.push(b"two")
        request.end()

    async def main() -> None:
        async with Serving(stream) as serving:
            raw = await serving.exchange(b"GET / HTTP/1.0\r\n\r\n")
            assert raw.endswith(b"\r\n\r\nonetwo")
            assert b"chunked" not in raw
            assert b"connection: close" in raw

    run(main())


def test_a_stream_as_an_answer_to_head_is_only_a_head() -> None:
    async def stream(request: Request) -> None:
        request.start(200, ())
        await request.write(b"one")
        request.end()

    async def main() -> None:
        async with Serving(stream) as serving:
            raw = await serving.exchange(b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert raw.endswith(b"\r\n\r\n")

    run(main())


@LOOPS
def test_a_slow_reader_holds_its_writer_back_and_loses_nothing(loop: str) -> None:
    written: list[int] = []

    async def stream(request: Request) -> None:
        request.start(200, ())
        for number in range(400):
            await request.write(bytes([number % 256]) * 50_000)
            written.append(number)
        request.end()

    async def main() -> None:
        async with Serving(stream, limits=Limits(write_high_water=100_000)) as serving:
            client = await serving.connect()
            await client.send(post())
            await until(lambda: written)
            settled = -1
            while settled != len(written):  # nobody reads: it comes to a stop
                settled = len(written)
                await asyncio.sleep(0.1)
            assert settled < 300
            answer = await client.answer()
            assert len(answer.body) == 400 * 50_000
            assert all(answer.body[n * 50_000] == n % 256 for n in range(400))

    run(main(), loop=loop)


@LOOPS
def test_a_writer_learns_that_its_client_has_left(loop: str) -> None:
    ended: list[str] = []

    async def stream(request: Request) -> None:
        request.start(200, ())
        try:
            while True:
                await request.write(b"x" * 1000)
                await asyncio.sleep(0)
        except ClientGone:
            ended.append("gone")
            raise

    async def main() -> None:
        async with Serving(stream) as serving:
            client = await serving.connect()
            await client.send(post())
            await client.line()
            client.close()
            await until(lambda: ended)
            await until(lambda: serving.listener.requests_in_flight == 0)

    run(main(), loop=loop)


def test_a_writer_that_waits_for_a_slow_client_learns_that_it_left() -> None:
    ended: list[str] = []

    async def stream(request: Request) -> None:
        request.start(200, ())
        try:
            while True:
                await request.write(b"x" * 1_000_000)
        except ClientGone:
            ended.append("gone")

    async def main() -> None:
        async with Serving(stream) as serving:
            client = await serving.connect()
            await client.send(post())
            await until(lambda: any(connection.paused for connection in serving.listener._open))
            client.reset()
            await until(lambda: ended)

    run(main())


def test_a_client_that_reads_nothing_for_long_is_cut_off() -> None:
    ended: list[str] = []

    async def stream(request: Request) -> None:
        request.start(200, ())
        try:
            while True:
                await request.write(b"x" * 1_000_000)
        except ClientGone:
            ended.append("gone")

    async def main() -> None:
        async with Serving(stream, limits=Limits(write_timeout=0.2)) as serving:
            client = await serving.connect()
            await client.send(post())
            await until(lambda: ended)
            await until(lambda: serving.listener.connections == 0)
            client.close()

    run(main())


def test_an_answer_that_nobody_reads_does_not_keep_a_closing_connection_for_ever() -> None:
    async def answer(request: Request) -> None:
        request.reply(200, (), b"x" * 30_000_000)

    async def main() -> None:
        async with Serving(answer, limits=Limits(write_timeout=0.2, idle_timeout=0.2)) as serving:
            for option in ("keep-alive", "close"):
                client = await serving.connect()
                await client.send(post(b"", "/", f"Connection: {option}"))
                await until(lambda: serving.listener.connections == 1)
                await until(lambda: serving.listener.connections == 0)
                client.close()

    run(main())


def test_nothing_is_written_to_a_client_that_has_left() -> None:
    async def late(request: Request) -> None:
        gone = asyncio.Event()
        request.on_gone(gone.set)
        await gone.wait()
        request.start(200, ())
        request.push(b"x")
        request.end()
        request.reply(200, (), b"")
        with pytest.raises(ClientGone):
            await request.write(b"x")
        assert not request.started

    async def main() -> None:
        async with Serving(late) as serving:
            client = await serving.connect()
            await client.send(post())
            await until(lambda: serving.requests)
            client.close()
            await until(lambda: serving.listener.requests_in_flight == 0)
            assert serving.requests[0].gone

    run(main())


def test_an_answer_can_be_cut_so_that_the_client_sees_that_it_is_not_whole() -> None:
    async def stream(request: Request) -> None:
        request.start(200, ())
        await request.write(b"x")
        request.abort()
        await asyncio.sleep(0)

    async def main() -> None:
        async with Serving(stream) as serving:
            raw = await serving.exchange(post())
            assert not raw.endswith(b"0\r\n\r\n")

    run(main())


def test_the_system_looks_after_a_silent_client() -> None:
    options: list[int] = []

    async def ask(request: Request) -> None:
        sock = request._connection._transport.get_extra_info("socket")
        options.append(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        options.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE))
        request.reply(200, ())

    async def main() -> None:
        async with Serving(ask) as serving:
            client = await serving.connect()
            await client.send(post())
            await client.answer()
            client.close()
            assert options == [1, 60]

    run(main())
