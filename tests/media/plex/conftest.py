"""Async tests run on asyncio, as the servers do."""

from __future__ import annotations

import pytest

from gatepost_media.common import http


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_waiting_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often is tried again is looked at, not how long is waited."""
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.0)
