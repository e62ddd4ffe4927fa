"""The texts an agent sees (POLICY.md section 6) where the policy's author gave none.

No text holds the value of an argument: messages are recorded, values are not.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gatepost.policy.canonical import number_text
from gatepost.policy.decision import Use

NOT_AN_OBJECT = "they are not an object"
NOT_CHECKED = "they could not be checked"

_CALENDAR = ("day", "week", "month")
_LONGEST_NAME = 128


def unknown_tool(tool: str) -> str:
    return f"Unknown tool: {tool}"


def action_denied(name: str) -> str:
    return f"{_short(name)} is denied by the policy."


def default_denied(name: str) -> str:
    return f"{_short(name)} is not allowed by the policy."


def rule_denied(name: str, leaf: str) -> str:
    return f"{_short(name)} is denied by the rule {leaf}."


def rule_failed(name: str, leaf: str) -> str:
    return f"{_short(name)} is denied: the rule {leaf} could not be evaluated."


def arguments_invalid(name: str, why: str) -> str:
    return f"The arguments of {_short(name)} are not valid: {why}."


def amount_invalid(name: str, counter: str, path: str) -> str:
    return f"{_short(name)} is denied: the limit {counter} needs one amount from 0 to below 1000000000 at {path}."


def uri_invalid() -> str:
    return (
        "The URI is not valid: it has a dot segment, a backslash, a control character, "
        "%2e, %2f, %5c or an upper-case scheme."
    )


def approval_needed(name: str) -> str:
    return f"A person must approve {_short(name)}."


def limit_message(use: Use, frees_at: datetime | None, tool: str) -> str:
    """What is said when a limit is exhausted.

    Args:
        use: what the call would have taken.
        frees_at: when the counter has room again; None where it never will for this call.
        tool: the tool, the resource's URI or the prompt's name.
    """
    if use.on_deny:
        return use.on_deny
    window = f"per {use.window}" if isinstance(use.window, str) else f"in {use.window} seconds"
    text = f"Limit of {number_text(use.max)} {window} reached for {_short(tool)}"
    if frees_at is None:
        return f"{text}."
    return f"{text}; it frees at {_moment(frees_at, use.window)}."


def _moment(when: datetime, window: str | int) -> str:
    """The time in UTC, rounded up to a second; with its date where the window is longer than an hour."""
    utc = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    if utc.microsecond:
        utc = utc.replace(microsecond=0) + timedelta(seconds=1)
    dated = window in _CALENDAR or (isinstance(window, int) and window > 3600)
    return utc.strftime("%Y-%m-%dT%H:%M:%SZ" if dated else "%H:%M:%SZ")


def _short(name: str) -> str:
    """A caller's name in few characters, with what does not print written as an escape."""
    short = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"
    return short if short.isprintable() else short.encode("unicode_escape").decode("ascii")
