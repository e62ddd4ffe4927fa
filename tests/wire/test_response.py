"""Responses: read whole or piece by piece, within their deadlines, and no more of them than is asked for."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gatepost.wire.pool import Cut, Pool, TimedOut, Timeouts, TooLarge
from tests.wire.answering import OK, Answering, Exchange, says
from tests.wire.serving import run, until

LOOPS = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def body_of(pool: Pool, body: bytes = b"{}", **options: object) -> bytes:
    response = await pool.request("POST", (), body, **options)  # type: ignore[arg-type]
    return await response.read(1 << 24)


def test_the_head_of_a_response_is_given_as_it_came() -> None:
    async def main() -> None:
        raw = b"HTTP/1.1 418 Teapot\r\nX-Two: a\r\nx-two:  b \t\r\nContent-Length: 0\r\n\r\n"
        async with Answering(says(raw)) as upstream:
            pool = upstream.pool()
            response = await pool.request("POST", (), b"{}")
            assert response.status == 418
            assert response.headers == [(b"x-two", b"a"), (b"x-two", b"b"), (b"content-length", b"0")]
            assert response.header(b"x-two") == b"a"
            assert response.header(b"none") is None
            assert await response.read(0) == b""
            await pool.close()

    run(main())


@pytest.mark.parametrize(
    ("parts", "body", "kept"),
    [
        ((OK,), b"ok", True),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", b"ab", b"cd"), b"abcd", True),
        ((CHUNKED + b"3\r\nabc\r\n0\r\n\r\n",), b"abc", True),
        ((CHUNKED, b"3\r", b"\nabc\r\n2;x=y\r\nde\r\n0", b"\r\nTrailer: x\r\n\r\n"), b"abcde", True),
        ((b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",), b"", True),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), b"", True),
        ((b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",), b"", True),
        ((b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",), b"ok", False),
        ((b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",), b"ok", False),
        ((b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 2\r\n\r\nok",), b"ok", False),
        ((b"HTTP/1.1 100 Continue\r\n\r\n" + OK,), b"ok", True),
        ((b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", OK), b"ok", True),
        ((OK + b"more",), b"ok", False),
        ((OK + OK,), b"ok", False),
        ((CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + OK,), b"abc", False),
    ],
)
def test_a_whole_response_is_read_and_its_connection_kept_if_it_is_clean(
    parts: tuple[bytes, ...], body: bytes, kept: bool
) -> None:
    async def main() -> None:
        async with Answering(says(*parts)) as upstream:
            pool = upstream.pool()
            assert await body_of(pool) == body
            if not kept:
                await until(lambda: pool.connections == 0)
            upstream.script = says(OK)
            assert await body_of(pool) == b"ok"
            assert [exchange.connection for exchange in upstream.exchanges] == [0, 0 if kept else 1]
            await pool.close()

    run(main())


def test_a_response_without_a_length_ends_with_the_connection() -> None:
    async def main() -> None:
        async with Answering(says(b"HTTP/1.1 200 OK\r\n\r\n", b"to the", b" end", close=True)) as upstream:
            pool = upstream.pool()
            assert await body_of(pool) == b"to the end"
            await until(lambda: pool.connections == 0)
            await pool.close()

    run(main())


def test_a_redirect_is_returned_like_anything_else() -> None:
    async def main() -> None:
        raw = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        async with Answering(says(raw)) as upstream:
            pool = upstream.pool()
            response = await pool.request("POST", (), b"{}")
            assert (response.status, response.header(b"location")) == (307, b"http://127.0.0.1:1/")
            assert len(upstream.exchanges) == 1
            await pool.close()

    run(main())


@LOOPS
def test_a_stream_is_given_piece_by_piece(loop: str) -> None:
    step = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.send(CHUNKED + b"3\r\none\r\n")
        await step.wait()
        await exchange.send(b"3\r\ntwo\r\n0\r\n\r\n")

    async def main() -> None:
        async with Answering(script) as upstream:
            pool = upstream.pool()
            response = await pool.request("POST", (), b"{}")
            assert not response.complete
            chunks = response.chunks()
            assert await anext(chunks) == b"one"
            step.set()
            assert await anext(chunks) == b"two"
            assert [chunk async for chunk in chunks] == []
            assert response.complete
            assert await body_of(pool) == b"onetwo"
            assert upstream.connections == 1
            await pool.close()

    run(main(), loop=loop)


@LOOPS
def test_a_slow_reader_holds_the_server_back_and_loses_nothing(loop: str) -> None:
    sent: list[int] = []

    async def script(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n")
        for number in range(400):
            await exchange.send(bytes([number % 256]) * 100_000)
            sent.append(number)

    async def main() -> None:
        async with Answering(script) as upstream:
            pool = upstream.pool()
            response = await pool.request("POST", (), b"{}")
            settled = -1
            while settled != len(sent):
                settled = len(sent)
                await asyncio.sleep(0.1)
            assert settled < 300
            assert response._unread < 512 * 1024
            body = await response.read(40_000_000)
            assert body == b"".join(bytes([number % 256]) * 100_000 for number in range(400))
            upstream.script = says(OK)
            assert await body_of(pool) == b"ok"
            assert upstream.connections == 1
            await pool.close()

    run(main(), loop=loop)


# -- ends


@LOOPS
def test_leaving_a_response_closes_its_connection_and_a_complete_one_keeps_it(loop: str) -> None:
    async def main() -> None:
        async with Answering(says(CHUNKED + b"3\r\none\r\n")) as upstream:
            pool = upstream.pool()
            response = await pool.request("POST", (), b"{}")
            response.abort()
            response.abort()
            await until(lambda: upstream.open == 0)
            with pytest.raises(Cut):
                await response.read(100)
            upstream.script = says(OK)
            response = await pool.request("POST", (), b"{}")
            response.abort()  # it is complete: that changes nothing
            assert await response.read(10) == b"ok"
            assert await body_of(pool) == b"ok"
            assert [exchange.connection for exchange in upstream.exchanges] == [0, 1, 1]
            await pool.close()

    run(main(), loop=loop)


def test_a_request_that_is_called_off_closes_its_connection() -> None:
    async def silence(exchange: Exchange) -> None:
        return None

    async def main() -> None:
        async with Answering(silence) as upstream:
            pool = upstream.pool()
            task = asyncio.ensure_future(pool.request("POST", (), b"{}"))
            await until(lambda: upstream.exchanges)
            task.cancel()
            await until(lambda: upstream.open == 0 and pool.connections == 0)
            upstream.script = says(OK)
            assert await body_of(pool) == b"ok"
            await pool.close()

    run(main())


@pytest.mark.parametrize(
    "parts",
    [
        (b"",),
        (b"HTTP/1.1 200",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",),
        (CHUNKED + b"3\r\nabc\r\n",),
        (CHUNKED + b"3\r\nabc\r\n0\r\n",),
        (b"HTTP/1.1 100 Continue\r\n\r\n",),
    ],
)
@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_response_that_breaks_off_is_an_error_and_the_request_is_not_sent_again(
    parts: tuple[bytes, ...], how: str
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(*parts)
        await asyncio.sleep(0.02)  # so that what was sent is read before a reset throws it away
        if how == "reset":
            exchange.reset()
        else:
            exchange.close()

    async def main() -> None:
        async with Answering(script) as upstream:
            pool = upstream.pool()
            with pytest.raises(Cut) as caught:
                await body_of(pool)
            assert caught.value.sent
            assert len(upstream.exchanges) == 1
            assert pool.connections == 0
            await pool.close()

    run(main())


def test_a_close_that_has_arrived_but_was_not_yet_noticed_is_looked_for() -> None:
    async def main() -> None:
        async with Answering() as upstream:
            pool = upstream.pool()
            assert await body_of(pool) == b"ok"
            (exchange,) = pool._idle
            exchange.idle_since -= 1.0  # idle for longer than a moment
            poll = exchange._poll
            assert poll is not None
            assert not poll.poll(0)
            (writer,) = upstream._writers
            writer.get_extra_info("socket").shutdown(socket.SHUT_WR)
            assert poll.poll(5000)  # the loop has not had its turn since
            assert not exchange.usable(asyncio.get_running_loop().time())
            assert await body_of(pool) == b"ok"
            assert upstream.connections == 2
            await pool.close()

    run(main(), loop="asyncio")


# -- deadlines


async def _silence(exchange: Exchange) -> None:
    return None


@LOOPS
def test_a_server_that_does_not_begin_to_answer_is_given_up(loop: str) -> None:
    async def main() -> None:
        async with Answering(_silence) as upstream:
            pool = upstream.pool(timeouts=Timeouts(first_byte=0.1))
            with pytest.raises(TimedOut) as caught:
                await pool.request("POST", (), b"{}")
            assert (caught.value.phase, caught.value.sent) == ("first_byte", True)
            await until(lambda: upstream.open == 0)
            assert len(upstream.exchanges) == 1
            await pool.close()

    run(main(), loop=loop)


def test_a_head_that_drips_does_not_put_the_deadline_off() -> None:
    async def script(exchange: Exchange) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100:
            await exchange.send(bytes([byte]))
            await asyncio.sleep(0.01)

    async def main() -> None:
        async with Answering(script) as upstream:
            pool = upstream.pool(timeouts=Timeouts(first_byte=0.2))
            with pytest.raises(TimedOut) as caught:
                await pool.request("POST", (), b"{}")
            assert caught.value.phase == "first_byte"
            await pool.close()

    run(main())


@LOOPS
def test_a_stream_that_falls_silent_is_given_up(loop: str) -> None:
    async def main() -> None:
        async with Answering(says(CHUNKED + b"3\r\none\r\n")) as upstream:
            pool = upstream.pool(timeouts=Timeouts(idle=0.1, total=None))
            response = await pool.request("POST", (), b"{}")
            chunks = response.chunks()
            assert await anext(chunks) == b"one"
            with pytest.raises(TimedOut) as caught:
                await anext(chunks)
            assert (caught.value.phase, caught.value.sent) == ("idle", True)
            await until(lambda: upstream.open == 0)
            await pool.close()

    run(main(), loop=loop)


@pytest.mark.parametrize("pause", [0.01, 0.0])
def test_a_stream_without_end_is_ended_by_the_total(pause: float) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(CHUNKED)
        while True:
            await exchange.send(b"4\r\nmore\r\n")
            await asyncio.sleep(pause)

    async def main() -> None:
        async with Answering(script) as upstream:
            pool = upstream.pool(timeouts=Timeouts(idle=5, total=0.3))
            response = await pool.request("POST", (), b"{}")
            with pytest.raises(TimedOut) as caught:
                async for _ in response.chunks():
                    pass
            assert caught.value.phase == "total"
            await pool.close()

    run(main())


def test_a_reader_that_pauses_is_not_a_server_that_is_silent() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n", b"x" * 8_000_000)

    async def main() -> None:
        async with Answering(script) as upstream:
            pool = upstream.pool(timeouts=Timeouts(idle=0.15, total=None))
            response = await pool.request("POST", (), b"{}")
            await asyncio.sleep(0.5)
            assert len(await response.read(8_000_000)) == 8_000_000
            await pool.close()

    run(main())


def test_a_stream_may_be_without_deadlines() -> None:
    step = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.send(CHUNKED + b"3\r\none\r\n")
        await step.wait()
        await exchange.send(b"0\r\n\r\n")

    async def main() -> None:
        async with Answering(script) as upstream:
            pool = upstream.pool(timeouts=Timeouts(first_byte=0.1))
            response = await pool.request("POST", (), b"{}", timeouts=Timeouts(first_byte=0.1, total=None, idle=None))
            await asyncio.sleep(0.3)
            step.set()
            assert await response.read(10) == b"one"
            await pool.close()

    run(main())


@LOOPS
def test_a_server_that_does_not_shake_hands_is_given_up_and_was_sent_nothing(loop: str) -> None:
    async def main() -> None:
        async with Answering(_silence) as upstream:
            pool = Pool(f"https://127.0.0.1:{upstream.port}/", timeouts=Timeouts(connect=0.2))
            with pytest.raises(TimedOut) as caught:
                await pool.request("POST", (), b"{}")
            assert (caught.value.phase, caught.value.sent) == ("connect", False)
            assert pool.connections == 0
            assert upstream.exchanges == []
            await pool.close()

    run(main(), loop=loop)


def test_places_are_not_lost_whatever_happens_to_those_who_wait_or_connect() -> None:
    async def main() -> None:
        async with Answering() as upstream:
            pool = upstream.pool(max_connections=2, timeouts=Timeouts(connect=2, first_byte=0.05))
            for turn in range(8):
                upstream.script = (_silence, says(OK), says(OK, close=True), says(b"garbage\r\n\r\n"))[turn % 4]
                tasks = [asyncio.ensure_future(body_of(pool)) for _ in range(10)]
                await asyncio.sleep(0.01)
                for task in tasks[turn::3]:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            upstream.script = says(OK)
            assert await asyncio.gather(*(body_of(pool) for _ in range(10))) == [b"ok"] * 10
            assert pool._taken == pool.connections <= 2
            assert not pool._waiters
            await pool.close()
            await until(lambda: pool.connections == 0)
            assert pool._taken == 0

    run(main())


# -- what is not sent, and not read


def test_a_body_over_the_limit_is_not_read() -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.send(CHUNKED)
        while True:
            await exchange.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    async def main() -> None:
        async with Answering(says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx")) as upstream:
            pool = upstream.pool()
            for _ in range(2):
                response = await pool.request("POST", (), b"{}")
                with pytest.raises(TooLarge, match="longer than 1000 bytes") as caught:
                    await response.read(1000)
                assert caught.value.sent
                await until(lambda: upstream.open == 0)
                upstream.script = endless
            await pool.close()

    run(main())


def test_a_body_of_exactly_the_limit_is_read() -> None:
    async def main() -> None:
        async with Answering() as upstream:
            pool = upstream.pool()
            for raw in (OK, CHUNKED + b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n"):
                upstream.script = says(raw)
                response = await pool.request("POST", (), b"{}")
                assert await response.read(2) == b"ok"
                response = await pool.request("POST", (), b"{}")
                with pytest.raises(TooLarge):
                    await response.read(1)
            await pool.close()

    run(main())
