"""The loop stays awake after a message, and only for a moment."""

from __future__ import annotations

import asyncio
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
        one = Awake(loop)
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


def test_where_there_is_one_core_the_others_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awake.os, "cpu_count", lambda: 1)
    assert looks(stirred=1) == looks(stirred=0)


def test_who_is_kept_on_one_core_sleeps_while_it_rests_for_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several `run` on one core: who keeps the books needs it. With more cores the loop stays awake for the answer."""
    monkeypatch.setattr(awake.os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert looks(stirred=1, rests=True) <= looks(stirred=0) + 1 < looks(stirred=1)
    monkeypatch.setattr(awake.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert looks(stirred=1, rests=True) > looks(stirred=0) + 1
