"""The listener: whole requests reach the handler as they were sent, and its answers the client."""

from __future__ import annotations

import asyncio

import pytest

from gatepost.wire.listener import Limits, Refusal, Request
from tests.wire.serving import Serving, chunked, post, run

LOOPS = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])


@LOOPS
def test_a_request_reaches_the_handler_as_it_was_sent(loop: str) -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            await client.send(post(b'{"a":1}', "/mcp/s/?x=%41&y", "X-Two: b", "X-Two: c", "Accept:  text/plain \t"))
            answer = await client.answer()
            assert (answer.status, answer.body) == (200, b'{"a":1}')
            assert answer.headers["content-type"] == "text/plain"
            assert "connection" not in answer.headers
            (request,) = serving.requests
            assert (request.method, request.path, request.query) == ("POST", "/mcp/s/", "x=%41&y")
            assert request.headers == [
                (b"host", b"localhost"),
                (b"x-two", b"b"),
                (b"x-two", b"c"),
                (b"accept", b"text/plain"),
                (b"content-length", b"7"),
            ]
            assert request.header(b"x-two") == b"b"
            assert request.header(b"x-none") is None
            assert request.client == "127.0.0.1"
            assert request.received_ns > 0
            assert serving.refusals == []

    run(main(), loop=loop)


@LOOPS
def test_a_request_may_come_in_any_pieces(loop: str) -> None:
    async def main() -> None:
        async with Serving() as serving:
            for whole in (post(b"{}"), chunked(b"{", b"}")):
                client = await serving.connect()
                for byte in whole:
                    await client.send(bytes([byte]))
                    await asyncio.sleep(0)
                assert (await client.answer()).body == b"{}"
                client.close()

    run(main(), loop=loop)


def test_a_connection_serves_one_request_after_the_other() -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            for number in range(20):
                await client.send(post(b"%d" % number) if number % 3 else chunked(b"%d" % number))
                assert (await client.answer()).body == b"%d" % number
            assert serving.listener.connections == 1

    run(main())


def test_a_body_of_many_reads_is_whole() -> None:
    async def main() -> None:
        body = bytes(range(256)) * 8192
        async with Serving() as serving:
            client = await serving.connect()
            await client.send(post(body))
            assert (await client.answer()).body == body
            await client.send(chunked(*(body[at : at + 10_000] for at in range(0, len(body), 10_000))))
            assert (await client.answer()).body == body

    run(main())


def test_a_body_of_the_greatest_size_is_taken() -> None:
    async def main() -> None:
        async with Serving(limits=Limits(max_body=100_000)) as serving:
            client = await serving.connect()
            for whole in (post(b"x" * 100_000), chunked(b"x" * 60_000, b"x" * 40_000)):
                await client.send(whole)
                assert (await client.answer()).status == 200

    run(main())


