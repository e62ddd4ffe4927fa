"""Windows of time: their names, lengths and edges in UTC (POLICY.md section 4, `window`).

Instants are whole microseconds since the epoch, so that edges are exact.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
_WEEK: Final = 7 * DAY
_FIRST_MONDAY: Final = 4 * DAY  # 1970-01-05
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_SAME: Final[dict[str | int, str | int]] = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_NAMES: Final[dict[str | int, str | int]] = {seconds: name for name, seconds in _SAME.items()}
_LONGEST: Final = 2_678_400
_LONGEST_SLIDING: Final = 86_400


def canonical(window: str | int) -> str | int:
    """One spelling for each window: seconds as an int, `"week"` or `"month"`. Raises `ValueError` for no window.

    A named second, minute, hour or day is the int, because UTC as the epoch counts it has no leap seconds: the
    calendar's and the epoch's edges are the same.
    """
    window = _SAME.get(window, window)
    if window in ("week", "month"):
        return window
    if isinstance(window, int) and not isinstance(window, bool) and 1 <= window <= _LONGEST:
        return window
    raise ValueError(f"{window!r} is not a window")


def sliding(window: str | int) -> int:
    """The length in seconds of a sliding window. Raises `ValueError` for one over a day."""
    seconds = canonical(window)
    if isinstance(seconds, int) and seconds <= _LONGEST_SLIDING:
        return seconds
    raise ValueError(f"{window!r} is too long for a sliding window, which has a day at most")


def name(window: str | int) -> str | int:
    """How a canonical window is shown: `"minute"` for 60, other lengths as they are."""
    return _NAMES.get(window, window)


def edges(window: str | int, at: int) -> tuple[int, int]:
    """Start (inside) and end (outside) of the canonical window that holds the instant `at`."""
    if window == "week":
        start = at - (at - _FIRST_MONDAY) % _WEEK
        return start, start + _WEEK
    if window == "month":
        first = (_EPOCH + timedelta(microseconds=at)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = (first + timedelta(days=31)).replace(day=1)
        return _since_epoch(first), _since_epoch(following)
    length = int(window) * SECOND
    start = at - at % length
    return start, start + length


def _since_epoch(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
