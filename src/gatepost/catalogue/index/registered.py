"""One's own servers in the search: an index of what is registered, which follows the configuration by itself.

It is a file of its own, `DATA/registered.db`, made from the feed that the data plane reads: of a server that changed
since the last search the tools are classified again, and nothing else. With it nothing is lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, Protocol

from gatepost import __version__
from gatepost.catalogue.index.entries import REGISTERED, ServerEntry, entries_of
from gatepost.catalogue.index.finding import Found, Page
from gatepost.catalogue.index.store import Index
from gatepost.errors import GatepostError
from gatepost.feed import Feed

NAME: Final = "registered.db"
_FEED: Final = "feed"
_MINE: Final = "mine:"
_REST: Final = "rest"


class Ask(Protocol):
    """`Index.search` with all that is asked for, but without the page."""

    def __call__(self, index: Index, /, *, limit: int, after: str | None) -> Page: ...


class Indexes:
    """What is registered, and what was imported or comes with Gatepost: searched as one, one's own servers first.

    Args:
        own: the registered servers, None where nothing is registered.
        others: the rest, of which those that are registered do not count.
    """

    def __init__(self, own: Index | None, others: Index) -> None:
        self._own = own
        self._others = others
        self._names = frozenset() if own is None else frozenset(own.sources())

    def search(self, ask: Ask, *, limit: int, after: str | None = None) -> Page:
        """A page of what both find.

        Args:
            ask: asks one of them.
            limit: most on a page; it may hold fewer where there are more.
            after: of the page before.

        Raises what `ask` raises.
        """
        mine: tuple[Found, ...] = ()
        if self._own is not None and after != _REST and (after is None or after.startswith(_MINE)):
            page = ask(self._own, limit=limit, after=None if after is None else after.removeprefix(_MINE))
            if page.after is not None:
                return Page(page.tools, _MINE + page.after)
            mine, after = page.tools, None
            if len(mine) == limit:
                return Page(mine, _REST if ask(self._others, limit=1, after=None).tools else None)
        page = ask(self._others, limit=limit - len(mine), after=None if after == _REST else after)
        return Page((*mine, *(tool for tool in page.tools if tool.server not in self._names)), page.after)

    def tools(self) -> int:
        """How many tools there are."""
        return self._others.counts().tools + (0 if self._own is None else self._own.counts().tools)


@contextmanager
def with_registered(store: Path, others: Index, failed: Callable[[GatepostError], None]) -> Iterator[Indexes]:
    """Both indexes.

    Args:
        store: the configuration, `DATA/store.db`; the index of what it has registered lies beside it.
        others: what else is searched.
        failed: told what keeps the registered servers from being searched; the rest is searched all the same.
    """
    own: Index | None = None
    if store.exists():
        try:
            own = Index.open(store.with_name(NAME))
            _follow(own, store)
        except GatepostError as error:
            failed(error)
            own = None
    with own or nullcontext():
        yield Indexes(own, others)


def _follow(index: Index, store: Path) -> None:
    """Puts in what the configuration has become since the last time, by whatever version of the program that was."""
    with Feed.open(store) as feed:
        version, seen = index.progress(_FEED)
        last, now = int(seen or 0), feed.revision()
        if version != __version__ or now < last:  # other rules, or another store
            index.remove(list(index.sources()))
            last = 0
        if now == last:
            return
        rows = feed.since(last)
    servers = {row.key: row.body for row in rows if row.kind == "server"}
    index.remove([name for name, body in servers.items() if body is None])
    index.put(_entry(name, json.loads(body)) for name, body in servers.items() if body is not None)
    index.set_progress(_FEED, __version__, str(max((row.revision for row in rows), default=now)))


def _entry(name: str, body: dict[str, Any]) -> ServerEntry:
    tools = body.get("tools") or {}
    said = {tool: entry.get("category") for tool, entry in tools.items()}
    listed = entries_of([entry["tool"] for entry in tools.values()], said, plain=True)
    return ServerEntry(name, source=REGISTERED, tools=listed)
