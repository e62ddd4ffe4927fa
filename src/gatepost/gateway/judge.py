"""What a call is about, and what its policy says: everything up to the limits (POLICY.md section 5, steps 2 to 8)."""

from __future__ import annotations

import hashlib
from typing import Any, Final, NamedTuple

from msgspec import structs

from gatepost.gateway.core import Gateway
from gatepost.gateway.exchange import Call, Verdict
from gatepost.gateway.pins import CHANGED
from gatepost.gateway.snapshot import Tool, is_tool_name
from gatepost.grants.table import REFUSALS
from gatepost.mcp import headers, lists, modern
from gatepost.mcp.message import INVALID_PARAMS, INVALID_REQUEST, Message
from gatepost.mcp.methods import Duty
from gatepost.mcp.refused import Refused
from gatepost.policy import WITHOUT_POLICY, Decision, Policy
from gatepost.wire import strictjson

ALLOW: Final = Decision(effect="allow", rule="", message="")
"""For what needs no rule: lists and the like, whose results the policy filters (without a policy they are empty)."""
_NO_ARGUMENTS: Final[dict[str, Any]] = {}


def judge(gateway: Gateway, call: Call) -> Verdict:
    """Judge a request by its duty. Raises `Refused` for one that is malformed (nothing is judged then).

    Where the tool of a call is one that the client must not know of, `judge_unseen` has the last word.
    """
    duty = call.duty
    if duty is Duty.TOOL:
        return _tool(gateway, call)
    if duty is Duty.RESOURCE:
        return _resource(gateway, call)
    if duty is Duty.PROMPT:
        name = _text(call.message, "name")
        forward, kept = _state(gateway, call, name)
        return _keeping(gateway, _prompt(call, name), name, forward, None, kept)
    if duty is Duty.COMPLETION:
        return _completion(call)
    if duty is Duty.TASK:
        return _task(gateway, call)
    if duty is Duty.LISTEN:
        params = lists.visible_subscriptions(call.message.params, call.caller)
        return Verdict(ALLOW, None, call.message.with_params(params))
    return Verdict(ALLOW, None, call.message)


async def judge_unseen(gateway: Gateway, call: Call, verdict: Verdict) -> tuple[Call, Verdict]:
    """Judge the call of a tool that does not show to the client, after the server was asked for its tools once more.

    It is asked for one that is hidden or held as it is for one that it did not list, and as often: else the time of the
    answer, or what the server is seen to do, would tell them apart.

    Asking takes a while, so the grant and the policy are those that hold by then; the call is returned with them.
    Raises `Refused` where the grant stands no more.
    """
    name, caller = str(verdict.target), call.caller
    await gateway.definitions(caller.server_name, name)
    snapshot = gateway.snapshot
    grant = snapshot.grants.at(caller.token)
    if grant is None:
        message = "The grant is not known any more. Ask its owner for a new one."
        raise Refused(401, INVALID_REQUEST, "GP-1001", message)
    if (why := grant.refused(gateway.clock())) is not None:
        raise Refused(401, INVALID_REQUEST, "GP-1001", REFUSALS[why])
    policy, listed = snapshot.policy_of(grant), snapshot.servers.get(caller.server_name)
    call = structs.replace(call, caller=structs.replace(caller, grant=grant, policy=policy))
    tool = None if listed is None else listed.tools.get(name)
    if policy is None:
        return call, Verdict(WITHOUT_POLICY, name, verdict.forward, tool)
    if tool is None:
        return call, Verdict(_unlisted(policy, name), name, verdict.forward)
    return call, _ruled(gateway, call, policy, tool, *_state(gateway, call, name))


def _tool(gateway: Gateway, call: Call) -> Verdict:
    message, caller = call.message, call.caller
    name = message.params.get("name")
    tool = caller.upstream.tools.get(name) if isinstance(name, str) else None
    if not isinstance(name, str) or not (is_tool_name(name) if tool is None else tool.callable):
        raise Refused(
            400, INVALID_PARAMS, "GP-1006", "A tool's name has 1 to 128 of the characters A-Z a-z 0-9 _ . / -"
        )
    if not isinstance(message.params.get("arguments", _NO_ARGUMENTS), dict):
        raise Refused(400, INVALID_PARAMS, "GP-1006", "The member params.arguments must be an object.")
    forward, kept = _state(gateway, call, name)
    policy = caller.policy
    if policy is None:
        return Verdict(WITHOUT_POLICY, name, forward, tool)
    if tool is None:
        return Verdict(_unlisted(policy, name), name, forward)
    return _ruled(gateway, call, policy, tool, forward, kept)


def _ruled(gateway: Gateway, call: Call, policy: Policy, tool: Tool, forward: Message, kept: _Kept | None) -> Verdict:
    """What a policy says of the call of a listed tool."""
    name, arguments = tool.name, call.message.params.get("arguments", _NO_ARGUMENTS)
    if tool.held:
        return Verdict(_held(policy, tool), name, forward, tool)
    # Not before it is known that the tool shows at all: what its headers are to be would tell of it.
    if tool.param_headers and call.era is modern and not policy.hides(name, tool.category):
        headers.check_params(call.mcp, tool.param_headers, arguments)
    definition = tool.definition.of_json if call.message.plain else tool.definition
    decision = policy.decide(tool=name, arguments=arguments, category=tool.category, definition=definition)
    return _keeping(gateway, decision, name, forward, tool, kept)


def _unknown(name: str, rule: str) -> Decision:
    return Decision(effect="deny", rule=rule, message=f"Unknown tool: {name}")


