"""Values of options that people write as text: times, lengths of time, sizes. One that is none is wrong usage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

_T = TypeVar("_T")


def given(read: Callable[[str], _T], text: str) -> _T:
    """What an option's text says. Raises `click.UsageError` where `read` does not know it."""
    from gatepost.errors import GatepostError

    try:
        return read(text)
    except GatepostError as why:
        raise click.UsageError(f"{why.message} {why.hint}") from None


def duration(text: str) -> int:
    """A length of time in seconds, such as `90s` or `2h`. Raises `click.UsageError`."""
    from gatepost.control.durations import parse_duration

    return given(parse_duration, text)


def moment(text: str | None) -> float | None:
    """A time as epoch seconds: so long ago (`2h`), or a date or local time of ISO 8601. Raises `click.UsageError`."""
    import re
    import time
    from datetime import datetime

    if text is None:
        return None
    if re.fullmatch(r"(?:[0-9]+[smhdw])+", text.strip().lower()):
        return time.time() - duration(text)
    try:
        return max(0.0, datetime.fromisoformat(text.strip()).timestamp())  # nothing is older than that
    except (ValueError, OverflowError):
        raise click.UsageError(
            f"{text} is not a time; write how long ago (2h, 30d), a date (2026-11-21) or a time (2026-11-21T05:31)."
        ) from None
