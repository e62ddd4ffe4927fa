"""Lines of text for a screen: grids with numbers at the right, side by side where there is room, and small bars."""

from __future__ import annotations

from collections.abc import Sequence

import click

from gatepost.cli.output import Styled, clean, ends, fit, style, width_of

_GAP = "  "
_BARS = " ▁▂▃▄▅▆▇█"


def grid(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int | None, numbers: int) -> list[str]:
    """An aligned table as lines, none without rows; the widest text gives way where `width` columns are too few.

    Args:
        numbers: so many columns at the right end are numbers, which stand at the right of theirs.
    """
    if not rows:
        return []
    cells = [[value if isinstance(value, Styled) else clean(value) for value in row] for row in rows]
    widths = [max(width_of(row[at]) for row in [list(headers), *cells]) for at in range(len(headers))]
    if width is not None:
        words = len(headers) - numbers
        while sum(widths) + len(_GAP) * (len(widths) - 1) > width:
            widest = max(range(words or len(widths)), key=widths.__getitem__)
            if widths[widest] <= 4:
                break
            widths[widest] -= 1
    lines = []
    for number, row in enumerate([list(headers), *cells]):
        shown = [
            " " * max(0, widths[at] - width_of(value)) + value
            if at >= len(row) - numbers
            else fit(value, widths[at], end=ends(headers[at], value))
            for at, value in enumerate(row)
        ]
        line = _GAP.join(shown).rstrip()
        lines.append(style(line, dim=True) if number == 0 else line)
    return lines


def beside(left: Sequence[str], right: Sequence[str], width: int, gap: int = 4) -> list[str]:
    """Two blocks of lines next to each other, the left one `width` columns wide."""
    height = max(len(left), len(right))
    padded = [*left, *[""] * (height - len(left))], [*right, *[""] * (height - len(right))]
    return [(fit(a, width) + " " * gap + b).rstrip() for a, b in zip(*padded, strict=True)]


def bars(values: Sequence[int]) -> str:
    """One character for each value, as high as it is against the highest."""
    highest = max(values, default=0)
    if not highest:
        return " " * len(values)
    top = len(_BARS) - 1
    return "".join(_BARS[0 if not value else max(1, round(value / highest * top))] for value in values)


def cut(line: str, width: int) -> str:
    """The line within `width` columns; one that is longer loses its colours."""
    return line if width_of(line) <= width else fit(click.unstyle(line), width)


def milliseconds(microseconds: int | None) -> str:
    """`0.31 ms`, `12 ms`, `1.4 s`."""
    if microseconds is None:
        return ""
    if microseconds < 10_000:
        return f"{microseconds / 1000:.2f} ms"
    return f"{microseconds / 1000:,.0f} ms" if microseconds < 10_000_000 else f"{microseconds / 1_000_000:,.1f} s"