def test_requests_without_a_body_are_served() -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            for method in ("GET", "DELETE", "POST", "OPTIONS", "PUT", "PATCH"):
                await client.send(f"{method} /mcp/s/ HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                assert (await client.answer()).status == 200
            assert [request.method for request in serving.requests][:3] == ["GET", "DELETE", "POST"]

    run(main())


def test_an_answer_to_head_has_a_length_and_no_body() -> None:
    async def answer(request: Request) -> None:
        request.reply(200, (), b"12345")

    async def main() -> None:
        async with Serving(answer) as serving:
            raw = await serving.exchange(b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b"content-length: 5\r\n" in raw
            assert raw.endswith(b"\r\n\r\n")

    run(main())


def test_a_refusal_of_head_has_a_length_and_no_body() -> None:
    async def main() -> None:
        refusal = Refusal(404, "GP-1003", "No.")
        async with Serving(on_head=lambda _request: refusal) as serving:
            raw = await serving.exchange(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert raw.startswith(b"HTTP/1.1 404 ")
            assert b"content-length: 0\r\n" not in raw
            assert raw.endswith(b"\r\n\r\n")

    run(main())


def test_an_answer_without_content_has_no_length() -> None:
    async def answer(request: Request) -> None:
        request.reply(204, ())

    async def main() -> None:
        async with Serving(answer) as serving:
            client = await serving.connect()
            await client.send(post())
            got = await client.answer()
            assert got.status == 204
            assert "content-length" not in got.headers
            await client.send(post())
            assert (await client.answer()).status == 204

    run(main())


def test_an_answer_is_dated() -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            await client.send(post())
            assert (await client.answer()).headers["date"].endswith(" GMT")

    run(main())


def test_an_answer_with_a_header_that_would_forge_another_is_not_sent() -> None:
    async def answer(request: Request) -> None:
        request.reply(200, ((b"x", b"a\r\nset-cookie: b"),), b"")

    async def main() -> None:
        async with Serving(answer) as serving:
            raw = await serving.exchange(post())
            assert raw.startswith(b"HTTP/1.1 500 ")
            assert b"cookie" not in raw

    run(main())


@pytest.mark.parametrize("option", ["close", "Close", "keep-alive, close", "x , close"])
def test_a_client_that_asks_for_it_gets_its_connection_closed(option: str) -> None:
    async def main() -> None:
        async with Serving() as serving:
            raw = await serving.exchange(post(b"a", "/", f"Connection: {option}"))
            assert raw.startswith(b"HTTP/1.1 200 ")
            assert b"connection: close\r\n" in raw

    run(main())


def test_http_1_0_is_answered_and_closed_whatever_it_asks_for() -> None:
    async def main() -> None:
        async with Serving() as serving:
            raw = await serving.exchange(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert raw.startswith(b"HTTP/1.1 200 ")
            assert b"connection: close\r\n" in raw

    run(main())


def test_an_empty_line_before_a_request_is_overlooked() -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            await client.send(b"\r\n" + post(b"a"))
            assert (await client.answer()).body == b"a"
            await client.send(b"\r")
            await client.send(b"\n" + post(b"b"))
            assert (await client.answer()).body == b"b"

    run(main())


def test_a_caller_is_turned_away_before_its_body_is_read() -> None:
    async def main() -> None:
        refusal = Refusal(401, "GP-1001", "Who are you?", headers=((b"www-authenticate", b"Bearer"),))
        async with Serving(on_head=lambda request: refusal) as serving:
            client = await serving.connect()
            await client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
            answer = await client.answer()
            assert answer.status == 401
            assert answer.json == {"code": "GP-1001", "message": "Who are you?"}
            assert (answer.headers["www-authenticate"], answer.headers["connection"]) == ("Bearer", "close")
            assert await client.rest() == b""
            assert serving.requests == []
            assert serving.refusals == [("127.0.0.1", refusal)]

    run(main())


def test_a_refusal_that_keeps_the_connection_reads_the_body_and_drops_it() -> None:
    def on_head(request: Request) -> Refusal | None:
        return Refusal(404, "GP-1003", "No.", closes=False) if request.path == "/no" else None

    async def main() -> None:
        async with Serving(on_head=on_head) as serving:
            client = await serving.connect()
            await client.send(post(b"x" * 1000, "/no") * 50 + post(b"yes", "/yes"))
            assert [(await client.answer()).status for _ in range(50)] == [404] * 50
            assert (await client.answer()).body == b"yes"
            assert len(serving.requests) == 1
            assert len(serving.refusals) == 50

    run(main())


def test_what_on_head_leaves_in_the_context_is_there_for_the_handler() -> None:
    def on_head(request: Request) -> None:
        request.context = request.header(b"authorization")

    async def main() -> None:
        async with Serving(on_head=on_head) as serving:
            await serving.exchange(post(b"", "/", "Authorization: Bearer x", "Connection: close"))
            assert serving.requests[0].context == b"Bearer x"

    run(main())


def test_a_head_that_cannot_be_judged_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    def on_head(request: Request) -> None:
        raise KeyError("a bug")

    async def main() -> None:
        async with Serving(on_head=on_head) as serving:
            assert (await serving.exchange(post())).startswith(b"HTTP/1.1 500 ")
            assert serving.requests == []

    run(main())
    assert "could not be judged" in caplog.text


def test_a_body_is_asked_for_where_the_client_waits_for_that() -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            whole = post(b"hello", "/", "Expect: 100-continue")
            await client.send(whole[:-5])
            assert await client.line() == b"HTTP/1.1 100 Continue\r\n"
            assert await client.line() == b"\r\n"
            await client.send(b"hello")
            assert (await client.answer()).body == b"hello"
            await client.send(whole)  # it did not wait: nothing is to be asked
            assert (await client.answer()).body == b"hello"

    run(main())
