"""What the two eras say differently, message by message. Pure: JSON values in, JSON values out.

(2026-07-28 changelog; basic/versioning; basic/patterns/mrtr; server/utilities/caching.)
"""

from __future__ import annotations

from typing import Any, Final

from gatepost.mcp.modern import CAPABILITIES_KEY, LIST_TTL_MS, SUBSCRIPTION_KEY, VERSION_KEY

PREFIX: Final = "io.modelcontextprotocol/"
CLIENT_INFO_KEY: Final = PREFIX + "clientInfo"
LOG_LEVEL_KEY: Final = PREFIX + "logLevel"
SERVER_INFO_KEY: Final = PREFIX + "serverInfo"
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
MISSING_CAPABILITY: Final = -32021
URL_ELICITATION_REQUIRED: Final = -32042
"""The legacy code for a call that waits until somebody has opened an address (2025-11-25)."""
_RESOURCE_NOT_FOUND: Final = -32002
"""The legacy code for a resource that is not there; the modern era says -32602."""
_ENVELOPE: Final = frozenset({VERSION_KEY, CAPABILITIES_KEY, CLIENT_INFO_KEY, LOG_LEVEL_KEY, SUBSCRIPTION_KEY})
_SHARED_CAPABILITIES: Final = frozenset({"completions", "experimental", "logging", "prompts", "resources", "tools"})
"""What a server may announce in either era. Tasks and extensions are not bridged."""
_LISTS: Final = frozenset({"tools/list", "resources/list", "resources/templates/list", "prompts/list"})
LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""Of log messages, the least severe first."""
_LIST_CHANGES: Final = {
    "notifications/tools/list_changed": ("toolsListChanged", "tools"),
    "notifications/prompts/list_changed": ("promptsListChanged", "prompts"),
    "notifications/resources/list_changed": ("resourcesListChanged", "resources"),
}
UPDATED: Final = "notifications/resources/updated"

NO_TASKS: Final = "Tasks are not bridged to a server of another era."

MOST_WATCHED: Final = 1024
"""Resources that one subscription, or one session, may name."""

Object = dict[str, Any]


def object_at(value: Any, member: str) -> Object:
    """A member that is an object; an empty one where it is anything else."""
    found = value.get(member) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


# -- towards a legacy server -----------------------------------------------------------------------------------------


def legacy_params(params: Object, token: int) -> Object:
    """The params of a modern request without its envelope; a progress token is replaced by `token`."""
    out = {key: value for key, value in params.items() if key not in ("_meta", "inputResponses", "requestState")}
    meta = {key: value for key, value in object_at(params, "_meta").items() if key not in _ENVELOPE}
    if "progressToken" in meta:
        meta["progressToken"] = token
    return {**out, "_meta": meta} if meta else out


def legacy_client_capabilities(declared: Object) -> Object:
    """What a legacy session may be told of a modern client: only what can be asked for across the bridge."""
    return {key: declared[key] for key in ("elicitation", "roots", "sampling") if isinstance(declared.get(key), dict)}


def discovered(initialized: Object, versions: tuple[str, ...]) -> Object:
    """The result of `server/discover`, made of that of `initialize`."""
    out: Object = {
        "resultType": "complete",
        "supportedVersions": list(versions),
        "capabilities": _capabilities(initialized),
        "ttlMs": LIST_TTL_MS,
        "cacheScope": "private",
        "_meta": {SERVER_INFO_KEY: object_at(initialized, "serverInfo")},
    }
    if isinstance(initialized.get("instructions"), str):
        out["instructions"] = initialized["instructions"]
    return out


def modern_result(method: str, result: Object) -> Object:
    """A legacy server's result as one of the modern era: complete, and with cache hints where the method owes them."""
    out = {**result, "resultType": "complete"}
    if method in _LISTS:
        out |= {"ttlMs": LIST_TTL_MS, "cacheScope": "private"}
    elif method == "resources/read":
        out |= {"ttlMs": 0, "cacheScope": "private"}
    if method == "tools/list" and isinstance(result.get("tools"), list):
        out["tools"] = [_without(tool, "execution") for tool in result["tools"]]
    return out


def modern_error(method: str, error: Any) -> Any:
    """A legacy server's error under the code that the modern era has for it."""
    code = error.get("code") if isinstance(error, dict) else None
    if method == "resources/read" and code == _RESOURCE_NOT_FOUND:
        return {**error, "code": INVALID_PARAMS}
    if code == URL_ELICITATION_REQUIRED:  # retired, and says nothing by itself
        return {**error, "code": INTERNAL_ERROR}
    return error


def can_be_asked(method: str | None, params: Object, capabilities: Object) -> bool:
    """Whether a client that declares these capabilities can answer a server's request."""
    if method == "sampling/createMessage":
        sampling = capabilities.get("sampling")
        return isinstance(sampling, dict) and ("tools" not in params or "tools" in sampling)
    if method == "roots/list":
        return isinstance(capabilities.get("roots"), dict)
    if method != "elicitation/create" or not isinstance(capabilities.get("elicitation"), dict):
        return False
    elicitation = capabilities["elicitation"]
    # Without a mode it is a form, and a client that names no mode can show forms.
    return "url" in elicitation if params.get("mode") == "url" else "form" in elicitation or "url" not in elicitation


def input_required(key: str, method: str, params: Object, state: str) -> Object:
    """A legacy server's request as the result of the call in the middle of which it came."""
    asked = {name: value for name, value in params.items() if name not in ("_meta", "elicitationId", "task")}
    request = {"method": method} if method == "roots/list" else {"method": method, "params": asked}
    return {"resultType": "input_required", "inputRequests": {key: request}, "requestState": state}


