"""Giving out, rotating, revoking grants, and what the data plane sees of it."""

from __future__ import annotations

import time

import pytest

from gatepost.control.grants import (
    add_grant,
    attach_policy,
    list_grants,
    revoke_grant,
    rotate_grant,
    show_grant,
    touch_last_used,
)
from gatepost.control.policies import add_policy
from gatepost.control.store import Store
from gatepost.errors import GatepostError
from gatepost.grants.table import Grant
from gatepost.grants.token import digest, is_well_formed
from gatepost.paths import DataFolder
from tests.control.helpers import (
    ALLOW_ALL,
    ANNA,
    DENY_ALL,
    acts,
    grant_of,
    published,
    told,
    with_policy,
    with_server,
)


def seen(folder: DataFolder, token: str) -> Grant:
    """What the data plane finds for a token that was given out."""
    grant = grant_of(folder, token)
    assert grant is not None
    return grant


@pytest.fixture(autouse=True)
def _server(store: Store) -> None:
    with_server(store)


def test_a_grant_is_found_by_its_token_which_is_nowhere_else(store: Store, folder: DataFolder) -> None:
    version = with_policy(store)
    until = time.time() + 60
    done = add_grant(store, ANNA, "ci", server="files", policy="rules", identity="anna@example.com", expires=until)
    token, row = done.value.token, done.value.grant
    assert is_well_formed(token)
    assert seen(folder, token) == Grant(
        id=row.id,
        label="ci",
        identity="anna@example.com",
        server="files",
        policy="rules",
        policy_version=version,
        expires=until,
        revoked=None,
    )
    assert show_grant(store, "ci") == row
    assert token not in repr(done)
    for path in folder.root.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes()
    record = acts(folder)[-1]
    assert (record["action"], record["object"], record["after"]["id"]) == ("grant.add", "grant:ci", row.id)
    assert digest(token) not in repr(record)


def test_the_identity_is_the_label_where_none_is_given(store: Store) -> None:
    assert add_grant(store, ANNA, "ci", server="files").value.grant.identity == "ci"


@pytest.mark.parametrize("label", ["", "a b", "-a", ".a", "a" * 65, "ä", "a/b", "a\n"])
def test_a_label_of_another_form_is_refused(store: Store, label: str) -> None:
    with pytest.raises(GatepostError) as refused:
        add_grant(store, ANNA, label, server="files")
    assert refused.value.code == "GP-4001"
    assert list_grants(store) == []


@pytest.mark.parametrize("identity", ["", " a", "a\n", "a\0", "\u202eevil", "x" * 257])
def test_an_identity_that_could_mislead_a_reader_of_the_log_is_refused(store: Store, identity: str) -> None:
    with pytest.raises(GatepostError) as refused:
        add_grant(store, ANNA, "ci", server="files", identity=identity)
    assert refused.value.code == "GP-4005"


@pytest.mark.parametrize("expires", [0.0, 1.0, float("nan"), float("inf"), -1.0])
def test_an_expiry_that_is_not_in_the_future_is_refused(store: Store, expires: float) -> None:
    with pytest.raises(GatepostError) as refused:
        add_grant(store, ANNA, "ci", server="files", expires=expires)
    assert refused.value.code == "GP-4005"
    assert list_grants(store) == []


def test_a_label_in_use_an_unknown_server_and_an_unknown_policy_are_refused(store: Store, folder: DataFolder) -> None:
    add_grant(store, ANNA, "ci", server="files")
    for label, server, policy, code in (
        ("ci", "files", None, "GP-4002"),
        ("other", "flies", None, "GP-4003"),
        ("other", "files", "rulez", "GP-2002"),
    ):
        with pytest.raises(GatepostError) as refused:
            add_grant(store, ANNA, label, server=server, policy=policy)
        assert refused.value.code == code
    assert len(list_grants(store)) == 1
    assert len(published(folder, "grant")) == 1


def test_a_policy_registered_for_another_server_is_refused_and_one_for_any_is_taken(store: Store) -> None:
    with_server(store, "other")
    with_policy(store, "theirs", server="other")
    with_policy(store, "anyones", server=None)
    with pytest.raises(GatepostError, match="registered for the server other") as refused:
        add_grant(store, ANNA, "ci", server="files", policy="theirs")
    assert refused.value.code == "GP-4005"
    assert add_grant(store, ANNA, "ci", server="files", policy="anyones").value.grant.policy == "anyones"
    with pytest.raises(GatepostError):
        attach_policy(store, ANNA, "ci", "theirs")


