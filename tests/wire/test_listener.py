"""The listener: whole requests reach the handler, in order, and its answers the client."""

from __future__ import annotations

import asyncio
import logging

import pytest

from gatepost.errors import GatepostError
from gatepost.wire.listener import Limits, Listener, Refusal, Request
from tests.wire.serving import Answer, Serving, chunked, post, run, until

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


# -- pipelining


def test_pipelined_requests_are_answered_in_order_and_one_at_a_time() -> None:
    running: list[Request] = []

    async def answer(request: Request) -> None:
        running.append(request)
        await asyncio.sleep(0.002)
        assert running == [request]
        running.remove(request)
        request.reply(200, (), request.body)

    async def main() -> None:
        async with Serving(answer) as serving:
            client = await serving.connect()
            await client.send(b"".join(post(b"%d" % number) for number in range(30)))
            assert [(await client.answer()).body for _ in range(30)] == [b"%d" % number for number in range(30)]

    run(main())


def test_a_pipelined_request_is_not_judged_before_the_one_in_front_is_answered() -> None:
    judged: list[str] = []
    free = asyncio.Event()

    async def answer(request: Request) -> None:
        await free.wait()
        request.reply(200, (), b"")

    def on_head(request: Request) -> Refusal | None:
        judged.append(request.path)
        return Refusal(401, "GP-1001", "No.") if request.path == "/two" else None

    async def main() -> None:
        async with Serving(answer, on_head=on_head) as serving:
            client = await serving.connect()
            await client.send(post(path="/one") + post(path="/two"))
            await until(lambda: serving.requests)
            assert judged == ["/one"]
            free.set()
            assert [(await client.answer()).status, (await client.answer()).status] == [200, 401]
            assert judged == ["/one", "/two"]

    run(main())


def test_garbage_behind_a_request_is_refused_behind_its_answer() -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            await client.send(post(b"one") + b"garbage\r\n\r\n")
            first, second = await client.answer(), await client.answer()
            assert (first.status, first.body, second.status) == (200, b"one", 400)
            assert len(serving.requests) == 1
            assert len(serving.refusals) == 1

    run(main())


def test_many_small_pipelined_requests_cost_no_more_each_than_alone() -> None:
    async def main() -> None:
        count = 8000
        async with Serving(limits=Limits(max_body=4 << 20)) as serving:
            client = await serving.connect()
            loop = asyncio.get_running_loop()
            began = loop.time()
            await client.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * count)
            for _ in range(count):
                await client.answer()
            assert loop.time() - began < 8
            assert len(serving.requests) == count

    run(main())


def test_more_pipelined_than_a_request_may_be_closes_behind_the_answer() -> None:
    free = asyncio.Event()

    async def answer(request: Request) -> None:
        await free.wait()
        request.reply(200, (), b"done")

    async def main() -> None:
        async with Serving(answer, limits=Limits(max_body=10_000)) as serving:
            client = await serving.connect()
            await client.send(post(b"first"))
            await until(lambda: serving.requests)
            await client.send(post(b"x" * 9_000) * 8)
            (connection,) = serving.listener._open
            await until(lambda: not connection.keeps())
            free.set()
            answer_ = await client.answer()
            assert (answer_.body, answer_.headers["connection"]) == (b"done", "close")
            assert await client.rest() == b""
            assert len(serving.requests) == 1

    run(main())


def test_what_stands_behind_a_chunked_body_in_one_read_is_left_to_be_sent_again() -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            await client.send(chunked(b"one") + post(b"two"))
            answer = await client.answer()
            assert (answer.body, answer.headers["connection"]) == (b"one", "close")
            assert await client.rest() == b""
            assert [request.body for request in serving.requests] == [b"one"]

    run(main())


# -- keeping and closing


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


# -- on_head


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


# -- handlers


def test_a_handler_that_fails_is_answered_for_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(request: Request) -> None:
        raise KeyError("a bug")

    async def main() -> Answer:
        async with Serving(fail) as serving:
            client = await serving.connect()
            await client.send(post())
            answer = await client.answer()
            assert await client.rest() == b""
            return answer

    with caplog.at_level(logging.ERROR):
        answer = run(main())
    assert (answer.status, answer.json["code"]) == (500, "GP-1008")
    assert "a bug" in caplog.text
    assert b"a bug" not in answer.body


def test_a_handler_that_forgets_to_answer_is_answered_for() -> None:
    async def forget(request: Request) -> None:
        return None

    async def main() -> None:
        async with Serving(forget) as serving:
            assert (await serving.exchange(post())).startswith(b"HTTP/1.1 500 ")

    run(main())


