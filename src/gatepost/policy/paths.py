"""Paths into the arguments of a call (POLICY.md section 2): `args.items[*].sku`, `args["odd.name"][0]`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final, Protocol

from gatepost.policy.texts import is_digits

MAX_STARS = 2
"""The most `[*]` that one path may have."""


class Every(Enum):
    """The step `[*]`."""

    EVERY = "[*]"


class Odd(Enum):
    """What a path finds where it steps into a value of another kind, or where nobody can say what the value is."""

    UNKNOWN = "unknown"


EVERY: Final = Every.EVERY
UNKNOWN: Final = Odd.UNKNOWN

Step = str | int | Every


class Defaults(Protocol):
    """What a tool's schema says of members that a call left out."""

    def default(self, steps: tuple[Step, ...]) -> Any:
        """The default of the member at `steps`: None where there is none, UNKNOWN where it is ambiguous."""


class PathError(ValueError):
    """The text is not a path; the message says what was expected."""


_LONGEST_INDEX: Final = 9
"""Digits of an index."""


def parse_path(text: str) -> tuple[Step, ...]:
    """The steps of a path, without the leading `args`.

    Raises:
        PathError: it does not start with `args`, a step cannot be read, or it has more than two `[*]`.
    """
    if not text.startswith(("args.", "args[")):
        raise PathError('a path that starts with "args."')
    steps: list[Step] = []
    position = len("args")
    while position < len(text):
        step, position = _step(text, position)
        steps.append(step)
    if steps.count(EVERY) > MAX_STARS:
        raise PathError(f"at most {MAX_STARS} [*] in a path")
    return tuple(steps)


def _step(text: str, position: int) -> tuple[Step, int]:
    """The step that begins at `position`, and where it ends."""
    if text[position] == ".":
        end = position + 1
        while end < len(text) and (text[end].isalnum() or text[end] in "_$-"):
            end += 1
        if end > position + 1:
            return text[position + 1 : end], end
    elif text.startswith("[*]", position):
        return EVERY, position + len("[*]")
    elif text.startswith('["', position):
        return _quoted(text, position)
    elif text[position] == "[":
        digits, bracket, _ = text[position + 1 : position + _LONGEST_INDEX + 2].partition("]")
        if bracket and is_digits(digits, most=_LONGEST_INDEX) and (digits == "0" or digits[0] != "0"):
            return int(digits), position + len(digits) + 2
    raise PathError(_hint(text, position))


def _quoted(text: str, position: int) -> tuple[str, int]:
    try:
        name, end = json.decoder.scanstring(text, position + 2, True)  # type: ignore[attr-defined]
        name.encode("utf-8")
    except ValueError:
        raise PathError(f"a JSON string in the brackets at character {position + 1}") from None
    if not text.startswith("]", end):
        raise PathError(_hint(text, position))
    return name, end + 1


def _hint(text: str, position: int) -> str:
    where = f"at character {position + 1}"
    if text.startswith((".*", "[]"), position):
        return f"[*] for every element {where}"
    if text.startswith("['", position):
        return f'a name in double quotes, ["name"], {where}'
    if text.startswith("[-", position):
        return f"an index of 0 or more {where}"
    return f'.name, [0], [*] or ["name"] {where}'


def find_one(arguments: dict[str, Any], steps: Sequence[Step], defaults: Defaults | None) -> Any:
    """The value at a path without `[*]`: None when it is missing, UNKNOWN after a step into another kind."""
    value: Any = arguments
    for depth, step in enumerate(steps, start=1):
        if isinstance(step, str):
            if not isinstance(value, dict):
                return UNKNOWN
            if step in value:
                value = value[step]
            else:
                value = None if defaults is None else defaults.default(tuple(steps[:depth]))
        else:
            if not isinstance(value, list):
                return UNKNOWN
            assert isinstance(step, int)
            value = value[step] if step < len(value) else None
        if value is None or value is UNKNOWN:
            return value
    return value


def find_all(arguments: dict[str, Any], steps: Sequence[Step], defaults: Defaults | None) -> list[Any]:
    """The values at a path with `[*]`: None for each that is missing, UNKNOWN after a step into another kind."""
    values: list[Any] = [arguments]
    for depth, step in enumerate(steps, start=1):
        reached: list[Any] = []
        for value in values:
            if value is None:
                reached.append(None)
            elif step is EVERY:
                if isinstance(value, list):
                    reached.extend(value)
                else:
                    reached.append(UNKNOWN)
            elif isinstance(step, str):
                if not isinstance(value, dict):
                    reached.append(UNKNOWN)
                elif step in value:
                    reached.append(value[step])
                else:
                    reached.append(None if defaults is None else defaults.default(tuple(steps[:depth])))
            elif isinstance(value, list):
                reached.append(value[step] if step < len(value) else None)
            else:
                reached.append(UNKNOWN)
        values = reached
    return values