def test_rotating_without_overlap_ends_the_old_token_at_once(store: Store, folder: DataFolder) -> None:
    old = add_grant(store, ANNA, "ci", server="files").value
    new = rotate_grant(store, ANNA, "ci").value
    assert new.token != old.token
    assert new.grant.id == old.grant.id
    assert seen(folder, old.token).refused(time.time()) == "rotated"
    assert seen(folder, new.token).refused(time.time()) is None
    assert seen(folder, new.token).expires is None


def test_both_tokens_work_during_the_overlap_and_only_the_new_one_after_it(store: Store, folder: DataFolder) -> None:
    old = add_grant(store, ANNA, "ci", server="files").value.token
    before = time.time()
    new = rotate_grant(store, ANNA, "ci", overlap=3600).value.token
    ends = seen(folder, old).expires
    assert ends is not None
    assert before + 3600 <= ends <= time.time() + 3600
    assert seen(folder, old).refused(ends - 1) is None
    assert seen(folder, old).refused(ends) == "rotated"
    assert seen(folder, new).refused(ends) is None


def test_a_token_whose_grant_ends_before_the_overlap_does_is_expired(store: Store, folder: DataFolder) -> None:
    until = time.time() + 60
    old = add_grant(store, ANNA, "ci", server="files", expires=until).value.token
    new = rotate_grant(store, ANNA, "ci", overlap=3600).value.token
    assert [seen(folder, token).refused(until) for token in (old, new)] == ["expired", "expired"]
    ended = new
    new = rotate_grant(store, ANNA, "ci").value.token
    assert [seen(folder, token).refused(time.time()) for token in (old, ended, new)] == ["rotated", "rotated", None]


def test_a_second_rotation_without_overlap_also_ends_the_overlap_of_the_first(store: Store, folder: DataFolder) -> None:
    first = add_grant(store, ANNA, "ci", server="files").value.token
    second = rotate_grant(store, ANNA, "ci", overlap=3600).value.token
    third = rotate_grant(store, ANNA, "ci").value.token
    now = time.time()
    assert [seen(folder, token).refused(now) for token in (first, second, third)] == ["rotated", "rotated", None]
    fourth = rotate_grant(store, ANNA, "ci", overlap=60).value.token
    assert grant_of(folder, first) is None
    assert grant_of(folder, second) is None
    assert seen(folder, third).refused(time.time()) is None
    assert seen(folder, fourth).refused(time.time()) is None


def test_an_overlap_never_outlives_the_grant(store: Store, folder: DataFolder) -> None:
    until = time.time() + 60
    old = add_grant(store, ANNA, "ci", server="files", expires=until).value.token
    new = rotate_grant(store, ANNA, "ci", overlap=3600).value.token
    assert seen(folder, old).expires == seen(folder, new).expires == until


@pytest.mark.parametrize("overlap", [-1.0, 31 * 86400.0, float("nan"), float("inf")])
def test_an_overlap_without_measure_is_refused_and_the_token_stays(
    store: Store, folder: DataFolder, overlap: float
) -> None:
    token = add_grant(store, ANNA, "ci", server="files").value.token
    with pytest.raises(GatepostError) as refused:
        rotate_grant(store, ANNA, "ci", overlap=overlap)
    assert refused.value.code == "GP-4005"
    assert seen(folder, token).expires is None


def test_revoking_ends_every_token_and_frees_the_label(store: Store, folder: DataFolder) -> None:
    first = add_grant(store, ANNA, "ci", server="files").value
    second = rotate_grant(store, ANNA, "ci", overlap=3600).value
    assert revoke_grant(store, ANNA, "ci").value.revoked is not None
    assert seen(folder, first.token).refused(0) == "revoked"
    assert seen(folder, second.token).refused(0) == "revoked"
    again = add_grant(store, ANNA, "ci", server="files").value
    assert again.grant.id != first.grant.id
    assert show_grant(store, "ci").id == again.grant.id
    assert seen(folder, first.token).refused(0) == "revoked"
    assert [grant.revoked is None for grant in list_grants(store)] == [False, True]


def test_revoking_twice_changes_nothing_and_is_recorded_once(store: Store, folder: DataFolder) -> None:
    add_grant(store, ANNA, "ci", server="files")
    first = revoke_grant(store, ANNA, "ci").value
    assert revoke_grant(store, ANNA, "ci").value == first
    assert [action for action, _ in told(folder)].count("grant.revoke") == 1


