"""JSON read so strictly that no other parser can read it differently, and written so that numbers keep their text.

`parse` gives plain Python values. It uses the standard library's C scanner with hooks on objects and numbers, and looks
at the bytes beforehand for what the scanner does not see, so that a check that costs something runs only where it could
find something. Only a refused text is walked again, to say where the fault is.
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import Any, Final

import msgspec

_WHITESPACE: Final = " \t\n\r"
_PLAIN_DIGITS: Final = 17
"""Integers of so few characters need no look at their size."""
_FIXED_EXPONENT: Final = 21
"""Up to so many digits `canonical` writes an integer in full."""
_LEADING_ZEROS: Final = 3
"""Up to so many zeros behind the point it writes a fraction without an exponent, as `repr` does."""
_FIXED_LIMIT: Final = 10**_FIXED_EXPONENT


class StrictJSONError(ValueError):
    """A text that is not strict JSON.

    Attributes: `message` what is wrong, `position` the byte where it is, `line` and `column` the same, counted from 1
    (columns in characters).
    """

    def __init__(self, message: str, text: str, index: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = len(text[:index].encode("utf-8", "surrogatepass"))
        self.line = text.count("\n", 0, index) + 1
        self.column = index - (text.rfind("\n", 0, index) + 1) + 1


class NumberText(Decimal):
    """A number whose text would not be written again as it stood: `1e2`, `1.50`, `-0`, `13.0000000000000000001`.

    Its value is exact. `text` is how it was spelled.
    """

    text: str


class _Fault(Exception):
    """Something a hook refuses; where it stands is looked for afterwards."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Fault
    return value


def _spelled(text: str) -> NumberText:
    try:
        number = NumberText(text)
    except InvalidOperation:  # an exponent beyond what decimals hold
        raise _Fault from None
    number.text = text
    return number


def _float(text: str) -> float | NumberText:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _Fault
    # Where repr writes an exponent the writer may spell it otherwise.
    if repr(value) == text and 1e-4 <= abs(value) < 1e15:
        return value
    return _spelled(text)


def _int(text: str) -> int | NumberText:
    if len(text) > _PLAIN_DIGITS:
        if len(text) > 310 or float(text) in (float("inf"), float("-inf")):
            raise _Fault
    elif text == "-0":
        return _spelled(text)
    return int(text)


def _constant(_: str) -> Any:
    raise _Fault


_scan = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_float, parse_int=_int, parse_constant=_constant
).scan_once  # type: ignore[attr-defined]
_encoder = msgspec.json.Encoder(enc_hook=lambda value: msgspec.Raw(value.text.encode("ascii")), decimal_format="number")


