"""The modern era's request headers, which mirror parts of the body (2026-07-28, Streamable HTTP, Request Metadata).

They decide nothing: each is compared with the body, and a difference refuses the request.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import re2

from gatepost.mcp.message import Message
from gatepost.mcp.refused import HEADER_MISMATCH, Refused

NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""The methods whose `Mcp-Name` header is required, and the member of `params` it mirrors."""

OF_TASKS: Final = dict.fromkeys(("tasks/get", "tasks/update", "tasks/cancel"), "taskId")
"""The same of the extension for tasks, by which a server's instance that knows the task is found. Servers get it; that
clients send it is not insisted on."""

PARAM_PREFIX: Final = b"mcp-param-"
_VERSION: Final = b"mcp-protocol-version"
_METHOD: Final = b"mcp-method"
_NAME: Final = b"mcp-name"
_SENTINEL_START: Final = "=?base64?"
_SENTINEL_END: Final = "?="
_SCALARS: Final = ("string", "integer", "boolean")
_TOKEN: Final = re2.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NUMBER: Final = re2.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,4})?")

Headers = Sequence[tuple[bytes, bytes]]


def mismatch(message: str) -> Refused:
    """The refusal for a header that is missing, doubled, malformed or different from the body."""
    return Refused(400, HEADER_MISMATCH, "GP-1007", message)


class Mirrored(dict[bytes, bytes]):
    """The `MCP-*` headers of a request by lower-case name.

    Attributes:
        plain: version, method and name as text; None for each that is missing or encoded.
    """

    __slots__ = ("plain",)

    def __init__(self, found: Mapping[bytes, bytes]) -> None:
        super().__init__(found)
        values = [found.get(name) for name in (_VERSION, _METHOD, _NAME)]
        self.plain = tuple(
            [None if value is None or value.startswith(b"=?") else value.decode("latin-1") for value in values]
        )


def mcp_headers(headers: Headers) -> Mirrored:
    """The `MCP-*` headers of a request. Raises `Refused` where one stands twice."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name.startswith(b"mcp-"):
            if name in found:
                raise mismatch(f"Header mismatch: {name.decode('ascii', 'replace')} stands twice.")
            found[name] = value
    return Mirrored(found)


def decode(value: bytes) -> str | None:
    """A header's value as text, `=?base64?…?=` decoded; None where it is malformed."""
    try:
        text = value.decode("ascii")
    except UnicodeDecodeError:
        return None
    if not (text.startswith(_SENTINEL_START) and text.endswith(_SENTINEL_END) and len(text) >= 11):
        return text if all(" " <= c <= "~" or c == "\t" for c in text) else None
    payload = text[len(_SENTINEL_START) : -len(_SENTINEL_END)]
    try:
        raw = base64.b64decode(payload, validate=True)
        if base64.b64encode(raw).decode("ascii") != payload:
            return None
        return raw.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None


def encode(value: str) -> bytes:
    """A value as a header can carry it: plain where it is safe ASCII, else in the base64 form."""
    plain = value.isascii() and value.isprintable() and value == value.strip()
    if plain and not (value.startswith(_SENTINEL_START) and value.endswith(_SENTINEL_END)):
        return value.encode("ascii")
    return b"=?base64?" + base64.b64encode(value.encode("utf-8")) + b"?="


def check(message: Message, version: str, found: Mapping[bytes, bytes]) -> None:
    """Compare version, method and name with the body. Raises `Refused` with -32020."""
    method = message.method or ""
    member = NAMED.get(method)
    name = None if member is None else message.params.get(member)
    if found.__class__ is Mirrored and isinstance(name, str) and found.plain == (version, method, name):
        return  # the usual call
    _compare(found, _VERSION, version)
    _compare(found, _METHOD, method)
    if member is None and _NAME in found:
        member = OF_TASKS.get(method)
        name = None if member is None else message.params.get(member)
    if member is not None:
        _compare(found, _NAME, name if isinstance(name, str) else "")


def _compare(found: Mapping[bytes, bytes], header: bytes, expected: str) -> None:
    value = found.get(header)
    if value is None:
        raise mismatch(f"Header mismatch: {header.decode()} is missing.")
    if not value.startswith(b"=?") and value.decode("latin-1") == expected:
        return
    decoded = decode(value) if header == _NAME else value.decode("latin-1")
    if decoded != expected:
        raise mismatch(f"Header mismatch: {header.decode()} does not agree with the body.")


def declared_params(schema: Any) -> dict[bytes, tuple[str, ...]]:
    """The parameters that a tool's input schema mirrors into headers (`x-mcp-header`).

    Returns: lower-case header name → path of `properties` keys. Annotations that the specification does not allow
    (not on a string, integer or boolean; not a token; one name for two) are left out: a header for them is an unknown
    one.
    """
    declared: dict[bytes, list[tuple[str, ...]]] = {}
    _collect(schema, (), declared, 0)
    return {header: paths[0] for header, paths in declared.items() if len(paths) == 1}


def _collect(schema: Any, path: tuple[str, ...], declared: dict[bytes, list[tuple[str, ...]]], depth: int) -> None:
    if not isinstance(schema, dict) or depth > 32:
        return
    name = schema.get("x-mcp-header")
    if path and isinstance(name, str) and _TOKEN.fullmatch(name) and schema.get("type") in _SCALARS:
        declared.setdefault(PARAM_PREFIX + name.lower().encode("ascii"), []).append(path)
    properties = schema.get("properties")
    if isinstance(properties, dict):
        for key, sub in properties.items():
            _collect(sub, (*path, key), declared, depth + 1)


def check_params(found: Mapping[bytes, bytes], declared: Mapping[bytes, tuple[str, ...]], arguments: Any) -> None:
    """Compare every declared `Mcp-Param-*` header with the argument it mirrors. Raises `Refused` with -32020."""
    for header, path in declared.items():
        value = arguments
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        given = found.get(header)
        name = header.decode()
        if value is None:
            if given is not None:
                raise mismatch(f"Header mismatch: {name} is given, but the body has no such argument.")
            continue
        if given is None:
            raise mismatch(f"Header mismatch: {name} is missing.")
        text = decode(given)
        if text is None or not _same(text, value):
            raise mismatch(f"Header mismatch: {name} does not agree with the body.")


def _same(text: str, value: Any) -> bool:
    if isinstance(value, bool):
        return text == ("true" if value else "false")
    if isinstance(value, str):
        return text == value
    if isinstance(value, int | float | Decimal) and _NUMBER.fullmatch(text):
        return Decimal(text) == (value if isinstance(value, Decimal) else Decimal(repr(value)))
    return False