def test_a_revoked_or_expired_grant_is_neither_rotated_nor_given_a_policy(store: Store) -> None:
    with_policy(store)
    add_grant(store, ANNA, "gone", server="files")
    revoke_grant(store, ANNA, "gone")
    until = time.time() + 0.05
    add_grant(store, ANNA, "old", server="files", expires=until)
    while time.time() <= until:
        time.sleep(0.005)
    for label in ("gone", "old"):
        for act in (
            lambda label=label: rotate_grant(store, ANNA, label),
            lambda label=label: attach_policy(store, ANNA, label, "rules"),
        ):
            with pytest.raises(GatepostError) as refused:
                act()
            assert refused.value.code == "GP-4006"


def test_an_attached_policy_judges_from_then_on(store: Store, folder: DataFolder) -> None:
    with_policy(store, "one", DENY_ALL)
    version = with_policy(store, "two", ALLOW_ALL)
    token = add_grant(store, ANNA, "ci", server="files", policy="one").value.token
    done = attach_policy(store, ANNA, "ci", "two")
    assert (done.value.policy, done.value.policy_version) == ("two", version)
    assert seen(folder, token).policy_version == version
    assert version in published(folder, "policy")
    attach_policy(store, ANNA, "ci", None)
    assert seen(folder, token).policy_version is None
    assert [record["after"]["policy"] for record in acts(folder) if record["action"] == "grant.attach"] == ["two", None]


def test_attaching_the_same_policy_again_is_no_change(store: Store, folder: DataFolder) -> None:
    with_policy(store)
    before = add_grant(store, ANNA, "ci", server="files", policy="rules")
    done = attach_policy(store, ANNA, "ci", "rules")
    assert done.revision == before.revision
    assert told(folder)[-1] == ("grant.add", "grant:ci")


def test_a_grant_that_was_changed_in_the_meantime_is_not_changed_again(store: Store) -> None:
    with_policy(store)
    shown = add_grant(store, ANNA, "ci", server="files").value.grant
    rotate_grant(store, ANNA, "ci")
    with pytest.raises(GatepostError) as refused:
        attach_policy(store, ANNA, "ci", "rules", expected_version=shown.version)
    assert refused.value.code == "GP-4004"
    assert show_grant(store, "ci").policy is None
    attach_policy(store, ANNA, "ci", "rules", expected_version=show_grant(store, "ci").version)
    assert show_grant(store, "ci").policy == "rules"


def test_grants_follow_their_policy_to_a_new_version_and_others_do_not(store: Store, folder: DataFolder) -> None:
    old = with_policy(store, "one", DENY_ALL)
    with_policy(store, "two", DENY_ALL)
    follows = add_grant(store, ANNA, "follows", server="files", policy="one").value.token
    stays = add_grant(store, ANNA, "stays", server="files", policy="two").value.token
    done = add_policy(store, ANNA, "one", ALLOW_ALL)
    assert seen(folder, follows).policy_version == done.value.version
    assert seen(folder, stays).policy_version == old
    assert set(published(folder, "policy")) == {old, done.value.version}


def test_an_unknown_label_is_an_error_that_names_the_nearest(store: Store) -> None:
    add_grant(store, ANNA, "laptop", server="files")
    for act in (
        lambda: show_grant(store, "labtop"),
        lambda: rotate_grant(store, ANNA, "labtop"),
        lambda: revoke_grant(store, ANNA, "labtop"),
        lambda: attach_policy(store, ANNA, "labtop", None),
    ):
        with pytest.raises(GatepostError, match=r"Did you mean laptop\?") as refused:
            act()
        assert refused.value.code == "GP-4003"


def test_the_last_use_only_moves_forward_and_is_neither_recorded_nor_published(
    store: Store, folder: DataFolder
) -> None:
    done = add_grant(store, ANNA, "ci", server="files")
    id = done.value.grant.id
    records = len(acts(folder))
    for at in (100.0, 200.0, 150.0):
        touch_last_used(store, {id: at, "unknown": at})
    touch_last_used(store, {})
    assert show_grant(store, "ci").last_used == 200.0
    assert len(acts(folder)) == records
    assert add_grant(store, ANNA, "next", server="files").revision == done.revision + 1


def test_grants_are_listed_by_label_and_by_server(store: Store) -> None:
    with_server(store, "other")
    for label, server in (("b", "files"), ("a", "other"), ("c", "files")):
        add_grant(store, ANNA, label, server=server)
    assert [grant.label for grant in list_grants(store)] == ["a", "b", "c"]
    assert [grant.label for grant in list_grants(store, server="files")] == ["b", "c"]
