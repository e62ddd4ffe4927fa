"""The Trakt server's profiles: which tools go together."""

from __future__ import annotations

READ = "trakt-read"
DISCOVER = "discover"
SYNC = "trakt-sync"

PROFILES = {
    READ: "everything that only reads",
    DISCOVER: "charts, search, and what Trakt knows of movies, shows and people; nothing of the account",
    SYNC: "the account: history, progress, ratings, watchlist, collection, lists, check-in",
}
EVERY = tuple(PROFILES)
"""For the sign-in tools, which belong to all of them."""

CATALOGUE = (READ, DISCOVER)
"""For tools that read what Trakt knows of movies, shows and people."""

ACCOUNT = (READ, SYNC)
"""For tools that read the account."""
