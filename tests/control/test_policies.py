"""Checking and adding policies; versions; a mistake changes nothing."""

from __future__ import annotations

import json

import pytest

from gatepost.control.grants import add_grant
from gatepost.control.policies import PolicyRefused, add_policy, check, list_policies, show_policy
from gatepost.control.servers import add_server, remove_server
from gatepost.control.store import Store
from gatepost.errors import GatepostError
from gatepost.paths import DataFolder
from gatepost.policy import compile_policy
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

YAML = b"""
# what the agent may do
version: "1"
default: deny
tools:
  create_refund:
    deny_if:
      - name: too-much
        conditions:
          - {path: args.amount, op: gt, value: 10000.50}
"""


@pytest.fixture(autouse=True)
def _server(store: Store) -> None:
    with_server(store)


def test_the_same_document_as_json_and_as_yaml_is_one_version() -> None:
    as_json = {
        "default": "deny",
        "tools": {
            "create_refund": {
                "deny_if": [{"name": "too-much", "conditions": [{"path": "args.amount", "op": "gt", "value": 10000.5}]}]
            }
        },
        "version": "1",
    }
    checked = check(YAML)
    assert checked.version == check(json.dumps(as_json)).version == compile_policy(as_json).version
    assert checked.document == as_json
    assert '"value":10000.50' in checked.text


def test_what_is_published_compiles_to_the_version_it_is_published_under(store: Store, folder: DataFolder) -> None:
    document = (
        b'{"version":"1","default":"deny","tools":{"t":{"deny_if":[{"conditions":'
        b'[{"path":"args.a","op":"in","value":[1.0,13.0000000000000000001,1e2]}]}]}}}'
    )
    version = with_policy(store, document=document)
    from gatepost.feed import Feed

    with Feed.open(folder.store) as feed:
        body = next(row.body for row in feed.since(0) if row.kind == "policy")
    assert body is not None
    assert body.startswith(f'{{"name":"rules","version":"{version}","document":')
    inside = body.removesuffix("}").partition('"document":')[2]
    assert compile_policy(inside).version == version


def test_a_key_that_stands_twice_is_told_at_its_place_with_all_else_in_yaml_as_in_json() -> None:
    yaml = "version: '1'\ndefault: perhaps\ntools:\n  t: {}\n  a/b: {action: deny, action: allow}\n  t: {}\n"
    json = (
        '{"version": "1", "default": "perhaps", '
        '"tools": {"t": {}, "a/b": {"action": "deny", "action": "allow"}, "t": {}}}'
    )
    told = []
    for document in (yaml, json):
        with pytest.raises(PolicyRefused) as refused:
            check(document)
        told.append(refused.value.errors)
    assert told[0] == told[1]
    assert {pointer for pointer, _ in told[0]} == {"/default", "/tools/t", "/tools/a~1b/action"}


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(PolicyRefused) as refused:
        check(b'{"version":"2","default":"perhaps","toolz":{}}')
    assert refused.value.code == "GP-2001"
    assert {pointer for pointer, _ in refused.value.errors} >= {"/version", "/default", "/toolz"}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"version: 1",
        b'{"version":"1"}',
        b'{"version":"1","version":"1","default":"deny"}',
        b'{"version":"1","default":"deny"} x',
        b'\xef\xbb\xbf{"version":"1","default":"deny"}',
        b'{"version":"1","default":"deny","description":"\xff"}',
        b'{"version":"1","default":"deny","description":"\\ud800"}',
        b'{"version":"1","default":"deny","tools":{"t":{"deny_if":[{"conditions":[{"path":"args.a","op":"gt","value":1e999}]}]}}}',
        b"{" + b'"a":{' * 2000,
        b"- " * 2000,
        b"version: '1'\ndefault: &a deny\n",
        b"\0",
        b'{"version":"1","default":"deny","description":"' + b"x" * (1024 * 1024) + b'"}',
        "{\ud800",
    ],
    ids=lambda document: repr(document[:30]),
)
def test_a_malformed_document_is_refused_whole_and_the_old_one_stays(
    store: Store, folder: DataFolder, document: bytes | str
) -> None:
    version = with_policy(store)
    token = add_grant(store, ANNA, "ci", server="files", policy="rules").value.token
    before = told(folder)
    with pytest.raises(PolicyRefused) as refused:
        add_policy(store, ANNA, "rules", document)
    assert refused.value.errors
    assert show_policy(store, "rules").versions == (version,)
    grant = grant_of(folder, token)
    assert grant is not None
    assert grant.policy_version == version
    assert list(published(folder, "policy")) == [version]
    assert told(folder) == before


