"""Forwarding an allowed call, and passing on what comes back.

A plain result of a call is passed on as it came, once it is known to be one; what lies inside it is the server's affair
(decision 8). Any other answer is parsed as strictly as a client's request. What cannot be parsed, or answers something
nobody asked, is dropped and recorded; the client gets a clear error in its place.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from gatepost.gateway import answers, events, listed, tasks, transform
from gatepost.gateway.caller import Caller
from gatepost.gateway.core import Gateway
from gatepost.gateway.exchange import Call, Progress, Verdict
from gatepost.gateway.heads import forwarded
from gatepost.gateway.sessions import TooManySessions, too_many
from gatepost.mcp import legacy, modern, replies
from gatepost.mcp.lists import BadList
from gatepost.mcp.message import INVALID_REQUEST, MessageError, parse
from gatepost.mcp.methods import Duty
from gatepost.mcp.plain import plain_answer
from gatepost.upstreams.base import Reply, UpstreamFailed
from gatepost.wire import sse, strictjson
from gatepost.wire.listener import ClientGone, Request

EVENT_STREAM: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
_PLAIN: Final = frozenset({Duty.TOOL, Duty.RESOURCE, Duty.PROMPT, Duty.COMPLETION})
"""Duties whose complete results are passed on as they come."""
_CLASSES: Final = {
    "GP-1012": "too_many_sessions",
    "GP-3001": "connect",
    "GP-3002": "timeout",
    "GP-3003": "bad_response",
    "GP-3004": "too_large",
    "GP-3005": "program",
    "GP-3006": "redirect",
}
"""What the log calls each way in which a server can fail."""


async def call(gateway: Gateway, request: Request, call: Call, verdict: Verdict, progress: Progress) -> None:
    """Send an allowed request and pass on its answer. Writes what happened to `progress`."""
    caller = call.caller
    key = call.session.upstream_id if call.session is not None else None
    starts = call.message.method == "initialize"
    if starts:
        try:
            gateway.sessions.claim(caller.grant.id)
        except TooManySessions:
            progress.carried_out, progress.error_class = False, "too_many_sessions"
            answers.rpc(request, replies.error(call.message.id, 1012, str(too_many()), {"code": "GP-1012"}))
            return
    if starts and (call.bridged or caller.upstream.config.transport == "stdio"):
        key = gateway.sessions.new_key()
    if call.era is modern:
        # Closing the response stream is how a modern client cancels; a legacy one may come back for the rest.
        request.on_gone(request.cancel)
    progress.forwarded_ns = time.perf_counter_ns()
    try:
        upstream = gateway.bridges.towards(caller) if call.bridged else gateway.upstream(caller.upstream.config)
        sent = verdict.forward
        reply = await upstream.post(sent.encode(), sent, forwarded(request.head, call, sent), key)
    except UpstreamFailed as failure:
        _failed(request, call, progress, failure)
        return
    finally:
        if starts:
            gateway.sessions.unclaim(caller.grant.id)
    progress.status = reply.status
    try:
        if starts:
            key = _session_id(reply) or key
            if key is not None and 200 <= reply.status < 300:
                progress.session = gateway.sessions.begin(caller.grant.id, caller.server_name, key, gateway.clock())
                if call.bridged:
                    gateway.bridges.began(caller, progress.session)
                gateway.note("session", action="began", grant_id=caller.grant.id, server=caller.server_name)
        if reply.kind == "sse":
            await _stream(gateway, request, call, verdict, reply, progress)
        else:
            await _single(gateway, request, call, verdict, reply, progress)
    except UpstreamFailed as failure:
        _failed(request, call, progress, failure)
    finally:
        reply.abort()
        session = progress.session
        if session is not None and (progress.is_error or progress.carried_out is not True):
            gateway.sessions.end(session)  # it has not begun after all
            gateway.let_go(session, "refused")


def _session_id(reply: Reply) -> str | None:
    """The session that a server began, where its id is one that a header may carry."""
    value = next((value for name, value in reply.headers if name == b"mcp-session-id"), b"")
    return value.decode("ascii") if value and all(0x21 <= byte <= 0x7E for byte in value) else None


def _failed(request: Request, call: Call, progress: Progress, failure: UpstreamFailed) -> None:
    """Answer with the failure of the server. Where a stream has begun, the error is its last event."""
    progress.error_class = _CLASSES.get(failure.code, "upstream")
    progress.carried_out = "unknown" if failure.sent else False
    body = replies.error(call.message.id, int(failure.code[3:]), str(failure), {"code": failure.code})
    progress.bytes_out += len(body)
    if request.gone:
        return
    if progress.streaming:
        request.push(sse.encode(body))
        request.end()
    else:
        answers.rpc(request, body)


def _session_header(progress: Progress) -> tuple[tuple[bytes, bytes], ...]:
    if progress.session is None or progress.is_error:
        return ()
    return ((b"mcp-session-id", progress.session.token.encode("ascii")),)


async def _single(
    gateway: Gateway, request: Request, call: Call, verdict: Verdict, reply: Reply, progress: Progress
) -> None:
    """Pass on an answer that is one JSON body."""
    raw = await reply.body(gateway.settings.max_result)
    progress.answered_ns = time.perf_counter_ns()
    if reply.status == 404 and call.session is not None:
        gateway.sessions.end(call.session)
        progress.carried_out, progress.error_class = False, "session_ended"
        why = "The server has ended the session. Begin anew."
        answers.rpc(request, replies.error(call.message.id, INVALID_REQUEST, why, {"code": "GP-1004"}), status=404)
        return
    if call.duty in _PLAIN and 200 <= reply.status < 300:
        plain = plain_answer(raw, call.message.id)
        if plain is not None:
            progress.is_error, progress.carried_out, progress.bytes_out = plain, True, len(raw)
            request.reply(reply.status, answers.JSON_HEADERS, raw)
            return
    result = listed.result_of(raw, call.message.id) if call.duty is Duty.LIST and call.message.id is not None else None
    if result is not None:
        known = gateway.listed.find(call, result)
        if known is not None and call.message.id is not None:
            body = listed.answer(call.message.id, known)
            progress.is_error, progress.carried_out, progress.bytes_out = False, True, len(body)
            answers.rpc(request, body)
            return
    try:
        message = parse(raw)
        if not transform.answers(call, message):
            raise BadList("The answer is to a request that was not made.")
        out = transform.response(gateway, call, verdict, message, progress)
        if result is not None and not progress.is_error and not tasks.names_one(message.body["result"]):
            gateway.listed.keep(call, result, strictjson.write(out.body["result"]))
    except (MessageError, BadList) as error:
        events.dropped(gateway, call.caller, str(error))
        name = call.caller.server_name
        http = "" if 200 <= reply.status < 300 else f" It answered HTTP {reply.status}."
        why = f"The server {name!r} gave no valid answer: {error}{http}"
        raise UpstreamFailed("GP-3003", name, why, sent=True) from None
    progress.carried_out = True
    body = raw if out is message else out.encode()
    progress.bytes_out = len(body)
    status = reply.status if 200 <= reply.status < 300 or reply.status in (400, 404) else 200
    answers.rpc(request, body, *_session_header(progress), status=status)


async def _stream(
    gateway: Gateway, request: Request, call: Call, verdict: Verdict, reply: Reply, progress: Progress
) -> None:
    """Pass on an event stream, event by event."""
    request.start(200, (*EVENT_STREAM, *_session_header(progress)))
    progress.streaming = True
    guard(gateway, call.caller, progress)
    resumable, broke = False, None
    try:
        async for event in reply.events():
            out = events.answered(gateway, call, verdict, event, progress)
            resumable = resumable or (event.id is not None and call.era is legacy)
            if out is not None:
                progress.bytes_out += len(out)
                if request.flows:
                    request.push(out)
                else:
                    await write(request, out, keep_reading=call.era is legacy)
    except UpstreamFailed as failure:
        if not resumable or progress.answered_ns or failure.code != "GP-3003":
            raise
        broke = failure
    finally:
        gateway.streams.pop(progress, None)
    if not progress.answered_ns:
        if not resumable:
            name, why = call.caller.server_name, "closed the stream without an answer"
            raise UpstreamFailed("GP-3003", name, f"The server {name!r} {why}.", sent=True)
        answer = await request.resumed()
        if answer:
            events.resumed(answer, call, progress)
        elif broke is not None:
            raise broke
    if not request.gone:
        request.end()


def guard(gateway: Gateway, caller: Caller, progress: Progress) -> None:
    """Let a revoked grant close this stream."""

    def close() -> None:
        progress.error_class = "revoked"
        progress.request.abort()
        progress.request.cancel()

    gateway.streams[progress] = (caller, close)


async def write(request: Request, chunk: bytes, *, keep_reading: bool) -> None:
    """Write to the client. A legacy client that left may resume, so its stream is read on to the end."""
    try:
        await request.write(chunk)
    except ClientGone:
        if not keep_reading:
            raise asyncio.CancelledError from None
