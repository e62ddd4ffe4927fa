"""Newline framing of stdio, linear in time and bounded in size."""

from __future__ import annotations


class LineTooLong(Exception):
    """A line passed the limit before its end was seen."""


class LineSplitter:
    """Cuts a byte stream into lines.

    Args:
        limit: the most bytes a line may have, its newline not counted.
    """

    __slots__ = ("_limit", "_rest")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without their newline.

        Raises:
            LineTooLong: nothing more can be read from the stream.
        """
        if b"\n" not in chunk:
            self._rest += chunk
            self._check(len(self._rest))
            return []
        lines = chunk.split(b"\n")
        if self._rest:
            self._rest += lines[0]
            lines[0] = bytes(self._rest)
            self._rest.clear()
        self._rest += lines.pop()
        self._check(max(len(line) for line in lines))
        self._check(len(self._rest))
        return lines

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise LineTooLong(f"a line of more than {self._limit} bytes")
