"""Whether a call that waited for a person may still be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.mcp.message import Message

if TYPE_CHECKING:
    from gatepost.gateway.caller import Caller
    from gatepost.gateway.core import Gateway


def still_allowed(gateway: Gateway, caller: Caller, message: Message) -> bool:
    """Judge an allowed call again where its policy or its tool has changed since: a rule that now denies wins.

    A tool that went, or whose definition changed and is not accepted, is not called again under any policy. One whose
    new definition was accepted may be of another category, and have another schema.
    """
    grant = gateway.snapshot.grants.at(caller.token)
    if grant is None or grant.refused(gateway.clock()) is not None:
        return False
    name, uri = message.params.get("name"), message.params.get("uri")
    server = gateway.snapshot.servers.get(caller.server_name)
    tool = before = None
    if message.method == "tools/call":
        if server is None or not isinstance(name, str):
            return False
        tool, before = server.tools.get(name), caller.upstream.tools.get(name)
        if tool is None or tool.held:
            return False
    policy = gateway.snapshot.policy_of(grant)
    if policy is None:
        return False
    if policy is caller.policy and tool is before:
        return True
    if message.method == "resources/read":
        return isinstance(uri, str) and policy.decide_resource(uri).effect == "allow"
    if not isinstance(name, str):
        return False
    if message.method == "prompts/get":
        return policy.decide_prompt(name).effect == "allow"
    if tool is None:
        return False
    arguments = message.params.get("arguments", {})
    decision = policy.decide(tool=name, arguments=arguments, category=tool.category, definition=tool.definition)
    return decision.effect == "allow"
