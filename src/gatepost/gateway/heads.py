"""What the main path reads in a request's head. Clients repeat their heads to the byte: each is read once."""

from __future__ import annotations

from typing import Final

import msgspec

from gatepost.gateway.exchange import Call
from gatepost.mcp import legacy, modern
from gatepost.mcp.headers import Mirrored, mcp_headers
from gatepost.mcp.message import Message
from gatepost.mcp.methods import Duty
from gatepost.wire.head import Head

Forwarded = tuple[tuple[bytes, bytes], ...]

_KEY: Final = __name__
_TRACE: Final = frozenset({b"traceparent", b"tracestate"})


class Facts(msgspec.Struct):
    """What a head says.

    Attributes:
        mcp: its `MCP-*` headers by lower-case name.
        json: whether its Content-Type is JSON.
        forwarded: by protocol era, what of it goes upstream with a request that agrees with it.
    """

    mcp: Mirrored
    json: bool
    forwarded: dict[str, Forwarded]


def facts(head: Head) -> Facts:
    """The facts of a head. Raises `Refused` where an `MCP-*` header stands twice."""
    known = head.memo.get(_KEY)
    if known is None:
        media = head.values.get(b"content-type", b"")
        json = media.partition(b";")[0].strip().lower() == b"application/json"
        known = head.memo[_KEY] = Facts(mcp_headers(head.headers), json, {})
    return known


def forwarded(head: Head, call: Call, message: Message) -> Forwarded:
    """What travels upstream of a client's headers: the protocol's own, and trace context. Nothing else ever does.

    A request's own headers were compared with its body, so those made from the body are the same for each request with
    this head; but for the id of a task, which a client need not name there. A notification's were not compared.

    Args:
        message: as it is sent.
    """
    if message.kind != "request":
        return _forwarded(head, call, message)
    known = facts(head).forwarded
    found = known.get(call.era.NAME)
    if found is None:
        found = _forwarded(head, call, message)
        if call.duty is not Duty.TASK:
            known[call.era.NAME] = found
    return found


def _forwarded(head: Head, call: Call, message: Message) -> Forwarded:
    if call.era is modern:
        out = modern.forward_headers(message, call.protocol, head.headers)
    else:
        out = legacy.forward_headers(call.mcp)
    return (*out, *[pair for pair in head.headers if pair[0] in _TRACE])
