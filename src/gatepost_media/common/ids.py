"""Checked values, and the argument types that tools declare with them.

An id from a caller is checked twice: by the tool's schema, and here again where a path is built from it. What does not
have its form raises BadArgument before anything is sent.
"""

from __future__ import annotations

import datetime
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from gatepost_media.common.errors import BadArgument

_SLUG = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_HEX = frozenset("0123456789abcdef")
_DIGITS = 18
YEARS = range(1800, 2200)
"""The years that a date may be in: what any service knows of, and far from where the arithmetic of dates ends."""


def digits(argument: str, value: str | int) -> str:
    """Plex rating keys, section ids, playlist ids, account ids: 1 to 18 ASCII digits."""
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise BadArgument(argument, "must be digits only, such as 1204.")
    return text


def slug(argument: str, value: str) -> str:
    """Trakt slugs: lower-case letters, digits, - and _; at most 200. Digits alone are a number, of 18 at most."""
    too_long = _DIGITS if value.isdigit() else 200
    if not 1 <= len(value) <= too_long or not _SLUG.issuperset(value):
        raise BadArgument(argument, "must be a slug such as the-general-1926: lower-case letters, digits and -.")
    return value


def imdb(argument: str, value: str) -> str:
    """IMDb ids: tt or nm and 7 to 10 digits."""
    rest = value[2:]
    if value[:2] not in ("tt", "nm") or not (rest.isascii() and rest.isdigit() and 7 <= len(rest) <= 10):
        raise BadArgument(argument, "must be an IMDb id such as tt0017925.")
    return value


def hexadecimal(argument: str, value: str, length: int = 24) -> str:
    """The global ids in plex:// guids: lower-case hexadecimal digits of a fixed length."""
    if len(value) != length or not _HEX.issuperset(value):
        raise BadArgument(argument, f"must be {length} hexadecimal digits.")
    return value


def date(argument: str, value: str) -> datetime.date:
    """A day, as 2026-11-21, from 1800 to 2199."""
    try:
        if len(value) != 10 or not _begins_with_a_day(value):
            raise ValueError
        return datetime.date.fromisoformat(value)
    except ValueError:
        raise BadArgument(argument, "must be a date such as 2026-11-21, from 1800 to 2199.") from None


def moment(argument: str, value: str) -> datetime.datetime:
    """A time with its zone, or a day (its beginning, UTC): 2026-11-21T18:00:00Z or 2026-11-21, from 1800 to 2199.

    ISO 8601 knows more forms (weeks, days of the year, no hyphens) than the services that are asked: those are refused.
    """
    try:
        if not _begins_with_a_day(value) or value[10:11] not in ("", "T", " "):
            raise ValueError
        parsed = datetime.datetime.fromisoformat(value)
    except ValueError:
        raise BadArgument(
            argument, "must be a date or time such as 2026-11-21 or 2026-11-21T18:00:00Z, from 1800 to 2199."
        ) from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)


def utc(argument: str, value: str) -> str:
    """The same as Trakt wants it: 2026-11-21T18:00:00.000Z."""
    return moment(argument, value).astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _begins_with_a_day(value: str) -> bool:
    year = value[:4]
    return value.isascii() and value[4:5] == value[7:8] == "-" and year.isdigit() and int(year) in YEARS


def _from_number(value: object) -> object:
    # A model that was shown 1204 as a number often sends it back as one.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _printable(value: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise ValueError("must hold no control characters")
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _a_day_or_time(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        moment("", value)
    except BadArgument as error:
        raise ValueError(str(error).removeprefix(": ").rstrip(".")) from None
    return value


Digits = Annotated[str, Field(pattern=r"^[0-9]{1,18}$"), BeforeValidator(_from_number)]
"""An argument that is an id of digits; a JSON number is taken as well."""

Text = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_printable)]
"""One line from a caller: a title, a search; 1 to 500 characters, no control characters, not blank."""

LongText = Annotated[str, Field(max_length=20_000)]
"""A paragraph from a caller: a summary."""

When = Annotated[str, Field(min_length=10, max_length=35), BeforeValidator(_a_day_or_time)]
"""A day or a time, kept as it was given; `moment` reads it."""
