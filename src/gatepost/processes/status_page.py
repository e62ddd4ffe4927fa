"""The worker's page that says what is running: plain HTML, no script, nothing from elsewhere, nothing secret.

It is served on loopback only. A page of another site cannot read it through a name of its own that leads to 127.0.0.1
(DNS rebinding), because a Host that is not a loopback name is refused.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REFRESH_SECONDS = 5

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --dim: #66707f; --line: #dfe3e8; --paper: #fbfbfa;
  --good: #1f7a4d; --bad: #b3261e; --wait: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --dim: #97a1ae; --line: #30363f; --paper: #14181d;
  --good: #6fd19e; --bad: #ff8a80; --wait: #e8b45c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2.5rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2.5rem 0 .5rem; }
p { margin: .5rem 0; } .dim { color: var(--dim); } .good { color: var(--good); } .bad { color: var(--bad); }
.wait { color: var(--wait); } code { font: .92em ui-monospace, monospace; }
.wide { overflow-x: auto; } table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--dim); font-size: .85rem; }
th, td { padding: .45rem 1rem .45rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; }
"""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class ServerLine:
    """One server: its name, how it is reached, the eras it speaks, how many tools it has, what has drifted."""

    name: str
    reached: str
    eras: str
    tools: int
    drift: str


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """One decision as the log has it; `time` is readable and in UTC."""

    time: str
    grant: str
    server: str
    tool: str
    decision: str
    rule: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page says.

    Attributes:
        version: of Gatepost.
        data_plane: what the data plane is doing in a few words, and whether all is well with it.
        address: the data plane's base URL, or empty.
        servers, decisions: the tables; decisions newest first.
        grants: how many grants are in use, expired and revoked.
        indexed: how many rows of the log are indexed.
    """

    version: str
    data_plane: tuple[str, bool]
    address: str
    servers: tuple[ServerLine, ...]
    grants: dict[str, int]
    decisions: tuple[DecisionLine, ...]
    indexed: int


def application(collect: Callable[[], Awaitable[Facts]]) -> ASGIApp:
    """The ASGI application: `/` is the page, `/status.json` the same for programs, `/healthz` says ok."""

    async def page(_request: Request) -> Response:
        return HTMLResponse(render(await collect()))

    async def status(_request: Request) -> Response:
        facts = await collect()
        return JSONResponse(
            {
                "version": facts.version,
                "data_plane": {"status": facts.data_plane[0], "ready": facts.data_plane[1], "address": facts.address},
                "servers": [
                    {"name": line.name, "eras": line.eras, "tools": line.tools, "drift": line.drift}
                    for line in facts.servers
                ],
                "grants": facts.grants,
                "indexed": facts.indexed,
            }
        )

    async def health(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    routes = [Route("/", page), Route("/status.json", status), Route("/healthz", health)]
    return _Guard(Starlette(routes=routes))


class _Guard:
    """Refuses every Host but a loopback one, and sends the protecting headers with every answer."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_HEADERS]}
            await send(message)

        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or _without_port(hosts[0]) not in _LOOPBACK:
            refusal = PlainTextResponse("This page is for this machine alone.\n", status_code=421)
            await refusal(scope, receive, protected)
            return
        await self._inner(scope, receive, protected)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def render(facts: Facts) -> str:
    """The page; every text that comes from elsewhere is escaped."""
    words, well = facts.data_plane
    address = f" at <code>{escape(facts.address)}</code>" if facts.address else ""
    in_use, expired, revoked = (facts.grants.get(key, 0) for key in ("active", "expired", "revoked"))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{REFRESH_SECONDS}">
<title>Gatepost</title>
<style>{_STYLE}</style>
</head>
<body>
<header><h1>Gatepost</h1><span class="dim">{escape(facts.version)}</span></header>
<p>The data plane is <strong class="{"good" if well else "bad"}">{escape(words)}</strong>{address}.</p>
<p class="dim">{_count(in_use, "grant")} in use, {expired} expired, {revoked} revoked ·
{facts.indexed:,} rows of the log indexed</p>
<h2>Servers</h2>
{_servers(facts.servers)}
<h2>Last decisions</h2>
{_decisions(facts.decisions)}
</body>
</html>
"""


def _servers(lines: tuple[ServerLine, ...]) -> str:
    if not lines:
        return "<p>None yet. <code>gatepost server add NAME -- COMMAND</code> puts one behind the gateway.</p>"
    rows = "".join(
        f"<tr><td>{escape(line.name)}</td><td><code>{escape(line.reached)}</code></td><td>{escape(line.eras)}</td>"
        f'<td class="number">{line.tools}</td><td class="{"wait" if line.drift else "dim"}">'
        f"{escape(line.drift) or 'none'}</td></tr>"
        for line in lines
    )
    heads = '<th>Name</th><th>Reached by</th><th>Eras</th><th class="number">Tools</th><th>Drift</th>'
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


_DECISION_CLASS = {"allow": "good", "deny": "bad", "approve": "wait"}


def _decisions(lines: tuple[DecisionLine, ...]) -> str:
    if not lines:
        return "<p>No call has been judged yet.</p>"
    rows = "".join(
        f"<tr><td>{escape(line.time)}</td><td>{escape(line.grant)}</td><td>{escape(line.server)}</td>"
        f"<td><code>{escape(line.tool)}</code></td>"
        f'<td class="{_DECISION_CLASS.get(line.decision, "dim")}">{escape(line.decision)}</td>'
        f"<td><code>{escape(line.rule)}</code></td></tr>"
        for line in lines
    )
    heads = "<th>Time (UTC)</th><th>Grant</th><th>Server</th><th>Tool</th><th>Decision</th><th>Rule</th>"
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
