"""The store's file: made private, migrated forwards, refused when newer, safe between processes."""

from __future__ import annotations

import multiprocessing
import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text

from gatepost.errors import GatepostError
from gatepost.storage.database import Database
from gatepost.storage.migrate import SCRIPTS, newest
from gatepost.storage.tables import metadata, settings

NEXT_STEP = """
import sqlalchemy as sa
from alembic import op
revision = "9000"
down_revision = "{head}"
def upgrade():
    op.add_column("settings", sa.Column("note", sa.Text))
    op.execute("UPDATE settings SET note = 'was ' || value")
    {last}
"""


def scripts_of_a_newer_program(folder: Path, last: str = "") -> Path:
    """The packaged steps and one more."""
    scripts = folder / "migrations"
    shutil.copytree(SCRIPTS, scripts)
    (scripts / "versions" / "r9000_next.py").write_text(NEXT_STEP.format(head=newest(), last=last))
    return scripts


def setting(database: Database, key: str) -> str | None:
    with database.read() as connection:
        return connection.execute(select(settings.c.value).where(settings.c.key == key)).scalar_one_or_none()


def put(database: Database, key: str, value: str) -> None:
    with database.write() as connection:
        connection.execute(insert(settings), {"key": key, "value": value})


def _open_and_write(path: Path, number: int, gate: Any) -> None:
    gate.wait()
    database = Database.open(path)
    for turn in range(20):
        put(database, f"{number}-{turn}", "x")
    database.close()


def test_every_file_of_a_new_store_is_private_whatever_the_umask(tmp_path: Path) -> None:
    import os

    before = os.umask(0)
    try:
        database = Database.open(tmp_path / "store.db")
        put(database, "k", "v")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    database.close()
    assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


def test_the_store_is_in_wal_mode_and_checks_foreign_keys(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db")
    with database.write() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
    database.close()


def test_the_steps_lead_to_the_tables_that_the_program_uses(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db")
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_the_newest_step_by_file_name_is_the_head_of_the_chain_of_steps() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    assert ScriptDirectory.from_config(config).get_current_head() == newest()


def test_an_older_store_is_migrated_and_keeps_what_it_holds(tmp_path: Path) -> None:
    old = Database.open(tmp_path / "store.db")
    put(old, "k", "v")
    old.close()
    new = Database.open(tmp_path / "store.db", scripts=scripts_of_a_newer_program(tmp_path))
    with new.read() as connection:
        assert connection.execute(text("SELECT value, note FROM settings")).one() == ("v", "was v")
    new.close()


def test_a_newer_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    Database.open(tmp_path / "store.db", scripts=scripts_of_a_newer_program(tmp_path)).close()
    with pytest.raises(GatepostError, match="written by a newer Gatepost") as refused:
        Database.open(tmp_path / "store.db")
    assert refused.value.code == "GP-5003"
    with sqlite3.connect(tmp_path / "store.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9000",)]


def test_a_step_that_fails_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    old = Database.open(tmp_path / "store.db")
    put(old, "k", "v")
    old.close()
    failing = scripts_of_a_newer_program(tmp_path, last='op.execute("SELECT * FROM nowhere")')
    with pytest.raises(GatepostError, match="nowhere"):
        Database.open(tmp_path / "store.db", scripts=failing)
    again = Database.open(tmp_path / "store.db")
    assert setting(again, "k") == "v"
    again.close()


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "store.db").touch(0o600)
    Database.open(tmp_path / "store.db").close()


def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
    with pytest.raises(GatepostError, match="tables of another program: photos") as refused:
        Database.open(tmp_path / "store.db")
    assert refused.value.code == "GP-5003"
    with sqlite3.connect(tmp_path / "store.db") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("photos",)]


@pytest.mark.parametrize("content", [b"x" * 5000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "store.db").write_bytes(content)
    with pytest.raises(GatepostError) as refused:
        Database.open(tmp_path / "store.db")
    assert refused.value.code == "GP-5003"
    assert (tmp_path / "store.db").read_bytes() == content


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db").mkdir()
    with pytest.raises(GatepostError) as refused:
        Database.open(tmp_path / "store.db")
    assert refused.value.code == "GP-5003"


def test_processes_that_open_a_new_store_at_the_same_time_all_get_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(3)
    racers = [
        context.Process(target=_open_and_write, args=(tmp_path / "store.db", number, gate)) for number in range(3)
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
    assert [racer.exitcode for racer in racers] == [0, 0, 0]
    database = Database.open(tmp_path / "store.db")
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM settings")).scalar_one() == 60
    database.close()


def test_what_is_written_in_a_block_that_raises_is_not_there(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db")
    with pytest.raises(RuntimeError), database.write() as connection:
        connection.execute(insert(settings), {"key": "k", "value": "v"})
        raise RuntimeError
    assert setting(database, "k") is None
    put(database, "k", "v")
    assert setting(database, "k") == "v"
    database.close()


def test_a_reader_sees_one_state_throughout(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db")
    put(database, "k", "before")
    with database.read() as connection:
        query = select(settings.c.value).where(settings.c.key == "k")
        assert connection.execute(query).scalar_one() == "before"
        with database.write() as writer:
            writer.execute(text("UPDATE settings SET value = 'after'"))
        assert connection.execute(query).scalar_one() == "before"
    assert setting(database, "k") == "after"
    database.close()
