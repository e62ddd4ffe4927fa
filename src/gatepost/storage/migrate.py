"""Bringing a store to the form that this program reads, with the steps packaged beside it."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from gatepost.errors import GatepostError

SCRIPTS = Path(__file__).parent / "migrations"
_STEP = re.compile(r"r([0-9]{4})_[a-z0-9_]+\.py")


def newest(scripts: Path = SCRIPTS) -> str:
    """The number of the last step, such as `0001`; told by the file names, so that Alembic need not be loaded."""
    return max(match[1] for path in (scripts / "versions").iterdir() if (match := _STEP.fullmatch(path.name)))


def migrate(connection: Connection, scripts: Path = SCRIPTS) -> None:
    """Applies the steps that the store lacks, all or none: in the transaction that is open on `connection`.

    Raises `GatepostError` GP-5003 where the store was written by a newer program, or is something else.
    """
    wanted = newest(scripts)
    present = _present(connection)
    if present == wanted:
        return
    if present is not None and present > wanted:
        raise GatepostError(
            "GP-5003",
            f"The store was written by a newer Gatepost (its tables are step {present}, this one knows {wanted}).",
            "Use that version or a later one; nothing was changed.",
        )
    # Loaded only where something is to be done: it takes longer than most commands.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _present(connection: Connection) -> str | None:
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    if tables:
        raise GatepostError(
            "GP-5003",
            f"The store has tables of another program: {', '.join(sorted(tables)[:5])}.",
            "Choose another file.",
        )
    return None
