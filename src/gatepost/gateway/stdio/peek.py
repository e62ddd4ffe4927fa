"""As much of a line as its head is made of. Nothing is decided on it: the main path reads the line strictly."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from gatepost.mcp.headers import NAMED
from gatepost.mcp.message import MessageError, parse


class _Meta(msgspec.Struct, gc=False):
    version: str | None = msgspec.field(default=None, name="io.modelcontextprotocol/protocolVersion")


class _Params(msgspec.Struct, gc=False):
    name: str = ""
    uri: str = ""
    meta: _Meta | None = msgspec.field(default=None, name="_meta")


class Peek(msgspec.Struct, gc=False):
    """What a line seems to be: a request has a method and an id, a notification no id, a response no method."""

    method: str | None = None
    id: str | int | None = None
    params: _Params | None = None

    @property
    def version(self) -> str | None:
        """The revision that a modern message names."""
        params = self.params
        return None if params is None or params.meta is None else params.meta.version

    @property
    def named(self) -> str | None:
        """What the `Mcp-Name` header mirrors; None where the method has none."""
        member = NAMED.get(self.method or "")
        if member is None:
            return None
        params = self.params
        return "" if params is None else params.uri if member == "uri" else params.name


class Broken(Peek, gc=False):
    """Of a line that is no message."""


_decode: Final = msgspec.json.Decoder(Peek).decode


def peek(line: bytes) -> Peek:
    """Look at a line. One that is odd is looked at again; of one that is no message nothing is seen."""
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        message = parse(line)
    except MessageError as fault:
        return Broken(None, fault.id)
    version = message.meta().get("io.modelcontextprotocol/protocolVersion")
    params = _Params(_text(message.params.get("name")), _text(message.params.get("uri")))
    params.meta = _Meta(version if isinstance(version, str) else None)
    return Peek(message.method, message.id, params)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