def _unlisted(policy: Policy, name: str) -> Decision:
    """For a tool that the server did not list; what is hidden is hidden first (POLICY.md section 5)."""
    return _unknown(name, "(hidden)" if policy.hides(name, None) else "(unknown tool)")


def _held(policy: Policy, tool: Tool) -> Decision:
    """For a tool whose definition is not the pinned one; what is hidden is hidden first (POLICY.md section 5)."""
    if policy.hides(tool.name, tool.category):
        return _unknown(tool.name, "(hidden)")
    why = f"The definition of {tool.name} has changed and is not accepted yet."
    return Decision(effect="deny", rule=CHANGED, message=why)


def _resource(gateway: Gateway, call: Call) -> Verdict:
    uri = _text(call.message, "uri")
    forward, kept = _state(gateway, call, uri)
    policy = call.caller.policy
    decision = WITHOUT_POLICY if policy is None else policy.decide_resource(uri)
    return _keeping(gateway, decision, uri, forward, None, kept)


def _prompt(call: Call, name: str) -> Decision:
    policy = call.caller.policy
    return WITHOUT_POLICY if policy is None else policy.decide_prompt(name)


def _completion(call: Call) -> Verdict:
    """`completion/complete` is judged as what it refers to."""
    ref = call.message.params.get("ref")
    kind = ref.get("type") if isinstance(ref, dict) else None
    policy = call.caller.policy
    if isinstance(ref, dict) and kind == "ref/prompt" and isinstance(ref.get("name"), str):
        return Verdict(_prompt(call, ref["name"]), ref["name"], call.message)
    if isinstance(ref, dict) and kind == "ref/resource" and isinstance(ref.get("uri"), str):
        uri = ref["uri"]
        if policy is None:
            return Verdict(WITHOUT_POLICY, uri, call.message)
        # A reference may be a URI template, which is judged as the list of templates is.
        shown = policy.lists_template(uri) if "{" in uri else None
        decision = policy.decide_resource(uri) if shown is None else _listed(shown, uri)
        return Verdict(decision, uri, call.message)
    raise Refused(400, INVALID_PARAMS, "GP-1006", "params.ref names neither a prompt nor a resource.")


def _listed(shown: bool, uri: str) -> Decision:
    if shown:
        return ALLOW
    return Decision(effect="deny", rule="/resources/default", message=f"The resource {uri} is not allowed.")


def _task(gateway: Gateway, call: Call) -> Verdict:
    """A task stands for the call that began it: the same grant, and a tool that is still allowed."""
    token = _text(call.message, "taskId")
    caller = call.caller
    try:
        tool_name, task_id = gateway.sealer.open("task", caller.grant.id, caller.server_name, token)
    except (ValueError, TypeError):
        raise Refused(400, INVALID_PARAMS, "GP-1006", "The task is not known.") from None
    forward = call.message.with_params({**call.message.params, "taskId": task_id})
    tool = caller.upstream.tools.get(tool_name)
    policy = caller.policy
    if policy is None:
        return Verdict(WITHOUT_POLICY, tool_name, forward, tool)
    if tool is not None and tool.held:
        return Verdict(_held(policy, tool), tool_name, forward, tool)
    return Verdict(policy.admits(tool_name, None if tool is None else tool.category), tool_name, forward, tool)


def _text(message: Message, member: str) -> str:
    value = message.params.get(member)
    if not isinstance(value, str):
        raise Refused(400, INVALID_PARAMS, "GP-1006", f"The member params.{member} must be a string.")
    return value


# -- request states (2026-07-28, Multi Round-Trip Requests) ---------------------------------------------------------


class _Kept(NamedTuple):
    """The reservation that a state brings along, and under what it is taken once."""

    reservation: str
    nonce: str


def _keeping(
    gateway: Gateway, decision: Decision, target: str, forward: Message, tool: Tool | None, kept: _Kept | None
) -> Verdict:
    """The verdict. A retry that is let through keeps its reservation; one that is refused or denied takes nothing, so
    that the next may."""
    if kept is None or decision.effect != "allow" or not gateway.redeem(kept.nonce):
        return Verdict(decision, target, forward, tool)
    return Verdict(decision, target, forward, tool, kept.reservation, kept.nonce)


def call_hash(message: Message, target: str) -> str:
    """What a sealed state is bound to: method, target and canonical arguments."""
    salient = [message.method, target, message.params.get("arguments", {})]
    return hashlib.sha256(strictjson.canonical(salient)).hexdigest()


def _state(gateway: Gateway, call: Call, target: str) -> tuple[Message, _Kept | None]:
    """Open the request state of a retry. Returns the message for upstream and the reservation that it may keep."""
    message = call.message
    token = message.params.get("requestState")
    if token is None or call.era is not modern:
        return message, None
    caller = call.caller
    try:
        if not isinstance(token, str):
            raise ValueError("not a string")
        state: dict[str, Any] = gateway.sealer.open("state", caller.grant.id, caller.server_name, token)
        if state["call"] != call_hash(message, target) or state["until"] < gateway.clock():
            raise ValueError("made for another call, or too old")
    except (ValueError, KeyError, TypeError):
        raise Refused(
            400, INVALID_REQUEST, "GP-1006", "The requestState was not given out for this call, or is too old."
        ) from None
    params = {key: value for key, value in message.params.items() if key != "requestState"}
    if state["upstream"] is not None:
        params["requestState"] = state["upstream"]
    return message.with_params(params), _Kept(state["reservation"], state["nonce"])
