"""Server-sent events, as bytes: cut into events, each with the exact bytes it came in (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from typing import Final

import msgspec

_BOM: Final = b"\xef\xbb\xbf"
_LF: Final = 0x0A
_CR: Final = 0x0D
_LINE_ENDS: Final = b"\r\n"
_NOWHERE: Final = -1
_UNKNOWN: Final = -2
MAX_EVENT: Final = 16 * 1024 * 1024
_MOST_LINES: Final = 256 * 1024
"""Lines of an event: what is remembered of each takes a hundred times as much as the shortest has."""
_FEW_LINES: Final = 256
_BLANK_LINES: Final = 64
"""So many bytes of a run of blank lines are looked at first."""


class TooLarge(Exception):
    """An event is longer than the parser was told to accept."""


class Event(msgspec.Struct, gc=False):
    """One event, or a run of comments that ends in a blank line.

    Attributes:
        raw: exactly what came, comments and the closing blank line included. The events' `raw` joined are the stream.
        data: the `data` lines joined by newlines; None where there is none (a comment, a keep-alive).
        id, event, retry: the last field of that name, None where there is none. An id with NUL and a retry that is not
            all digits are none.
    """

    raw: bytes
    data: bytes | None
    id: str | None
    event: str | None
    retry: str | None


class Parser:
    """Cuts a byte stream into events, in linear time however it is split over chunks."""

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._max_event = max_event
        self._rest: bytes | bytearray = b""
        self._lines: list[tuple[int, int]] = []
        """Where in `_rest` the lines of the present event begin and end, blank ones left out."""
        self._line = 0
        """Where in `_rest` the present line begins."""
        self._lf = self._cr = _UNKNOWN
        """Where the next LF and CR stand."""
        self._first = True
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes. Blank lines that end none are one `Event` without data together.

        Raises:
            TooLarge: an event, finished or not, is longer than `max_event`, or has too many lines. The parser is of no
                use afterwards.
        """
        if not chunk:
            return []
        events: list[Event] = []
        if not self._rest and not self._after_cr:
            chunk = self._plain(chunk, events)
            if not chunk:  # the usual case: servers write whole events
                return events
        rest = self._rest
        searched = len(rest)
        if self._after_cr:
            self._after_cr = False
            if chunk[0] == _LF:  # the other half of a line end that counted already
                self._line += 1
        if isinstance(rest, bytearray):
            rest += chunk
        else:
            rest = self._rest = chunk
        self._lf = self._cr = _UNKNOWN
        start = 0
        while (end := self._event_end(searched)) > 0 or (not self._lines and self._line > start):
            end = end or self._line
            if end - start > self._max_event:
                raise TooLarge
            events.append(self._event(bytes(rest[start:end]), [bytes(rest[a:b]) for a, b in self._lines]))
            self._lines = []
            start = end
        if len(rest) - start > self._max_event:
            raise TooLarge
        self._rest = bytearray(rest[start:]) if start or isinstance(rest, bytes) else rest
        if start:
            self._line -= start
            self._lines = [(a - start, b - start) for a, b in self._lines]
        if not self._rest:
            self._rest = b""
        return events

    def _plain(self, chunk: bytes, events: list[Event]) -> bytes:
        """Take the events that a chunk begins with, up to anything unusual. Returns what is left of it.

        Single bytes are looked for with `find` alone: all else that bytes can do takes ten times as long on a long
        line.
        """
        lines: list[bytes] = []
        begin = start = 0
        while (end := chunk.find(b"\n", start)) >= 0 and len(lines) < _FEW_LINES:
            line = chunk[start:end]
            cr = line.find(b"\r")
            if cr >= 0:
                if cr != end - start - 1:
                    break  # one that ends a line by itself
                line = line[:-1]
            start = end + 1
            if line:
                lines.append(line)
            elif lines and start - begin <= self._max_event:
                events.append(self._event(chunk[begin:start], lines))
                lines = []
                begin = start
            else:
                break
        return chunk[begin:]

    def close(self) -> bytes:
        """What was left of an unfinished event, which the specification has thrown away."""
        rest, self._rest = bytes(self._rest), b""
        return rest

    def _event_end(self, searched: int) -> int:
        """The index behind the next blank line that ends an event, 0 where there is none yet.

        Args:
            searched: up to here no line end is left, it was looked for in the chunks before.
        """
        rest = self._rest
        length = len(rest)
        while True:
            line = self._line
            # Either is looked for again only when it is passed: every byte is looked at once for each.
            if self._lf != _NOWHERE and self._lf < line:
                self._lf = rest.find(b"\n", max(line, searched))
            if self._cr != _NOWHERE and self._cr < line:
                self._cr = rest.find(b"\r", max(line, searched))
            lf, cr = self._lf, self._cr
            if cr >= 0 and (lf < 0 or cr < lf):
                # At the end of a chunk it may be the first half of CRLF: the line is over all the same.
                self._after_cr = cr + 1 == length
                at, end = cr, cr + 2 if lf == cr + 1 else cr + 1
            elif lf >= 0:
                at, end = lf, lf + 1
            else:
                return 0
            self._line = end
            if at != line:
                self._lines.append((line, at))
                if len(self._lines) > _MOST_LINES:
                    raise TooLarge
            elif self._lines:
                return end
            elif end < length and rest[end] in _LINE_ENDS:
                self._pass_blank_lines(rest)

    def _pass_blank_lines(self, rest: bytes | bytearray) -> None:
        """Go on behind a run of line ends: one by one, a server that sends nothing else would keep a processor busy."""
        width = _BLANK_LINES
        while True:
            piece = rest[self._line : self._line + width]
            left = len(piece.lstrip(_LINE_ENDS))
            self._line += len(piece) - left
            if left or len(piece) < width:
                break
            width *= 2  # so that what is looked at in vain is in proportion to what is passed
        self._after_cr = self._line == len(rest) and rest[-1] == _CR

    def _event(self, raw: bytes, lines: list[bytes]) -> Event:
        if self._first and lines:
            lines[0] = lines[0].removeprefix(_BOM)
        self._first = False
        data: list[bytes] = []
        id = event = retry = None
        for line in lines:
            if line.startswith(b"data: "):  # most are, and long
                data.append(line[6:])
                continue
            name, _, value = line.partition(b":")
            if not name:
                continue
            value = value[1:] if value.startswith(b" ") else value
            if name == b"data":
                data.append(value)
            elif name == b"id":
                if b"\0" not in value:
                    id = value.decode("utf-8", "replace")
            elif name == b"event":
                event = value.decode("utf-8", "replace")
            elif name == b"retry" and value.isdigit():
                retry = value.decode("ascii")
        whole = data[0] if len(data) == 1 else b"\n".join(data) if data else None
        return Event(raw, whole, id, event, retry)


