"""One row of a chain: canonical JSON on a line, bound to the row before by its hash.

A row is an object with sorted keys and no white space (RFC 8785; keys are ASCII, numbers are integers except a limit's
`at`, which has at most six decimals). `hash` is the SHA-256 of the row without its member `hash`; as the row holds the
hash before it in `prev`, each hash stands for everything up to it. Rows of the kinds in `SIGNED` also carry an Ed25519
`signature` over the row without `hash` and `signature`, so that it covers `prev`, and with it all rows before.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gatepost.journal.calls import OPEN, Record

VERSION: Final = 1
GENESIS: Final = "0" * 64
"""What the first row of a chain has as `prev`."""
SIGNED: Final = frozenset({"checkpoint", "retention"})

_encode = msgspec.json.Encoder(order="sorted").encode
_encode_struct: Final = msgspec.json.Encoder().encode
_sha256 = hashlib.sha256
_SIGNATURE_OF_A_ROW: Final = b"gatepost row 1\n"
_MEMBER_HEAD: Final = len(b'"hash":')


class Signer(Protocol):
    """Who signs checkpoints; `gatepost.keys.Keyring` is one."""

    @property
    def signing_key(self) -> Ed25519PrivateKey: ...
    @property
    def verify_key(self) -> bytes: ...


class Head(msgspec.Struct, frozen=True, gc=False):
    """The last row of a chain: its sequence number (0 before the first row) and hash."""

    seq: int
    hash: str


def seal(record: Record, chain: str, head: Head) -> tuple[bytes, Head]:
    """Make `record` the row after `head`: the line with its newline, and the new head.

    The record gets the members `chain`, `seq`, `prev` and `hash`. Besides them it must have `v`, `id`, `time` and
    `kind`, and no key between "hash" and "id". Raises `ValueError` or `TypeError` where a value has no JSON form.
    """
    seq = head.seq + 1
    if isinstance(record, dict):
        record["chain"] = chain
        record["seq"] = seq
        record["prev"] = head.hash
        record["hash"] = OPEN
        row = _encode(record)
    else:
        record.chain = chain
        record.seq = seq
        record.prev = head.hash
        row = _encode_struct(record)
    before, _, after = row.partition(b"\0")
    hashed = _sha256(before[:-_MEMBER_HEAD])
    hashed.update(after[1:])
    digest = hashed.hexdigest()
    return b'%b"%b"%b\n' % (before, digest.encode(), after), Head(seq, digest)


def digest(line: bytes, claimed: str) -> str | None:
    """The hash that a line (without its newline) should have, or None where it does not hold the claimed one."""
    member = b'"hash":"%b",' % claimed.encode()
    at = line.find(member)
    if at < 0:
        return None
    return _sha256(line[:at] + line[at + len(member) :]).hexdigest()


def sign(record: dict[str, Any], chain: str, head: Head, signer: Signer) -> None:
    """Put the signature into a record that will be sealed after `head`."""
    record.update(chain=chain, seq=head.seq + 1, prev=head.hash, key=signer.verify_key.hex())
    record["signature"] = signer.signing_key.sign(_SIGNATURE_OF_A_ROW + _unsigned(record)).hex()


def signature_holds(record: Mapping[str, Any], verify_key: bytes) -> bool:
    """Whether a row of a kind in `SIGNED` was signed by the holder of `verify_key` (32 bytes)."""
    return check_signature(record.get("signature"), _SIGNATURE_OF_A_ROW + _unsigned(record), verify_key)


def check_signature(signature: object, message: bytes, verify_key: object) -> bool:
    """Whether `signature` (hex) is a signature of `message` by the holder of `verify_key` (32 bytes, or their hex)."""
    try:
        if isinstance(verify_key, str):
            verify_key = bytes.fromhex(verify_key)
        if not (isinstance(signature, str) and isinstance(verify_key, bytes)):
            return False
        Ed25519PublicKey.from_public_bytes(verify_key).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def canonical(value: object) -> bytes:
    """The canonical JSON of a record, or of a part of it."""
    return _encode(value)


def require_ascii_keys(value: object) -> None:
    """Raises `ValueError` for a key that is not ASCII, whose place in the canonical order could be disputed."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise ValueError(f"{key!r} is no key for a record")
            require_ascii_keys(member)
    elif isinstance(value, list | tuple):
        for element in value:
            require_ascii_keys(element)


def timestamp(seconds: float) -> str:
    """An instant as records carry it: UTC with microseconds, `2026-11-21T05:31:00.123456Z`."""
    whole, micro = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{micro:06d}Z"


def epoch(text: str) -> float:
    """The epoch seconds of an instant as records carry it."""
    return datetime.fromisoformat(text).timestamp()


def event(kind: str, at: float, **fields: Any) -> dict[str, Any]:
    """A record of the journal's own: with a random id and the time `at` (epoch seconds)."""
    return {"v": VERSION, "id": secrets.token_hex(12), "time": timestamp(at), "kind": kind, **fields}


def is_forwarded(record: Mapping[str, Any]) -> bool:
    """Whether a `decided` row is of a call that goes upstream: allowed, or only denied in shadow mode."""
    return record.get("decision") == "allow" or not record.get("enforced", True)


def _unsigned(record: Mapping[str, Any]) -> bytes:
    return _encode({key: value for key, value in record.items() if key not in ("hash", "signature")})