def test_a_handler_that_leaves_a_stream_open_leaves_the_client_with_a_cut_answer() -> None:
    async def half(request: Request) -> None:
        request.start(200, ())
        await request.write(b"half")
        raise KeyError("a bug")

    async def main() -> None:
        async with Serving(half) as serving:
            raw = await serving.exchange(post())
            assert b"half" in raw
            assert not raw.endswith(b"0\r\n\r\n")

    run(main())


def test_a_request_is_answered_once() -> None:
    caught: list[Exception] = []

    async def twice(request: Request) -> None:
        request.reply(200, (), b"one")
        try:
            request.reply(200, (), b"two")
        except RuntimeError as error:
            caught.append(error)

    async def main() -> None:
        async with Serving(twice) as serving:
            client = await serving.connect()
            await client.send(post() + post())
            assert [(await client.answer()).body, (await client.answer()).body] == [b"one", b"one"]
            assert len(caught) == 2

    run(main())


def test_the_next_request_does_not_wait_for_what_a_handler_does_behind_its_answer() -> None:
    free = asyncio.Event()

    async def slow_end(request: Request) -> None:
        request.reply(200, (), b"")
        await free.wait()

    async def main() -> None:
        async with Serving(slow_end) as serving:
            client = await serving.connect()
            for _ in range(3):
                await client.send(post())
                await client.answer()
            assert serving.listener.requests_in_flight == 3
            free.set()
            await until(lambda: serving.listener.requests_in_flight == 0)

    run(main())


# -- clients that leave


@LOOPS
@pytest.mark.parametrize("how", ["close", "reset", "half close"])
def test_a_client_that_leaves_is_noticed_while_its_answer_is_pending(how: str, loop: str) -> None:
    told: list[bool] = []

    async def wait(request: Request) -> None:
        request.on_gone(lambda: told.append(request.gone))
        gone = asyncio.Event()
        request.on_gone(gone.set)
        await gone.wait()
        request.reply(200, (), b"too late")

    async def main() -> None:
        async with Serving(wait) as serving:
            client = await serving.connect()
            await client.send(post())
            await until(lambda: serving.requests)
            assert not serving.requests[0].gone
            if how == "half close":
                client.writer.write_eof()
            elif how == "reset":
                client.reset()
            else:
                client.close()
            await until(lambda: told)
            await until(lambda: serving.listener.connections == 0 and serving.listener.requests_in_flight == 0)
            assert told == [True]

    run(main(), loop=loop)


def test_a_client_that_leaves_is_noticed_behind_what_it_pipelined() -> None:
    async def wait(request: Request) -> None:
        request.on_gone(asyncio.current_task().cancel)  # type: ignore[union-attr]
        await asyncio.sleep(60)

    async def main() -> None:
        async with Serving(wait) as serving:
            client = await serving.connect()
            await client.send(post() + post(b"x" * 500_000) * 12)
            await until(lambda: serving.requests)
            client.close()
            await until(lambda: serving.listener.connections == 0)
            assert len(serving.requests) == 1

    run(main())


def test_a_callback_that_comes_late_is_called_at_once() -> None:
    told: list[str] = []

    async def wait(request: Request) -> None:
        gone = asyncio.Event()
        request.on_gone(gone.set)
        await gone.wait()
        request.on_gone(lambda: told.append("late"))

    async def main() -> None:
        async with Serving(wait) as serving:
            client = await serving.connect()
            await client.send(post())
            await until(lambda: serving.requests)
            client.close()
            await until(lambda: told)

    run(main())


def test_a_client_that_leaves_after_its_answer_is_not_gone() -> None:
    told: list[str] = []

    async def answer(request: Request) -> None:
        request.on_gone(lambda: told.append("gone"))
        request.reply(200, (), b"")

    async def main() -> None:
        async with Serving(answer) as serving:
            client = await serving.connect()
            await client.send(post())
            await client.answer()
            client.close()
            await until(lambda: serving.listener.connections == 0)
            assert told == []
            assert not serving.requests[0].gone

    run(main())


# -- starting and ending


def test_an_address_that_is_taken_is_an_error_that_says_so() -> None:
    async def main() -> None:
        async with Serving() as serving:
            with pytest.raises(GatepostError, match=f"127.0.0.1:{serving.port} cannot be listened on") as caught:
                await Listener(serving._handle).start("127.0.0.1", serving.port)
            assert caught.value.code == "GP-6003"

    run(main())


