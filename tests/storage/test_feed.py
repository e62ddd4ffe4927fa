"""The published feed, from the writer to the reader that the data plane uses."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepost.errors import GatepostError
from gatepost.feed import Feed, Row
from gatepost.storage.database import Database
from gatepost.storage.published import publish, revision


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "store.db")
    yield opened
    opened.close()


def change(database: Database, *rows: tuple[str, str, str | None]) -> int:
    with database.write() as connection:
        return publish(connection, rows)


def test_a_reader_gets_what_came_after_the_revision_it_has_seen(database: Database) -> None:
    with Feed.open(database.path) as feed:
        assert (feed.revision(), feed.since(0)) == (0, [])
        first = change(database, ("server", "a", '{"n":1}'), ("grant", "g", '{"n":2}'))
        assert feed.revision() == first
        assert feed.since(0) == [Row("grant", "g", '{"n":2}', first), Row("server", "a", '{"n":1}', first)]
        second = change(database, ("server", "a", '{"n":3}'))
        assert second > first
        assert feed.since(first) == [Row("server", "a", '{"n":3}', second)]
        assert feed.since(second) == []


def test_a_change_touches_only_the_rows_it_names(database: Database) -> None:
    first = change(database, *(("grant", f"g{number}", "{}") for number in range(100)))
    second = change(database, ("grant", "g7", '{"new":1}'))
    with Feed.open(database.path) as feed:
        assert [row.key for row in feed.since(first)] == ["g7"]
        assert sum(row.revision == first for row in feed.since(0)) == 99
        assert feed.revision() == second


def test_what_was_removed_is_told_as_removed(database: Database) -> None:
    change(database, ("server", "a", "{}"))
    removed = change(database, ("server", "a", None))
    with Feed.open(database.path) as feed:
        assert feed.since(0) == [Row("server", "a", None, removed)]


def test_a_change_without_rows_is_none(database: Database) -> None:
    before = change(database, ("server", "a", "{}"))
    assert change(database) == before
    with database.read() as connection:
        assert revision(connection) == before


def test_the_revision_does_not_grow_where_the_change_is_taken_back(database: Database) -> None:
    before = change(database, ("server", "a", "{}"))
    with pytest.raises(RuntimeError), database.write() as connection:
        publish(connection, [("server", "b", "{}")])
        raise RuntimeError
    with Feed.open(database.path) as feed:
        assert feed.revision() == before
        assert [row.key for row in feed.since(0)] == ["a"]


def test_a_reader_is_not_held_up_by_a_writer_and_sees_nothing_unfinished(database: Database) -> None:
    before = change(database, ("server", "a", "{}"))
    with Feed.open(database.path) as feed:
        with database.write() as connection:
            publish(connection, [("server", "b", "{}")])
            assert feed.revision() == before
            assert [row.key for row in feed.since(0)] == ["a"]
        assert [row.key for row in feed.since(0)] == ["a", "b"]


def test_the_change_of_another_process_is_seen(database: Database) -> None:
    with Feed.open(database.path) as feed:
        program = (
            "import sys; from pathlib import Path\n"
            "from gatepost.storage.database import Database; from gatepost.storage.published import publish\n"
            "with Database.open(Path(sys.argv[1])).write() as connection: publish(connection, [('server', 'x', '{}')])"
        )
        subprocess.run([sys.executable, "-c", program, str(database.path)], check=True, timeout=60)
        assert [row.key for row in feed.since(0)] == ["x"]


def test_a_store_that_nobody_else_has_open_can_be_read(database: Database) -> None:
    change(database, ("server", "a", "{}"))
    database.close()
    with Feed.open(database.path) as feed:
        assert [row.key for row in feed.since(0)] == ["a"]


def test_the_reader_can_change_nothing(database: Database) -> None:
    with Feed.open(database.path) as feed, pytest.raises(sqlite3.OperationalError, match="readonly"):
        feed._connection.execute("DELETE FROM published")


def test_a_missing_store_is_an_error_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(GatepostError) as refused:
        Feed.open(tmp_path / "store.db")
    assert refused.value.code == "GP-5003"
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_a_feed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "store.db").touch()
    with pytest.raises(GatepostError) as refused:
        Feed.open(tmp_path / "store.db")
    assert refused.value.code == "GP-5003"


def test_a_path_with_odd_characters_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "a b?mode=rw#c%41"
    folder.mkdir()
    database = Database.open(folder / "store.db")
    change(database, ("server", "a", "{}"))
    database.close()
    with Feed.open(folder / "store.db") as feed:
        assert feed.revision() == 1


def test_the_data_planes_reader_loads_neither_the_tables_nor_their_library() -> None:
    program = (
        "import sys, gatepost.feed, gatepost.grants.table, gatepost.keys\n"
        "print([name for name in sys.modules if name.startswith(('sqlalchemy', 'alembic', 'gatepost.storage'))])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "[]"