def _lines(text: bytes) -> list[bytes]:
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text.split(b"\n")


def encode(data: bytes, *, id: str | None = None, event: str | None = None) -> bytes:
    """One event with this data, split where it holds line ends.

    Raises:
        ValueError: `id` or `event` holds a line end or NUL, which no field can carry.
    """
    out = bytearray()
    if event is not None:
        out += b"event: " + _field(event) + b"\n"
    if id is not None:
        out += b"id: " + _field(id) + b"\n"
    for line in _lines(data):
        out += b"data: " + line + b"\n"
    return bytes(out + b"\n")


def rewritten(event: Event, *, data: bytes | None = None, id: str | None = None) -> bytes:
    """An event's bytes with other data or another id; comments, other fields and their order stay.

    Args:
        data: stands in place of the event's `data` lines; None keeps what there is.
        id: stands in place of its `id`; None keeps what there is.

    Raises:
        ValueError: `id` holds a line end or NUL.
    """
    out = bytearray()
    placed = False
    for line in _lines(event.raw.removeprefix(_BOM))[:-2]:
        name = line.partition(b":")[0]
        if name == b"data" and data is not None:
            if not placed:
                out += b"".join([b"data: " + part + b"\n" for part in _lines(data)])
            placed = True
        elif name == b"id" and id is not None:
            out += b"id: " + _field(id) + b"\n"
        else:
            out += line + b"\n"
    return bytes(out + b"\n")


def _field(value: str) -> bytes:
    if "\n" in value or "\r" in value or "\0" in value:
        raise ValueError("a field of an event holds a line end or NUL")
    return value.encode("utf-8")
