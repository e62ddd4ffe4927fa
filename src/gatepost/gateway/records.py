"""The audit rows of the main path (PROTOCOL: Audit): what was decided, and how it ended."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from gatepost.gateway.caller import Caller
from gatepost.gateway.exchange import Progress
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
    caller: Caller,
    message: Message,
    decision: Decision,
    *,
    decision_id: str,
    protocol: str,
    target: str | None,
    category: str | None,
    definition_hash: str | None,
    hmac: Callable[[bytes], str],
    counts: Sequence[Count] = (),
    reservation: str | None = None,
    trace_id: str | None = None,
) -> Decided:
    """The row that is durable before a call is forwarded.

    Args:
        target: the tool, resource URI or prompt the call is about.
        hmac: keyed hash for the canonical arguments, whose values are never stored.
        counts: what the reservation took.
    """
    arguments = message.params.get("arguments")
    policy, grant = caller.policy, caller.grant
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
        protocol,
        reservation,
        decision.rule,
        0,  # seq
        caller.server_name,
        decision.shadowed,
        timestamp(),
        target,
        trace_id,
        1,  # v
    )


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
