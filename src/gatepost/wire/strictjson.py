"""JSON read so strictly that no other parser can read it differently, and written so that numbers keep their text.

`parse` gives plain Python values. Most clients write compact JSON. Where a fast reader's value, written again, gives
the text back to the byte, that text can be read in no other way: nothing stands twice in it, nothing is spelled oddly
and nothing stands around it, because the writer writes no such thing. Any other text is read by the standard library's
C scanner with hooks on objects and numbers, and looked at for what the scanner does not see. Only a refused text is
walked again, to say where the fault is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import Any, Final

import msgspec
import re2

from gatepost.wire import json_faults
from gatepost.wire.json_faults import MAX_EXPONENT, MAX_NUMBER, StrictJSONError

__all__ = ["NumberText", "StrictJSONError", "canonical", "parse", "read", "write"]

_WHITESPACE: Final = " \t\n\r"
_PLAIN_DIGITS: Final = 17
"""Integers of so few characters need no look at their size."""
_MOST_DIGITS: Final = 310
"""Integers of more characters are beyond binary64."""
_LONG_NUMBER: Final = re2.compile(rb"[0-9]{300}")
_FIXED_DIGITS: Final = 21
"""Up to so many digits before the point `canonical` writes a number without exponent, as ECMAScript does."""
_FIXED_LIMIT: Final = 10**_FIXED_DIGITS
_SMALLEST_FIXED: Final = -6
"""Down to so many zeros behind the point likewise."""
_USUAL_DEPTH: Final = 16
_FEW: Final = 64
"""So few digits and opening brackets make neither a number that is too long nor too much depth."""
_LARGE: Final = 64 * 1024
"""Characters of a text from which on it is remembered which odd spellings were met: one costs three times a usual
number, and a body has room for a million of them."""
_REMEMBERED: Final = 16_384
"""So many spellings of one text: more than there are of those so short that hundreds of thousands of them fit."""
_NOT_COUNTED: Final = bytes(set(range(256)) - set(b"0123456789[{"))


class NumberText(Decimal):
    """A number whose text would not be written again as it stood: `1e2`, `1.50`, `-0`, `13.0000000000000000001`.

    Its value is exact. `text` is how it was spelled.
    """

    __slots__ = ("text",)

    text: str

    def __copy__(self) -> NumberText:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> NumberText:
        return self  # Decimal's own would make another without its text


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
    if not -MAX_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        raise _Fault
    number.text = text
    return number


_MINUS_ZERO: Final = _spelled("-0")


def _reader_of_floats(remembered: int) -> Callable[[str], float | NumberText]:
    """What makes a number of a text with a point or an exponent, and remembers so many odd spellings."""
    known: dict[str, NumberText] = {}

    def read_float(text: str) -> float | NumberText:
        if len(text) > MAX_NUMBER:
            raise _Fault
        value = float(text)
        if _encode(value).decode() == text:
            return value
        number = known.get(text)
        if number is None:
            if math.isinf(value):
                raise _Fault
            number = _spelled(text)
            if len(known) < remembered:
                known[text] = number
        return number

    return read_float


def _int(text: str) -> int | NumberText:
    if len(text) > _PLAIN_DIGITS:
        if len(text) > _MOST_DIGITS or math.isinf(float(text)):
            raise _Fault
    elif text == "-0":
        return _MINUS_ZERO
    return int(text)


def _constant(_: str) -> Any:
    raise _Fault


def _scanner(remembered: int) -> Callable[[str, int], tuple[Any, int]]:
    """The standard scanner with our hooks; from a text and where a value begins to the value and where it ends."""
    decoder = json.JSONDecoder(
        object_pairs_hook=_object,
        parse_float=_reader_of_floats(remembered),
        parse_int=_int,
        parse_constant=_constant,
    )
    scan: Callable[[str, int], tuple[Any, int]] = decoder.scan_once  # type: ignore[attr-defined]
    return scan


_scan_small: Final = _scanner(0)
_sorted: Final = msgspec.json.Encoder(order="sorted")
_encoder = msgspec.json.Encoder(enc_hook=lambda value: msgspec.Raw(value.text.encode("ascii")), decimal_format="number")
_encode: Final = _encoder.encode
_decode: Final = msgspec.json.Decoder().decode


def read(body: bytes) -> tuple[Any, bytes]:
    """The value of a JSON text as `parse` gives it, and the text that `write` makes of it.

    That is `body` itself, the very object, where the text is written as usual; every number is an int or a float then.
    """
    counted = body.translate(None, _NOT_COUNTED)
    few = len(counted) <= _FEW
    brackets = 0 if few else counted.count(b"[") + counted.count(b"{")
    if few or len(counted) - brackets < _MOST_DIGITS or _LONG_NUMBER.search(body) is None:
        try:
            value = _decode(body)
            if _encode(value) == body and (brackets <= _FEW or not _deeper(value, _FEW)):
                return value, body
        except Exception:  # noqa: S110 - whatever is wrong with the text, the scanner finds it again and says where
            pass
    value = _scanned(body, _FEW)
    return value, _encode(value)


def parse(body: bytes, *, max_depth: int = _FEW) -> Any:
    """The value of a JSON text.

    Args:
        body: the whole text in UTF-8.
        max_depth: how many arrays and objects may stand in each other.

    Returns: dict, list, str, bool, None, int, float, and `NumberText` for a number whose spelling neither would keep.

    Raises:
        StrictJSONError: for a duplicate key at any depth, anything after the value, a byte-order mark, another
            encoding, invalid UTF-8, a lone surrogate, NaN, Infinity, a number beyond binary64, too much depth, a
            control character in a string, and whatever else RFC 8259 does not allow; and for a number of more than
            4,300 characters or with a power of ten beyond 9,999 either way.
    """
    return read(body)[0] if max_depth == _FEW else _scanned(body, max_depth)


def _scanned(body: bytes, max_depth: int) -> Any:
    """`parse` by the scanner."""
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
        scan = _scan_small if len(text) < _LARGE else _scanner(_REMEMBERED)
        value, end = scan(text, start)
    except StopIteration as stop:
        ends = stop.value >= len(text)
        why = "The text ends where a value should begin." if ends else "A value is expected here."
        raise StrictJSONError(why, text, stop.value) from None
    except json.JSONDecodeError as error:
        raise json_faults.syntax(text, error) from None
    except RecursionError:
        raise json_faults.located(text, max_depth, f"More than {max_depth} levels of nesting.") from None
    except _Fault:
        raise json_faults.located(text, max_depth, "This JSON is not allowed here.") from None
    if end != len(text):
        rest = end + len(text[end:]) - len(text[end:].lstrip(_WHITESPACE))
        if rest != len(text):
            raise StrictJSONError("Something stands after the value.", text, rest)
    if body.count(b"{") + body.count(b"[") > max_depth and _deeper(value, max_depth):
        raise json_faults.located(text, max_depth, f"More than {max_depth} levels of nesting.")
    if b"\\ud" in body or b"\\uD" in body:
        try:
            _encode(value)
        except UnicodeEncodeError:
            raise json_faults.located(text, max_depth, "A string has half a surrogate pair.") from None
    return value


def write(value: Any) -> bytes:
    """A value as compact JSON in UTF-8; a `NumberText` as it was spelled. The inverse of `parse`."""
    return _encode(value)


def canonical(value: Any) -> bytes:
    """The one spelling of a value: RFC 8785, except that a number is written in exact normalised decimal.

    Members are sorted by UTF-16 code units, nothing is indented, and 1, 1.0 and 1e0 are alike. Numbers are laid out as
    RFC 8785, section 3.2.2.3 has it, so that what a double holds exactly is written as any implementation writes it.
    Two values have the same canonical form exactly when they are equal.
    """
    if type(value) is dict and _is_usual(value):
        try:
            return _sorted.encode(value)
        except UnicodeEncodeError:  # half a surrogate pair, which only a caller's own value can hold
            pass
    return _canonical(value).encode("utf-8", "surrogatepass")


def _is_usual(value: dict[str, Any] | list[Any], depth: int = 0) -> bool:
    """Whether the plain writer spells a container as `canonical` does: the usual arguments of a call."""
    members: Any = value
    if type(value) is dict:
        if not "".join(value).isascii():
            return False
        members = value.values()
    for member in members:
        kind = type(member)
        if kind is str or kind is bool or member is None:
            continue
        if kind is int:
            if not -_FIXED_LIMIT < member < _FIXED_LIMIT:
                return False
        elif kind is dict or kind is list:
            if depth == _USUAL_DEPTH or not _is_usual(member, depth + 1):
                return False
        elif kind is not float or not 1e-4 <= abs(member) < 1e15 or member.is_integer():
            return False
    return True


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
    """One text for each value, laid out as ECMAScript lays out a double: 100, 0.5, 1e+21, 1.5e-7."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise TypeError("NaN and Infinity are not JSON values")
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return "0"
    stripped = text.rstrip("0")
    point = len(text) + exponent  # the decimal point stands behind so many digits
    minus = "-" if sign else ""
    if len(stripped) <= point <= _FIXED_DIGITS:
        return f"{minus}{stripped}{'0' * (point - len(stripped))}"
    if 0 < point <= _FIXED_DIGITS:
        return f"{minus}{stripped[:point]}.{stripped[point:]}"
    if _SMALLEST_FIXED < point <= 0:
        return f"{minus}0.{'0' * -point}{stripped}"
    fraction = f".{stripped[1:]}" if len(stripped) > 1 else ""
    return f"{minus}{stripped[0]}{fraction}e{point - 1:+d}"


def _deeper(value: Any, limit: int) -> bool:
    """Whether containers stand in each other more than `limit` times; level by level, so that nothing recurses."""
    level = [value]
    for _ in range(limit + 1):
        containers = [c for c in level if type(c) is dict or type(c) is list]
        if not containers:
            return False
        level = [member for c in containers for member in (c.values() if type(c) is dict else c)]
    return True
