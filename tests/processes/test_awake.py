"""The loop stays awake after a message, and only for a moment."""

from __future__ import annotations

import asyncio
import itertools
import selectors

import pytest

from gatepost.processes import awake
from gatepost.processes.awake import Awake


class Looks(selectors.DefaultSelector):  # type: ignore[misc, valid-type]  # which one is the platform's choice
    """Counts how often the loop only looks, and ends it when it would sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.without_sleep = 0
        self.would_sleep = asyncio.Event()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            self.without_sleep += 1
        else:
            self.would_sleep.set()
        return super().select(0)


def looks(stirred: int, *, rests: bool = False) -> int:
    selector = Looks()
    loop = asyncio.SelectorEventLoop(selector)

    async def script() -> None:
        one = Awake(loop, itertools.count(1, 10_000).__next__)
        for _ in range(stirred):
            one.stir()
        if rests:
            one.rest()
        await selector.would_sleep.wait()

    loop.run_until_complete(script())
    loop.close()
    return selector.without_sleep


def test_after_a_message_the_loop_looks_again_and_again_and_sleeps_in_the_end() -> None:
    assert looks(stirred=1) > looks(stirred=0)
    assert looks(stirred=3) > looks(stirred=0)


def waits(messages: int, *, answered: bool) -> list[bool]:
    """For each message, whether the loop stayed awake after it; where it is answered, an answer comes meanwhile."""
    selector = Looks()
    loop = asyncio.SelectorEventLoop(selector)
    stayed: list[bool] = []

    async def script() -> None:
        one = Awake(loop, itertools.count(1, 10_000).__next__)
        for _ in range(messages):
            before = selector.without_sleep
            one.stir()
            if answered:
                for _ in range(3):
                    await asyncio.sleep(0)
                one.stir()
            selector.would_sleep.clear()
            await selector.would_sleep.wait()
            stayed.append(selector.without_sleep - before >= 10)

    loop.run_until_complete(script())
    loop.close()
    return stayed


def test_a_loop_that_stays_awake_in_vain_gives_it_up_and_tries_again_now_and_then() -> None:
    """Of a server that takes its time nothing comes so soon, nor of one that waits for this very core."""
    stayed = waits(200, answered=False)
    assert stayed[:8] == [True] * 8
    assert sum(stayed[8:]) == 2
    assert stayed[8 + 64] and stayed[8 + 64 + 65]


def test_a_loop_stays_awake_as_long_as_something_comes_of_it() -> None:
    assert waits(200, answered=True) == [True] * 200


def test_where_there_is_one_core_the_others_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awake.os, "cpu_count", lambda: 1)
    assert looks(stirred=1) == looks(stirred=0)


def test_who_is_kept_on_one_core_sleeps_while_it_rests_for_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several `run` on one core: who keeps the books needs it. With more cores the loop stays awake for the answer."""
    monkeypatch.setattr(awake.os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert looks(stirred=1, rests=True) <= looks(stirred=0) + 1 < looks(stirred=1)
    monkeypatch.setattr(awake.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert looks(stirred=1, rests=True) > looks(stirred=0) + 1
