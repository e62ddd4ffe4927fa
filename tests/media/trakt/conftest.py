"""Async tests run on asyncio, as the servers do."""

from __future__ import annotations

import pytest

from gatepost_media.trakt import client


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_waiting_between_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox takes writes as they come; what keeps them apart has tests of its own."""
    monkeypatch.setattr(client, "INTERVAL", 0.0)
