"""What commands print: tables as wide as the terminal, local times, JSON, and nothing that could steer a terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import click

_GAP = "  "
_ELLIPSIS = "…"
_NARROWEST = 6
_WHOLE = frozenset({"TIME", "SEEN", "SINCE", "SCANNED", "EXPIRES", "LAST USED", "DECISION"})
"""Columns that say nothing when they are cut; the others give way first."""
_ENDS = frozenset({"RULE"})
"""Columns of which the end says most: a rule's beginning repeats the tool."""
_COLOURS = {"allow": "green", "deny": "red", "approve": "yellow"}


def emit(value: Any) -> None:
    """Prints a value as JSON, readable and stable."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_as_json))


def emit_line(value: Any) -> None:
    """Prints a value as one line of JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_as_json))


def _as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be printed as JSON")


def clean(text: str) -> str:
    """The text with everything that could steer a terminal or turn the reading order made visible or taken out.

    Names, descriptions and messages come from servers and clients; none of them may move the cursor, hide a line or
    swap what stands left and right. Line ends become spaces.
    """
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\n\r\t":
        return " "
    category = unicodedata.category(character)
    if category in ("Cc", "Cs"):
        return f"\\x{ord(character):02x}"
    return "" if category == "Cf" and character not in "\u200c\u200d" else character


def width_of(text: str) -> int:
    """Columns that a text takes in a terminal, escape sequences of our own styling not counted."""
    columns = 0
    for character in click.unstyle(text):
        if unicodedata.combining(character):
            continue
        columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return columns


def terminal_width() -> int | None:
    """Columns to keep within, or None where lines may be as long as they are (output into a file or a pipe)."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size().columns
    return None


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, indent: int = 0) -> None:
    """Prints an aligned table; the widest columns give way where the terminal is too narrow."""
    cells = [[clean(header) for header in headers], *[[_cell(value) for value in row] for row in rows]]
    widths = [max(width_of(row[column]) for row in cells) for column in range(len(headers))]
    limit = terminal_width()
    if limit is not None and _line(widths) > limit - indent:
        if "TIME" in headers and _drop_year(cells[1:], headers.index("TIME")):
            widths[headers.index("TIME")] -= len("2026-")
        _narrow(widths, headers, limit - indent)
    for number, row in enumerate(cells):
        columns = zip(row, widths, headers, strict=True)
        line = _GAP.join(fit(value, width, end=ends(header, value)) for value, width, header in columns).rstrip()
        click.echo(" " * indent + (click.style(line, bold=True) if number == 0 else line))


def ends(header: str, value: str) -> bool:
    """Whether a cell is cut at its beginning. A rule in brackets, such as (unknown tool), is read from there."""
    return header in _ENDS and not value.startswith("(")


def _line(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _drop_year(rows: list[list[str]], column: int) -> bool:
    """Takes the year out of times that are all of this one; says whether it did."""
    year = datetime.now().strftime("%Y-")
    if not all(row[column].startswith(year) for row in rows):
        return False
    for row in rows:
        row[column] = row[column].removeprefix(year)
    return True


def _narrow(widths: list[int], headers: Sequence[str], limit: int) -> None:
    """Takes what is too much off the widest column, a bit at a time, down to a width that still says something."""
    too_much = _line(widths) - limit
    for giving in (
        [column for column, header in enumerate(headers) if header not in _WHOLE],
        list(range(len(widths))),
    ):
        while too_much > 0 and giving:
            widest = max(giving, key=widths.__getitem__)
            if widths[widest] <= _NARROWEST:
                break
            widths[widest] -= 1
            too_much -= 1


def _cell(value: str) -> str:
    return value if isinstance(value, Styled) else clean(value)


def fit(text: str, width: int, *, end: bool = False) -> str:
    """The text cut to `width` columns with an ellipsis, or padded to it; a styled text is padded or loses its style.

    With `end` it is the beginning that is cut off.
    """
    actual = width_of(text)
    if actual <= width:
        return text + " " * (width - actual)
    plain = click.unstyle(text)
    kept = ""
    for character in reversed(plain) if end else plain:
        if width_of(kept + character) > width - 1:
            break
        kept = character + kept if end else kept + character
    return fit(_ELLIPSIS + kept if end else kept + _ELLIPSIS, width)


class Styled(str):
    """A text that `style` cleaned and coloured: the only one that may hold escape sequences."""

    __slots__ = ()


def style(text: str, **attributes: Any) -> Styled:
    """The text cleaned, then in the given colour or weight (as `click.style` names them)."""
    return Styled(click.style(clean(text), **attributes))


def decision(effect: str) -> Styled:
    """The word for a decision in its colour."""
    return style(effect, fg=_COLOURS.get(effect))


def moment(value: str | float | datetime | None) -> datetime | None:
    """A time as an aware datetime: from ISO 8601 text, seconds since the epoch, or a datetime."""
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return datetime.fromtimestamp(value, UTC)


def local(value: str | float | datetime | None, *, missing: str = "") -> str:
    """A time for people: local, to the second."""
    when = moment(value)
    return missing if when is None else when.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def utc(value: str | float | datetime | None) -> str | None:
    """A time for programs: UTC, ISO 8601 with Z."""
    when = moment(value)
    return None if when is None else when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def count(number: int, noun: str) -> str:
    """`1 tool`, `2 tools`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def spoken(eras: Iterable[str], versions: Sequence[str]) -> str:
    """What a server speaks: `legacy and modern (2025-11-25, 2026-07-28)`."""
    words = " and ".join(sorted(eras)) or "nothing known"
    return f"{words} ({', '.join(versions)})" if versions else words


def heading(text: str) -> None:
    """A heading, after a blank line."""
    click.echo()
    click.echo(click.style(text, bold=True))


def fields(pairs: Sequence[tuple[str, str]]) -> None:
    """Prints names and values in two columns."""
    widest = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        click.echo(f"  {click.style(name.ljust(widest), dim=True)}  {_cell(value)}")


def progress(text: str) -> None:
    """Says on stderr what is going on."""
    click.echo(click.style(clean(text), dim=True), err=True)
