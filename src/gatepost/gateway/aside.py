"""What a client sends beside its requests: notifications, answers to the server, and the legacy GET and DELETE."""

from __future__ import annotations

import asyncio
from typing import Final

from gatepost.gateway import answers, events, relay, tasks
from gatepost.gateway.caller import Caller
from gatepost.gateway.core import Gateway
from gatepost.gateway.exchange import Call, Progress
from gatepost.gateway.heads import forwarded
from gatepost.gateway.sessions import Session, find
from gatepost.mcp import legacy
from gatepost.mcp.message import INVALID_REQUEST, Message
from gatepost.mcp.methods import MODERN_VERSIONS, Duty
from gatepost.mcp.refused import Refused
from gatepost.upstreams.base import Reply, Upstream, UpstreamFailed
from gatepost.wire.listener import Request

_NO_REQUEST: Final = Message("notification", None, None, {}, {})
"""Stands for the request of a listening stream, which answers none."""


async def onward(gateway: Gateway, request: Request, call: Call) -> None:
    """Relay a client's notification, or its answer to a server's request. Raises `Refused`."""
    message = call.message
    if message.kind == "response":
        message = _opened(gateway, call)
    session = None if call.session is None else call.session.upstream_id
    caller = call.caller
    try:
        upstream = gateway.bridges.towards(caller) if call.bridged else gateway.upstream(caller.upstream.config)
        reply = await upstream.post(message.encode(), message, forwarded(request.head, call, message), session)
    except UpstreamFailed as failure:
        if message.kind == "response" and not failure.sent:
            gateway.take_back(str(call.message.id))
        answers.plain(request, 502, failure.code, str(failure))
        return
    reply.abort()
    if 200 <= reply.status < 300:
        request.reply(202, ())
    elif reply.status == 404 and call.session is not None:
        gateway.sessions.end(call.session)
        answers.plain(request, 404, "GP-1004", "The server has ended the session. Begin anew.")
    else:
        answers.plain(request, 502, "GP-3003", f"The server answered HTTP {reply.status}.")


def _opened(gateway: Gateway, call: Call) -> Message:
    """A client's answer under the id that the server used: only for a request the server made on this session, once."""
    caller, message = call.caller, call.message
    session = None if call.session is None else call.session.upstream_id
    try:
        asked_on, _, id = gateway.sealer.open("request", caller.grant.id, caller.server_name, str(message.id))
        if asked_on != session:
            raise ValueError("asked on another session")
    except (ValueError, TypeError):
        raise Refused(
            400, INVALID_REQUEST, "GP-1006", "No request of the server has this id in this session."
        ) from None
    answered = tasks.answered(gateway, caller, message).with_id(id)
    # Last of all: what is refused has answered nothing.
    if not gateway.redeem(str(message.id)):
        raise Refused(400, INVALID_REQUEST, "GP-1006", "The server's request was answered already.")
    return answered


async def side_stream(gateway: Gateway, request: Request, caller: Caller, found: dict[bytes, bytes]) -> None:
    """The legacy GET (listen, resume) and DELETE (end the session). Raises `Refused`."""
    version = found.get(b"mcp-protocol-version")
    bridged = caller.upstream.lacks == "legacy"
    if request.method not in ("GET", "DELETE") or not (bridged or "legacy" in caller.upstream.config.eras):
        request.reply(405, ((b"allow", b"POST"),))
        return
    if version is not None and version.decode("latin-1") in MODERN_VERSIONS:
        request.reply(405, ((b"allow", b"POST"),))
        return
    session = find(gateway.sessions, caller, found.get(b"mcp-session-id"), gateway.clock())
    if session is None:
        request.reply(405, ((b"allow", b"POST"),))
        return
    try:
        upstream = gateway.bridges.towards(caller) if bridged else gateway.upstream(caller.upstream.config)
        if request.method == "DELETE":
            reply = await upstream.delete(legacy.forward_headers(found), session.upstream_id)
            reply.abort()
            gateway.sessions.end(session)
            gateway.note("session", action="ended", grant_id=caller.grant.id, server=caller.server_name)
            request.reply(reply.status if reply.status in (200, 202, 204, 404, 405) else 200, ())
            return
        await _listen(gateway, upstream, request, caller, session, found)
    except UpstreamFailed as failure:
        if not request.started:
            answers.plain(request, 502, failure.code, str(failure))


async def _listen(
    gateway: Gateway,
    upstream: Upstream,
    request: Request,
    caller: Caller,
    session: Session,
    found: dict[bytes, bytes],
) -> None:
    headers = legacy.forward_headers(found)
    last, target = request.header(b"last-event-id"), None
    if last is not None:
        id, target = _event_id(gateway, caller, session, last)
        headers.append((b"last-event-id", id.encode("utf-8")))
    reply = await upstream.listen(headers, session.upstream_id)
    try:
        if reply.kind != "sse":
            status = reply.status if reply.status in (400, 404, 405) else 502
            answers.plain(request, status, "GP-1015", "The server offers no stream of its own.", (b"allow", b"POST"))
            return
        await _relay_listening(gateway, request, caller, session, reply, resumed=last is not None, target=target)
    finally:
        reply.abort()


def _event_id(gateway: Gateway, caller: Caller, session: Session, token: bytes) -> tuple[str, str | None]:
    """The server's own id of an event, and the tool whose stream it was on."""
    try:
        key, id, target = gateway.sealer.open("event", caller.grant.id, caller.server_name, token.decode("latin-1"))
        if key != session.upstream_id:
            raise ValueError("another session's")
    except (ValueError, TypeError):
        raise Refused(404, INVALID_REQUEST, "GP-1004", "The event id is not of this session.") from None
    return str(id), target


async def _relay_listening(
    gateway: Gateway,
    request: Request,
    caller: Caller,
    session: Session,
    reply: Reply,
    *,
    resumed: bool,
    target: str | None,
) -> None:
    listening = Call(caller, _NO_REQUEST, legacy, legacy.DEFAULT_VERSION, Duty.LISTEN, session, {})
    progress = Progress(request, "", streaming=True)
    request.start(200, relay.EVENT_STREAM)
    relay.guard(gateway, caller, progress)
    request.on_gone(request.cancel)
    session.streams += 1
    try:
        async for event in reply.events():
            out = events.listened(gateway, listening, event, resumed=resumed, target=target)
            if out is not None:
                await relay.write(request, out, keep_reading=False)
        request.end()
    except asyncio.CancelledError:
        if not request.gone and progress.error_class != "revoked":
            raise
    finally:
        session.streams -= 1
        session.used = gateway.clock()
        gateway.streams.pop(progress, None)
