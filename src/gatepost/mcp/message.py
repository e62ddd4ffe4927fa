"""One JSON-RPC message, parsed once and never changed.

What is judged is what is forwarded: a `Message` holds the parsed body, and `encode` writes that body again. The bytes
that arrived go nowhere else.
"""

from __future__ import annotations

import unicodedata
from typing import Any, Final, Literal

import msgspec

from gatepost.wire import strictjson

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
INVALID_PARAMS: Final = -32602

Kind = Literal["request", "notification", "response"]
Id = str | int

_TOP_KEYS: Final = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_PARAM_KEYS: Final = frozenset(
    {
        "_meta", "argument", "arguments", "capabilities", "clientInfo", "context", "cursor", "inputResponses", "level",
        "name", "notifications", "progressToken", "protocolVersion", "ref", "requestId", "requestState", "task",
        "taskId", "uri",
    }
)  # fmt: skip
_META_PREFIX: Final = "io.modelcontextprotocol/"
_META_KEYS: Final = frozenset(
    {"progressToken", "traceparent", "tracestate", "baggage"}
    | {
        _META_PREFIX + name
        for name in (
            "protocolVersion", "clientInfo", "clientCapabilities", "logLevel", "subscriptionId", "related-task",
            "serverInfo",
        )
    }
)  # fmt: skip
_NESTED_KEYS: Final = {
    "argument": frozenset({"name", "value"}),
    "context": frozenset({"arguments"}),
    "notifications": frozenset(
        {
            "promptsListChanged", "resourceSubscriptions", "resourcesListChanged", "taskIds", "toolsListChanged",
        }
    ),
    "ref": frozenset({"name", "type", "uri"}),
    "task": frozenset({"ttl"}),
}  # fmt: skip
_FLAT_KEYS: Final = _PARAM_KEYS - _NESTED_KEYS.keys()
"""Of the members of params those that are no objects of the protocol's own."""
_MAX_ID_LENGTH: Final = 256
_MAX_METHOD_LENGTH: Final = 128


class MessageError(Exception):
    """The body is not one valid JSON-RPC message; nothing of it is judged or forwarded.

    Attributes: `rpc_code` the JSON-RPC code to answer with, `message` one sentence, `id` the request's id where it
    could be read.
    """

    def __init__(self, rpc_code: int, message: str, id: Id | None = None) -> None:
        super().__init__(message)
        self.rpc_code = rpc_code
        self.message = message
        self.id = id


class Message(msgspec.Struct, frozen=True, gc=False):
    """A request, notification or response.

    Attributes:
        kind: which of the three it is.
        id: a request's or response's id (None in a notification, or in an error response without one).
        method: None in a response.
        params: `params`, or an empty dict where it is absent.
        body: the whole message as parsed, unknown members included.
        written: `body` as `encode` writes it, where that is known already.
        plain: whether its numbers are all ints and floats for certain.
    """

    kind: Kind
    id: Id | None
    method: str | None
    params: dict[str, Any]
    body: dict[str, Any]
    written: bytes | None = None
    plain: bool = False

    def encode(self) -> bytes:
        """The message as UTF-8 JSON, numbers spelled as they came."""
        return strictjson.write(self.body) if self.written is None else self.written

    def meta(self) -> dict[str, Any]:
        """`params._meta`, or an empty dict."""
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}

    def with_params(self, params: dict[str, Any]) -> Message:
        """The same message with other `params`."""
        return Message(self.kind, self.id, self.method, params, {**self.body, "params": params})

    def with_id(self, id: Id) -> Message:
        """The same message with another id."""
        return Message(self.kind, id, self.method, self.params, {**self.body, "id": id})


def parse(body: bytes) -> Message:
    """Parse one message strictly.

    Args:
        body: the whole HTTP body, or one line of stdio.

    Raises:
        MessageError: with -32700 for what is not strict JSON (with its position), -32600 for what is not one JSON-RPC
            message, -32602 where `params` is not an object.
    """
    try:
        value, written = strictjson.read(body)
    except strictjson.StrictJSONError as error:
        raise MessageError(
            PARSE_ERROR, f"{error.message} (line {error.line}, column {error.column}, byte {error.position})"
        ) from None
    if not isinstance(value, dict):
        kind = "a batch; send each message on its own" if isinstance(value, list) else "not an object"
        raise MessageError(INVALID_REQUEST, f"The body is {kind}.")
    return from_body(value, written, plain=written is body)


