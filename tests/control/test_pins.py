"""Definitions pinned, what differs from the pins, and accepting it."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from gatepost.cli.server_keeping import DRIFT_MODES
from gatepost.control import pins
from gatepost.control.grants import add_grant
from gatepost.control.servers import add_server, remove_server, show_server
from gatepost.control.store import Store
from gatepost.control.tools import list_tools, store_scan
from gatepost.errors import GatepostError
from gatepost.paths import DataFolder
from gatepost.storage.migrate import SCRIPTS
from tests.control.helpers import ANNA, acts, published, told, tool, with_policy, with_server


def held(folder: DataFolder, server: str = "files") -> list[str]:
    """The tools that the data plane is told to hold."""
    tools = published(folder, "server")[server]["tools"]
    return sorted(name for name, entry in tools.items() if entry.get("quarantined"))


def kinds(store: Store, server: str = "files") -> dict[str, str]:
    return {one.name: one.kind for one in pins.waiting(store, server)}


def test_the_first_scan_pins_and_nothing_waits(store: Store, folder: DataFolder) -> None:
    with_server(store)
    add_server(store, ANNA, "later", command=["x"])
    assert published(folder, "server")["later"]["drift_mode"] is None
    store_scan(store, ANNA, "later", [tool("read")])
    assert published(folder, "server")["later"]["drift_mode"] == "quarantine"
    assert (kinds(store), kinds(store, "later"), held(folder), held(folder, "later")) == ({}, {}, [], [])


def test_a_changed_a_new_and_a_vanished_tool_wait_and_the_first_two_are_held(store: Store, folder: DataFolder) -> None:
    with_server(store)
    store_scan(store, ANNA, "files", [tool("write", description="new"), tool("move")])
    assert kinds(store) == {"move": "new", "read": "gone", "write": "changed"}
    assert held(folder) == ["move", "write"]
    assert show_server(store, "files").waiting == ("move", "read", "write")


def test_a_rename_is_a_removal_and_an_addition(store: Store) -> None:
    with_server(store)
    store_scan(store, ANNA, "files", [tool("read"), tool("write2")])
    assert kinds(store) == {"write": "gone", "write2": "new"}


def test_what_is_as_it_was_pinned_again_waits_no_more(store: Store, folder: DataFolder) -> None:
    with_server(store)
    store_scan(store, ANNA, "files", [tool("write", description="new")])
    store_scan(store, ANNA, "files", [tool("read"), tool("write")])
    assert (kinds(store), held(folder)) == ({}, [])


def test_a_tool_that_comes_back_as_something_else_is_held_against_its_old_pin(store: Store) -> None:
    with_server(store)
    store_scan(store, ANNA, "files", [tool("read")])
    store_scan(store, ANNA, "files", [tool("read"), tool("write", description="other")])
    (one,) = pins.waiting(store, "files")
    assert (one.kind, [str(change) for change in one.changes()]) == ("changed", ['description: {+"other"+}'])


def test_accepting_one_tool_releases_it_alone_and_is_recorded(store: Store, folder: DataFolder) -> None:
    with_server(store)
    store_scan(store, ANNA, "files", [tool("write", description="new"), tool("move")])
    found = pins.chosen("files", pins.waiting(store, "files"), "write")
    assert pins.accept(store, ANNA, "files", found).value == ("write",)
    assert held(folder) == ["move"]
    record = acts(folder)[-1]
    assert (record["action"], record["object"]) == ("server.accept", "server:files")
    (before,), (after,) = record["before"]["pins"], record["after"]["pins"]
    now = {one.name: one.hash for one in list_tools(store, "files")}
    assert (before[0], after) == ("write", ["write", now["write"]])
    assert before[1] != after[1]


def test_accepting_all_forgets_what_is_gone(store: Store, folder: DataFolder) -> None:
    with_server(store)
    store_scan(store, ANNA, "files", [tool("write")])
    pins.accept(store, ANNA, "files", pins.waiting(store, "files"))
    assert kinds(store) == {}
    store_scan(store, ANNA, "files", [tool("read"), tool("write")])
    assert (kinds(store), held(folder)) == ({"read": "new"}, ["read"])


def test_what_changed_again_since_it_was_shown_is_not_accepted(store: Store, folder: DataFolder) -> None:
    with_server(store)
    store_scan(store, ANNA, "files", [tool("read", description="one"), tool("write", description="one")])
    shown = pins.waiting(store, "files")
    store_scan(store, ANNA, "files", [tool("read", description="one"), tool("write", description="two")])
    with pytest.raises(GatepostError) as refused:
        pins.accept(store, ANNA, "files", shown)
    assert refused.value.code == "GP-4004"
    assert held(folder) == ["read", "write"]


def test_a_server_that_is_only_warned_of_has_tools_that_wait_and_none_that_are_held(
    store: Store, folder: DataFolder
) -> None:
    with_server(store)
    assert pins.set_drift_mode(store, ANNA, "files", "warn").value == ()
    store_scan(store, ANNA, "files", [tool("read"), tool("write", description="new")])
    assert (kinds(store), held(folder)) == ({"write": "changed"}, [])
    assert pins.set_drift_mode(store, ANNA, "files", "quarantine").value == ("write",)
    assert held(folder) == ["write"]
    assert [action for action, _ in told(folder)] == [
        "server.add", "server.drift-mode", "server.drift", "server.drift-mode",
    ]  # fmt: skip


def test_a_server_whose_drift_is_off_is_pinned_by_each_scan(store: Store, folder: DataFolder) -> None:
    with_server(store)
    store_scan(store, ANNA, "files", [tool("read"), tool("write", description="new")])
    pins.set_drift_mode(store, ANNA, "files", "off")
    assert (kinds(store), held(folder)) == ({}, [])
    store_scan(store, ANNA, "files", [tool("read", description="new")])
    assert kinds(store) == {}
    pins.set_drift_mode(store, ANNA, "files", "quarantine")
    assert held(folder) == []


def test_a_server_that_is_added_again_begins_with_the_usual_drift_and_its_own_pins(store: Store) -> None:
    with_server(store)
    pins.set_drift_mode(store, ANNA, "files", "warn")
    remove_server(store, ANNA, "files")
    with_server(store, "files", "other")
    shown = show_server(store, "files")
    assert (shown.drift_mode, shown.waiting) == ("quarantine", ())


def test_the_policies_that_a_tool_meets_are_named_with_what_they_say(store: Store) -> None:
    with_server(store)
    with_policy(store, "all", b'{"version":"1","default":"allow"}', None)
    with_policy(store, "none", b'{"version":"1","default":"deny","tools":{"wr*":{"action":"deny"}}}')
    with_policy(store, "hiding", b'{"version":"1","default":"allow","hide":["write"]}')
    with_policy(store, "asking", b'{"version":"1","default":"deny","tools":{"write":{"action":"require_approval"}}}')
    with_policy(store, "elsewhere", b'{"version":"1","default":"allow","hide":["x"]}', None)
    add_grant(store, ANNA, "laptop", server="files", policy="all")
    (write,) = [one for one in list_tools(store, "files") if one.name == "write"]
    assert [(one.policy, one.grants, one.effect) for one in pins.touched(store, "files", write)] == [
        ("all", ("laptop",), "may be called"),
        ("asking", (), "asks a person, by /tools/write/action"),
        ("hiding", (), "hidden"),
        ("none", (), "denied by /tools/wr*/action"),
    ]


def test_a_wrong_name_mode_or_tool_is_refused(store: Store) -> None:
    with_server(store)
    for act in (
        lambda: pins.waiting(store, "other"),
        lambda: pins.accept(store, ANNA, "other", ()),
        lambda: pins.set_drift_mode(store, ANNA, "other", "warn"),
        lambda: pins.chosen("files", (), "read"),
    ):
        with pytest.raises(GatepostError) as refused:
            act()
        assert refused.value.code == "GP-4003"
    with pytest.raises(GatepostError) as refused:
        pins.set_drift_mode(store, ANNA, "files", "ignore")
    assert refused.value.code == "GP-4005"
    assert DRIFT_MODES == pins.MODES


def test_a_store_from_before_pins_is_held_to_what_it_knows(store: Store, folder: DataFolder) -> None:
    with_server(store)
    add_server(store, ANNA, "never-asked", command=["x"])
    with store.database.write() as connection:  # as the step before left it
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        for sentence in (
            "DROP TABLE pins",
            "UPDATE published SET body = json_remove(body, '$.drift_mode') WHERE kind = 'server'",
            "UPDATE alembic_version SET version_num = '0001'",
        ):
            connection.execute(text(sentence))
        command.upgrade(config, "head")
    bodies = published(folder, "server")
    assert (bodies["files"]["drift_mode"], "drift_mode" in bodies["never-asked"]) == ("quarantine", False)
    assert kinds(store) == {}
    store_scan(store, ANNA, "files", [tool("read"), tool("write", description="new")])
    assert held(folder) == ["write"]
