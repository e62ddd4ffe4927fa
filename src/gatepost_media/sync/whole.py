"""Writes that are not left half-way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")

_SECONDS = 4.0


async def whole(write: Coroutine[object, object, T]) -> T:
    """Awaits a write. If cancelled, the write is waited for some seconds more, and then the cancellation goes on.

    A request that has left is carried out by the other side whoever waits for the answer; a sync that is begun again
    right after an interruption would not see it yet, and would send it twice.
    """
    task = asyncio.ensure_future(write)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(task, _SECONDS)
        raise
