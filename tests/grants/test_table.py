"""The grants as the data plane looks them up."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gatepost.grants.table import Grant, GrantTable
from gatepost.grants.token import digest, new_token


def body(**changes: Any) -> dict[str, Any]:
    return {
        "id": "g1",
        "label": "ci",
        "identity": "ci",
        "server": "files",
        "policy": "read-only",
        "policy_version": "sha256:00",
        "expires": None,
        "revoked": None,
        **changes,
    }


def test_a_token_finds_its_grant_as_text_and_as_bytes() -> None:
    token = new_token()
    table = GrantTable([(digest(token), body())])
    grant = table.lookup(token)
    assert grant is not None
    assert table.lookup(token.encode()) == grant
    assert (grant.id, grant.label, grant.server, grant.policy_version) == ("g1", "ci", "files", "sha256:00")
    assert len(table) == 1


def test_a_token_never_given_out_finds_nothing() -> None:
    table = GrantTable([(digest(new_token()), body())])
    for token in ("", "gp_", new_token(), new_token()[:-1], b"\xff" * 52, "\ud800" * 52, "x" * 40_000):
        assert table.lookup(token) is None


def test_the_digest_itself_opens_nothing() -> None:
    key = digest(new_token())
    assert GrantTable([(key, body())]).lookup(key) is None


def test_a_change_makes_another_table_and_leaves_the_old_one_as_it_was() -> None:
    kept, revoked, forgotten, added = (new_token() for _ in range(4))
    before = GrantTable([(digest(token), body(id=token[-4:])) for token in (kept, revoked, forgotten)])
    after = before.changed({digest(revoked): body(revoked=5.0), digest(forgotten): None, digest(added): body(id="g2")})
    assert after.lookup(forgotten) is None
    assert after.lookup(kept) == before.lookup(kept)
    changed, new = after.lookup(revoked), after.lookup(added)
    assert changed is not None
    assert changed.refused(10.0) == "revoked"
    assert new is not None
    assert new.id == "g2"
    assert len(before) == 3
    assert before.lookup(added) is None
    untouched = before.lookup(revoked)
    assert untouched is not None
    assert untouched.refused(10.0) is None


def test_a_grant_ends_at_the_moment_it_expires_and_not_before() -> None:
    grant = Grant.from_body(body(expires=1000.0))
    assert grant.refused(999.999) is None
    assert grant.refused(1000.0) == "expired"
    assert Grant.from_body(body(expires=1000.0, revoked=1.0)).refused(0.0) == "revoked"
    assert Grant.from_body(body(expires=1000.0, revoked=1.0, rotated=True)).refused(2000.0) == "revoked"
    assert Grant.from_body(body(expires=1000.0, rotated=True)).refused(999.999) is None
    assert Grant.from_body(body(expires=1000.0, rotated=True)).refused(1000.0) == "rotated"
    assert Grant.from_body(body()).refused(1e18) is None


def test_both_tokens_of_a_rotated_grant_are_found_by_its_id() -> None:
    old, new = new_token(), new_token()
    table = GrantTable([(digest(old), body(expires=10.0)), (digest(new), body()), (digest(new_token()), body(id="g2"))])
    assert sorted(str(grant.expires) for grant in table.by_id("g1")) == ["10.0", "None"]


def test_a_grant_cannot_be_altered() -> None:
    grant = Grant.from_body(body())
    with pytest.raises(dataclasses.FrozenInstanceError):
        grant.server = "other"  # type: ignore[misc]


def test_a_body_that_lacks_a_member_is_an_error_rather_than_a_grant_without_limits() -> None:
    incomplete = body()
    del incomplete["revoked"]
    with pytest.raises(KeyError):
        GrantTable([("00", incomplete)])
