"""HTTP answers of the data plane, and the rows for requests that are refused before any rule is read."""

from __future__ import annotations

import math
from typing import Any, Final

from gatepost.gateway import records
from gatepost.gateway.caller import Caller
from gatepost.gateway.core import Gateway
from gatepost.gateway.exchange import Call, Verdict
from gatepost.gateway.pins import CHANGED
from gatepost.grants.table import Grant
from gatepost.mcp import modern, replies
from gatepost.mcp.message import Id, MessageError
from gatepost.mcp.methods import Duty
from gatepost.mcp.refused import Refused
from gatepost.policy import Decision
from gatepost.quota import Exhausted
from gatepost.wire import strictjson
from gatepost.wire.listener import Request

JSON: Final = (b"content-type", b"application/json")
NO_STORE: Final = (b"cache-control", b"no-store")
JSON_HEADERS: Final = (JSON, NO_STORE)
POLICY_DENIED: Final = 4030
"""Our JSON-RPC code for a resource, prompt, completion or task that a policy refuses; a tool call gets a result."""
UNAVAILABLE: Final = Decision(
    effect="deny",
    rule="(unavailable)",
    message="The call cannot be recorded just now, so it is not made. Try again later.",
)


def plain(request: Request, status: int, code: str, message: str, *headers: tuple[bytes, bytes]) -> None:
    """Answer outside JSON-RPC: `{"code": "GP-…", "message": "…"}`."""
    request.reply(status, (*JSON_HEADERS, *headers), strictjson.write({"code": code, "message": message}))


def rpc(request: Request, body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> None:
    """Answer with one JSON-RPC message."""
    request.reply(status, (*JSON_HEADERS, *headers), body)


def refuse(gateway: Gateway, request: Request, caller: Caller, why: Refused | MessageError, id: Id | None) -> None:
    """Answer a request that is refused before any rule is read, and record it."""
    if isinstance(why, Refused):
        status, code, data = why.status, why.code, why.data
    else:
        status, code, data = 400, "GP-1005" if why.rpc_code == -32700 else "GP-1006", None
    record_refusal(gateway, status, code, why.message, caller.client, server=caller.server_name, grant=caller.grant)
    rpc(request, replies.error(id, why.rpc_code, why.message, {"code": code, **(data or {})}), status=status)


def record_refusal(
    gateway: Gateway, status: int, code: str, reason: str, client: str, *, server: str | None, grant: Grant | None
) -> None:
    """Record a refusal; over the cap of rows per second it is only counted."""
    gateway.metrics.refused[code] += 1
    gateway.refusals.note(
        status=status,
        code=code,
        reason=reason,
        client=client,
        server=server,
        grant_id=None if grant is None else grant.id,
        grant=None if grant is None else grant.label,
    )


def denied(
    request: Request, call: Call, verdict: Verdict, decision: Decision, decision_id: str, why: Exhausted | None
) -> int:
    """Tell the agent that, and why, its call is not made (POLICY.md section 6). Returns the size of the answer."""
    id = call.message.id
    assert id is not None
    if decision.rule in HIDDEN_RULES:
        body = replies.unknown_tool(id, verdict.target or "")
        rpc(request, body)
        return len(body)
    about: dict[str, Any] = {"id": decision_id, "effect": decision.effect, "rule": decision.rule}
    if why is not None:
        about["limit"] = _number(why.use.max)
        about["remaining"] = _number(why.remaining)
        # rounded up as in the text: before it, not even a sliding window has room
        about["retry_at"] = None if why.retry_at is None else records.iso(math.ceil(why.retry_at))
    prefix = replies.APPROVAL_REQUIRED if decision.effect == "approve" else replies.DENIED
    text = prefix + decision.message
    if call.duty is Duty.TOOL:
        body = replies.refused_tool(id, text, about, modern=call.era is modern)
    else:
        body = replies.error(id, POLICY_DENIED, text, {replies.DECISION_KEY: about})
    rpc(request, body)
    return len(body)


def _number(value: Any) -> int | float:
    return int(value) if value == int(value) else float(value)


HIDDEN_RULES: Final = frozenset({"(hidden)", "(unknown tool)", CHANGED})
"""Rules whose refusal must not be told apart from a tool that does not exist."""
