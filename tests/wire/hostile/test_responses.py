"""What a server may not answer: each is an error, nothing is passed on, and the connection is not used again."""

from __future__ import annotations

import asyncio

import pytest

from gatepost.wire.pool import Malformed, Timeouts, UpstreamError
from tests.wire.answering import OK, Answering, Exchange, says
from tests.wire.serving import run, until

LINE = b"HTTP/1.1 200 OK\r\n"
CHUNKED = LINE + b"Transfer-Encoding: chunked\r\n\r\n"

CORPUS = {
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a page": b"<html></html>\r\n\r\n",
    "NULs": b"\0" * 100,
    "HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "status of two digits": b"HTTP/1.1 99 OK\r\nContent-Length: 2\r\n\r\nok",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok",
    "status that is none": b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok",
    "status zero": b"HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok",
    "lines ended by LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "header ended by LF": LINE + b"X: y\nContent-Length: 2\r\n\r\nok",
    "folded line": LINE + b"X: y\r\n z\r\nContent-Length: 2\r\n\r\nok",
    "space before the colon": LINE + b"Content-Length : 2\r\n\r\nok",
    "NUL in a value": LINE + b"X: y\0z\r\nContent-Length: 2\r\n\r\nok",
    "length and coding": LINE + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": LINE + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    "two lengths": LINE + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "two equal lengths": LINE + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "a list of lengths": LINE + b"Content-Length: 2, 2\r\n\r\nok",
    "length with plus": LINE + b"Content-Length: +2\r\n\r\nok",
    "length with minus": LINE + b"Content-Length: -2\r\n\r\nok",
    "length beyond 64 bits": LINE + b"Content-Length: 99999999999999999999999\r\n\r\nok",
    "coding gzip": LINE + b"Transfer-Encoding: gzip\r\n\r\nok",
    "coding gzip, chunked": LINE + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding twice": LINE + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding identity": LINE + b"Transfer-Encoding: identity\r\n\r\nok",
    "chunk size ended by LF": CHUNKED + b"2\nok\r\n0\r\n\r\n",
    "chunk not ended": CHUNKED + b"2\r\nok0\r\n\r\n",
    "chunk size with 0x": CHUNKED + b"0x2\r\nok\r\n0\r\n\r\n",
    "chunk size beyond 64 bits": CHUNKED + b"1" + b"0" * 16 + b"\r\nok\r\n",
    "switching protocols": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "switching without a word": b"HTTP/1.1 101 Switching\r\n\r\n" + OK,
    "a row of interim ones": b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + OK,
    "too many headers": LINE + b"X: y\r\n" * 101 + b"Content-Length: 2\r\n\r\nok",
    "too long a header": LINE + b"X: " + b"y" * 70_000 + b"\r\nContent-Length: 2\r\n\r\nok",
    "headers without end": LINE + b"X: " + b"y" * 200_000,
    "interim headers without end": b"HTTP/1.1 103 Hints\r\n" + b"X: y\r\n" * 20_000,
}


@pytest.mark.parametrize("raw", CORPUS.values(), ids=CORPUS)
@pytest.mark.parametrize("pieces", ["whole", "in pieces"])
def test_it_is_an_error_and_the_connection_is_not_used_again(raw: bytes, pieces: str) -> None:
    size = len(raw) if pieces == "whole" else max(1, len(raw) // 19)

    async def main() -> None:
        async with Answering(says(*(raw[at : at + size] for at in range(0, len(raw), size)))) as upstream:
            pool = upstream.pool(timeouts=Timeouts(first_byte=5, total=5))
            with pytest.raises(Malformed) as caught:
                response = await pool.request("POST", (), b"{}")
                await response.read(1 << 20)
            assert caught.value.sent
            assert len(upstream.exchanges) == 1
            upstream.script = says(OK)
            assert await (await pool.request("POST", (), b"{}")).read(10) == b"ok"
            assert upstream.exchanges[1].connection == 1
            await pool.close()

    run(main())


def test_an_answer_before_the_question_is_not_taken_for_one() -> None:
    async def main() -> None:
        async def early(exchange: Exchange) -> None:
            await exchange.send(OK)
            await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")

        async with Answering(early) as upstream:
            pool = upstream.pool()
            for _ in range(5):
                assert await (await pool.request("POST", (), b"{}")).read(10) == b"ok"
                await until(lambda: pool.connections == 0)
            await pool.close()

    run(main())


def test_an_endless_response_costs_no_memory() -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.send(CHUNKED)
        for _ in range(2000):
            await exchange.send(b"1\r\nx\r\n" * 2000)

    async def main() -> None:
        async with Answering(endless) as upstream:
            pool = upstream.pool()
            response = await pool.request("POST", (), b"{}")
            await asyncio.sleep(0.3)
            assert response._unread < 1 << 19
            with pytest.raises(UpstreamError):
                await response.read(300_000)
            await pool.close()

    run(main())
