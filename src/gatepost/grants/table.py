"""The grants as the data plane holds them: looked up by the SHA-256 of the token, one dictionary hit.

The time a lookup takes says nothing about a token: it is hashed whole before anything is compared, and the dictionary
compares hashes, which a caller cannot steer towards a stored one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from gatepost.grants.token import LENGTH, digest


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant, as one of its tokens stands for it.

    Attributes:
        id: stable over rotations; what counters and the log are keyed by.
        label: the name people gave it.
        identity: the person, agent or job it stands for.
        server: the one server it opens.
        policy: the attached policy's name, or None: every call is denied.
        policy_version: `sha256:…` of the version that judges, or None.
        expires: epoch seconds; the token is refused from then on. None: never.
        revoked: epoch seconds of the revocation, or None.
        rotated: whether it is this token that ends at `expires`, because the grant was given another.
    """

    id: str
    label: str
    identity: str
    server: str
    policy: str | None
    policy_version: str | None
    expires: float | None
    revoked: float | None
    rotated: bool = False

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Grant:
        """From the body of a published row of kind `grant`. Raises `KeyError` where a member is missing."""
        return cls(
            id=body["id"],
            label=body["label"],
            identity=body["identity"],
            server=body["server"],
            policy=body["policy"],
            policy_version=body["policy_version"],
            expires=body["expires"],
            revoked=body["revoked"],
            rotated=body.get("rotated", False),  # rows of the first versions have none
        )

    def refused(self, now: float) -> Literal["revoked", "expired", "rotated"] | None:
        """Why this grant opens nothing at `now` (epoch seconds), or None where it does."""
        if self.revoked is not None:
            return "revoked"
        if self.expires is not None and now >= self.expires:
            return "rotated" if self.rotated else "expired"
        return None


REFUSALS: Final[Mapping[str, str]] = {
    "revoked": "The grant is revoked. Ask its owner for a new one.",
    "expired": "The grant is expired. Ask its owner for a new one.",
    "rotated": "This token was rotated: the grant has another in its place. Ask its owner for that one.",
}
"""What the holder of a token that was given out is told, by what `Grant.refused` says."""


class GrantTable:
    """Every token's grant. Immutable: a change makes another table, so a call in flight keeps the one it began on."""

    __slots__ = ("_grants",)

    def __init__(self, rows: Iterable[tuple[str, Mapping[str, Any] | None]] = ()) -> None:
        """Args: rows: (token digest, published body) of every published grant row."""
        self._grants: dict[str, Grant] = {}
        self._take(rows)

    def __len__(self) -> int:
        """The number of tokens known, refused ones included."""
        return len(self._grants)

    def changed(self, rows: Mapping[str, Mapping[str, Any] | None]) -> GrantTable:
        """Another table that has taken over published rows: token digest → body, None where the token is forgotten."""
        table = GrantTable()
        table._grants.update(self._grants)
        table._take(rows.items())
        return table

    def at(self, key: str) -> Grant | None:
        """The grant of a token's digest, or None."""
        return self._grants.get(key)

    def _take(self, rows: Iterable[tuple[str, Mapping[str, Any] | None]]) -> None:
        for key, body in rows:
            if body is None:
                self._grants.pop(key, None)
            else:
                self._grants[key] = Grant.from_body(body)

    def lookup(self, token: bytes | str) -> Grant | None:
        """The grant of a token as it came in the request, or None where none was ever given out.

        A revoked or expired grant is found: ask `Grant.refused`.
        """
        if len(token) != LENGTH:
            return None
        return self._grants.get(digest(token))

    def by_id(self, grant_id: str) -> tuple[Grant, ...]:
        """The grant with this id, once per token that it has. For pages and checks, not for calls: it looks at all."""
        return tuple(grant for grant in self._grants.values() if grant.id == grant_id)
