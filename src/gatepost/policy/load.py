"""A policy document as it comes, text or values: read so strictly that nothing in it can be read in two ways."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from gatepost.policy.errors import PolicyError, Problems, describe, escape
from gatepost.policy.exact import is_finite, is_number, known

MAX_BYTES = 1024 * 1024
"""The most a document may have, as text and in canonical form."""

_DIGITS = 4300
_DEPTH = 64


class _Repeated(dict[str, Any]):
    """An object in which keys stood more than once; `replaced` has their values but the last, which it holds."""

    replaced: dict[str, list[Any]]


def parse(text: str | bytes | bytearray) -> Any:
    """Parse JSON text. Repeated keys are remembered for `plain`, which reports them with the rest.

    Raises:
        PolicyError: over 1 MiB, not UTF-8, a byte order mark, not JSON, nested too deeply.
    """
    try:
        data = text.encode("utf-8") if isinstance(text, str) else bytes(text)
        if len(data) > MAX_BYTES:
            raise PolicyError([("", f"found {len(data)} bytes, expected at most {MAX_BYTES} (1 MiB)")])
        if data.startswith(b"\xef\xbb\xbf"):
            raise PolicyError([("", "found a byte order mark, expected JSON text without one")])
        return json.loads(
            data.decode("utf-8"),
            parse_constant=Decimal,  # NaN and Infinity: `plain` reports them with their pointer
            parse_float=_number,
            parse_int=_integer,
            object_pairs_hook=_object,
        )
    except UnicodeEncodeError:
        raise PolicyError([("", "found a lone surrogate, expected Unicode text")]) from None
    except UnicodeDecodeError as error:
        raise PolicyError([("", f"found a byte that is not UTF-8 at offset {error.start}, expected UTF-8")]) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise PolicyError([("", f"found no valid JSON at {where} ({error.msg}), expected one JSON object")]) from None
    except RecursionError:
        raise PolicyError([("", "found values nested too deeply, expected a policy document")]) from None


def plain(value: Any, problems: Problems, pointer: str = "", depth: int = 0) -> Any:
    """A copy of a JSON value in plain types, reporting whatever no JSON document may hold, and leaving it out.

    Numbers become int or float, or Decimal where neither holds the exact value.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if not _is_text(value):
            problems.drop(pointer, "found a lone surrogate, expected Unicode text")
            return ""
        return str(value)
    if is_number(value):
        return _plain_number(value, problems, pointer)
    if isinstance(value, (dict, list)) and depth >= _DEPTH:
        problems.drop(pointer, "found values nested too deeply, expected a policy document")
        return None
    if isinstance(value, list):
        return [plain(item, problems, f"{pointer}/{index}", depth + 1) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return _plain_object(value, problems, pointer, depth)
    problems.drop(pointer, f"found a {type(value).__name__}, expected a JSON value")
    return None


def _plain_object(value: dict[Any, Any], problems: Problems, pointer: str, depth: int) -> dict[str, Any]:
    if isinstance(value, _Repeated):
        for key, others in value.replaced.items():
            at = f"{pointer}/{escape(key)}"
            problems.add(at, f"found the key {describe(key)} more than once, expected it once")
            for other in others:  # a key may be repeated in what a repeated key replaced
                plain(other, problems, at, depth + 1)
    members: dict[str, Any] = {}
    for key, member in value.items():
        if isinstance(key, str) and _is_text(key):
            members[str(key)] = plain(member, problems, f"{pointer}/{escape(key)}", depth + 1)
        else:
            problems.drop(pointer, f"found the key {describe(key)}, expected Unicode text")
    return members


def _plain_number(value: Any, problems: Problems, pointer: str) -> int | float | Decimal:
    if not is_finite(value):
        problems.drop(pointer, f"found {describe(value)}, expected a number that a binary64 can hold")
        return 0
    if isinstance(value, int):
        return int(value)
    near = known(value)
    return Decimal(value) if near is None else near


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    values: dict[str, list[Any]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    repeated = _Repeated(members)
    repeated.replaced = {key: those[:-1] for key, those in values.items() if len(those) > 1}
    return repeated


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond what a Decimal can hold: reported with its pointer like any overflow
        return Decimal("Infinity")


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _DIGITS else Decimal(text)
