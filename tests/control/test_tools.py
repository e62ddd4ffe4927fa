"""Scans taken over, drift recorded, categories set."""

from __future__ import annotations

import pytest

from gatepost.control.servers import add_server, show_server
from gatepost.control.store import Store
from gatepost.control.tools import list_tools, set_category, store_scan
from gatepost.errors import GatepostError
from gatepost.paths import DataFolder
from tests.control.helpers import ANNA, acts, published, told, tool, with_server


def test_a_scan_that_finds_the_same_publishes_and_records_nothing(store: Store, folder: DataFolder) -> None:
    with_server(store)
    before = show_server(store, "files")
    done = store_scan(store, ANNA, "files", [tool("read"), tool("write")])
    assert not done.value
    assert done.revision == 1
    assert len(acts(folder)) == 1
    after = show_server(store, "files")
    assert after.drift is None
    assert after.scanned_at is not None
    assert before.scanned_at is not None
    assert after.scanned_at >= before.scanned_at


def test_drift_is_returned_recorded_shown_and_published(store: Store, folder: DataFolder) -> None:
    with_server(store)
    done = store_scan(store, ANNA, "files", [tool("write", description="new"), tool("move")])
    assert done.value.as_dict() == {"added": ["move"], "removed": ["read"], "changed": ["write"]}
    assert list(published(folder, "server")["files"]["tools"]) == ["write", "move"]
    record = acts(folder)[-1]
    assert (record["kind"], record["action"], record["object"]) == ("drift", "server.drift", "server:files")
    assert record["after"]["changed"] == ["write"]
    shown = show_server(store, "files").drift
    assert shown is not None
    assert shown.endswith(": 1 added, 1 removed, 1 changed")
    assert published(folder, "server")["files"]["drift"] == shown


def test_another_order_of_the_list_is_published_and_is_no_drift(store: Store, folder: DataFolder) -> None:
    with_server(store)
    assert not store_scan(store, ANNA, "files", [tool("write"), tool("read")]).value
    assert list(published(folder, "server")["files"]["tools"]) == ["write", "read"]
    assert len(acts(folder)) == 1


def test_the_first_scan_of_a_server_added_without_one_is_no_drift(store: Store, folder: DataFolder) -> None:
    add_server(store, ANNA, "files", command=["x"])
    assert show_server(store, "files").scanned_at is None
    done = store_scan(store, ANNA, "files", [tool("read")], eras=["modern"], versions=["2026-07-28"], info={"a": 1})
    assert not done.value
    shown = show_server(store, "files")
    assert (shown.tools, shown.eras, shown.versions, shown.info) == (1, ("modern",), ("2026-07-28",), {"a": 1})
    assert len(acts(folder)) == 1


def test_a_scan_without_eras_and_info_leaves_what_is_known(store: Store) -> None:
    add_server(store, ANNA, "files", command=["x"], eras=["modern"], versions=["2026-07-28"], info={"a": 1}, tools=[])
    store_scan(store, ANNA, "files", [tool("read")])
    shown = show_server(store, "files")
    assert (shown.eras, shown.versions, shown.info) == (("modern",), ("2026-07-28",), {"a": 1})


def test_a_list_with_useless_entries_is_taken_over_as_far_as_it_goes(store: Store) -> None:
    with_server(store)
    done = store_scan(store, ANNA, "files", [tool("read"), tool("read", title="x"), tool("write"), None, {"name": 7}])
    assert done.value.removed == ("read",)
    assert len(done.warnings) == 3
    assert [definition.name for definition in list_tools(store, "files")] == ["write"]


def test_drift_of_thousands_of_tools_is_recorded_by_its_first_names_and_its_size(
    store: Store, folder: DataFolder
) -> None:
    with_server(store)
    done = store_scan(store, ANNA, "files", [tool(f"t{number}") for number in range(3000)])
    assert len(done.value.added) == 3000
    record = acts(folder)[-1]
    assert len(record["after"]["added"]) == 100
    assert record["after"]["summary"] == "3000 added, 2 removed, 0 changed"


def test_a_category_is_set_published_and_recorded_and_survives_scans(store: Store, folder: DataFolder) -> None:
    with_server(store)
    assert set_category(store, ANNA, "files", "write", "destructive").value.category == "destructive"
    store_scan(store, ANNA, "files", [tool("write", description="new"), tool("read")])
    body = published(folder, "server")["files"]["tools"]
    assert (body["write"]["category"], body["read"]["category"]) == ("destructive", None)
    record = acts(folder)[1]
    assert (record["action"], record["object"]) == ("server.set-category", "server:files/write")
    assert (record["before"], record["after"]) == ({"category": None}, {"category": "destructive"})


def test_a_category_goes_with_a_tool_that_is_no_longer_listed(store: Store) -> None:
    with_server(store)
    set_category(store, ANNA, "files", "write", "read")
    store_scan(store, ANNA, "files", [tool("read")])
    store_scan(store, ANNA, "files", [tool("read"), tool("write")])
    assert [definition.category for definition in list_tools(store, "files")] == [None, None]


def test_a_category_can_be_taken_back_and_setting_the_same_twice_is_recorded_once(
    store: Store, folder: DataFolder
) -> None:
    with_server(store)
    for category in ("read", "read", None):
        assert set_category(store, ANNA, "files", "read", category).value.category == category
    assert [action for action, _ in told(folder)] == ["server.add", "server.set-category", "server.set-category"]


@pytest.mark.parametrize(
    ("server", "name", "category", "code"),
    [
        ("files", "read", "Read", "GP-4005"),
        ("files", "read", "", "GP-4005"),
        ("files", "rread", "read", "GP-4003"),
        ("other", "read", "read", "GP-4003"),
    ],
)
def test_a_wrong_server_tool_or_category_changes_nothing(
    store: Store, folder: DataFolder, server: str, name: str, category: str, code: str
) -> None:
    with_server(store)
    with pytest.raises(GatepostError) as refused:
        set_category(store, ANNA, server, name, category)
    assert refused.value.code == code
    assert refused.value.hint
    assert len(acts(folder)) == 1


def test_a_scan_of_an_unknown_server_or_with_an_unknown_era_changes_nothing(store: Store, folder: DataFolder) -> None:
    with_server(store)
    with pytest.raises(GatepostError) as refused:
        store_scan(store, ANNA, "other", [])
    assert refused.value.code == "GP-4003"
    with pytest.raises(GatepostError) as refused:
        store_scan(store, ANNA, "files", [], eras=["ancient"])
    assert refused.value.code == "GP-4005"
    with pytest.raises(GatepostError):
        list_tools(store, "other")
    assert show_server(store, "files").tools == 2
