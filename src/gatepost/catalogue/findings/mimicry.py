"""Names that can be taken for another server's tool: look-alike letters, one edit, the same name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from gatepost.catalogue.classification import Severity
from gatepost.catalogue.findings.finding import Finding, quoted

_SHORT = 4
_SHORTEST = 6
_LONGEST = 128
_MOST_NAMES = 20_000

# What a letter can be taken for, after compatibility folding and in lower case: Cyrillic, Greek, Armenian, digits.
_LIKE: Final = str.maketrans(
    {
        **dict(zip("абвгеёзіїјкмнорсстухцѕԁԛԝһӏүьъ", "a6breeeiijkmhopcctyxusdqwhlyb6", strict=True)),
        **dict(zip("αβγεζηικλνοπρστυχω", "abyezniklvonpotuxw", strict=True)),
        **dict(zip("աօսհոցզ", "wouhngq", strict=True)),
        "0": "o", "1": "l", "5": "s", "3": "e", "4": "a", "7": "t", "8": "b", "$": "s", "@": "a", "!": "l", "|": "l",
        "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ɡ": "g", "ɑ": "a", "ⅼ": "l",
    }
)  # fmt: skip
_SEPARATORS: Final = str.maketrans("", "", "_-./ \u2010\u2011\u2012\u2013\u2014\u2015")


class Names:
    """The tools of other servers, to be compared with.

    Args:
        others: the names by server; past 20,000 in all they are not compared with.
    """

    def __init__(self, others: Mapping[str, Iterable[str]]) -> None:
        self._exact: dict[str, str] = {}
        self._shapes: dict[str, tuple[str, str]] = {}
        self._shortened: dict[str, tuple[str, str]] = {}
        count = 0
        for server, names in others.items():
            for name in names:
                count += 1
                if count > _MOST_NAMES or len(name) > _LONGEST:
                    continue
                self._exact.setdefault(name, server)
                self._shapes.setdefault(shape(name), (server, name))
                for less in _less(name):
                    self._shortened.setdefault(less, (server, name))

    def mimicked(self, name: str) -> Iterator[Finding]:
        """What there is to say of one name."""
        if not self._exact or len(name) > _LONGEST:
            return
        if name in self._exact:
            what = f"has the name of a tool of {self._exact[name]}: a client with both cannot tell them apart"
            yield _finding("low", name, what)
            return
        alike = self._shapes.get(shape(name))
        if alike is not None and _plain(name) == _plain(alike[1]):
            yield _finding("low", name, f"is {_shown(alike[1])} of {alike[0]} in another spelling")
            return
        if alike is not None and (len(name) >= _SHORT or not name.isascii()):
            yield _finding("high", name, f"looks like {_shown(alike[1])} of {alike[0]}")
            return
        near = self._near(name)
        if near is not None:
            yield _finding("medium", name, f"differs in one character from {_shown(near[1])} of {near[0]}")

    def _near(self, name: str) -> tuple[str, str] | None:
        if len(name) < _SHORTEST:
            return None
        for less in _less(name):
            other = self._shortened.get(less)
            if other is not None and one_edit(name, other[1]) and not _ordinary(name, other[1]):
                return other
        return None


def shape(name: str) -> str:
    """What a name looks like: look-alike letters folded together, separators and case left out."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    plain = "".join(character for character in unicodedata.normalize("NFD", folded) if not _unseen(character))
    return plain.translate(_LIKE).translate(_SEPARATORS).replace("rn", "m").replace("vv", "w").replace("i", "l")


def _plain(name: str) -> str:
    return name.casefold().translate(_SEPARATORS)


def one_edit(one: str, other: str) -> bool:
    """Whether two names differ by one character: put in, left out, another, or two beside each other exchanged."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    left, right = one[start:], other[start:]
    return (
        left[1:] == right
        or left == right[1:]
        or left[1:] == right[1:]
        or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )


def _ordinary(one: str, other: str) -> bool:
    """Differences between honest names: a plural, a number."""
    shorter, longer = sorted((one, other), key=len)
    if longer in (shorter + "s", shorter + "e") or longer.replace("s_", "_") == shorter.replace("s_", "_"):
        return True
    return any(a != b and a.isdigit() and b.isdigit() for a, b in zip(one, other, strict=False)) or (
        len(longer) > len(shorter) and longer[:-1] == shorter and longer[-1].isdigit()
    )


def _less(name: str) -> Iterator[str]:
    """The name, and it with each one of its characters left out; two names one edit apart share one of them."""
    if len(name) >= _SHORTEST - 1:
        yield name
        for place in range(len(name)):
            yield name[:place] + name[place + 1 :]


def _unseen(character: str) -> bool:
    return unicodedata.combining(character) != 0 or unicodedata.category(character) in ("Cf", "Cc")


def _finding(severity: Severity, name: str, what: str) -> Finding:
    return Finding("mimicry", severity, quoted(name), "name", what, "")


def _shown(name: str) -> str:
    return quoted(name)
