"""What is in an export: the members that may be, and the list of those that are."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from gatepost.errors import GatepostError

FORMAT: Final = 1
STORE: Final = "store.db"
CATALOGUE: Final = "catalogue.db"
"""The catalogue's index, where there is one: what was imported into it is nowhere else."""
PUBLIC_KEY: Final = "keys/checkpoint.pub"
SEALED_KEYS: Final = "keys.sealed"
MANIFEST: Final = "manifest.json"
JOURNAL: Final = "journal"
HELD: Final = "held.json"
"""Tools that are out of use because a list showed them changed."""
PINS: Final = "pins"
"""What the servers of `gatepost run` were when they were first met."""
_PIN_FILE: Final = re.compile(r"pins/[a-z0-9][a-z0-9-]{0,62}\.json")
_JOURNAL_FILE: Final = re.compile(r"journal/[a-z0-9][a-z0-9_-]{0,63}/(?:[0-9]{16}\.jsonl|snapshot\.json)")


class Member(msgspec.Struct, frozen=True):
    """One file of the export: its path in the data folder, its bytes and their SHA-256 in hex."""

    path: str
    size: int
    sha256: str


class Chain(msgspec.Struct, frozen=True):
    """The last row of a chain, as it is in the export."""

    last_seq: int
    last_hash: str


class Manifest(msgspec.Struct, frozen=True):
    """The last member.

    Attributes:
        format: of the export, `FORMAT`.
        version: of the Gatepost that made it.
        time: when, UTC.
        members: all but this one, in their order.
        chains: by name.
    """

    format: int
    version: str
    time: str
    members: list[Member]
    chains: dict[str, Chain]


def allowed(path: str) -> bool:
    """Whether a member of that name may be in an export; nothing else is ever unpacked."""
    named = path in (STORE, CATALOGUE, HELD, PUBLIC_KEY, SEALED_KEYS, MANIFEST)
    return named or any(pattern.fullmatch(path) is not None for pattern in (_JOURNAL_FILE, _PIN_FILE))


def read(raw: bytes) -> Manifest:
    """Raises `GatepostError` GP-5005."""
    try:
        told: Any = msgspec.json.decode(raw)
        if isinstance(told, dict) and isinstance(told.get("format"), int) and told["format"] > FORMAT:
            raise damaged(f"it was made by a newer Gatepost, {told.get('version')}", "Import it with that version.")
        return msgspec.convert(told, Manifest)
    except msgspec.ValidationError as error:
        raise damaged(f"its manifest is not one ({error})") from None
    except msgspec.DecodeError:
        raise damaged("its manifest is not JSON") from None


def damaged(why: str, hint: str = "Nothing was changed. Make another export, or use an older one.") -> GatepostError:
    """GP-5005."""
    return GatepostError("GP-5005", f"The export cannot be used: {why}.", hint)
