"""The index: servers and tools of many sources, in one SQLite file with full-text search.

with Index.open(path) as index:
    index.put(read_sources(folder))
    page = index.search("delete branch", category="destructive")
"""

from __future__ import annotations

from gatepost.catalogue.index.entries import Counts, ServerEntry, ToolEntry
from gatepost.catalogue.index.finding import Found, Page
from gatepost.catalogue.index.store import Index

__all__ = ["Counts", "Found", "Index", "Page", "ServerEntry", "ToolEntry"]
