"""Grants: giving a token out, rotating and revoking it, and attaching a policy."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row

from gatepost.control import bodies, names
from gatepost.control.act import Act, Actor, Done, moment
from gatepost.control.policies import no_such_policy
from gatepost.control.store import Store
from gatepost.control.suggest import nearest
from gatepost.control.tools import no_such_server
from gatepost.errors import GatepostError
from gatepost.grants import token as tokens
from gatepost.storage import grants as rows
from gatepost.storage import policies as policy_rows
from gatepost.storage import servers as server_rows

_LONGEST_OVERLAP = 30 * 86400


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A grant as it may be shown; its tokens are nowhere.

    Attributes:
        id: stable over rotations; what counters and the log are keyed by.
        label: its name; free again once it is revoked.
        identity: the person, agent or job it stands for.
        server: the server it opens.
        policy: the attached policy's name, or None: every call is denied.
        policy_version: the policy's version in force, or None.
        expires: epoch seconds, or None.
        revoked: epoch seconds, or None.
        created_at: epoch seconds.
        last_used: epoch seconds of its last call, or None; up to some seconds behind.
        version: counts its changes, from 1.
    """

    id: str
    label: str
    identity: str
    server: str
    policy: str | None
    policy_version: str | None
    expires: float | None
    revoked: float | None
    created_at: float
    last_used: float | None
    version: int

    def as_dict(self) -> dict[str, Any]:
        """Every attribute by name, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A grant with its new token, which is shown this once and stored nowhere."""

    grant: GrantRow
    token: str

    def __repr__(self) -> str:
        return f"NewToken(grant={self.grant!r}, token='gp_…')"


def add_grant(
    store: Store,
    actor: Actor,
    label: str,
    *,
    server: str,
    policy: str | None = None,
    identity: str | None = None,
    expires: float | None = None,
) -> Done[NewToken]:
    """Gives out a grant.

    Args:
        label: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, not that of a living grant.
        server: the one server it opens.
        policy: what its calls are judged by, registered for that server or for any; without one all are denied.
        identity: whom it stands for; None: the label.
        expires: epoch seconds from which on it is refused, in the future; None: never.

    Raises `GatepostError` GP-4001 (label), GP-4002 (taken), GP-4003 (server), GP-2002 (policy) or GP-4005 (value).
    """
    names.check_label(label)
    names.check_identity(label if identity is None else identity)
    with Act(store, actor) as act:
        present = rows.find(act.connection, label)
        if present is not None and present.revoked is None:
            raise GatepostError(
                "GP-4002", f"There is a grant {label} already.", "Choose another label, or rotate or revoke that one."
            )
        if server_rows.find(act.connection, server) is None:
            raise no_such_server(act.connection, server)
        if policy is not None:
            _check_policy(act.connection, policy, server)
        _check_expiry(expires, act.now)
        id, token = uuid.uuid4().hex, tokens.new_token()
        rows.add(
            act.connection,
            {
                "id": id,
                "label": label,
                "identity": label if identity is None else identity,
                "server": server,
                "policy": policy,
                "expires": expires,
                "created_at": act.now,
                "version": 1,
            },
        )
        rows.add_token(act.connection, tokens.digest(token), id, act.now)
        act.publish_all(bodies.tokens(act.connection, "grant", id))
        added = _grant(_found(act.connection, label))
        act.record("grant.add", f"grant:{label}", after=_told(added))
    return act.done(NewToken(added, token))


def list_grants(store: Store, *, server: str | None = None) -> list[GrantRow]:
    """Every grant (of one server), revoked ones too, by label."""
    with store.database.read() as connection:
        return [_grant(row) for row in rows.all_rows(connection, server)]


def show_grant(store: Store, label: str) -> GrantRow:
    """The living grant with this label, else the one that was revoked last. Raises `GatepostError` GP-4003."""
    with store.database.read() as connection:
        return _grant(_found(connection, label))


def rotate_grant(store: Store, actor: Actor, label: str, *, overlap: float = 0.0) -> Done[NewToken]:
    """Gives a grant another token; counters, policy and history stay with it.

    Args:
        overlap: seconds, at most 30 days, for which its tokens up to now still work. 0: not a moment longer.

    Raises `GatepostError` GP-4003, GP-4005 (overlap) or GP-4006 (it is revoked or expired).
    """
    if not 0 <= overlap <= _LONGEST_OVERLAP:
        raise GatepostError("GP-4005", f"{overlap:g} seconds are no overlap.", "Choose 0s to 30d, such as 1h.")
    with Act(store, actor) as act:
        before = _living(act.connection, label, act.now)
        token = tokens.new_token()
        for digest in rows.rotate(act.connection, before.id, tokens.digest(token), act.now, act.now + overlap):
            act.publish("grant", digest, None)
        act.publish_all(bodies.tokens(act.connection, "grant", before.id))
        act.record("grant.rotate", f"grant:{label}", after={"id": before.id, "overlap_seconds": round(overlap)})
        rotated = _grant(_found(act.connection, label))
    return act.done(NewToken(rotated, token))


