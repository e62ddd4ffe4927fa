"""The status page says what is running, safely."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gatepost.processes.status_page import DecisionLine, Facts, ServerLine, application, render

FACTS = Facts(
    version="0.1.0",
    data_plane=("ready", True),
    address="http://127.0.0.1:7070",
    servers=(ServerLine("files", "npx <b>", "legacy", 14, "read_file"),),
    grants={"active": 1, "expired": 2, "revoked": 0},
    decisions=(DecisionLine("2026-11-21 05:31:00", "me", "files", "<script>", "deny", "(default deny)"),),
    indexed=12345,
)


def get(path: str, host: str) -> tuple[int, dict[str, str], str]:
    sent: list[dict[str, Any]] = []

    async def collect() -> Facts:
        return FACTS

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", host.encode())] if host else [],
        "server": ("127.0.0.1", 7071),
        "client": ("127.0.0.1", 1),
    }
    asyncio.run(application(collect)(scope, receive, send))  # type: ignore[arg-type]
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]).decode()


def test_what_comes_from_elsewhere_is_escaped() -> None:
    page = render(FACTS)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "npx &lt;b&gt;" in page
    assert "1 grant in use, 2 expired, 0 revoked" in page


@pytest.mark.parametrize("host", ["localhost:7071", "127.0.0.1", "[::1]:7071", "LOCALHOST"])
def test_a_loopback_host_is_answered_under_a_strict_policy(host: str) -> None:
    status, headers, body = get("/", host)
    assert status == 200
    assert "Gatepost" in body
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("host", ["evil.example:7071", "localhost.evil.example", "127.0.0.1.evil.example", ""])
def test_any_other_host_is_refused(host: str) -> None:
    status, headers, body = get("/status.json", host)
    assert status == 421
    assert "files" not in body
    assert "content-security-policy" in headers
