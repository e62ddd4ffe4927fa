"""Pins without a store: what is pinned, what waits, and what accepting does."""

from __future__ import annotations

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
                for name, text in said.items():
                    listed[name] = text
                    if mode == "off" or (name not in pins and (mode == "warn" or not met)):
                        pins[name] = text
                met = True
                assert {each.name for each in found if each.waits} == {n for n in said if pins.get(n) != said[n]}
            else:
                waiting = {each.name: each.listed for each in file.waiting() if each.name in said}
                file.accept(waiting)
                pins |= {name: listed[name] for name in waiting}
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


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 2}', '{"version": 1, "pins": [], "listed": {}}'])
def test_a_file_that_cannot_be_used_is_said_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    file = PinFile(tmp_path, "s")
    file.path.write_text(content)
    for act in (file.waiting, lambda: file.see([defined("a", "one")], "warn", legacy=False)):
        with pytest.raises(GatepostError) as caught:
            act()
        assert caught.value.code == "GP-5003"
        assert str(file.path) in str(caught.value)
    assert file.path.read_text() == content


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = PinFile(tmp_path / "pins", "s")
    file.see([defined("a", "one")], "warn", legacy=False)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
