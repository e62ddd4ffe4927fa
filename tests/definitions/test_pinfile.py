"""Pins without a store: what is pinned, what waits, and what accepting does."""

from __future__ import annotations

import json
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.definitions.definition import Definition, definition_hash
from gatepost.definitions.pinfile import Mode, PinFile
from gatepost.errors import GatepostError


def defined(name: str, description: str, **more: Any) -> Definition:
    tool = {"name": name, "description": description, **more}
    return Definition(name, tool, definition_hash(tool), None, 0.0)


lists = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["one", "two", "three"]), max_size=3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("see"), st.sampled_from(["warn", "quarantine", "off"]), lists),
        st.tuples(st.just("accept"), st.just("warn"), st.sets(st.sampled_from("abc"))),
    ),
    max_size=8,
)


@given(steps)
def test_what_waits_is_what_a_table_of_pins_says(steps: list[tuple[str, Mode, Any]]) -> None:
    """The model: two tables, of what was accepted and of what was last listed."""
    pins: dict[str, str] = {}
    listed: dict[str, str] = {}
    met = False
    with tempfile.TemporaryDirectory() as folder:
        for act, mode, said in steps:
            file = PinFile(Path(folder) / "pins", "s")
            if act == "see":
                found = file.see([defined(*each) for each in said.items()], mode, legacy=False)
                listed = said
                for name, text in said.items():
                    if mode == "off" or (name not in pins and (mode == "warn" or not met)):
                        pins[name] = text
                met = True
                assert {each.name for each in found if each.waits} == {n for n in said if pins.get(n) != said[n]}
            else:
                waiting = {each.name: each.listed for each in file.waiting() if each.name in said}
                gone = [name for name in file.gone() if name in said]
                file.accept(waiting, gone)
                pins |= {name: listed[name] for name in waiting}
                pins = {name: text for name, text in pins.items() if name not in gone}
            assert list(file.gone()) == sorted(pins.keys() - listed.keys())
            assert [each.name for each in file.waiting()] == sorted(n for n in listed if pins.get(n) != listed[n])


def test_what_an_older_revision_leaves_out_is_no_change(tmp_path: Path) -> None:
    file = PinFile(tmp_path, "s")
    file.see([defined("a", "one", title="A", annotations={"readOnlyHint": True})], "warn", legacy=False)
    assert file.see([defined("a", "one")], "warn", legacy=True) == ()
    (found,) = file.see([defined("a", "one")], "warn", legacy=False)
    assert (found.name, found.fresh, found.waits) == ("a", True, True)
    (found,) = file.see([defined("a", "two")], "warn", legacy=True)
    assert found.listed["description"] == "two"


def test_what_has_changed_again_is_not_accepted_nor_is_anything_beside_it(tmp_path: Path) -> None:
    file = PinFile(tmp_path, "s")
    file.see([defined("a", "one"), defined("b", "one")], "warn", legacy=False)
    file.see([defined("a", "two"), defined("b", "two")], "warn", legacy=False)
    shown = {each.name: each.listed for each in file.waiting()}
    file.see([defined("a", "two"), defined("b", "three")], "warn", legacy=False)
    with pytest.raises(GatepostError, match="b has changed again"):
        file.accept(shown)
    assert [each.name for each in file.waiting()] == ["a", "b"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"version": 3}',
        '{"version": 2, "pins": {}, "listed": {"a": {}}}',
        '{"version": 1, "pins": [], "listed": {}}',
    ],
)
def test_a_file_that_cannot_be_used_is_said_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    file = PinFile(tmp_path, "s")
    file.path.write_text(content)
    for act in (file.waiting, lambda: file.see([defined("a", "one")], "warn", legacy=False)):
        with pytest.raises(GatepostError) as caught:
            act()
        assert caught.value.code == "GP-5003"
        assert str(file.path) in str(caught.value)
    assert file.path.read_text() == content


def test_a_tool_that_is_gone_and_comes_back_otherwise_has_changed_until_its_pin_is_forgotten(tmp_path: Path) -> None:
    file = PinFile(tmp_path, "s")
    file.see([defined("a", "one"), defined("b", "one")], "quarantine", legacy=False)
    file.see([defined("a", "one")], "quarantine", legacy=False)
    assert file.waiting() == ()
    (found,) = file.see([defined("a", "one"), defined("b", "two")], "quarantine", legacy=False)
    assert (found.name, found.pinned is not None) == ("b", True)
    file.see([defined("a", "one")], "quarantine", legacy=False)
    file.accept({}, file.gone())
    (found,) = file.see([defined("a", "one"), defined("b", "two")], "quarantine", legacy=False)
    assert (found.name, found.pinned) == ("b", None)
    with pytest.raises(GatepostError, match="b has changed again"):
        file.accept({}, ["b"])


def test_a_server_that_lists_other_names_each_time_fills_the_file_to_its_bound_and_is_then_refused(
    tmp_path: Path,
) -> None:
    file = PinFile(tmp_path, "s", largest=2_000)
    number = 0
    with pytest.raises(GatepostError) as caught:
        for number in range(100):
            file.see([defined(f"t{number}", "x" * 50)], "warn", legacy=False)
    assert 5 < number < 50
    assert caught.value.code == "GP-5003"
    assert f"Forget the {number} that it no longer lists: gatepost server accept s." in caught.value.hint
    assert file.path.stat().st_size <= 2_000
    (last,) = file.tools()
    assert last["name"] == f"t{number - 1}"
    file.accept({}, file.gone())
    assert file.see([defined("new", "x")], "warn", legacy=False)[0].waits is False


def test_a_list_that_is_too_long_for_the_file_is_refused_with_the_way_to_go_on(tmp_path: Path) -> None:
    file = PinFile(tmp_path, "s", largest=2_000)
    with pytest.raises(GatepostError) as caught:
        file.see([defined(f"t{number}", "x" * 50) for number in range(100)], "warn", legacy=False)
    assert "It lists 100 tools." in caught.value.hint
    assert not file.path.exists()


def test_what_is_as_it_is_pinned_stands_in_the_file_once_and_a_file_of_the_first_version_is_read(
    tmp_path: Path,
) -> None:
    file = PinFile(tmp_path, "s")
    whole = defined("a", "one" * 1_000)
    file.see([whole], "warn", legacy=False)
    assert file.path.stat().st_size < 1.2 * len(json.dumps(whole.tool))
    assert file.tools() == [whole.tool]
    file.path.write_text(json.dumps({"version": 1, "pins": {"a": whole.tool}, "listed": {"a": whole.tool}}))
    assert file.see([whole], "warn", legacy=False) == ()
    assert [each.name for each in file.see([defined("a", "two")], "warn", legacy=False)] == ["a"]


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = PinFile(tmp_path / "pins", "s")
    file.see([defined("a", "one")], "warn", legacy=False)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_written_is_no_reason_to_remove_the_pins(tmp_path: Path) -> None:
    (tmp_path / "pins").write_text("a file where the folder would be")
    with pytest.raises(GatepostError) as refused:
        PinFile(tmp_path / "pins", "files").see([defined("a", "one")], "warn", legacy=False)
    assert refused.value.code == "GP-5003"
    assert "Remove" not in refused.value.hint and "gatepost doctor" in refused.value.hint