def parse(body: bytes, *, max_depth: int = 64) -> Any:
    """The value of a JSON text.

    Args:
        body: the whole text in UTF-8.
        max_depth: how many arrays and objects may stand in each other.

    Returns: dict, list, str, bool, None, int, float, and `NumberText` for a number whose spelling neither would keep.

    Raises:
        StrictJSONError: for a duplicate key at any depth, anything after the value, a byte-order mark, another
            encoding, invalid UTF-8, a lone surrogate, NaN, Infinity, a number beyond binary64, too much depth, a
            control character in a string, and whatever else RFC 8259 does not allow.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode("utf-8", "replace")
        raise StrictJSONError("The text is not UTF-8.", before, len(before)) from None
    start = 0
    if text[:1] != "{":
        start = len(text) - len(text.lstrip(_WHITESPACE))
        if text.startswith("\ufeff"):
            raise StrictJSONError("The text begins with a byte-order mark.", text, 0)
    try:
        value, end = _scan(text, start)
    except StopIteration as stop:
        raise _syntax_or_constant(text, stop.value, max_depth) from None
    except json.JSONDecodeError as error:
        raise StrictJSONError(f"This is not JSON: {error.msg}.", text, error.pos) from None
    except RecursionError:
        raise _located(text, max_depth, f"More than {max_depth} levels of nesting.") from None
    except _Fault:
        raise _located(text, max_depth, "This JSON is not allowed here.") from None
    if end != len(text):
        rest = end + len(text[end:]) - len(text[end:].lstrip(_WHITESPACE))
        if rest != len(text):
            raise StrictJSONError("Something stands after the value.", text, rest)
    if body.count(b"{") + body.count(b"[") > max_depth and _deeper(value, max_depth):
        raise _located(text, max_depth, f"More than {max_depth} levels of nesting.")
    if b"\\ud" in body or b"\\uD" in body:
        try:
            _encoder.encode(value)
        except UnicodeEncodeError:
            raise _located(text, max_depth, "A string has half a surrogate pair.") from None
    return value


def write(value: Any) -> bytes:
    """A value as compact JSON in UTF-8; a `NumberText` as it was spelled. The inverse of `parse`."""
    return _encoder.encode(value)


def canonical(value: Any) -> bytes:
    """The one spelling of a value: RFC 8785, except that a number is written in exact normalised decimal.

    Members are sorted by UTF-16 code units, nothing is indented, and 1, 1.0 and 1e0 are alike. Two values have the same
    canonical form exactly when they are equal.
    """
    return _canonical(value).encode("utf-8", "surrogatepass")


def _canonical(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is int:
        return str(value) if -_FIXED_LIMIT < value < _FIXED_LIMIT else _number(Decimal(value))
    if kind is float:
        text = repr(value)
        # Nearly always the shortest text is the normalised one already.
        return text if "e" not in text and not text.endswith((".0", "f", "n")) else _number(Decimal(text))
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if isinstance(value, dict):
        keys = sorted(value) if "".join(value).isascii() else sorted(value, key=_utf16)
        return "{" + ",".join([f"{encode_basestring(key)}:{_canonical(value[key])}" for key in keys]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, Decimal):
        return _number(value)
    raise TypeError(f"{kind.__name__} is not a JSON value")


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _number(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise TypeError("NaN and Infinity are not JSON values")
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return "0"
    stripped = text.rstrip("0")
    exponent += len(text) - len(stripped)
    minus = "-" if sign else ""
    if exponent >= 0 and len(stripped) + exponent <= _FIXED_EXPONENT:
        return f"{minus}{stripped}{'0' * exponent}"
    if exponent < 0 and -exponent < len(stripped):
        return f"{minus}{stripped[:exponent]}.{stripped[exponent:]}"
    if exponent < 0 and -exponent - len(stripped) <= _LEADING_ZEROS:
        return f"{minus}0.{stripped.rjust(-exponent, '0')}"
    return f"{minus}{stripped}e{exponent}"


def _deeper(value: Any, limit: int) -> bool:
    """Whether containers stand in each other more than `limit` times; level by level, so that nothing recurses."""
    level = [value]
    for _ in range(limit + 1):
        containers = [c for c in level if type(c) is dict or type(c) is list]
        if not containers:
            return False
        level = [member for c in containers for member in (c.values() if type(c) is dict else c)]
    return True


# -- where a fault stands: only refused texts come here -------------------------------------------------------------


def _syntax_or_constant(text: str, index: int, max_depth: int) -> StrictJSONError:
    if index >= len(text):
        return StrictJSONError("The text ends where a value should begin.", text, len(text))
    located = _located(text, max_depth, "")
    return located if located.message else StrictJSONError("A value is expected here.", text, index)


def _located(text: str, max_depth: int, fallback: str) -> StrictJSONError:
    """The first fault of a text that the scanner's hooks refused, with its place."""
    keys: list[set[str] | None] = []
    index, length = 0, len(text)
    while index < length:
        character = text[index]
        if character == '"':
            try:
                value, after = json.decoder.scanstring(text, index + 1, True)  # type: ignore[attr-defined]
            except json.JSONDecodeError as error:
                return StrictJSONError(f"This is not JSON: {error.msg}.", text, error.pos)
            if any("\ud800" <= c <= "\udfff" for c in value):
                return StrictJSONError("A string has half a surrogate pair.", text, index)
            rest = text[after : after + 64].lstrip(_WHITESPACE)
            names = keys[-1] if keys else None
            if names is not None and rest.startswith(":"):
                if value in names:
                    return StrictJSONError(f"The key {value!r} stands twice in one object.", text, index)
                names.add(value)
            index = after
        elif character in "{[":
            keys.append(set() if character == "{" else None)
            if len(keys) > max_depth:
                return StrictJSONError(f"More than {max_depth} levels of nesting.", text, index)
            index += 1
        elif character in "}]":
            if keys:
                keys.pop()
            index += 1
        elif character in "-0123456789NI":
            end = index + 1
            while end < length and text[end] not in ",]} \t\n\r:":
                end += 1
            why = _number_fault(text[index:end])
            if why:
                return StrictJSONError(why, text, index)
            index = end
        else:
            index += 1
    return StrictJSONError(fallback, text, 0)


def _number_fault(token: str) -> str:
    if token.lstrip("-") in ("NaN", "Infinity"):
        return f"{token} is not a JSON number."
    try:
        if abs(float(token)) == float("inf"):
            return "A number is beyond what binary64 holds."
        Decimal(token)
    except ValueError:
        return ""
    except InvalidOperation:
        return "A number has an exponent beyond all measure."
    return ""
