"""The audit rows of the main path (PROTOCOL: Audit): what was decided, and how it ended."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from gatepost.gateway.exchange import Call, Progress, Verdict
from gatepost.journal.calls import OPEN, Decided, Settled
from gatepost.mcp.message import Message
from gatepost.policy import Decision
from gatepost.quota import Count
from gatepost.wire import strictjson

_counter = itertools.count()
_boot = secrets.token_hex(4)
_second: tuple[int, str] = (0, "")


def new_id() -> str:
    """An id that sorts by time: nanoseconds, a counter, and random digits of this process, in hexadecimal."""
    return f"{time.time_ns():016x}{next(_counter) & 0xFFFF:04x}{_boot}"


def timestamp() -> str:
    """Now in UTC with microseconds, as records carry it: `2026-11-21T05:31:00.123456Z`."""
    global _second
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    if _second[0] != seconds:
        _second = (seconds, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)))
    return f"{_second[1]}.{nanoseconds // 1000:06d}Z"


def iso(seconds: float) -> str:
    """An instant in UTC to the second: `2026-11-21T05:31:00Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def decided(
    call: Call,
    verdict: Verdict,
    decision: Decision,
    decision_id: str,
    counts: Sequence[Count],
    reserved: str | None,
    hmac: Callable[[bytes], str],
) -> Decided:
    """The row that is durable before a call is forwarded.

    Args:
        decision: what came of the verdict's once the limits were asked.
        counts: the limits' counters, and what was taken from them.
        reserved: the id under which it was taken.
        hmac: keyed hash for the canonical arguments, whose values are never stored.
    """
    caller, message, tool = call.caller, call.message, verdict.tool
    policy, grant = caller.policy, caller.grant
    arguments = message.params.get("arguments")
    category, definition_hash = (None, None) if tool is None else (tool.category, tool.hash)
    return Decided(  # by place: names would cost ten times as much
        None,  # approval_id
        sorted(arguments) if isinstance(arguments, dict) else (),
        hmac(strictjson.canonical(arguments)) if arguments else None,
        category,
        "",  # chain
        caller.client,
        decision.effect,
        decision_id,
        definition_hash,
        decision.enforced,
        grant.label,
        grant.id,
        OPEN,  # hash
        decision_id + ".d",
        grant.identity,
        "decided",
        [count.as_record() for count in counts],
        decision.message,
        message.method,
        grant.policy,
        None if policy is None else policy.version,
        "",  # prev
        call.protocol,
        verdict.kept or reserved,
        decision.rule,
        0,  # seq
        caller.server_name,
        decision.shadowed,
        timestamp(),
        verdict.target,
        _trace_id(message),
        1,  # v
    )


def _trace_id(message: Message) -> str | None:
    """The trace id of a W3C `traceparent` in `_meta`, where it has that form."""
    parent = message.meta().get("traceparent")
    if not isinstance(parent, str) or len(parent) != 55:
        return None
    return parent[3:35]


def settled(progress: Progress) -> Settled:
    """The row that says how a call ended."""
    now, request = time.perf_counter_ns(), progress.request
    answered = progress.answered_ns
    return Settled(
        len(request.body),
        progress.bytes_out,
        progress.carried_out,
        "",  # chain
        progress.decision_id,
        progress.error_class,
        OPEN,  # hash
        progress.decision_id + ".s",
        progress.is_error,
        "settled",
        (now - request.received_ns) // 1000,
        "",  # prev
        0,  # seq
        timestamp(),
        progress.status,
        (answered - progress.forwarded_ns) // 1000 if answered else None,
        1,  # v
    )


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """Any other row: `refused`, `session`, `server_request`, `dropped`, `drift`."""
    return {"v": 1, "id": new_id(), "time": timestamp(), "kind": kind, **fields}