def wanted_changes(method: str, params: Object, filter: Object) -> bool:
    """Whether a notification of a server is one that a subscription asks for."""
    if method in _LIST_CHANGES:
        return filter.get(_LIST_CHANGES[method][0]) is True
    # A server may name a part of a resource that was subscribed to, so the address decides nothing here.
    return method == UPDATED and bool(filter.get("resourceSubscriptions")) and isinstance(params.get("uri"), str)


def honoured(filter: Object, capabilities: Object) -> Object:
    """What of a subscription a server with these (legacy) capabilities can be expected to serve."""
    out: Object = {}
    for flag, kind in _LIST_CHANGES.values():
        if filter.get(flag) is True and object_at(capabilities, kind).get("listChanged") is True:
            out[flag] = True
    uris = filter.get("resourceSubscriptions")
    if isinstance(uris, list) and object_at(capabilities, "resources").get("subscribe") is True:
        named = [uri for uri in uris if isinstance(uri, str)][:MOST_WATCHED]
        if named:
            out["resourceSubscriptions"] = named
    return out


def is_change(method: str | None) -> bool:
    """Whether a notification is of the kind that the modern era sends to subscribers alone."""
    return method in _LIST_CHANGES or method == UPDATED


def loud_enough(params: Object, level: Any) -> bool:
    """Whether a log message is at or above the level that a request asked for; without a level there are none."""
    said = params.get("level")
    return said in LEVELS and level in LEVELS and LEVELS.index(said) >= LEVELS.index(level)


def subscribed(params: Object, id: str | int) -> Object:
    """The params of a notification on the stream of the subscription `id`."""
    return {**params, "_meta": {**object_at(params, "_meta"), SUBSCRIPTION_KEY: id}}


# -- towards a modern server -----------------------------------------------------------------------------------------


def modern_params(params: Object, version: str, client: Object, capabilities: Object, level: str | None) -> Object:
    """The params of a legacy request with the envelope that each request of the modern era carries."""
    meta = {
        **object_at(params, "_meta"),
        VERSION_KEY: version,
        CLIENT_INFO_KEY: client,
        CAPABILITIES_KEY: capabilities,
    }
    if level is not None:
        meta[LOG_LEVEL_KEY] = level
    return {**params, "_meta": meta}


def initialized(discovered: Object, version: str) -> Object:
    """The result of `initialize`, made of that of `server/discover`."""
    info = object_at(object_at(discovered, "_meta"), SERVER_INFO_KEY)
    named = {"name": "unknown", "version": ""} | info
    out: Object = {"protocolVersion": version, "capabilities": _capabilities(discovered), "serverInfo": named}
    if isinstance(discovered.get("instructions"), str):
        out["instructions"] = discovered["instructions"]
    return out


def legacy_result(method: str, result: Object) -> Object:
    """A modern server's complete result as a legacy client knows it."""
    out = {key: value for key, value in result.items() if key not in ("resultType", "ttlMs", "cacheScope")}
    if isinstance(out.get("_meta"), dict):
        meta = _without(out["_meta"], SERVER_INFO_KEY)
        out = {**out, "_meta": meta} if meta else _without(out, "_meta")
    if method == "tools/list" and isinstance(out.get("tools"), list):
        out["tools"] = [_legacy_tool(tool) for tool in out["tools"]]
    if method == "tools/call" and "structuredContent" in out and not isinstance(out["structuredContent"], dict):
        # It may be any value now; before, an object. The same stands in `content` for clients that do not read it.
        del out["structuredContent"]
    return out


def legacy_response(method: str, body: Object) -> Object:
    """A modern server's response as a legacy client knows it."""
    result = body.get("result")
    if not isinstance(result, dict):
        return body
    kind = result.get("resultType", "complete")
    if kind != "complete":
        why = f"The server answered with a result of the kind {str(kind)[:40]!r}, which this revision does not have."
        return {"jsonrpc": "2.0", "id": body.get("id"), "error": {"code": -32603, "message": why}}
    return {**body, "result": legacy_result(method, result)}


def wanted_input(body: Object) -> Object | None:
    """The result of a response that asks for input; None for any other."""
    result = body.get("result")
    return result if isinstance(result, dict) and result.get("resultType") == "input_required" else None


def asked_of_legacy(request: Any, id: str, capabilities: Object) -> Object | None:
    """A request for input as a legacy server would make it; None where the client cannot be asked for it."""
    method = request.get("method") if isinstance(request, dict) else None
    params = object_at(request, "params")
    if not isinstance(method, str) or not can_be_asked(method, params, capabilities):
        return None
    if method == "elicitation/create" and params.get("mode") == "url":
        params = {**params, "elicitationId": id}
    body: Object = {"jsonrpc": "2.0", "id": id, "method": method}
    return body if method == "roots/list" else {**body, "params": params}


def unsubscribed(params: Object) -> Object:
    """The params of a subscription's notification, for a listening stream."""
    meta = _without(object_at(params, "_meta"), SUBSCRIPTION_KEY)
    return {**params, "_meta": meta} if meta else _without(params, "_meta")


def _legacy_tool(tool: Any) -> Any:
    schema = tool.get("outputSchema") if isinstance(tool, dict) else None
    if schema is not None and not (isinstance(schema, dict) and schema.get("type") == "object"):
        return _without(tool, "outputSchema")
    return tool


def _capabilities(result: Object) -> Object:
    return {key: value for key, value in object_at(result, "capabilities").items() if key in _SHARED_CAPABILITIES}


def _without(value: Any, member: str) -> Any:
    if not isinstance(value, dict) or member not in value:
        return value
    return {key: kept for key, kept in value.items() if key != member}
