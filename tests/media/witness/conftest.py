"""A sandbox in a thread, for programs without an event loop, that nobody here wrote."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gatepost_media.sandbox import Sandbox


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.in_thread("small") as started:
        yield started
