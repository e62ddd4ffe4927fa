"""One request on its way through the main path."""

from __future__ import annotations

from types import ModuleType

import msgspec

from gatepost.gateway.caller import Caller
from gatepost.gateway.sessions import Session
from gatepost.gateway.snapshot import Tool
from gatepost.mcp.message import Message
from gatepost.mcp.methods import Duty
from gatepost.policy import Decision
from gatepost.wire.listener import Request


class Call(msgspec.Struct, frozen=True, gc=False):
    """One parsed request, before it is judged. Immutable: what is judged is what is forwarded.

    Attributes:
        caller: grant, server and policy.
        message: as the client sent it.
        era: the module of its protocol era (`mcp.modern` or `mcp.legacy`).
        protocol: its revision.
        duty: what the main path owes its method.
        session: the legacy session it belongs to.
        mcp: its `MCP-*` headers by lower-case name.
        bridged: whether the server does not speak this era.
    """

    caller: Caller
    message: Message
    era: ModuleType
    protocol: str
    duty: Duty
    session: Session | None
    mcp: dict[bytes, bytes]
    bridged: bool = False


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What a call is about, and what the policy says of it.

    Attributes:
        decision: allow, deny or approve.
        target: the tool, resource or prompt by name; None where the method has none.
        tool: its definition, for a tool.
        forward: the message to send upstream (sealed ids opened, hidden names taken out).
        kept: the reservation that a retry brings along (POLICY.md section 4), or None.
        nonce: under what it was taken, to be given back where the call provably does not leave.
    """

    decision: Decision
    target: str | None
    forward: Message
    tool: Tool | None = None
    kept: str | None = None
    nonce: str | None = None


class Progress(msgspec.Struct, eq=False):
    """How far a forwarded call has come: written by the relay, read when it is settled."""

    request: Request
    decision_id: str
    forwarded_ns: int = 0
    answered_ns: int = 0
    status: int | None = None
    carried_out: bool | str = "unknown"
    is_error: bool | None = None
    error_class: str | None = None
    bytes_out: int = 0
    streaming: bool = False
    session: Session | None = None
