"""Numbers of bytes as people write them."""

from __future__ import annotations

import re

from gatepost.errors import GatepostError

_UNITS = {
    "": 1,
    "k": 1000,
    "m": 1000**2,
    "g": 1000**3,
    "t": 1000**4,
    "ki": 1 << 10,
    "mi": 1 << 20,
    "gi": 1 << 30,
    "ti": 1 << 40,
}
_SIZE = re.compile(r"([0-9]{1,15})\s?([kmgt]?i?)b?")


def parse_size(text: str) -> int:
    """`500000`, `20GB` (powers of 1,000), `512MiB` (powers of 1,024), in bytes. Raises `GatepostError` GP-4005."""
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None or match[2] not in _UNITS:
        raise GatepostError(
            "GP-4005", f"{text!r} is not a number of bytes.", "Write such as 500000000, 500MB, 20GB or 512MiB."
        )
    return int(match[1]) * _UNITS[match[2]]


def spoken_size(number: int) -> str:
    """`812 bytes`, `12.3 kB`, `1.6 GB`."""
    for unit, size in (("TB", 1000**4), ("GB", 1000**3), ("MB", 1000**2), ("kB", 1000)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number} bytes"
