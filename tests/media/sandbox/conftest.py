"""A sandbox for each test, and a client for each of its services."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from gatepost_media.sandbox import Sandbox
from tests.media.sandbox.clients import Services

T = TypeVar("T")
Run = Callable[[Callable[[Sandbox, Services], Awaitable[T]]], T]


@pytest.fixture
def run() -> Run[object]:
    """Runs `async def body(box, services)` against a new sandbox."""

    def runner(body: Callable[[Sandbox, Services], Awaitable[T]], **options: object) -> T:
        async def whole() -> T:
            async with Sandbox("small", **options) as box, Services(box) as services:  # type: ignore[arg-type]
                return await body(box, services)

        return asyncio.run(whole())

    return runner
