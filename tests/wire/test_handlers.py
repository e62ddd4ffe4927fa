"""What handlers owe, and what they learn: one answer each, failures answered for, clients that leave."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

from gatepost.wire.listener import ClientGone, Request
from tests.wire.serving import Answer, Serving, post, run, until

LOOPS = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])


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


def test_nothing_can_be_sent_before_an_answer_or_behind_it() -> None:
    caught: list[str] = []

    async def confused(request: Request) -> None:
        for act in (request.end, lambda: request.push(b"early")):
            with pytest.raises(RuntimeError, match="under way"):
                act()
        request.start(200, ())
        await request.write(b"whole")
        request.end()
        request.end()
        with pytest.raises(RuntimeError, match="under way"):
            request.push(b"late")
        caught.append("all")

    async def main() -> None:
        async with Serving(confused) as serving:
            client = await serving.connect()
            await client.send(post() + post())
            assert [(await client.answer()).body, (await client.answer()).body] == [b"whole", b"whole"]
            assert caught == ["all", "all"]

    run(main())


@LOOPS
def test_what_is_written_behind_a_cut_goes_nowhere(loop: str, caplog: pytest.LogCaptureFixture) -> None:
    async def cut(request: Request) -> None:
        request.start(200, ())
        request.abort()
        request.push(b"more")
        with contextlib.suppress(ClientGone):
            await request.write(b"more")
        request.end()

    async def main() -> None:
        async with Serving(cut) as serving:
            await serving.exchange(post())
            await until(lambda: serving.listener.connections == 0 and serving.listener.requests_in_flight == 0)

    run(main(), loop=loop)
    assert caplog.text == ""
