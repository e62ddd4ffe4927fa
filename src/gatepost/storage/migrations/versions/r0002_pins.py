"""Pins: of each tool the definition that was accepted. What is known of a server now is what it is held to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "pins",
        sa.Column("server", sa.Text, sa.ForeignKey("servers.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("tool", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("pinned_at", sa.Double, nullable=False),
    )
    op.execute(
        "INSERT INTO pins (server, name, tool, hash, pinned_at) "
        "SELECT server, name, tool, hash, seen_at FROM definitions"
    )
    # A published body is an object written compactly, and its text is not to be touched: a member goes in at its end.
    op.execute(
        "UPDATE published SET revision = (SELECT revision + 1 FROM feed), "
        'body = substr(body, 1, length(body) - 1) || \',"drift_mode":"quarantine"}\' '
        "WHERE kind = 'server' AND body IS NOT NULL "
        "AND key IN (SELECT name FROM servers WHERE scanned_at IS NOT NULL)"
    )
    op.execute("UPDATE feed SET revision = revision + 1 WHERE EXISTS (SELECT 1 FROM servers)")
