"""The events of a server's stream, one by one, as a client may see them."""

from __future__ import annotations

import time

from gatepost.gateway import transform
from gatepost.gateway.caller import Caller
from gatepost.gateway.core import Gateway
from gatepost.gateway.exchange import Call, Progress, Verdict
from gatepost.mcp.lists import BadList
from gatepost.mcp.message import Message, MessageError, parse, plain_answer
from gatepost.mcp.methods import Duty
from gatepost.wire import sse


def answered(gateway: Gateway, call: Call, verdict: Verdict, event: sse.Event, progress: Progress) -> bytes | None:
    """One event as the client may see it, None where it is dropped."""
    if event.data is None or event.data == b"":
        return with_id(gateway, call, event, None)
    if call.duty is Duty.TOOL and not progress.answered_ns:
        plain = plain_answer(event.data, call.message.id)
        if plain is not None:
            progress.answered_ns = time.perf_counter_ns()
            progress.is_error, progress.carried_out = plain, True
            return with_id(gateway, call, event, None)
    try:
        message = parse(event.data)
        if message.kind == "response":
            if progress.answered_ns or not transform.answers(call, message):
                raise BadList("A response to a request that was not made, or that was answered already.")
            out: Message | None = transform.response(gateway, call, verdict, message, progress)
            progress.answered_ns = time.perf_counter_ns()
            progress.carried_out = True
        else:
            out = _unasked(gateway, call, message, verdict.target)
    except (MessageError, BadList) as error:
        dropped(gateway, call.caller, str(error))
        return None
    if out is None:
        return None
    return with_id(gateway, call, event, None if out is message else out.encode())


def _unasked(gateway: Gateway, call: Call, message: Message, target: str | None) -> Message | None:
    if message.kind == "notification":
        return transform.notification(gateway, call, message)
    out = transform.server_request(gateway, call, message, target)
    if out is None:
        dropped(gateway, call.caller, f"The server asked for {message.method}, which it may not here.")
    return out


def with_id(gateway: Gateway, call: Call, event: sse.Event, data: bytes | None) -> bytes:
    """The event's bytes: as they came, but with other data, and a legacy event's id sealed to its session."""
    token = None
    if event.id:
        caller = call.caller
        session = None if call.session is None else call.session.upstream_id
        token = gateway.sealer.seal("event", caller.grant.id, caller.server_name, [session, event.id])
    return event.raw if data is None and token is None else sse.rewritten(event, data=data, id=token)


def listened(gateway: Gateway, call: Call, event: sse.Event, *, resumed: bool) -> bytes | None:
    """One event of a listening stream as the client may see it, None where it is dropped."""
    if not event.data:
        return with_id(gateway, call, event, None)
    try:
        message = parse(event.data)
        if message.kind == "response":
            if not resumed:
                raise BadList("A response on a stream that resumes nothing.")
            out: Message | None = transform.replayed(gateway, call.caller, message)
        else:
            out = _unasked(gateway, call, message, None)
    except (MessageError, BadList) as error:
        dropped(gateway, call.caller, str(error))
        return None
    if out is None:
        return None
    return with_id(gateway, call, event, None if out is message else out.encode())


def dropped(gateway: Gateway, caller: Caller, why: str) -> None:
    """Record that something a server sent was not passed on."""
    gateway.metrics.dropped[caller.server_name] += 1
    gateway.drops.note(server=caller.server_name, grant_id=caller.grant.id, reason=why)
