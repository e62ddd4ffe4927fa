"""The main path, top to bottom: authenticate → parse → decide → reserve → record → forward → settle.

`handle` is the only way a call takes. Read it with a finger; every refusal is on the way.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, cast

from msgspec import structs

from gatepost.gateway import answers, aside, records, relay, tasks
from gatepost.gateway.answers import HIDDEN_RULES
from gatepost.gateway.bridge import check_bridged
from gatepost.gateway.caller import Caller
from gatepost.gateway.core import Gateway
from gatepost.gateway.exchange import Call, Progress, Verdict
from gatepost.gateway.heads import facts
from gatepost.gateway.judge import judge, judge_unseen
from gatepost.gateway.sessions import Session, find
from gatepost.journal import JournalUnavailable
from gatepost.mcp import legacy, modern
from gatepost.mcp.message import INVALID_REQUEST, Message, MessageError, parse
from gatepost.mcp.methods import Duty
from gatepost.mcp.refused import Refused
from gatepost.policy import Decision, Effect, Use, limit_message
from gatepost.quota import Count, Exhausted, Reservation
from gatepost.wire.listener import Request

_log: Final = logging.getLogger(__name__)
_UNCOUNTED: Final = "The limits of this call cannot be counted just now, so it is not made. Try again later."
_NOTHING: Final[tuple[Count, ...]] = ()
_NOBODY_APPROVES: Final = "Nobody is set up to approve calls here yet, so this call is not made."


async def handle(gateway: Gateway, request: Request) -> None:
    """Serve one complete HTTP request whose caller `entry.on_head` has authenticated."""
    caller: Caller = request.context
    message: Message | None = None
    session: Session | None = None
    try:
        head = facts(request.head)
        if request.method != "POST":
            await aside.side_stream(gateway, request, caller, head.mcp)
            return
        if not head.json:
            raise Refused(415, INVALID_REQUEST, "GP-1008", "The Content-Type must be application/json.")
        message = parse(request.body)
        call = _understood(gateway, caller, message, head.mcp)
        meta = message.params.get("_meta")
        if meta is not None and tasks.RELATED in meta:
            call = structs.replace(call, message=tasks.asked(gateway, caller, message))
        if message.kind != "request":
            await aside.onward(gateway, request, call)
            return
        session = _in_flight(call)
        verdict = judge(gateway, call)
        if verdict.decision.rule in HIDDEN_RULES and call.duty is Duty.TOOL:
            call, verdict = await judge_unseen(gateway, call, verdict)
        await _decide(gateway, request, call, verdict)
    except MessageError as why:
        answers.refuse(gateway, request, caller, why, why.id)
    except Refused as why:
        answers.refuse(gateway, request, caller, why, None if message is None else message.id)
    finally:
        if session is not None and message is not None and message.id is not None:
            session.in_flight.discard(message.id)


async def _decide(gateway: Gateway, request: Request, call: Call, verdict: Verdict) -> None:
    """Count and record what was judged; then answer, or forward."""
    caller = call.caller
    decision_id = records.new_id()
    decision, counts, why_exhausted, recorded = verdict.decision, _NOTHING, None, False
    if decision.limits and decision.effect != "deny":  # look before anyone is asked, take where the call will be made
        outcome: Reservation | Exhausted | None = None
        try:
            if decision.effect == "approve":
                outcome = await gateway.ledger.look(caller, decision.limits)
            elif verdict.kept is None and gateway.admitting is not None:
                row = records.decided(call, verdict, decision, decision_id, counts, decision_id, gateway.keyring.hmac)
                outcome, recorded = await gateway.admitting.admit(caller, decision.limits, row)
            elif verdict.kept is None:
                outcome = await gateway.ledger.reserve(caller, decision.limits, decision_id)
        except Exception:
            # No counter, no call: whatever keeps a ledger from counting denies.
            _log.exception("the limits of %s cannot be counted", verdict.target)
            decision = _replaced(decision, "deny", "(unavailable)", _UNCOUNTED)
        if outcome is not None:
            counts = outcome.counts
        if isinstance(outcome, Exhausted):
            decision, why_exhausted = _exhausted(decision, outcome, verdict.target or ""), outcome
        elif counts:
            decision = _let_through(decision, counts)
    if decision.effect == "approve":
        decision = _unapproved(decision)
    reserved = decision_id if counts and decision.effect == "allow" else None
    try:
        if not recorded:
            row = records.decided(call, verdict, decision, decision_id, counts, reserved, gateway.keyring.hmac)
            await gateway.journal.append(row)
    except JournalUnavailable:
        if reserved:
            await gateway.ledger.release(reserved)
        if verdict.nonce is not None:
            gateway.take_back(verdict.nonce)
        gateway.metrics.calls[caller.server_name, "unavailable"] += 1
        answers.denied(request, call, verdict, answers.UNAVAILABLE, decision_id, None)
        return
    except asyncio.CancelledError:
        # The client left before its row was written; the row will say that the call was let through, and this that it
        # never left.
        if reserved is not None:
            await _release(gateway, decision_id, reserved)
        gateway.post(records.settled(Progress(request, decision_id, carried_out=False, error_class="client_gone")))
        raise
    seconds = caller.upstream.keep_arguments
    if seconds is not None and gateway.kept is not None and call.duty is Duty.TOOL:
        arguments = call.message.params.get("arguments") or {}
        gateway.kept.keep(caller.server_name, decision_id, arguments, seconds, len(request.body))
    gateway.metrics.calls[caller.server_name, decision.effect] += 1
    if decision.effect != "allow":
        size = answers.denied(request, call, verdict, decision, decision_id, why_exhausted)
        gateway.post(records.settled(Progress(request, decision_id, carried_out=False, bytes_out=size)))
        return
    await _forward(gateway, request, call, verdict, decision_id, reserved)


def _understood(gateway: Gateway, caller: Caller, message: Message, found: dict[bytes, bytes]) -> Call:
    """Decide the era, check what it owes, find the session. Raises `Refused`."""
    versions, lacks = caller.upstream.spoken, caller.upstream.lacks
    if modern.is_modern(message, found.get(b"mcp-protocol-version")):
        protocol, duty = modern.check(message, found, versions)
        if lacks == "modern":
            check_bridged(message, 404)
            return Call(caller, message, modern, protocol, duty, None, found, True)
        return Call(caller, message, modern, protocol, duty, None, found)
    protocol, duty = legacy.check(message, found, versions)
    session = find(gateway.sessions, caller, found.get(b"mcp-session-id"), gateway.clock())
    bridged = lacks == "legacy"
    keeps = bridged or caller.upstream.config.transport == "stdio"
    if session is None and keeps and message.method != "initialize":
        raise Refused(400, INVALID_REQUEST, "GP-1004", "This server keeps sessions: begin with initialize.")
    if bridged:
        check_bridged(message, 200)
    return Call(caller, message, legacy, protocol, duty, session, found, bridged)


def _in_flight(call: Call) -> Session | None:
    """Take the request's id in its session, before anything is waited for. Raises `Refused` where it is taken."""
    session, id = call.session, call.message.id
    if session is None or id is None:
        return None
    if id in session.in_flight:
        raise Refused(400, INVALID_REQUEST, "GP-1013", f"The id {id!r} is in flight in this session.")
    session.in_flight.add(id)
    return session


