"""The first tables: servers, definitions, policies, grants, settings, the outbox and the published feed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "servers",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("url", sa.Text),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("env", sa.Text, nullable=False),
        sa.Column("cwd", sa.Text),
        sa.Column("eras", sa.Text, nullable=False),
        sa.Column("versions", sa.Text, nullable=False),
        sa.Column("info", sa.Text, nullable=False),
        sa.Column("drift", sa.Text),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("scanned_at", sa.Double),
    )
    op.create_table(
        "definitions",
        sa.Column("server", sa.Text, sa.ForeignKey("servers.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("tool", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("category", sa.Text),
        sa.Column("seen_at", sa.Double, nullable=False),
    )
    op.create_table(
        "policies",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("server", sa.Text),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
    )
    op.create_table(
        "policy_versions",
        sa.Column("name", sa.Text, sa.ForeignKey("policies.name"), primary_key=True),
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, sa.ForeignKey("policies.name")),
        sa.Column("expires", sa.Double),
        sa.Column("revoked", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_used", sa.Double),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("grants_server", "grants", ["server"])
    op.create_index("grants_policy", "grants", ["policy"])
    living = sa.text("revoked IS NULL")
    op.create_index(
        "grants_label_living", "grants", ["label"], unique=True, sqlite_where=living, postgresql_where=living
    )
    op.create_index("grants_label", "grants", ["label"])
    op.create_table(
        "grant_tokens",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("grant_id", sa.Text, sa.ForeignKey("grants.id"), nullable=False),
        sa.Column("expires", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_index("grant_tokens_grant", "grant_tokens", ["grant_id"])
    op.create_table(
        "settings",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("record", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    feed = op.create_table(
        "feed",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.CheckConstraint("id = 1", name="feed_one_row"),
    )
    op.bulk_insert(feed, [{"id": 1, "revision": 0}])
    op.create_table(
        "published",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("body", sa.Text),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_index("published_revision", "published", ["revision"])
