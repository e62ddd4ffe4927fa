"""What `server show` tells people of a server in use."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from gatepost.cli.running import pairs

QUIET: dict[str, Any] = {
    "transport": "stdio",
    "program": "npx",
    "programs": [],
    "starts": 1,
    "unexpected_ends": 0,
    "restart_in": 0.0,
    "last_end": None,
    "dropped": {"count": 0, "last": ""},
    "stderr": "ready\n",
}
PROGRAM = {"pid": 4711, "started": 1795239060.0, "in_flight": 0, "answers": 12, "shared": False}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_quiet_server_says_no_more_than_that() -> None:
    assert pairs(QUIET) == [("running", "no program; the next session starts one"), ("starts", "1")]


def test_programs_are_told_apart_by_process() -> None:
    one = "process 4711 since 2026-11-21 05:31:00 (12 answers, 0 in flight)"
    assert pairs({**QUIET, "programs": [PROGRAM]})[0] == ("running", one)
    shared = {**PROGRAM, "pid": 4712, "answers": 1, "in_flight": 3, "shared": True}
    two = f"2 programs: {one}; process 4712 since 2026-11-21 05:31:00 for all callers (1 answer, 3 in flight)"
    assert pairs({**QUIET, "programs": [PROGRAM, shared]})[0] == ("running", two)


def test_a_failing_program_says_how_it_ended_and_when_it_starts_again() -> None:
    end = {"time": 1795239061.0, "how": "has ended with exit code 3", "stderr": "boom"}
    failing = {**QUIET, "starts": 4, "unexpected_ends": 3, "restart_in": 1.75, "last_end": end}
    failing["dropped"] = {"count": 2, "last": "not JSON"}
    assert pairs(failing)[1:] == [
        ("starts", "4, 3 ended unexpectedly"),
        ("last end", "2026-11-21 05:31:01: it has ended with exit code 3"),
        ("restart", "in 1.8 s, when it is next needed"),
        ("dropped", "2 messages, the last because: not JSON"),
    ]


def test_a_server_at_a_url_says_how_often_it_was_asked_and_what_failed() -> None:
    status = {"transport": "http", "url": "https://mcp.example.com/", "requests": 1200, "failures": 0}
    assert pairs({**status, "last_failure": None}) == [("requests", "1,200")]
    failure = {"time": 1795239061.0, "code": "GP-3001", "message": "The server 'x' cannot be reached."}
    assert pairs({**status, "failures": 2, "last_failure": failure}) == [
        ("requests", "1,200, 2 failed"),
        ("last failure", "2026-11-21 05:31:01: GP-3001: The server 'x' cannot be reached."),
    ]
