"""The names people give to things, and the other short texts they enter."""

from __future__ import annotations

import re
import unicodedata

import re2

from gatepost.errors import GatepostError

_SERVER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_OBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_IDENTITY_LENGTH = 256
_NOT_IN_A_NAME = re2.compile(r"[^a-z0-9]+")
LONGEST_SERVER = 63


def check_server(name: str) -> str:
    """`name` itself where a server may have it. Raises `GatepostError` GP-4001."""
    if _SERVER.fullmatch(name) is None:
        raise GatepostError(
            "GP-4001",
            f"{name!r} is not a name for a server.",
            "Use 1 to 63 lower-case letters, digits and hyphens, a letter or digit first.",
        )
    return name


def server_name(text: str) -> str:
    """A name for a server, made of what somebody else calls it."""
    latin = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()  # without what marks its letters
    return _NOT_IN_A_NAME.sub("-", latin.lower()).strip("-")[:LONGEST_SERVER].strip("-") or "server"


def check_policy(name: str) -> str:
    """`name` itself where a policy may have it. Raises `GatepostError` GP-4001."""
    return _check_object(name, "a policy")


def check_label(label: str) -> str:
    """`label` itself where a grant may have it. Raises `GatepostError` GP-4001."""
    return _check_object(label, "a grant")


def check_identity(identity: str) -> str:
    """`identity` itself: 1 to 256 printable characters, no space at either end. Raises `GatepostError` GP-4005."""
    if not identity or len(identity) > _IDENTITY_LENGTH or not identity.isprintable() or identity != identity.strip():
        raise GatepostError(
            "GP-4005",
            f"{identity!r} is not an identity.",
            f"Use 1 to {_IDENTITY_LENGTH} printable characters, without a space at either end.",
        )
    return identity


def _check_object(name: str, what: str) -> str:
    if _OBJECT.fullmatch(name) is None:
        raise GatepostError(
            "GP-4001",
            f"{name!r} is not a name for {what}.",
            "Use 1 to 64 letters, digits, dots, underscores and hyphens, a letter or digit first.",
        )
    return name
