"""The canonical form of a document, and the version made of it.

RFC 8785 (sorted keys by UTF-16 code units, minimal escapes, no white space), except that a number is written from its
exact decimal value and never through a double: `1`, `1.0` and `1e0` are alike, `13.0000000000000000001` is itself. The
layout of a number is that of RFC 8785 section 3.2.2.3, so a number that is a double is written the same.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

from gatepost.policy.exact import exact

_quote = json.JSONEncoder(ensure_ascii=False).encode


def canonical(value: Any) -> bytes:
    """The canonical UTF-8 bytes of a JSON value. Numbers must be finite, and strings free of lone surrogates."""
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts).encode("utf-8")


def version_of(canonical_document: bytes) -> str:
    """`sha256:` and the hex digest of a canonical document."""
    return "sha256:" + hashlib.sha256(canonical_document).hexdigest()


def _write(value: Any, parts: list[str]) -> None:
    if value is None:
        parts.append("null")
    elif isinstance(value, bool):
        parts.append("true" if value else "false")
    elif isinstance(value, str):
        parts.append(_quote(value))
    elif isinstance(value, dict):
        separator = "{"
        for key in sorted(value, key=lambda name: name.encode("utf-16-be")):
            parts.append(separator + _quote(key) + ":")
            _write(value[key], parts)
            separator = ","
        parts.append("}" if value else "{}")
    elif isinstance(value, list):
        separator = "["
        for item in value:
            parts.append(separator)
            _write(item, parts)
            separator = ","
        parts.append("]" if value else "[]")
    else:
        parts.append(number_text(exact(value)))


def number_text(number: Decimal) -> str:
    """One text for each value, laid out as ECMAScript lays out a double: 100, 0.5, 1e+21, 1.5e-7."""
    sign, digit_tuple, exponent = number.as_tuple()
    assert isinstance(exponent, int), "only finite numbers have a canonical text"
    digits = "".join(map(str, digit_tuple)).lstrip("0")
    trimmed = digits.rstrip("0")
    exponent += len(digits) - len(trimmed)
    digits = trimmed
    if not digits:
        return "0"
    point = len(digits) + exponent  # the decimal point stands after this many digits
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = digits[:point] + "." + digits[point:]
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        power = point - 1
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        text = f"{mantissa}e{'+' if power >= 0 else '-'}{abs(power)}"
    return "-" + text if sign else text
