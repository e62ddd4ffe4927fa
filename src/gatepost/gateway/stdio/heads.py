"""The heads that a client's lines would have had over HTTP, made from what the lines say."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from gatepost.gateway.snapshot import Tool
from gatepost.gateway.stdio.line_request import INITIALIZES
from gatepost.gateway.stdio.peek import Peek
from gatepost.mcp import headers as mirrored
from gatepost.mcp.methods import MODERN_VERSIONS
from gatepost.wire import strictjson
from gatepost.wire.head import Head, Line

_MOST: Final = 1024
_LONGEST: Final = 1024
"""Characters of what a head is kept by: a line may name something of megabytes."""
_JSON: Final = (b"content-type", b"application/json")


class Heads:
    """Makes heads, and keeps those that come again.

    Attributes:
        modern: whether the client speaks 2026-07-28.
        session: the sealed id of its legacy session.
        version: the revision agreed on for it.
    """

    def __init__(self, server: str) -> None:
        self.modern = False
        self._path = f"/mcp/{server}/"
        self._session: bytes | None = None
        self._version: bytes | None = None
        self._kept: dict[tuple[str | None, str | None, str | None], Head] = {}
        self._legacy: Head | None = None
        self.bare = self._head("POST", [_JSON])

    @property
    def session(self) -> bytes | None:
        return self._session

    @session.setter
    def session(self, value: bytes) -> None:
        self._session, self._legacy = value, None

    @property
    def version(self) -> bytes | None:
        return self._version

    @version.setter
    def version(self, value: bytes | None) -> None:
        self._version, self._legacy = value, None

    def of(self, seen: Peek, line: bytes, tools: Mapping[str, Tool], *, modern: bool) -> Head:
        """The head for a line."""
        if not modern:
            if seen.method == "initialize":
                first = self._head("POST", [_JSON])
                first.memo[INITIALIZES] = True
                return first
            legacy = self._legacy
            if legacy is None:
                legacy = self._legacy = self._head("POST", [_JSON, *self._of_session()])
            return legacy
        key = (seen.version, seen.method, seen.named)
        head = self._kept.get(key)
        if head is None:
            head = self._modern(seen)
            if sum(len(part) for part in key if part is not None) <= _LONGEST:
                if len(self._kept) >= _MOST:
                    self._kept.clear()
                self._kept[key] = head
        if seen.method == "tools/call":
            tool = tools.get(seen.named or "")
            if tool is not None and tool.param_headers:
                return self._head("POST", [*head.headers, *_params(tool.param_headers, line)])
        return head

    def listening(self, last_event: str | None) -> Head:
        """For the listening stream of the session, or what is left of one."""
        more = [] if last_event is None else [(b"last-event-id", last_event.encode("latin-1", "replace"))]
        return self._head("GET", [(b"accept", b"text/event-stream"), *self._of_session(), *more])

    def ending(self) -> Head:
        """For the end of the session."""
        return self._head("DELETE", self._of_session())

    def _of_session(self) -> list[tuple[bytes, bytes]]:
        pairs = ((b"mcp-session-id", self._session), (b"mcp-protocol-version", self._version))
        return [(name, value) for name, value in pairs if value is not None]

    def _modern(self, seen: Peek) -> Head:
        version = seen.version or MODERN_VERSIONS[-1]
        found = [_JSON, (b"mcp-protocol-version", version.encode("latin-1", "replace"))]
        if seen.method is not None:
            found.append((b"mcp-method", seen.method.encode("latin-1", "replace")))
        if seen.named is not None:
            found.append((b"mcp-name", mirrored.encode(seen.named)))
        return self._head("POST", found)

    def _head(self, method: str, headers: list[tuple[bytes, bytes]]) -> Head:
        return Head(Line(method, self._path, "", True), headers, dict(headers))


def _params(declared: Mapping[bytes, tuple[str, ...]], line: bytes) -> list[tuple[bytes, bytes]]:
    """The `Mcp-Param-*` headers that a tool wants beside its arguments."""
    try:
        value: Any = strictjson.parse(line)
    except strictjson.StrictJSONError:
        return []  # it is refused anyway
    params = value.get("params") if isinstance(value, dict) else None
    found = []
    for header, path in declared.items():
        argument: Any = params.get("arguments") if isinstance(params, dict) else None
        for key in path:
            argument = argument.get(key) if isinstance(argument, dict) else None
        text = _text(argument)
        if text is not None:
            found.append((header, mirrored.encode(text)))
    return found


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, strictjson.NumberText):
        return value.text
    return str(value) if isinstance(value, str | int | float | Decimal) else None
