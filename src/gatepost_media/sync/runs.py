"""One sync at a time: in this process, and among all of this account. What it does now, and what the last one did."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from gatepost_media.common.errors import MediaError, Refused
from gatepost_media.common.files import locked
from gatepost_media.common.http import Http
from gatepost_media.common.output import Out
from gatepost_media.common.settings import Settings
from gatepost_media.sync.spool import Spool

Kind = Literal["to Trakt", "from Trakt", "apply to Plex"]
Progress = Callable[[float, float | None, str | None], Awaitable[None]]

_EVERY = 0.5
"""Seconds between two progress notifications at least."""


@dataclass(slots=True)
class Run:
    """One sync: what it is about, where it is, how it ended."""

    kind: Kind
    dry: bool
    began: float
    phase: str = "beginning"
    done: int = 0
    total: int | None = None
    ended: float | None = None
    outcome: str | None = None


@dataclass(slots=True)
class Kept:
    """What the last sync of a kind found and its reply without items, for the parts of its list that follow."""

    items: Spool
    reply: Out


class Runs:
    """The syncs of one process: `ctx.process.of(Runs)`."""

    def __init__(self, settings: Settings, _http: Http) -> None:
        self._home = settings.home
        self.current: Run | None = None
        self.last: Run | None = None
        self._kept: dict[tuple[Kind, bool], Kept] = {}

    @contextlib.asynccontextmanager
    async def run(
        self, kind: Kind, *, dry: bool, progress: Progress
    ) -> AsyncIterator[tuple[Run, Callable[[str, int, int | None], Awaitable[None]]]]:
        """Yields the run and what it reports to. Raises Refused while one runs here, or writes in another process."""
        if self.current is not None:
            raise Refused(
                f"A sync ({self.current.kind}) runs already. See trakt_get_sync_status, and wait for its end."
            )
        with contextlib.ExitStack() as stack:
            if not dry and not stack.enter_context(locked(self._home / "trakt-sync.lock", wait=False)):
                raise Refused("Another process is synchronising Plex and Trakt now. Wait for its end.")
            run = self.current = Run(kind, dry, time.time())
            try:
                yield run, _reporter(run, progress)
                run.outcome = run.outcome or "done"
            except BaseException as error:
                run.outcome = str(error) if isinstance(error, MediaError) else _ended_by(error)
                raise
            finally:
                run.ended = time.time()
                self.current, self.last = None, run

    def keep(self, kind: Kind, dry: bool, kept: Kept) -> None:
        """Keeps a result in place of the one before."""
        before = self._kept.pop((kind, dry), None)
        if before is not None:
            before.items.close()
        self._kept[kind, dry] = kept

    def kept(self, kind: Kind, dry: bool) -> Kept | None:
        """The last result of that kind."""
        return self._kept.get((kind, dry))


def _ended_by(error: BaseException) -> str:
    # Not the text of a foreign error: it may hold an address, or a part of a reply.
    return f"a fault of this server ({type(error).__name__})" if isinstance(error, Exception) else "interrupted"


def _reporter(run: Run, progress: Progress) -> Callable[[str, int, int | None], Awaitable[None]]:
    told = 0
    due = 0.0

    async def report(what: str, done: int, total: int | None) -> None:
        nonlocal told, due
        changed, run.phase, run.done, run.total = what != run.phase, what, done, total
        now = time.monotonic()
        if changed or now >= due:
            due = now + _EVERY
            # The client is owed a number that rises; how far one phase is stands in the message.
            told += 1
            of = f" of {total}" if total is not None else ""
            await progress(told, None, f"{what}: {done}{of}")

    return report
