"""What the control functions publish is what the data plane's snapshot is made of."""

from __future__ import annotations

import time

from gatepost.control.grants import add_grant, revoke_grant, rotate_grant
from gatepost.control.policies import add_policy
from gatepost.control.servers import add_server, read_target, remove_server
from gatepost.control.store import Store
from gatepost.control.tools import set_category
from gatepost.feed import Feed
from gatepost.gateway.snapshot import Snapshot
from gatepost.paths import DataFolder
from gatepost.processes.overview import servers_and_grants
from gatepost.wire import strictjson
from tests.control.helpers import ALLOW_ALL, ANNA, DENY_ALL, tool


def taken_over(store: Store, folder: DataFolder, before: Snapshot | None = None) -> Snapshot:
    """The snapshot after everything that was published since `before`."""
    snapshot = before or Snapshot()
    with Feed.open(folder.store) as feed:
        rows = feed.since(snapshot.revision)
    return snapshot.applied(rows, lambda value, purpose: store.keyring.unseal(value, purpose).decode())


def test_servers_policies_and_grants_arrive_as_they_were_configured(store: Store, folder: DataFolder) -> None:
    add_server(
        store,
        ANNA,
        "web",
        url="https://a.example/mcp",
        headers=[("Authorization", "Bearer geheim")],
        eras=["modern"],
        versions=["2026-07-28"],
        tools=[tool("read"), tool("write")],
    )
    add_server(store, ANNA, "prog", command=["x", "-v"], env={"KEY": "geheim"}, cwd="/", tools=[tool("run")])
    set_category(store, ANNA, "web", "write", "destructive")
    version = add_policy(store, ANNA, "rules", DENY_ALL, "web").value.version
    token = add_grant(store, ANNA, "ci", server="web", policy="rules").value.token
    snapshot = taken_over(store, folder)
    for name in ("web", "prog"):
        config, target = snapshot.servers[name].config, read_target(store, name)
        for attribute in ("name", "url", "headers", "command", "env", "cwd", "eras", "versions"):
            assert getattr(config, attribute) == getattr(target, attribute)
    assert snapshot.servers["web"].tools["write"].category == "destructive"
    assert snapshot.servers["prog"].tools["run"].listed == tool("run")
    grant = snapshot.grants.lookup(token)
    assert grant is not None
    policy = snapshot.policy_of(grant)
    assert policy is not None
    assert policy.version == version
    assert policy.decide(tool="read", arguments={}).effect == "deny"


def test_every_change_arrives_by_itself(store: Store, folder: DataFolder) -> None:
    add_server(store, ANNA, "web", url="https://a.example/mcp", tools=[tool("read")])
    add_policy(store, ANNA, "rules", DENY_ALL, "web")
    token = add_grant(store, ANNA, "ci", server="web", policy="rules").value.token
    first = taken_over(store, folder)
    add_policy(store, ANNA, "rules", ALLOW_ALL)
    second = taken_over(store, folder, first)
    for snapshot, effect in ((first, "deny"), (second, "allow")):
        grant = snapshot.grants.lookup(token)
        assert grant is not None
        policy = snapshot.policy_of(grant)
        assert policy is not None
        assert policy.decide(tool="read", arguments={}).effect == effect
    new = rotate_grant(store, ANNA, "ci").value.token
    third = taken_over(store, folder, second)
    old_grant, new_grant = third.grants.lookup(token), third.grants.lookup(new)
    assert old_grant is not None
    assert new_grant is not None
    assert (old_grant.refused(4e9), new_grant.refused(4e9)) == ("rotated", None)
    revoke_grant(store, ANNA, "ci")
    fourth = taken_over(store, folder, third)
    revoked = fourth.grants.lookup(new)
    assert revoked is not None
    assert revoked.refused(0) == "revoked"
    remove_server(store, ANNA, "web")
    assert "web" not in taken_over(store, folder, fourth).servers


def test_the_status_page_counts_a_rotated_grant_once_and_as_it_is_now(store: Store, folder: DataFolder) -> None:
    add_server(store, ANNA, "web", url="https://a.example/mcp", tools=[tool("read")])
    for label in ("a", "b", "c", "d"):
        add_grant(store, ANNA, label, server="web")
        for overlap in (0, 3600, 0):
            rotate_grant(store, ANNA, label, overlap=overlap)
    revoke_grant(store, ANNA, "d")
    _, grants = servers_and_grants(folder.store, time.time())
    assert grants == {"active": 3, "expired": 0, "revoked": 1}


def test_numbers_of_policies_and_schemas_reach_the_rules_exactly(store: Store, folder: DataFolder) -> None:
    listed = strictjson.parse(
        b'{"name":"pay","inputSchema":{"type":"object","properties":'
        b'{"amount":{"type":"number","default":13.0000000000000000001,"maximum":1e2}}}}'
    )
    add_server(store, ANNA, "shop", command=["x"], tools=[listed])
    document = (
        b'{"version":"1","default":"deny","tools":{"pay":{"deny_if":[{"conditions":'
        b'[{"path":"args.amount","op":"gt","value":13.0000000000000000001}]}]}}}'
    )
    version = add_policy(store, ANNA, "rules", document, "shop").value.version
    snapshot = taken_over(store, folder)
    assert snapshot.policies[version].version == version
    definition = snapshot.servers["shop"].tools["pay"].definition
    for amount, effect in (("13", "allow"), ("13.01", "deny"), ("100.5", "deny")):
        decision = snapshot.policies[version].decide(
            tool="pay", arguments=strictjson.parse(b'{"amount":%b}' % amount.encode()), definition=definition
        )
        assert decision.effect == effect, amount
    # The default is a number that another reader could take for 13: unknown to every rule, so it denies.
    assert snapshot.policies[version].decide(tool="pay", arguments={}, definition=definition).effect == "deny"


def test_a_schema_as_deep_as_any_that_a_scan_reads_is_taken_over(store: Store, folder: DataFolder) -> None:
    schema = b'{"not":' * 60 + b"{}" + b"}" * 60
    listed = strictjson.parse(b'{"name":"deep","inputSchema":{"type":"object","properties":{"p":%b}}}' % schema)
    add_server(store, ANNA, "deep", command=["x"], tools=[listed])
    assert taken_over(store, folder).servers["deep"].tools["deep"].listed == listed
