"""Header lines that were read before. Clients send nearly the same ones with every request."""

from __future__ import annotations

from typing import Final

Header = tuple[bytes, bytes]

_MOST_LINES: Final = 1024
_LONGEST: Final = 256
_NEVER: Final = frozenset({b"transfer-encoding", b"upgrade"})
"""What they mean for the bytes that follow is llhttp's to say, each time anew."""


class KnownLines:
    """What llhttp made of the header lines of well-formed heads.

    Whether a line is well-formed does not depend on the lines around it (folded ones are refused), except for those
    that frame the body; how those go together is checked for each head again, whoever read it.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, Header] = {}

    def find(self, lines: list[bytes]) -> list[Header] | None:
        """The headers of these lines, or None where one of them is new."""
        try:
            return list(map(self._known.__getitem__, lines))
        except KeyError:
            return None

    def learn(self, lines: list[bytes], headers: list[Header]) -> None:
        """Remember how llhttp read the lines of a head that was accepted."""
        if len(lines) != len(headers):
            return
        known = self._known
        for line, header in zip(lines, headers, strict=True):
            if line in known or len(line) > _LONGEST or header[0] in _NEVER:
                continue
            if not line.lower().startswith(header[0] + b":"):
                return
            if len(known) >= _MOST_LINES:
                known.clear()
            known[line] = header