def from_body(body: dict[str, Any], written: bytes | None = None, *, plain: bool = False) -> Message:
    """A `Message` from what `strictjson.read` returned. Raises as `parse` does."""
    id = body.get("id")
    known_id = id if isinstance(id, str) or (isinstance(id, int) and not isinstance(id, bool)) else None
    if not body.keys() <= _TOP_KEYS:
        refuse_lookalikes(body, _TOP_KEYS, "the message", known_id)
    if body.get("jsonrpc") != "2.0":
        raise MessageError(INVALID_REQUEST, 'The member "jsonrpc" must be "2.0".', known_id)
    if "id" in body and known_id is None and not ("error" in body and id is None):
        raise MessageError(INVALID_REQUEST, "The id must be a string or an integer.")
    if isinstance(known_id, str) and len(known_id) > _MAX_ID_LENGTH:
        raise MessageError(INVALID_REQUEST, f"The id is longer than {_MAX_ID_LENGTH} characters.")
    if "method" not in body:
        return _response(body, known_id, written)
    if "result" in body or "error" in body:
        raise MessageError(INVALID_REQUEST, "A message holds either a method or a result or an error.", known_id)
    method = body["method"]
    if not isinstance(method, str) or not 0 < len(method) <= _MAX_METHOD_LENGTH:
        raise MessageError(INVALID_REQUEST, "The method must be a string of 1 to 128 characters.", known_id)
    params = body.get("params", {})
    if not isinstance(params, dict):
        raise MessageError(INVALID_PARAMS, "The member params must be an object.", known_id)
    if not params.keys() <= _FLAT_KEYS:
        refuse_lookalikes(params, _PARAM_KEYS, "params", known_id)
        for name, keys in _NESTED_KEYS.items():
            nested = params.get(name)
            if isinstance(nested, dict):
                refuse_lookalikes(nested, keys, f"params.{name}", known_id)
    meta = params.get("_meta")
    if meta is not None:
        if not isinstance(meta, dict):
            raise MessageError(INVALID_PARAMS, "The member params._meta must be an object.", known_id)
        if not meta.keys() <= _META_KEYS:
            refuse_lookalikes(meta, _META_KEYS, "params._meta", known_id)
    return Message("notification" if "id" not in body else "request", known_id, method, params, body, written, plain)


def _response(body: dict[str, Any], id: Id | None, written: bytes | None) -> Message:
    has_result, has_error = "result" in body, "error" in body
    if has_result == has_error:
        raise MessageError(INVALID_REQUEST, "A message needs a method, or exactly one of result and error.", id)
    if has_result and id is None:
        raise MessageError(INVALID_REQUEST, "A result needs the id of its request.")
    return Message("response", id, None, {}, body, written)


def refuse_lookalikes(keys: dict[str, Any], known: frozenset[str], where: str, id: Id | None) -> None:
    """Refuse a key that some other parser would take for a protocol key (Go's matches case-insensitively).

    Args:
        known: the protocol's keys, as they are spelled.
        where: what has these keys, for the message.
        id: of the request that is refused.

    Raises `MessageError` -32600.
    """
    for key in keys.keys() - known:
        folded = unicodedata.normalize("NFKC", key.replace("\0", "")).casefold()
        if folded in _folded(known):
            raise MessageError(
                INVALID_REQUEST, f"A key of {where} looks like a protocol key but is spelled differently: {key!r}.", id
            )


_FOLDED: dict[frozenset[str], frozenset[str]] = {}


def _folded(known: frozenset[str]) -> frozenset[str]:
    if known not in _FOLDED:
        _FOLDED[known] = frozenset(name.casefold() for name in known)
    return _FOLDED[known]
