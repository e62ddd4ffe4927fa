"""The audit rows of the main path (PROTOCOL: Audit): what was decided, and how it ended."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from gatepost.gateway.caller import Caller
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
) -> dict[str, Any]:
    """The row that is durable before a call is forwarded.

    Args:
        target: the tool, resource URI or prompt the call is about.
        hmac: keyed hash for the canonical arguments, whose values are never stored.
        counts: what the reservation took.
    """
    arguments = message.params.get("arguments")
    policy = caller.policy
    return {
        "v": 1,
        "id": decision_id + ".d",
        "time": timestamp(),
        "kind": "decided",
        "decision_id": decision_id,
        "grant_id": caller.grant.id,
        "grant": caller.grant.label,
        "identity": caller.grant.identity,
        "server": caller.server_name,
        "client": caller.client,
        "protocol": protocol,
        "method": message.method,
        "tool": target,
        "category": category,
        "arguments": sorted(arguments) if isinstance(arguments, dict) else [],
        "arguments_hmac": hmac(strictjson.canonical(arguments)) if arguments else None,
        "policy": caller.grant.policy,
        "policy_version": None if policy is None else policy.version,
        "definition_hash": definition_hash,
        "decision": decision.effect,
        "enforced": decision.enforced,
        "rule": decision.rule,
        "message": decision.message,
        "shadowed": [list(pair) for pair in decision.shadowed],
        "limits": [count.as_record() for count in counts],
        "reservation": reservation,
        "approval_id": None,
        "trace_id": trace_id,
    }


def settled(
    decision_id: str,
    *,
    carried_out: bool | str,
    upstream_status: int | None = None,
    is_error: bool | None = None,
    error_class: str | None = None,
    latency_us: int = 0,
    upstream_us: int | None = None,
    bytes_in: int = 0,
    bytes_out: int = 0,
) -> dict[str, Any]:
    """The row that says how a call ended.

    Args:
        carried_out: True where the request left the gateway and was answered, False where it provably never left,
            "unknown" where it left and no whole answer came.
        is_error: the result's own `isError`, or True for a JSON-RPC error; None without an answer.
        error_class: a short word for a failure of the gateway or upstream: `timeout`, `connect`, `bad_response`,
            `client_gone`, `revoked`, …
    """
    return {
        "v": 1,
        "id": decision_id + ".s",
        "time": timestamp(),
        "kind": "settled",
        "decision_id": decision_id,
        "carried_out": carried_out,
        "upstream_status": upstream_status,
        "is_error": is_error,
        "error_class": error_class,
        "latency_us": latency_us,
        "upstream_us": upstream_us,
        "bytes_in": bytes_in,
        "bytes_out": bytes_out,
    }


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """Any other row: `refused`, `session`, `server_request`, `dropped`, `drift`."""
    return {"v": 1, "id": new_id(), "time": timestamp(), "kind": kind, **fields}
