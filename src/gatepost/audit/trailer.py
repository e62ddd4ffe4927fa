"""The last line of a narrowed export: how many rows it has, their digest, and who says so.

The rows of a narrowed export do not follow from one another, so that taking some out would not show. The trailer makes
the file one whole: `{"kind":"export","rows":…,"sha256":…,"filter":{…},"time":…,"key":…,"signature":…}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gatepost.journal.rows import VERSION, Signer, canonical, check_signature

_SIGNED: Final = b"gatepost export 1\n"


def make_trailer(rows: int, sha256: str, narrowed: Mapping[str, Any], time: str, signer: Signer) -> dict[str, Any]:
    """The trailer of `rows` lines that have the digest `sha256` (hex)."""
    trailer: dict[str, Any] = {
        "v": VERSION,
        "kind": "export",
        "rows": rows,
        "sha256": sha256,
        "filter": dict(narrowed),
        "time": time,
    }
    trailer["key"] = signer.verify_key.hex()
    trailer["signature"] = signer.signing_key.sign(_SIGNED + canonical(trailer)).hex()
    return trailer


def is_trailer(value: object) -> bool:
    """Whether a line's value is a trailer and not a row."""
    return isinstance(value, dict) and value.get("kind") == "export" and "chain" not in value


def trailer_fault(trailer: Mapping[str, Any], rows: int, sha256: str, key: bytes | None) -> str | None:
    """Why a trailer does not fit what is before it, or None."""
    if trailer.get("rows") != rows:
        return f"the trailer counts {trailer.get('rows')} rows, but {rows} are there"
    if trailer.get("sha256") != sha256:
        return "the trailer's digest does not fit the rows"
    named = trailer.get("key")
    if key is not None and named != key.hex():
        return "the trailer is signed with another key"
    unsigned = {name: value for name, value in trailer.items() if name != "signature"}
    if not check_signature(trailer.get("signature"), _SIGNED + canonical(unsigned), named):
        return "the trailer's signature does not hold"
    return None
