"""Lines that wait for something, when that is called off."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Coroutine
from typing import Any

from gatepost.gateway.stdio.waiting import Waiting


def test_what_lines_wait_for_may_be_called_off_before_it_has_begun() -> None:
    began: list[str] = []
    tasks: list[asyncio.Task[None]] = []

    async def work() -> None:
        began.append("work")

    async def use() -> Waiting:
        def spawn(work: Coroutine[Any, Any, None]) -> None:
            tasks.append(asyncio.get_running_loop().create_task(work))

        waiting = Waiting(lambda line: began.append("line"), spawn, lambda: None)
        waiting.hold(work, b"first")
        tasks[0].cancel()
        await asyncio.wait(tasks)
        return waiting

    gc.collect()  # what others left
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        waiting = asyncio.run(use())
        gc.collect()
    assert tasks[0].cancelled()
    assert began == []
    assert len(waiting) == 1
    assert [said for one in warned if "never awaited" in (said := str(one.message))] == []
