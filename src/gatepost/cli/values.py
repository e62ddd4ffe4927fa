"""What people write on a command line: names, addresses, times, sizes. One that is none is wrong usage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from gatepost.errors import GatepostError

_P = ParamSpec("_P")
_T = TypeVar("_T")


class WrongUsage(click.UsageError):
    """What was written cannot be meant: exit code 2, and the stable code of the error that says why."""

    def __init__(self, why: GatepostError) -> None:
        super().__init__(str(why))
        self.code = why.code


def given(read: Callable[_P, _T], *values: _P.args, **named: _P.kwargs) -> _T:
    """What `read` makes of what was written. Raises `WrongUsage` where it raises a `GatepostError`."""
    from gatepost.errors import GatepostError

    try:
        return read(*values, **named)
    except GatepostError as why:
        raise WrongUsage(why) from None


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
