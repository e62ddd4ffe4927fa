"""What happens to a server's message before a client sees it: hidden names out, the server's own ids sealed.

Nothing here does I/O; each function returns the message to pass on, or None to pass on nothing.
"""

from __future__ import annotations

from typing import Any, Final

from gatepost.gateway import records, tasks
from gatepost.gateway.caller import Caller
from gatepost.gateway.core import Gateway
from gatepost.gateway.exchange import Call, Progress, Verdict
from gatepost.gateway.judge import call_hash
from gatepost.mcp import lists, modern
from gatepost.mcp.message import Message
from gatepost.mcp.methods import SERVER_REQUESTS, Duty

_SERVER_ERROR: Final = -32000


def answers(call: Call, message: Message) -> bool:
    """Whether a message is the answer to the call: a response with exactly its id ("1" is not 1)."""
    return message.kind == "response" and type(message.id) is type(call.message.id) and message.id == call.message.id


def response(gateway: Gateway, call: Call, verdict: Verdict, message: Message, progress: Progress) -> Message:
    """The answer as the client may see it.

    Raises:
        lists.BadList: a list that is not one; it must not be passed on.
    """
    if "error" in message.body:
        progress.is_error = True
        return _wordless(message) if call.duty is Duty.LIST else message
    result = message.body["result"]
    if not isinstance(result, dict):
        if call.duty is Duty.LIST:
            raise lists.BadList(f"The result of {call.message.method} is not an object.")
        progress.is_error = False
        return message
    progress.is_error = result.get("isError") is True
    changed = result
    if call.duty is Duty.LIST:
        if call.message.method == "tools/list":
            whole = "cursor" not in call.message.params and "nextCursor" not in changed
            changed = gateway.pins.standing(
                gateway, call.caller.server_name, changed, legacy=call.era is not modern, whole=whole
            )
        changed = lists.filter_result(call.message.method, changed, call.caller) or changed
        if call.era is modern or "cacheScope" in changed or "ttlMs" in changed:
            changed = modern.make_private(changed)
    elif call.era is modern and result.get("resultType") == "input_required":
        changed = _with_state(gateway, call, verdict, changed, progress)
    changed = tasks.in_result(gateway, call.caller, verdict.target, changed)
    return message if changed is result else with_result(message, changed)


def _wordless(message: Message) -> Message:
    """An error in place of a list, without the server's words and data, which may name what the list would hide."""
    error = message.body["error"]
    code = error.get("code") if isinstance(error, dict) else None
    said = {"code": code if type(code) is int else _SERVER_ERROR, "message": "The server answered with an error."}
    return Message("response", message.id, None, {}, {"jsonrpc": "2.0", "id": message.id, "error": said})


def replayed(gateway: Gateway, caller: Caller, message: Message) -> Message:
    """A response on a resumed stream, whose request is not known: whatever list it holds is filtered by its shape.

    Raises:
        lists.BadList: a result that is no object, and may be a list that has lost its shape.
    """
    result = message.body.get("result")
    if not isinstance(result, dict):
        if "result" in message.body:
            raise lists.BadList("A result is not an object.")
        return message
    standing = gateway.pins.standing(gateway, caller.server_name, result, legacy=True, whole=False)
    changed = lists.filter_result(None, standing, caller) or standing
    return message if changed is result else with_result(message, changed)


def with_result(message: Message, result: dict[str, Any]) -> Message:
    """The same response with another result."""
    return Message("response", message.id, None, {}, {**message.body, "result": result})


def server_request(gateway: Gateway, call: Call, message: Message, target: str | None) -> Message | None:
    """A server's request with its id sealed to grant, server and session; None where the server may not ask that."""
    if call.era is modern or message.method not in SERVER_REQUESTS:
        return None
    session = None if call.session is None else call.session.upstream_id
    caller = call.caller
    token = gateway.sealer.seal("request", caller.grant.id, caller.server_name, [session, target, message.id])
    gateway.note(
        "server_request",
        grant_id=caller.grant.id,
        grant=caller.grant.label,
        server=caller.server_name,
        method=message.method,
        tool=target,
    )
    if call.session is not None and message.id is not None:
        call.session.remember(message.id, token)
    return message.with_id(token)


def notification(gateway: Gateway, call: Call, message: Message) -> Message | None:
    """A server's notification, None where it names something hidden, or a request that the client does not know."""
    if message.method == "notifications/cancelled" and call.era is not modern:
        return _withdrawn(call, message)
    if not lists.shows_notification(message.method, message.params, call.caller):
        return None
    if message.method == "notifications/tools/list_changed":
        gateway.rescan_soon(call.caller.server_name)
    if (message.method or "").startswith("notifications/tasks"):
        return tasks.status(gateway, call.caller, message)
    return message


def _withdrawn(call: Call, message: Message) -> Message | None:
    """A server gives up a request of its own, which the client knows by another id."""
    id = message.params.get("requestId")
    if call.session is None or not (isinstance(id, str) or type(id) is int):
        return None
    token = call.session.asked.pop(id, None)
    return None if token is None else message.with_params({**message.params, "requestId": token})


def _with_state(
    gateway: Gateway, call: Call, verdict: Verdict, result: dict[str, Any], progress: Progress
) -> dict[str, Any]:
    """Seal the request state, so that the retry is judged as this call and keeps what it reserved."""
    caller = call.caller
    state = {
        "call": call_hash(call.message, verdict.target or ""),
        "upstream": result.get("requestState"),
        "reservation": verdict.kept or progress.decision_id,
        "nonce": records.new_id(),
        "until": gateway.clock() + gateway.settings.state_seconds,
    }
    return {**result, "requestState": gateway.sealer.seal("state", caller.grant.id, caller.server_name, state)}
