"""The text of a grant's token: `gp_` + 32 random bytes in base62 (43 characters) + a checksum (6 characters).

The checksum is the CRC-32 (IEEE 802.3) of everything before it, in base62. It is no secret and proves nothing: it lets
a scanner of leaked secrets, a form or the command line tell a token from a typing error without asking anybody.
The digits are `0-9A-Za-z`, most significant first, padded with `0`. Only the SHA-256 of a token is ever stored.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib

PREFIX = "gp_"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUE = {digit: number for number, digit in enumerate(_DIGITS)}
_RANDOM_BYTES = 32
_RANDOM_CHARACTERS = 43  # 62 ** 43 > 2 ** 256 > 62 ** 42
_CHECK_CHARACTERS = 6  # 62 ** 6 > 2 ** 32
LENGTH = len(PREFIX) + _RANDOM_CHARACTERS + _CHECK_CHARACTERS


def new_token() -> str:
    """A fresh token of `LENGTH` (52) characters."""
    number = int.from_bytes(secrets.token_bytes(_RANDOM_BYTES), "big")
    body = PREFIX + _base62(number, _RANDOM_CHARACTERS)
    return body + _checksum(body)


def is_well_formed(token: str) -> bool:
    """Whether `token` could have come from `new_token`: prefix, length, digits, range and checksum."""
    if len(token) != LENGTH or not token.startswith(PREFIX) or not _VALUE.keys() >= set(token[len(PREFIX) :]):
        return False
    body, checksum = token[:-_CHECK_CHARACTERS], token[-_CHECK_CHARACTERS:]
    return _checksum(body) == checksum and _number(body[len(PREFIX) :]) < 1 << (8 * _RANDOM_BYTES)


def digest(token: str | bytes) -> str:
    """What is stored in place of a token, and the key it is looked up by: its SHA-256 in hex.

    Any text or bytes are taken; what is no token has a digest that nothing was stored under.
    """
    raw = token if isinstance(token, bytes) else token.encode("utf-8", "surrogatepass")
    return hashlib.sha256(raw).hexdigest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode("ascii")), _CHECK_CHARACTERS)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _number(text: str) -> int:
    number = 0
    for digit in text:
        number = number * 62 + _VALUE[digit]
    return number
