"""The events of a server's stream, one by one, as a client may see them."""

from __future__ import annotations

import time

from msgspec import structs

from gatepost.gateway import tasks, transform
from gatepost.gateway.caller import Caller
from gatepost.gateway.core import Gateway
from gatepost.gateway.exchange import Call, Progress, Verdict
from gatepost.mcp.lists import BadList
from gatepost.mcp.message import Message, MessageError, parse
from gatepost.mcp.methods import Duty
from gatepost.mcp.plain import plain_answer, plain_progress
from gatepost.wire import sse


def answered(gateway: Gateway, call: Call, verdict: Verdict, event: sse.Event, progress: Progress) -> bytes | None:
    """One event as the client may see it, None where it is dropped."""
    if not event.data or plain_progress(event.data):
        return with_id(gateway, call, event, None, verdict.target)
    if call.duty is Duty.TOOL and not progress.answered_ns:
        plain = plain_answer(event.data, call.message.id)
        if plain is not None:
            progress.answered_ns = time.perf_counter_ns()
            progress.is_error, progress.carried_out = plain, True
            return with_id(gateway, call, event, None, verdict.target)
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
    return with_id(gateway, call, event, None if out is message else out.encode(), verdict.target)


def resumed(answer: bytes, call: Call, progress: Progress) -> None:
    """Note how a call ended whose stream was taken up again: its answer was passed on already, and is whole."""
    progress.answered_ns = time.perf_counter_ns()
    progress.carried_out = True
    progress.bytes_out += len(answer)
    progress.is_error = plain_answer(answer, call.message.id)
    if progress.is_error is None:
        body = parse(answer).body
        result = body.get("result")
        progress.is_error = "error" in body or (isinstance(result, dict) and result.get("isError") is True)


def _unasked(gateway: Gateway, call: Call, message: Message, target: str | None) -> Message | None:
    if message.kind == "notification":
        out = transform.notification(gateway, _as_now(gateway, call), message)
    else:
        out = transform.server_request(gateway, call, message, target)
        if out is None:
            dropped(gateway, call.caller, f"The server asked for {message.method}, which it may not here.")
    return None if out is None else tasks.related(gateway, call.caller, out, target)


def _as_now(gateway: Gateway, call: Call) -> Call:
    """The call with the policy that its grant has by now: a stream may be older than what hides a thing on it."""
    caller, snapshot = call.caller, gateway.snapshot
    grant = snapshot.grants.at(caller.token)
    policy = caller.policy if grant is None else snapshot.policy_of(grant)
    if policy is caller.policy:
        return call
    return structs.replace(call, caller=structs.replace(caller, policy=policy))


def with_id(gateway: Gateway, call: Call, event: sse.Event, data: bytes | None, target: str | None) -> bytes:
    """The event's bytes: as they came, but with other data, and a legacy event's id sealed to its session.

    Args:
        target: the tool whose stream it is, for what comes when the stream is resumed.
    """
    token = None
    if event.id:
        caller = call.caller
        session = None if call.session is None else call.session.upstream_id
        token = gateway.sealer.seal("event", caller.grant.id, caller.server_name, [session, event.id, target])
    return event.raw if data is None and token is None else sse.rewritten(event, data=data, id=token)


def listened(
    gateway: Gateway, call: Call, event: sse.Event, *, resumed: bool, target: str | None = None
) -> bytes | None:
    """One event of a listening stream as the client may see it, None where it is dropped.

    Args:
        target: the tool whose stream is resumed, where one is.
    """
    if not event.data:
        return with_id(gateway, call, event, None, target)
    try:
        message = parse(event.data)
        if message.kind == "response":
            if not resumed:
                raise BadList("A response on a stream that resumes nothing.")
            caller = _as_now(gateway, call).caller
            out: Message | None = tasks.replayed(gateway, caller, transform.replayed(gateway, caller, message), target)
        else:
            out = _unasked(gateway, call, message, target)
    except (MessageError, BadList) as error:
        dropped(gateway, call.caller, str(error))
        return None
    if out is None:
        return None
    return with_id(gateway, call, event, None if out is message else out.encode(), target)


def dropped(gateway: Gateway, caller: Caller, why: str) -> None:
    """Record that something a server sent was not passed on."""
    gateway.metrics.dropped[caller.server_name] += 1
    gateway.drops.note(server=caller.server_name, grant_id=caller.grant.id, reason=why)
