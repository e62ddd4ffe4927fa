"""The two rows of a call (PROTOCOL: Audit), in the form that is written fastest.

Their members stand in the order of the canonical form, so that writing a row sorts nothing; any other record is a
dict. `chain`, `seq`, `prev` and `hash` are the journal's to fill in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

OPEN: Final = msgspec.Raw(b"\0")
"""Stands for the hash in an encoded row until it is known: a byte that JSON text never holds."""


class Decided(msgspec.Struct, gc=False):
    """What was decided, and what was taken for it: durable before the call is forwarded.

    Attributes:
        arguments: the names of the arguments, sorted.
        arguments_hmac: the keyed hash of their canonical form, whose values are never stored; None without any.
        limits: each limit's counter before and after (`quota.Taken`).
        shadowed: [rule, effect] of what shadow mode let pass.
        tool: the tool, resource URI or prompt the call is about.
    """

    approval_id: str | None
    arguments: Sequence[str]
    arguments_hmac: str | None
    category: str | None
    chain: str
    client: str
    decision: str
    decision_id: str
    definition_hash: str | None
    enforced: bool
    grant: str
    grant_id: str
    hash: str | msgspec.Raw
    id: str
    identity: str
    kind: Literal["decided"]
    limits: Sequence[Any]
    message: str
    method: str | None
    policy: str | None
    policy_version: str | None
    prev: str
    protocol: str
    reservation: str | None
    rule: str
    seq: int
    server: str
    shadowed: Sequence[Sequence[str]]
    time: str
    tool: str | None
    trace_id: str | None
    v: int


class Settled(msgspec.Struct, gc=False):
    """How a call ended.

    Attributes:
        carried_out: True where the request left the gateway and was answered, False where it provably never left,
            "unknown" where it left and no whole answer came.
        is_error: the result's own `isError`, or True for a JSON-RPC error; None without an answer.
        error_class: a short word for a failure of the gateway or upstream: `timeout`, `connect`, `bad_response`,
            `client_gone`, `revoked`, …
        latency_us, upstream_us: microseconds, of the whole call and of the server alone.
        bytes_in, bytes_out: of the two bodies.
    """

    bytes_in: int
    bytes_out: int
    carried_out: bool | str
    chain: str
    decision_id: str
    error_class: str | None
    hash: str | msgspec.Raw
    id: str
    is_error: bool | None
    kind: Literal["settled"]
    latency_us: int
    prev: str
    seq: int
    time: str
    upstream_status: int | None
    upstream_us: int | None
    v: int


Record = dict[str, Any] | Decided | Settled
