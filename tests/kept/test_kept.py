"""Arguments are kept encrypted for a while, for whoever has the keys, and for nobody afterwards."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.kept import Keeper, KeptArguments, expire, forget
from gatepost.keys import Keyring
from gatepost.wire import strictjson

NOON = 1_795_262_400.0
HOUR, DAY = 3600, 86400
KEYS = Keyring({1: b"s" * 32}, b"h" * 32, b"c" * 32)


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


def entry(id: str, arguments: Mapping[str, Any], server: str = "files") -> dict[str, Any]:
    """What the log says of a call."""
    return {"server": server, "decision_id": id, "arguments_hmac": KEYS.hmac(strictjson.canonical(arguments))}


def keep(folder: Path, clock: Clock, *calls: tuple[str, str, dict[str, Any], int], **options: Any) -> Keeper:
    async def act() -> Keeper:
        keeper = Keeper(folder, KEYS, clock=clock, **options)
        for server, id, arguments, seconds in calls:
            keeper.keep(server, id, arguments, seconds, 100)
        await keeper.close()
        return keeper

    return asyncio.run(act())


def reader(folder: Path, clock: Clock, keys: Keyring = KEYS, **keeps: int | None) -> KeptArguments:
    return KeptArguments(folder, keys, keeps or {"files": 7 * DAY}, clock=clock)


def test_what_was_kept_is_found_by_the_entry_of_the_log_and_lies_there_for_nobody_else(tmp_path: Path) -> None:
    clock, arguments = Clock(), {"path": "/srv/secret-plan", "n": strictjson.parse(b"1.50")}
    keep(tmp_path / "arguments", clock, ("files", "d1", arguments, 7 * DAY), ("files", "d2", {"x": 1}, 7 * DAY))
    found = reader(tmp_path / "arguments", clock).of(entry("d1", arguments), NOON)
    assert found == {"path": "/srv/secret-plan", "n": Decimal("1.50")}
    (file,) = (tmp_path / "arguments" / "files").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert [folder.stat().st_mode & 0o777 for folder in (file.parent, file.parent.parent)] == [0o700, 0o700]
    assert b"secret-plan" not in file.read_bytes()
    stranger = Keyring({1: b"x" * 32}, b"h" * 32, b"c" * 32)
    assert reader(tmp_path / "arguments", clock, stranger).of(entry("d1", arguments), NOON) is None


def test_a_line_that_was_put_in_anothers_place_or_altered_is_not_read(tmp_path: Path) -> None:
    clock, folder = Clock(), tmp_path / "arguments"
    keep(folder, clock, ("files", "d1", {"a": 1}, DAY), ("files", "d2", {"a": 2}, DAY))
    (file,) = (folder / "files").iterdir()
    first, second, _ = file.read_bytes().split(b"\n")
    file.write_bytes(first.replace(b'"d1"', b'"d3"') + b"\n" + second[:-9] + b'AAAAAA"}\n' + b'{"half')
    look = reader(folder, clock)
    assert look.of(entry("d3", {"a": 1}), NOON) is None
    assert look.of(entry("d2", {"a": 2}), NOON) is None
    keep(folder, clock, ("files", "d5", {"a": 5}, DAY))  # behind a half line, as a crash leaves one
    assert reader(folder, clock).of(entry("d5", {"a": 6}), NOON) is None  # not what was judged
    assert [call.decision_id for call in reader(folder, clock).all_of("files")] == ["d5"]


@pytest.mark.parametrize("later", [DAY - 1, DAY, 30 * DAY])
def test_it_is_given_until_its_time_has_come(tmp_path: Path, later: int) -> None:
    clock = Clock()
    keep(tmp_path, clock, ("files", "d1", {"a": 1}, DAY))
    clock.now = NOON + later
    found = reader(tmp_path, clock, files=7 * DAY).of(entry("d1", {"a": 1}), NOON)
    assert (found is not None) == (later < DAY)


def test_files_go_when_their_last_lines_time_has_come_and_sooner_where_less_is_kept_now(tmp_path: Path) -> None:
    clock = Clock()
    keep(tmp_path, clock, ("files", "d1", {}, DAY), ("git", "d2", {}, DAY), ("gone", "d3", {}, DAY))
    assert expire(tmp_path, NOON + DAY, {"files": DAY, "git": 2 * DAY, "gone": DAY}) == 0
    assert expire(tmp_path, NOON + HOUR, {"files": DAY, "git": DAY}) == 1  # nobody is called gone any more
    assert expire(tmp_path, NOON + 3 * HOUR, {"files": 2 * HOUR, "git": DAY}) == 1
    assert expire(tmp_path, NOON + HOUR + DAY, {"files": DAY, "git": DAY}) == 1
    assert expire(tmp_path / "none", NOON, {}) == 0


def test_the_keeper_itself_removes_what_is_over_when_an_hour_begins(tmp_path: Path) -> None:
    clock = Clock()
    keep(tmp_path, clock, ("files", "d1", {}, HOUR))
    clock.now = NOON + 2 * HOUR
    keep(tmp_path, clock, ("files", "d2", {}, HOUR))
    assert [call.decision_id for call in reader(tmp_path, clock, files=HOUR).all_of("files")] == ["d2"]
    assert len(list((tmp_path / "files").iterdir())) == 1


def test_what_comes_too_fast_or_cannot_be_written_is_dropped_and_counted(tmp_path: Path) -> None:
    calls = [("files", f"d{number}", {"a": number}, DAY) for number in range(5)]
    assert keep(tmp_path / "a", Clock(), *calls, most_waiting=300).dropped == 2
    (tmp_path / "b").write_text("a file where a folder should be")
    assert keep(tmp_path / "b", Clock(), *calls).dropped == 5


def test_a_call_at_the_end_of_an_hour_may_lie_in_the_next_ones_file(tmp_path: Path) -> None:
    clock = Clock()
    keep(tmp_path, clock, ("files", "d1", {"a": 1}, DAY))
    assert reader(tmp_path, clock).of(entry("d1", {"a": 1}), NOON - 0.001) == {"a": 1}


def test_forgetting_takes_everything(tmp_path: Path) -> None:
    keep(tmp_path, Clock(), ("files", "d1", {}, DAY), ("git", "d2", {}, DAY))
    forget(tmp_path, "files")
    forget(tmp_path, "files")
    assert os.listdir(tmp_path) == ["git"]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), values, max_size=3), max_size=4))
@settings(max_examples=40)
def test_whatever_was_sent_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, sent: list[dict[str, Any]]
) -> None:
    folder, clock = tmp_path_factory.mktemp("kept"), Clock()
    parsed = [strictjson.parse(strictjson.write(each)) for each in sent]
    keep(folder, clock, *[("files", f"d{number}", each, DAY) for number, each in enumerate(parsed)])
    kept = {call.decision_id: call.arguments for call in reader(folder, clock).all_of("files")}
    assert kept == {f"d{number}": each for number, each in enumerate(parsed)}
    look = reader(folder, clock)
    assert all(look.of(entry(f"d{number}", each), NOON) == each for number, each in enumerate(parsed))
