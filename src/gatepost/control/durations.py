"""Lengths and points of time as people write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from gatepost.errors import GatepostError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PARTS = re.compile(r"(?:[0-9]{1,9}[smhdw])+")
_PART = re.compile(r"([0-9]+)([smhdw])")
_LONGEST = 100 * 366 * 86400


def parse_duration(text: str) -> int:
    """`90s`, `30m`, `1h`, `30d`, `2w` or several in a row (`1h30m`), in whole seconds; `0s` is one too.

    Raises `GatepostError` GP-4005, also for more than 100 years.
    """
    cleaned = text.strip().lower()
    if _PARTS.fullmatch(cleaned) is None:
        raise GatepostError(
            "GP-4005",
            f"{text!r} is not a length of time.",
            "Write a number and a unit of s, m, h, d or w, such as 90m, 30d or 1h30m.",
        )
    seconds = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(cleaned))
    if seconds > _LONGEST:
        raise GatepostError("GP-4005", f"{text!r} is more than 100 years.", "Choose a shorter time.")
    return seconds


def parse_expiry(text: str, now: float) -> float:
    """When something ends, in epoch seconds: a length of time from `now`, or a date or time of ISO 8601.

    A date is its beginning in UTC, a time without an offset is UTC. Raises `GatepostError` GP-4005, also for what is
    not after `now` or more than 100 years off.
    """
    cleaned = text.strip()
    at = now + parse_duration(cleaned) if _PARTS.fullmatch(cleaned.lower()) else _instant(cleaned)
    if at <= now:
        raise GatepostError("GP-4005", f"{text!r} is not in the future.", "Choose a later time.")
    if at - now > _LONGEST:
        raise GatepostError("GP-4005", f"{text!r} is more than 100 years off.", "Choose an earlier time, or none.")
    return at


def _instant(text: str) -> float:
    try:
        if len(text) == len("2027-01-31"):
            return datetime.combine(date.fromisoformat(text), time(), UTC).timestamp()
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise GatepostError(
            "GP-4005",
            f"{text!r} is not a time.",
            "Write a length such as 30d, a date such as 2027-01-31 or a time such as 2027-01-31T12:00:00Z.",
        ) from None
