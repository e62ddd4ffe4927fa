"""Server-sent events, as bytes: cut into events, each with the exact bytes it came in (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from typing import Final

_BOM: Final = b"\xef\xbb\xbf"
MAX_EVENT: Final = 16 * 1024 * 1024


class TooLarge(Exception):
    """An event is longer than the parser was told to accept."""


class Event:
    """One event, or a run of comments that ends in a blank line.

    Attributes:
        raw: exactly what came, comments and the closing blank line included.
        data: the `data` lines joined by newlines; None where there is none (a comment, a keep-alive).
        id, event, retry: the last field of that name, None where there is none.
    """

    __slots__ = ("data", "event", "id", "raw", "retry")

    def __init__(self, raw: bytes, data: bytes | None, id: str | None, event: str | None, retry: str | None) -> None:
        self.raw = raw
        self.data = data
        self.id = id
        self.event = event
        self.retry = retry

    def __repr__(self) -> str:
        return f"Event(data={self.data!r}, id={self.id!r}, event={self.event!r}, retry={self.retry!r})"


class Parser:
    """Cuts a byte stream into events. Every byte is looked at once, however it is split over chunks."""

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._max_event = max_event
        self._rest = bytearray()
        self._line = 0
        self._scanned = 0
        self._first = True
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes.

        Raises:
            TooLarge: an event, finished or not, is longer than `max_event`. The parser is of no use afterwards.
        """
        rest = self._rest
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk[0] == 0x0A:
                self._line = self._scanned = len(rest) + 1
        rest += chunk
        events: list[Event] = []
        start = 0
        while (found := self._blank_line()) is not None:
            if found - start > self._max_event:
                raise TooLarge
            events.append(self._event(bytes(rest[start:found])))
            start = found
        if start:
            del rest[:start]
            self._line -= start
            self._scanned -= start
        if len(rest) > self._max_event:
            raise TooLarge
        return events

    def close(self) -> bytes:
        """What was left of an unfinished event, which the specification has thrown away."""
        rest = bytes(self._rest)
        self._rest.clear()
        return rest

    def _blank_line(self) -> int | None:
        """The index behind the next blank line, None where there is none yet."""
        rest = self._rest
        length = len(rest)
        while True:
            newline = rest.find(b"\n", self._scanned)
            carriage = rest.find(b"\r", self._scanned, length if newline < 0 else newline)
            at = carriage if carriage >= 0 else newline
            if at < 0:
                self._scanned = length
                return None
            if rest[at] == 0x0D:
                # At the end of a chunk it may be the first half of CRLF: the line is over all the same.
                self._after_cr = at + 1 == length
                end = at + 2 if not self._after_cr and rest[at + 1] == 0x0A else at + 1
            else:
                end = at + 1
            blank = at == self._line
            self._line = self._scanned = end
            if blank:
                return end

    def _event(self, raw: bytes) -> Event:
        text = raw
        if self._first:
            self._first = False
            text = raw.removeprefix(_BOM)
        data: list[bytes] = []
        id = event = retry = None
        for line in text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
            name, colon, value = line.partition(b":")
            if not line or (colon and not name):
                continue
            value = value[1:] if value.startswith(b" ") else value
            if name == b"data":
                data.append(value)
            elif name == b"id":
                if b"\0" not in value:
                    id = value.decode("utf-8", "replace")
            elif name == b"event":
                event = value.decode("utf-8", "replace")
            elif name == b"retry":
                retry = value.decode("utf-8", "replace")
        return Event(raw, b"\n".join(data) if data else None, id, event, retry)


def encode(data: bytes, *, id: str | None = None, event: str | None = None) -> bytes:
    """One event with this data, split where it holds line ends."""
    out = bytearray()
    if event is not None:
        out += b"event: " + event.encode("utf-8") + b"\n"
    if id is not None:
        out += b"id: " + id.encode("utf-8") + b"\n"
    for line in data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        out += b"data: " + line + b"\n"
    return bytes(out + b"\n")


def rewritten(event: Event, *, data: bytes | None = None, id: str | None = None) -> bytes:
    """An event's bytes with other data or another id; comments, other fields and their order stay.

    Args:
        data: None keeps what there is.
        id: None keeps what there is.
    """
    out = bytearray()
    placed = False
    for line in event.raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-2]:
        name = line.removeprefix(_BOM).partition(b":")[0]
        if name == b"data" and data is not None:
            if not placed:
                out += b"".join(b"data: " + part + b"\n" for part in data.split(b"\n"))
            placed = True
        elif name == b"id" and id is not None:
            out += b"id: " + id.encode("utf-8") + b"\n"
        else:
            out += line + b"\n"
    return bytes(out + b"\n")