def test_a_new_version_is_in_force_and_the_old_one_is_kept_for_the_log(store: Store, folder: DataFolder) -> None:
    first = with_policy(store, document=DENY_ALL)
    second = add_policy(store, ANNA, "rules", ALLOW_ALL).value
    assert second.versions == (first, second.version)
    assert second.current
    assert second.server == "files"
    old = show_policy(store, "rules", first)
    assert (old.current, old.document) == (False, json.loads(DENY_ALL))
    assert list(published(folder, "policy")) == [second.version]
    record = acts(folder)[-1]
    assert record["before"] == {"version": first, "server": "files"}
    assert record["after"] == {"version": second.version, "server": "files"}


def test_going_back_to_an_old_version_makes_no_third_one(store: Store, folder: DataFolder) -> None:
    first = with_policy(store, document=DENY_ALL)
    with_policy(store, document=ALLOW_ALL)
    back = add_policy(store, ANNA, "rules", DENY_ALL).value
    assert back.version == first
    assert len(back.versions) == 2
    assert list(published(folder, "policy")) == [first]


def test_adding_what_is_in_force_already_changes_and_records_nothing(store: Store, folder: DataFolder) -> None:
    first = add_policy(store, ANNA, "rules", DENY_ALL, "files")
    again = add_policy(store, ANNA, "rules", b'{ "default": "deny", "version": "1" }', "files")
    assert again.revision == first.revision
    assert again.value == first.value
    assert [action for action, _ in told(folder)].count("policy.add") == 1


def test_two_policies_with_one_document_do_not_take_it_from_each_other(store: Store, folder: DataFolder) -> None:
    version = with_policy(store, "one", DENY_ALL)
    with_policy(store, "two", DENY_ALL)
    token = add_grant(store, ANNA, "ci", server="files", policy="two").value.token
    add_policy(store, ANNA, "one", ALLOW_ALL)
    assert version in published(folder, "policy")
    grant = grant_of(folder, token)
    assert grant is not None
    assert grant.policy_version == version


def test_a_policy_that_was_changed_in_the_meantime_is_not_replaced(store: Store) -> None:
    seen = with_policy(store, document=DENY_ALL)
    changed = add_policy(store, ANNA, "rules", ALLOW_ALL, expected_version=seen).value.version
    with pytest.raises(GatepostError) as refused:
        add_policy(store, ANNA, "rules", b'{"version":"1","default":"deny","mode":"shadow"}', expected_version=seen)
    assert refused.value.code == "GP-4004"
    assert show_policy(store, "rules").version == changed
    with pytest.raises(GatepostError) as refused:
        add_policy(store, ANNA, "new", DENY_ALL, expected_version=seen)
    assert refused.value.code == "GP-4004"


def test_a_policy_registered_for_one_server_is_not_moved_to_another(store: Store) -> None:
    with_server(store, "other")
    with_policy(store, "rules", server="files")
    with_policy(store, "anyones", server=None)
    for name in ("rules", "anyones"):
        with pytest.raises(GatepostError) as refused:
            add_policy(store, ANNA, name, ALLOW_ALL, "other")
        assert refused.value.code == "GP-4002"
    assert show_policy(store, "rules").document == json.loads(DENY_ALL)


def test_a_policy_whose_server_is_gone_may_be_registered_for_another(store: Store) -> None:
    with_policy(store, "rules", server="files")
    with_server(store, "other")
    remove_server(store, ANNA, "files")
    assert add_policy(store, ANNA, "rules", DENY_ALL, "other").value.server == "other"


def test_an_unknown_server_or_a_wrong_name_is_refused(store: Store) -> None:
    with pytest.raises(GatepostError) as refused:
        add_policy(store, ANNA, "rules", DENY_ALL, "flies")
    assert refused.value.code == "GP-4003"
    with pytest.raises(GatepostError) as refused:
        add_policy(store, ANNA, "no spaces", DENY_ALL)
    assert refused.value.code == "GP-4001"
    assert list_policies(store) == []


def test_a_version_is_found_by_its_first_characters(store: Store) -> None:
    version = with_policy(store)
    for wanted in (version, version[:12], version.removeprefix("sha256:")[:4]):
        assert show_policy(store, "rules", wanted).version == version
    for wanted in ("sha256:zz", "nothing"):
        with pytest.raises(GatepostError) as refused:
            show_policy(store, "rules", wanted)
        assert refused.value.code == "GP-2002"


def test_an_unknown_policy_is_an_error_that_names_the_nearest(store: Store) -> None:
    with_policy(store, "read-only")
    with pytest.raises(GatepostError, match=r"Did you mean read-only\?") as refused:
        show_policy(store, "readonly")
    assert refused.value.code == "GP-2002"


def test_the_warnings_know_the_servers_tools(store: Store) -> None:
    add_server(store, ANNA, "shop", command=["x"], tools=[{"name": "refund", "inputSchema": {"type": "object"}}])
    document = b'{"version":"1","default":"deny","tools":{"refunt":{}}}'
    done = add_policy(store, ANNA, "shop-rules", document, "shop")
    assert any("refunt" in pointer + message for pointer, message in done.value.warnings)
    assert done.value.as_dict()["warnings"]
