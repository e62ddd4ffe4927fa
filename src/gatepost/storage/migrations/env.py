"""What Alembic runs to apply the steps: on the connection it is given, inside the transaction that is open there."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

connection = context.config.attributes["connection"]
assert isinstance(connection, Connection)
context.configure(connection=connection)
context.run_migrations()
