"""Media queries that callers write, for smart playlists: taken apart, checked, and written again.

Nothing of a caller's text reaches an address as it was: a query is read into conditions of a known form, and those are
percent-encoded. See "Media Queries" in the Plex contract for the operators.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import unquote_plus, urlencode

from pydantic import Field

from gatepost_media.common.errors import BadArgument
from gatepost_media.common.ids import Text, moment
from gatepost_media.common.output import Row
from gatepost_media.plex.client import Plex
from gatepost_media.plex.raw import TYPES

FieldName = Literal[
    "artist.title",
    "album.title",
    "track.title",
    "genre.tag",
    "year",
    "rating",
    "addedAt",
    "lastViewedAt",
    "viewCount",
]
Operator = Literal["is", "isnot", "contains", "doesnotcontain", "beginswith", "endswith", "gt", "gte", "lt", "lte"]

_WORDS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.")
_OPERATORS = ("!==", ">>=", "<<=", "!=", "==", ">=", "<=", "=")
"""The longest first: the sign before the last `=` belongs to the operator."""
_RESERVED = frozenset({"type", "uri", "smart", "title"})
_STRING = {
    "is": "=",
    "isnot": "!=",
    "contains": "",
    "doesnotcontain": "!",
    "beginswith": "<",
    "endswith": ">",
}
_INTEGER = {"is": "", "isnot": "!", "gt": ">>", "gte": ">", "lt": "<<", "lte": "<"}
_DATE = {"is": "", "isnot": "!", "gt": ">>", "gte": ">>", "lt": "<<", "lte": "<<"}
_TAG = {"is": "", "isnot": "!"}
_UNITS = ("mon", "m", "h", "d", "w", "y")


class SmartFilter(Row):
    """One condition of a smart playlist."""

    field: FieldName
    operator: Operator
    value: Annotated[Text | int | float, Field(description="A date may be 2026-01-31 or relative, such as -30d.")]


def conditions(argument: str, query: str) -> list[tuple[str, str]]:
    """A query such as `genre=12&year>=1990` as pairs, the operator at the end of the name. Raises BadArgument."""
    pairs = []
    for part in query.removeprefix("?").split("&"):
        if not part:
            continue
        split = _split(unquote_plus(part))
        if split is None:
            raise BadArgument(argument, f"cannot be read at {part[:60]!r}. Write it like year>=1990&genre=12.")
        name, value = split
        if name.rstrip("!<>=") in _RESERVED:
            raise BadArgument(argument, f"must not set {name}: other arguments do.")
        if not value.isprintable() or len(value) > 500:
            raise BadArgument(argument, "must hold no control characters and no value over 500 characters.")
        pairs.append((name, value))
    if not pairs:
        raise BadArgument(argument, "holds no condition.")
    return pairs


def _split(part: str) -> tuple[str, str] | None:
    for at, character in enumerate(part):
        if character in "!<>=":
            field = part[:at]
            for operator in _OPERATORS:
                if part.startswith(operator, at) and field and _WORDS.issuperset(field):
                    return field + operator[:-1], part[at + len(operator) :]
            return None
    return None


def encoded(pairs: Sequence[tuple[str, str]]) -> str:
    """Pairs as the query of an address."""
    return urlencode(pairs)


async def smart_pairs(plex: Plex, library: str, kind: int, filters: Sequence[SmartFilter]) -> list[tuple[str, str]]:
    """The conditions of create_smart_playlist as Plex's. Raises BadArgument for what Plex cannot ask of the field."""
    pairs = []
    for index, each in enumerate(filters):
        where = f"filters[{index}]"
        value = str(each.value)
        if each.field.endswith(".title"):
            level = each.field.removesuffix(".title")
            if kind != TYPES["track"]:
                raise BadArgument(f"{where}.field", f"{each.field} is for audio playlists.")
            pairs.append((f"{level}.title{_operator(where, each, _STRING)}", value))
        elif each.field == "genre.tag":
            scope, level_number = ("album.", TYPES["album"]) if kind == TYPES["track"] else ("", kind)
            if kind == TYPES["episode"]:
                scope, level_number = "show.", TYPES["show"]
            operator = _operator(where, each, _TAG)
            number = await plex.tag(library, "genre", value, f"{where}.value", level_number)
            pairs.append((f"{scope}genre{operator}", number))
        elif each.field in ("addedAt", "lastViewedAt"):
            pairs.append((each.field + _operator(where, each, _DATE), _date(f"{where}.value", value)))
        else:
            scope = "album." if kind == TYPES["track"] and each.field == "year" else ""
            field = "userRating" if kind == TYPES["track"] and each.field == "rating" else each.field
            pairs.append((scope + field + _operator(where, each, _INTEGER), _number(f"{where}.value", value)))
    return pairs


def _operator(where: str, given: SmartFilter, known: dict[str, str]) -> str:
    if given.operator not in known:
        raise BadArgument(f"{where}.operator", f"{given.field} takes {', '.join(known)}.")
    return known[given.operator]


def _number(where: str, value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        raise BadArgument(where, "must be a number.") from None
    if not -1_000_000 <= number <= 1_000_000_000:
        raise BadArgument(where, "is out of range.")
    return str(int(number)) if number == int(number) else repr(number)


def _date(where: str, value: str) -> str:
    sign, rest = value[:1], value[1:]
    for unit in _UNITS:
        amount = rest.removesuffix(unit)
        if sign in ("-", "+") and amount != rest and amount.isascii() and amount.isdigit() and len(amount) <= 6:
            return value
    when = moment(where, value)
    if when.year < 1970:
        when = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return str(int(when.timestamp()))