def _unapproved(decision: Decision) -> Decision:
    asked = decision.approval.message if decision.approval is not None else decision.message
    text = f"{asked} {_NOBODY_APPROVES}" if asked else _NOBODY_APPROVES
    return _replaced(decision, "approve", decision.rule, text)


def _let_through(decision: Decision, counts: Sequence[Count]) -> Decision:
    """The decision with the limits that would have denied, were they not in shadow mode."""
    over = tuple([(count.rule, "deny") for count in counts if not count.enforced and count.over])
    if not over:
        return decision
    shadowed = decision.shadowed + over
    return Decision("allow", shadowed[0][0], "", decision.limits, False, shadowed)


def _exhausted(decision: Decision, outcome: Exhausted, target: str) -> Decision:
    use = cast(Use, outcome.use)  # the ledger gives back what it was asked for
    frees = None if outcome.retry_at is None else datetime.fromtimestamp(outcome.retry_at, UTC)
    return _replaced(decision, "deny", use.rule, limit_message(use, frees, target))


def _replaced(decision: Decision, effect: Effect, rule: str, message: str) -> Decision:
    return Decision(effect=effect, rule=rule, message=message, shadowed=decision.shadowed)


async def _forward(
    gateway: Gateway, request: Request, call: Call, verdict: Verdict, decision_id: str, reserved: str | None
) -> None:
    """Send the call, pass on what comes back, and record how it ended, whatever happens."""
    progress = Progress(request, decision_id)
    gateway.metrics.in_flight += 1
    try:
        await relay.call(gateway, request, call, verdict, progress)
    except asyncio.CancelledError:
        # The client left, the grant was revoked, or the gateway stops: the relay has cancelled upstream.
        progress.error_class = progress.error_class or ("client_gone" if request.gone else "stopped")
        if not request.gone and progress.error_class != "revoked":
            raise
    finally:
        gateway.metrics.in_flight -= 1
        _observe(gateway, progress)
        if progress.carried_out is False:
            if reserved is not None:
                await _release(gateway, decision_id, reserved)
            if verdict.nonce is not None:
                gateway.take_back(verdict.nonce)
        gateway.post(records.settled(progress))
        gateway.on_end()


async def _release(gateway: Gateway, decision_id: str, reserved: str) -> None:
    """What provably never left takes nothing from its limits."""
    if await gateway.ledger.release(reserved):
        gateway.note("released", decision_id=decision_id, reservation=reserved)


def _observe(gateway: Gateway, progress: Progress) -> None:
    if progress.answered_ns:
        upstream = (progress.answered_ns - progress.forwarded_ns) / 1e9
        total = (time.perf_counter_ns() - progress.request.received_ns) / 1e9
        gateway.metrics.upstream.observe(upstream)
        gateway.metrics.added.observe(max(total - upstream, 0.0))
