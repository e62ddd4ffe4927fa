"""Handlers that go on in the callback that brings what they waited for; as tasks where they wait for anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gatepost.wire.running import RaisedAlready, Running, Signal, Together, as_task

Body = Callable[[list[str]], Coroutine[Any, Any, None]]


def started(body: Body, told: list[str], loop: asyncio.AbstractEventLoop) -> Running:
    running = Running(body(told), loop, lambda _: told.append("ended"))
    running.start()
    return running


def play(script: Callable[[asyncio.AbstractEventLoop], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        await script(asyncio.get_running_loop())

    asyncio.run(run())


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_it_begins_at_once_and_goes_on_before_the_signal_has_been_set() -> None:
    """Both without a turn of the loop: outside of a task, as in the callbacks of a protocol."""
    signal: Signal[str] = Signal()
    told: list[str] = []

    async def body(told: list[str]) -> None:
        told.append("begun")
        told.append(await signal)

    loop = asyncio.new_event_loop()

    def callback() -> None:
        started(body, told, loop)
        told.append("started")
        signal.set_result("went on")
        told.append("set")
        loop.stop()

    loop.call_soon(callback)
    loop.run_forever()
    loop.close()
    assert told == ["begun", "started", "went on", "ended", "set"]


def test_a_signal_set_inside_a_task_wakes_in_the_next_turn_so_that_no_task_is_taken_for_another() -> None:
    async def script(loop: asyncio.AbstractEventLoop) -> None:
        signal: Signal[None] = Signal()
        told: list[str] = []

        async def body(told: list[str]) -> None:
            await signal
            told.append(str(asyncio.current_task()))

        started(body, told, loop)
        signal.set_result(None)
        assert told == []
        await turns()
        assert told == ["None", "ended"]

    play(script)


def test_a_signal_that_was_set_before_is_not_waited_for() -> None:
    async def script(loop: asyncio.AbstractEventLoop) -> None:
        good: Signal[int] = Signal()
        good.set_result(7)
        bad: Signal[int] = Signal()
        bad.set_exception(ValueError("no"))
        told: list[str] = []

        async def body(told: list[str]) -> None:
            told.append(str(await good))
            with pytest.raises(ValueError, match="no"):
                await bad

        started(body, told, loop)
        assert told == ["7", "ended"]

    play(script)


def test_a_failure_is_raised_where_it_is_waited_for() -> None:
    async def script(loop: asyncio.AbstractEventLoop) -> None:
        signal: Signal[int] = Signal()
        told: list[str] = []

        async def body(told: list[str]) -> None:
            try:
                await signal
            except OSError as error:
                told.append(str(error))

        started(body, told, loop)
        signal.set_exception(OSError("gone"))
        await turns()
        assert told == ["gone", "ended"]

    play(script)


def test_a_task_may_wait_for_a_signal_too() -> None:
    async def script(loop: asyncio.AbstractEventLoop) -> None:
        signal: Signal[int] = Signal()
        loop.call_soon(signal.set_result, 3)
        assert await signal == 3
        given_up: Signal[int] = Signal()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await given_up
        given_up.set_result(4)  # whoever waited has gone, and nothing happens

    play(script)


def test_it_becomes_a_task_where_it_waits_for_a_future() -> None:
    async def script(loop: asyncio.AbstractEventLoop) -> None:
        future: asyncio.Future[str] = loop.create_future()
        signal: Signal[str] = Signal()
        told: list[str] = []

        async def body(told: list[str]) -> None:
            told.append(await future)
            assert asyncio.current_task() is not None
            told.append(await signal)
            await asyncio.sleep(0)

        started(body, told, loop)
        future.set_result("future")
        await turns()
        assert told == ["future"]
        signal.set_result("signal")
        await turns()
        assert told == ["future", "signal", "ended"]

    play(script)


def test_it_is_a_task_behind_as_task_so_that_time_limits_work() -> None:
    async def script(loop: asyncio.AbstractEventLoop) -> None:
        told: list[str] = []

        async def body(told: list[str]) -> None:
            await as_task()
            try:
                async with asyncio.timeout(0):
                    await loop.create_future()
            except TimeoutError:
                told.append("too late")

        started(body, told, loop)
        await turns(10)
        assert told == ["too late", "ended"]
        await as_task()  # in a task already: nothing to wait for

    play(script)


@pytest.mark.parametrize("waits_for", ["signal", "future"])
def test_cancelling_raises_where_it_waits_in_a_later_turn(waits_for: str) -> None:
    async def script(loop: asyncio.AbstractEventLoop) -> None:
        signal: Signal[None] = Signal()
        told: list[str] = []

        async def body(told: list[str]) -> None:
            try:
                await (signal if waits_for == "signal" else loop.create_future())
            except asyncio.CancelledError:
                told.append("cancelled")
                raise

        running = started(body, told, loop)
        await turns()
        running.cancel()
        assert told == []
        await turns()
        assert told == ["cancelled", "ended"]
        signal.set_result(None)
        running.cancel()
        assert told == ["cancelled", "ended"]

    play(script)


def test_one_that_is_cancelled_before_its_task_has_begun_is_told_so() -> None:
    async def script(loop: asyncio.AbstractEventLoop) -> None:
        told: list[str] = []

        async def body(told: list[str]) -> None:
            try:
                await loop.create_future()
            except asyncio.CancelledError:
                told.append("cancelled")
                raise

        started(body, told, loop).cancel()
        await turns()
        assert told == ["cancelled", "ended"]

    play(script)


def test_one_that_cancels_itself_is_cancelled_at_its_next_wait() -> None:
    async def script(loop: asyncio.AbstractEventLoop) -> None:
        signal: Signal[None] = Signal()
        told: list[str] = []
        kept: list[Running] = []

        async def body(told: list[str]) -> None:
            kept[0].cancel()
            told.append("still here")
            try:
                await signal
            except asyncio.CancelledError:
                told.append("cancelled")
                raise

        kept.append(Running(body(told), loop, lambda _: told.append("ended")))
        kept[0].start()
        await turns()
        assert told == ["still here", "cancelled", "ended"]

    play(script)


def test_what_escapes_goes_to_the_loops_handler_and_ends_it() -> None:
    async def script(loop: asyncio.AbstractEventLoop) -> None:
        seen: list[str] = []
        loop.set_exception_handler(lambda _, context: seen.append(repr(context["exception"])))
        told: list[str] = []

        async def body(told: list[str]) -> None:
            raise KeyError("odd")

        started(body, told, loop)
        assert told == ["ended"]
        assert seen == ["KeyError('odd')"]

    play(script)


def test_what_is_ready_in_one_turn_goes_on_in_its_order_in_the_next_and_then_what_comes_after_all_of_it() -> None:
    async def script(_: asyncio.AbstractEventLoop) -> None:
        told: list[str] = []
        together = Together(lambda: told.append("after"))
        together.add(lambda: told.append("first"))
        together.add(lambda: told.append("second"))
        told.append("added")
        await turns(1)
        assert told == ["added", "first", "second", "after"]

    play(script)


def test_what_becomes_ready_while_others_go_on_has_its_turn_after_them() -> None:
    async def script(_: asyncio.AbstractEventLoop) -> None:
        told: list[str] = []
        together = Together(lambda: told.append("after"))
        together.add(lambda: together.add(lambda: told.append("later")))
        together.add(lambda: told.append("second"))
        await turns(2)
        assert told == ["second", "after", "later", "after"]

    play(script)


def test_one_that_fails_keeps_nobody_else_from_going_on_and_is_reported() -> None:
    async def script(loop: asyncio.AbstractEventLoop) -> None:
        told: list[str] = []
        loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))
        together = Together(lambda: told.append("after"))
        together.add(lambda: fails("one"))
        together.add(lambda: told.append("second"))
        await turns(1)
        assert told == ["one", "second", "after"]

    play(script)


def fails(why: str) -> None:
    raise ValueError(why)


def test_what_ended_it_is_there_when_its_end_is_told_and_reported_unless_it_is_taken() -> None:
    async def script(loop: asyncio.AbstractEventLoop) -> None:
        reported: list[str] = []
        loop.set_exception_handler(lambda _, context: reported.append(str(context["exception"])))

        async def fails_at_once() -> None:
            raise ValueError("at once")

        async def fails_as_a_task() -> None:
            await asyncio.sleep(0)
            raise ValueError("as a task")

        def take(running: Running) -> None:
            taken.append(str(running.error))
            running.error = None

        for body in (fails_at_once, fails_as_a_task):
            taken: list[str] = []
            Running(body(), loop, take).start()
            await turns()
            assert len(taken) == 1
            assert not reported
            Running(body(), loop, lambda _: None).start()
            await turns()
            assert reported == taken
            reported.clear()

    play(script)


def test_a_failure_that_is_waited_for_twice_is_never_taken_for_a_result() -> None:
    async def script(_: asyncio.AbstractEventLoop) -> None:
        signal: Signal[None] = Signal()
        signal.set_exception(LookupError())
        with pytest.raises(LookupError):
            await signal
        with pytest.raises(RaisedAlready):
            await signal

    play(script)
