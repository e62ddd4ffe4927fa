"""How a client of the revisions before 2026-07-28 begins over HTTP: `initialize`, and the session's id."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import replace

from bench import traffic
from bench.load import Target
from bench.procs import BenchError


def opened(target: Target, seconds: float = 30) -> Target:
    """Initializes, and returns the target with the session that was opened. Raises BenchError."""
    params = {
        "protocolVersion": traffic.LEGACY,
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1.0.0"},
    }
    session = _posted(replace(target, session=""), traffic.body("initialize", params, 1), seconds)
    made = replace(target, session=session)
    _posted(made, traffic.body("notifications/initialized", {}, None), seconds)
    return made


def _posted(target: Target, body: bytes, seconds: float) -> str:
    """The session's id of the response; "" where it has none."""
    fields = traffic.headers("", None, target.token, target.session)
    url = f"http://127.0.0.1:{target.port}{target.path}"
    request = urllib.request.Request(url, data=body, headers=dict(fields), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            answer.read()
            return str(answer.headers.get("Mcp-Session-Id") or "")
    except urllib.error.HTTPError as error:
        raise BenchError(f"no session: {error.code} {error.read()[:300]!r}") from None
    except OSError as error:
        raise BenchError(f"no session: {error}") from None