@LOOPS
def test_draining_lets_requests_finish_closes_the_idle_and_takes_no_new_ones(loop: str) -> None:
    free = asyncio.Event()

    async def wait(request: Request) -> None:
        await free.wait()
        request.reply(200, (), b"finished")

    async def main() -> None:
        async with Serving(wait) as serving:
            busy, idle = await serving.connect(), await serving.connect()
            await busy.send(post() + post())
            await until(lambda: serving.requests)
            draining = asyncio.ensure_future(serving.listener.drain(5))
            assert await idle.rest() == b""
            with pytest.raises(OSError):
                await serving.connect()
            free.set()
            answer = await busy.answer()
            assert (answer.body, answer.headers["connection"]) == (b"finished", "close")
            assert await busy.rest() == b""
            await draining
            assert serving.listener.connections == 0
            assert len(serving.requests) == 1

    run(main(), loop=loop)


def test_draining_cuts_and_calls_off_what_does_not_finish() -> None:
    ended: list[str] = []

    async def never(request: Request) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("called off")

    async def main() -> None:
        async with Serving(never) as serving:
            client = await serving.connect()
            await client.send(post())
            await until(lambda: serving.requests)
            await serving.listener.drain(0.05)
            assert ended == ["called off"]
            assert (serving.listener.connections, serving.listener.requests_in_flight) == (0, 0)
            assert await client.rest() == b""

    run(main())


def test_draining_waits_for_what_handlers_do_behind_their_answers() -> None:
    done: list[str] = []

    async def slow_end(request: Request) -> None:
        request.reply(200, ((b"connection", b"close"),), b"")
        await asyncio.sleep(0.1)
        done.append("recorded")

    async def main() -> None:
        async with Serving(slow_end) as serving:
            client = await serving.connect()
            await client.send(post())
            await client.answer()
            client.close()
            await serving.listener.drain(5)
            assert done == ["recorded"]

    run(main())


def test_more_connections_than_allowed_are_refused_and_the_others_go_on() -> None:
    async def main() -> None:
        async with Serving(limits=Limits(max_connections=2, linger=0.2)) as serving:
            first, second = await serving.connect(), await serving.connect()
            await first.send(post(b"1"))
            await second.send(post(b"2"))
            assert [(await first.answer()).body, (await second.answer()).body] == [b"1", b"2"]
            third = await serving.connect()
            assert (await third.answer()).status == 503
            third.close()
            await first.send(post(b"3"))
            assert (await first.answer()).body == b"3"
            second.close()
            await until(lambda: serving.listener.connections == 1)
            fourth = await serving.connect()
            await fourth.send(post(b"4"))
            assert (await fourth.answer()).body == b"4"
            assert len(serving.refusals) == 1

    run(main())


def test_a_client_behind_a_trusted_proxy_is_known_by_the_address_the_proxy_gives() -> None:
    async def seen(forwarded: list[str], trusted: tuple[str, ...]) -> str:
        async with Serving(trusted_proxies=trusted) as serving:
            headers = [f"X-Forwarded-For: {value}" for value in forwarded]
            await serving.exchange(post(b"", "/", "Connection: close", *headers))
            return serving.requests[0].client

    assert run(seen(["203.0.113.9"], ())) == "127.0.0.1"
    assert run(seen(["203.0.113.9"], ("10.0.0.0/8",))) == "127.0.0.1"
    assert run(seen(["203.0.113.9"], ("127.0.0.1",))) == "203.0.113.9"
    assert run(seen(["6.6.6.6, 203.0.113.9, 10.1.2.3"], ("127.0.0.0/8", "10.0.0.0/8"))) == "203.0.113.9"
    assert run(seen(["6.6.6.6", "203.0.113.9"], ("127.0.0.1",))) == "203.0.113.9"
    assert run(seen(["nonsense, 10.1.2.3"], ("127.0.0.1", "10.0.0.0/8"))) == "10.1.2.3"
    assert run(seen(["2001:db8::1"], ("127.0.0.1",))) == "2001:db8::1"


def test_a_refusal_is_told_of_with_the_forwarded_address() -> None:
    async def main() -> None:
        refusal = Refusal(401, "GP-1001", "No.")
        async with Serving(on_head=lambda request: refusal, trusted_proxies=("127.0.0.1",)) as serving:
            await serving.exchange(post(b"", "/", "X-Forwarded-For: 203.0.113.9"))
            assert serving.refusals == [("203.0.113.9", refusal)]

    run(main())


def test_a_trusted_proxy_that_is_no_network_is_an_error() -> None:
    with pytest.raises(GatepostError, match="network"):
        Listener(Serving()._handle, trusted_proxies=("proxy.example",))
