"""The requests of one connection, read one at a time: llhttp reads the bytes, the limits hold here.

A head is given whole, and of the body no more than belongs to it: nothing of the next request is looked at too early.
Where llhttp has read a head before, or every line of it, and the length of the body is given, it is not asked again.
"""

from __future__ import annotations

from typing import Any, Final

import httptools

from gatepost.wire.head import Head, Line, check, first_values
from gatepost.wire.known_lines import KnownLines
from gatepost.wire.limits import Limits, Refusal, bad
from gatepost.wire.names import Names

_FRAMING: Final = 16 * 1024
_FRAMING_PER_CHUNK: Final = 16
"""What sizes, extensions and trailers of a chunked body may come to, beside its bytes."""
_AROUND_TARGET: Final = 32
"""What stands in a request line beside the target."""


class Incoming:
    """What is being read.

    Attributes:
        complete: whether the whole request is read.
        body_bytes: how much of its body is.
        rest: what stood behind the request in the bytes given last.
        lost: whether something stood there that can no longer be told from the body.
    """

    __slots__ = (
        "_behind", "_body", "_chunk_count", "_chunked", "_headers", "_in_head", "_known", "_limits", "_missing",
        "_parsed", "_parser", "_raw_bytes", "body_bytes", "complete", "lost", "rest",
    )  # fmt: skip

    def __init__(self, limits: Limits, known: KnownLines) -> None:
        self._limits = limits
        self._known = known
        self._parser: Any = httptools.HttpRequestParser(self)
        self._in_head = self._parsed = self._chunked = self._behind = False
        self._missing = self._raw_bytes = self._chunk_count = 0
        self._body: bytes | bytearray = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self.complete = self.lost = False
        self.body_bytes = 0
        self.rest = b""

    def begin(self, head: Head) -> None:
        """Go on behind a head that was read before; its body is not chunked."""
        self._parsed = self._chunked = False
        self._begin_body(head.length)

    def read_head(self, data: bytes, line: Line, names: Names) -> Head | Refusal:
        """Read a whole head, or say why it is refused.

        Args:
            data: from the request line to the empty line.
            line: what its request line says.
        """
        self.complete = False
        lines = data.split(b"\r\n")[1:-2]
        known = self._known.find(lines)
        self._parsed = known is None
        if known is None:
            self._headers = []
            self._in_head = True
            try:
                self._parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
                return _malformed(error)
            self._in_head = False
        headers = self._headers if known is None else known
        if len(headers) > self._limits.max_headers:
            return bad(f"More than {self._limits.max_headers} headers.", 431)
        values = first_values(headers)
        if isinstance(values, Refusal):
            return values
        refusal = check(values, line.newer, self._limits, names)
        if refusal is not None:
            return refusal
        if known is None:
            self._known.learn(lines, headers)
        head = Head(line, headers, values)
        self._chunked = b"transfer-encoding" in values
        self._begin_body(head.length)
        return head

    def _begin_body(self, length: int) -> None:
        self._missing = length
        self._body = b""
        self.body_bytes = self._raw_bytes = self._chunk_count = 0
        self.rest = b""
        if not self._parsed:  # else llhttp has said so
            self.complete = not length

    def read_body(self, data: bytes) -> Refusal | None:
        """Read what has come of the body. Returns why it is refused, if it is."""
        if not self._chunked:
            if len(data) > self._missing:
                self.rest = data[self._missing :]
                data = data[: self._missing]
            self._missing -= len(data)
        if not data:
            return None
        if not self._parsed:
            self._add(data)
            self.complete = not self._missing
            return None
        self._raw_bytes += len(data)
        self._behind = False
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self.complete:
                return _malformed(error)
            self._behind = True
        self.lost = self.lost or self._behind
        if self.body_bytes > self._limits.max_body:
            return bad(f"The body is longer than {self._limits.max_body} bytes.", 413)
        if self._raw_bytes - self.body_bytes > _FRAMING + _FRAMING_PER_CHUNK * self._chunk_count:
            return bad("The framing of the body is longer than its use.", 431)
        return None

    def take_body(self) -> bytes:
        """The body of a complete request."""
        body, self._body = self._body, b""
        return bytes(body)

    def forget(self) -> None:
        """Nothing more will be read: let go of llhttp, which holds this, so that no collector has to find the two."""
        self._parser = None

    def wanted(self, available: int) -> int:
        """How many of the bytes that are there may be of the body."""
        return available if self._chunked else min(self._missing, available)

    def _add(self, body: bytes) -> None:
        self.body_bytes += len(body)
        if not self._body:
            self._body = body
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body

    # -- httptools -------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._behind = self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # a trailer is dropped, never merged
            self._headers.append((name.lower(), value.rstrip(b" \t")))  # llhttp leaves white space behind a value

    def on_body(self, body: bytes) -> None:
        if not self.complete:
            self._add(body)

    def on_chunk_header(self) -> None:
        self._chunk_count += 1

    def on_message_complete(self) -> None:
        self.complete = True


def check_beginning(part: bytearray, limits: Limits) -> Refusal | None:
    """Why the beginning of a head can never become a whole one."""
    line_end = part.find(b"\r\n")
    if part and not (0x41 <= part[0] <= 0x5A or part == b"\r"):
        return bad("This is not HTTP/1.1.")
    if part.count(b"\n") != part.count(b"\r\n") or b"\0" in part:
        return bad("The head has a bare line end or NUL.")
    if line_end < 0 and len(part) > limits.max_target + _AROUND_TARGET:
        return bad(f"The target is longer than {limits.max_target} bytes.", 414)
    if line_end >= 0 and len(part) - line_end > limits.max_header_bytes:
        return bad(f"The headers are longer than {limits.max_header_bytes} bytes.", 431)
    return None


def _malformed(error: Exception) -> Refusal:
    if isinstance(error, httptools.HttpParserUpgrade):
        return bad("Upgrades are not served.")
    return bad(f"The request is not HTTP/1.1: {error}.")
