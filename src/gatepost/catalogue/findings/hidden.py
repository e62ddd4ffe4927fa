"""Text that a person does not see and a model reads."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

import re2

from gatepost.catalogue.classification import Severity
from gatepost.catalogue.findings.finding import quoted

Found = tuple[str, Severity, str, str]
"""Kind, severity, what, quote."""

_ZERO_WIDTH: Final = frozenset(
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064"
    "\u206a\u206b\u206c\u206d\u206e\u206f\u3164\ufeff\uffa0\ufff9\ufffa\ufffb"
)
_JOINERS: Final = frozenset("\u200c\u200d")
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_MARKS: Final = frozenset("\u200e\u200f\u061c")
_FLAG: Final = "\U0001f3f4"
_TAG_END: Final = "\U000e007f"
_LONGEST_FLAG = 8
_AROUND = 30

_ESCAPES: Final = re2.compile(r"\x1b[\[\]PX^_()#%c78=>]|[\x{80}-\x{9f}]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_OFF_SCREEN: Final = re2.compile(r"(?:[ \t\x{a0}\x{2000}-\x{200a}\x{3000}]{60,}|(?:[ \t]*\r?\n){12,})[^\s]")
_COMMENT: Final = re2.compile(r"(?s)<!--.{10,}?-->")
_ENCODED: Final = re2.compile(r"[A-Za-z0-9+/_-]{160,}={0,2}")


def hidden(text: str) -> Iterator[Found]:
    """What of a text cannot be seen; each kind of hiding once, with the first place of it."""
    if not text.isascii():
        yield from _unseen(text)
    if not text.isprintable() and (match := _ESCAPES.search(text)):
        what = "holds control characters, which can steer a terminal"
        yield "hidden-text", "high", what, _around(text, match.start(), match.end())
    if len(text) > 12:
        yield from _aside(text)


def _aside(text: str) -> Iterator[Found]:
    if " " * 8 in text or text.count("\n") >= 12 or not text.isascii() or "\t" in text:
        yield from _off_screen(text)
    match = _COMMENT.search(text) if "<!--" in text else None
    if match is not None:
        what = "holds a comment that is not shown where the text is laid out"
        yield "hidden-text", "medium", what, quoted(match.group())
    match = _ENCODED.search(text) if len(text) >= 160 else None
    if match is not None and not text.startswith(("data:", "http:", "https:")):
        what = f"holds {match.end() - match.start():,} characters that look encoded"
        yield "hidden-text", "medium", what, quoted(match.group())


def _off_screen(text: str) -> Iterator[Found]:
    match = _OFF_SCREEN.search(text)
    if match is not None:
        blank = match.end() - match.start() - 1
        what = f"goes on after {blank:,} blank characters, where nobody looks"
        yield "hidden-text", "high", what, quoted(text[match.end() - 1 :])


def _unseen(text: str) -> Iterator[Found]:
    tags = _tags(text)
    if tags:
        said = "".join(chr(ord(character) - 0xE0000) for character in tags if 0xE0020 <= ord(character) < 0xE007F)
        yield "hidden-text", "critical", f"holds {len(tags):,} invisible tag characters, which say", quoted(said)
    spots = [place for place, character in enumerate(text) if character in _TURNING]
    if spots:
        what = "turns the direction of reading, so that it is not read as it is shown"
        yield "hidden-text", "high", what, _around(text, spots[0], spots[0] + 1)
    elif any(character in _MARKS for character in text) and not _right_to_left(text):
        first = next(place for place, character in enumerate(text) if character in _MARKS)
        what = "holds marks for the direction of reading and nothing that is read from the right"
        yield "hidden-text", "medium", what, _around(text, first, first + 1)
    spots = [place for place, character in enumerate(text) if character in _ZERO_WIDTH and not _joins(text, place)]
    if spots:
        severity: Severity = "high" if len(spots) > 3 else "medium"
        what = f"holds {len(spots):,} invisible characters" if len(spots) > 1 else "holds an invisible character"
        yield "hidden-text", severity, what, _around(text, spots[0], spots[0] + 1)
    selectors = _selectors(text)
    if selectors:
        what = f"holds {selectors:,} variation selectors that vary nothing, which can carry a message"
        yield "hidden-text", "high", what, ""
    private = next((place for place, character in enumerate(text) if unicodedata.category(character) == "Co"), None)
    if private is not None:
        what = "holds characters for private use, which each screen shows in its own way or not at all"
        yield "hidden-text", "medium", what, _around(text, private, private + 1)


def _tags(text: str) -> str:
    """Tag characters that are no flag's: a black flag, a few tags and their end."""
    found = []
    flag = ""
    for character in text:
        if "\U000e0000" <= character <= _TAG_END:
            flag += character if flag else ""
            if not flag:
                found.append(character)
            elif character == _TAG_END or len(flag) > _LONGEST_FLAG:
                found += list(flag[1:]) if len(flag) > _LONGEST_FLAG else []
                flag = ""
        else:
            found += list(flag[1:])
            flag = _FLAG if character == _FLAG else ""
    return "".join([*found, *flag[1:]])


def _joins(text: str, place: int) -> bool:
    """Whether a joiner stands where writing has it: between letters of a script that joins, or in an emoji."""
    if text[place] not in _JOINERS or not 0 < place < len(text) - 1:
        return False
    before, after = text[place - 1], text[place + 1]
    if before == "\ufe0f" and place > 1:
        before = text[place - 2]
    if unicodedata.category(before) in ("So", "Sk") and unicodedata.category(after) == "So":
        return text[place] == "\u200d"
    return all(character.isalpha() or unicodedata.combining(character) for character in (before, after)) and all(
        "\u0600" <= character <= "\u109f" or "\u1780" <= character <= "\u18af" for character in (before, after)
    )


def _right_to_left(text: str) -> bool:
    return any(
        unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text if character not in _MARKS
    )


def _selectors(text: str) -> int:
    """Variation selectors that do not follow a symbol, a digit (keycaps) or an ideograph."""
    count = 0
    for place, character in enumerate(text):
        if "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
            before = text[place - 1] if place else ""
            symbol = before != "" and (unicodedata.category(before) in ("So", "Sm", "Sk", "Po") or before.isdigit())
            count += not (symbol or "\u3400" <= before <= "\u9fff" or "\u2190" <= before <= "\u2bff")
    return count


def _around(text: str, start: int, end: int) -> str:
    before = text[max(0, start - _AROUND) : start]
    return quoted(before + text[start : end + _AROUND])
