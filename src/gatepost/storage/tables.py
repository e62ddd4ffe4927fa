"""The tables of the configuration store, as the newest migration leaves them.

Times are epoch seconds. Lists and objects are JSON text that only `control` reads. Secrets are in `servers.headers` and
`servers.env`, sealed; of a token there is only the SHA-256.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Double, ForeignKey, Index, Integer, MetaData, Table, Text, text

metadata = MetaData()

servers = Table(
    "servers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("url", Text),
    Column("headers", Text, nullable=False),  # [[name, sealed value]]
    Column("command", Text, nullable=False),  # [program, argument …]
    Column("env", Text, nullable=False),  # {name: sealed value}
    Column("cwd", Text),
    Column("eras", Text, nullable=False),
    Column("versions", Text, nullable=False),
    Column("info", Text, nullable=False),  # what the server said of itself, or null
    Column("drift", Text),  # when the list last changed, and by how much
    Column("created_at", Double, nullable=False),
    Column("scanned_at", Double),
)

definitions = Table(
    "definitions",
    metadata,
    Column("server", Text, ForeignKey("servers.name", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("tool", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("category", Text),
    Column("seen_at", Double, nullable=False),
)

pins = Table(
    "pins",
    metadata,
    Column("server", Text, ForeignKey("servers.name", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("tool", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("pinned_at", Double, nullable=False),
)

policies = Table(
    "policies",
    metadata,
    Column("name", Text, primary_key=True),
    # Not a foreign key: a policy, like the revoked grants and the log, outlives the server it was written for.
    Column("server", Text),
    Column("version", Text, nullable=False),  # the newest of its versions
    Column("updated_at", Double, nullable=False),
)

policy_versions = Table(
    "policy_versions",
    metadata,
    Column("name", Text, ForeignKey("policies.name"), primary_key=True),
    Column("version", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("label", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("server", Text, nullable=False),
    Column("policy", Text, ForeignKey("policies.name")),
    Column("expires", Double),
    Column("revoked", Double),
    Column("created_at", Double, nullable=False),
    Column("last_used", Double),
    Column("version", Integer, nullable=False),  # grows with every change, for who wants to know that none came between
    Index("grants_server", "server"),
    Index("grants_policy", "policy"),
    # A label names one living grant; that of a revoked one may be given again.
    Index(
        "grants_label_living",
        "label",
        unique=True,
        sqlite_where=text("revoked IS NULL"),
        postgresql_where=text("revoked IS NULL"),
    ),
    Index("grants_label", "label"),
)

grant_tokens = Table(
    "grant_tokens",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("grant_id", Text, ForeignKey("grants.id"), nullable=False),
    Column("expires", Double),  # the end of an overlap; None for the grant's newest token
    Column("created_at", Double, nullable=False),
    Index("grant_tokens_grant", "grant_id"),
)

settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("record", Text, nullable=False),
    sqlite_autoincrement=True,
)

feed = Table(
    "feed",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("revision", Integer, nullable=False),
    CheckConstraint("id = 1", name="feed_one_row"),
)

published = Table(
    "published",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body", Text),
    Column("revision", Integer, nullable=False),
    Index("published_revision", "revision"),
)