def revoke_grant(store: Store, actor: Actor, label: str) -> Done[GrantRow]:
    """Ends a grant for good, with every token of it. Where it is revoked already, nothing changes.

    Raises `GatepostError` GP-4003.
    """
    with Act(store, actor) as act:
        before = _found(act.connection, label)
        if before.revoked is None:
            rows.revoke(act.connection, before.id, act.now)
            act.publish_all(bodies.tokens(act.connection, "grant", before.id))
            act.record(
                "grant.revoke", f"grant:{label}", before=_told(_grant(before)), after={"revoked": moment(act.now)}
            )
        revoked = _grant(_found(act.connection, label))
    return act.done(revoked)


def attach_policy(
    store: Store, actor: Actor, label: str, policy: str | None, *, expected_version: int | None = None
) -> Done[GrantRow]:
    """Lets a grant's calls be judged by another policy, in its version in force and those to come.

    Args:
        policy: its name, or None to detach: every call is denied then.
        expected_version: the grant's `version` that the caller saw; where it is another, nothing is changed (GP-4004).

    Raises `GatepostError` GP-4003 (grant), GP-2002 (policy), GP-4005 (the policy is for another server), GP-4004 or
    GP-4006 (the grant is revoked or expired).
    """
    with Act(store, actor) as act:
        before = _living(act.connection, label, act.now)
        if expected_version is not None and before.version != expected_version:
            raise GatepostError(
                "GP-4004",
                f"The grant {label} was changed in the meantime: it is at {before.version}, not at {expected_version}.",
                "Look at it again and repeat the change on what it is now.",
            )
        if policy is not None:
            _check_policy(act.connection, policy, before.server)
        if policy != before.policy:
            rows.set_policy(act.connection, before.id, policy)
            act.publish_all(bodies.tokens(act.connection, "grant", before.id))
        after = _grant(_found(act.connection, label))
        if after.version != before.version:
            act.record(
                "grant.attach",
                f"grant:{label}",
                before={"policy": before.policy, "policy_version": before.policy_version},
                after={"policy": policy, "policy_version": after.policy_version},
            )
    return act.done(after)


def touch_last_used(store: Store, used: Mapping[str, float]) -> None:
    """Notes when grants were last used: id → epoch seconds. No administrative act: it is not recorded nor published."""
    with store.database.write(durable=False) as connection:
        rows.touch(connection, used.items())


def _found(connection: Connection, label: str) -> Row[Any]:
    row = rows.find(connection, label)
    if row is None:
        known = sorted({grant.label for grant in rows.all_rows(connection)})
        raise GatepostError(
            "GP-4003", f"There is no grant {label!r}.", nearest(label, known) or "See them with `gatepost grant list`."
        )
    return row


def _living(connection: Connection, label: str, now: float) -> Row[Any]:
    row = _found(connection, label)
    if row.revoked is not None or (row.expires is not None and row.expires <= now):
        state = "revoked" if row.revoked is not None else "expired"
        raise GatepostError("GP-4006", f"The grant {label} is {state}.", "Give out another with `gatepost grant add`.")
    return row


def _check_policy(connection: Connection, policy: str, server: str) -> None:
    row = policy_rows.find(connection, policy)
    if row is None:
        raise no_such_policy(connection, policy)
    if row.server is not None and row.server != server:
        raise GatepostError(
            "GP-4005",
            f"The policy {policy} is registered for the server {row.server}, not for {server}.",
            f"Add one for it: gatepost policy add NAME FILE --server {server}.",
        )


def _check_expiry(expires: float | None, now: float) -> None:
    if expires is not None and not (math.isfinite(expires) and expires > now):
        raise GatepostError("GP-4005", "The expiry is not in the future.", "Choose a later time, such as 30d.")


def _grant(row: Row[Any]) -> GrantRow:
    return GrantRow(
        id=row.id,
        label=row.label,
        identity=row.identity,
        server=row.server,
        policy=row.policy,
        policy_version=row.policy_version,
        expires=row.expires,
        revoked=row.revoked,
        created_at=row.created_at,
        last_used=row.last_used,
        version=row.version,
    )


def _told(grant: GrantRow) -> dict[str, Any]:
    """What the log says of a grant."""
    return {
        "id": grant.id,
        "identity": grant.identity,
        "server": grant.server,
        "policy": grant.policy,
        "policy_version": grant.policy_version,
        "expires": None if grant.expires is None else moment(grant.expires),
    }
