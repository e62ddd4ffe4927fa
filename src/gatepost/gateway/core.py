"""What the main path works with: made once at start, passed explicitly."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, Protocol

from gatepost.errors import GatepostError
from gatepost.gateway import records
from gatepost.gateway.bridge import Bridges
from gatepost.gateway.caller import Caller
from gatepost.gateway.listed import Listed
from gatepost.gateway.metrics import Metrics
from gatepost.gateway.pins import Pins
from gatepost.gateway.refusals import Refusals
from gatepost.gateway.sealed import Sealer
from gatepost.gateway.sessions import Session, Sessions
from gatepost.gateway.snapshot import Snapshot
from gatepost.journal.calls import Decided, Record
from gatepost.journal.recorder import Recorder
from gatepost.kept import Keeper
from gatepost.keys import Keyring
from gatepost.quota import Exhausted, Ledger, Reservation, Subject, Use
from gatepost.upstreams.base import Upstream, UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.wire.head import Head

_MOST_CALLERS: Final = 1024
_MOST_REDEEMED: Final = 100_000
_FORGOTTEN_AT_ONCE: Final = 16
Rescan = Callable[[str], Awaitable[None]]
"""Ask for a server's definitions to be read again; returns when the snapshot holds them, or when that failed."""


class Admitting(Protocol):
    """Ledger and journal in one: another process keeps both, and one question to it does for two."""

    async def admit(self, call: Subject, uses: Sequence[Use], row: Decided) -> tuple[Reservation | Exhausted, bool]:
        """`Ledger.reserve` under the row's decision id, and where all is granted, `Recorder.append` of the row with the
        counts in it. Returns what `reserve` does, and whether the row is written. Raises what either does."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of the main path. Sizes in bytes, times in seconds."""

    max_result: int = 64 * 1024 * 1024
    max_refusal_rows: int = 20
    """Rows per second for requests refused before a rule is read; the rest is counted in one row."""
    rescan_pause: float = 10.0
    """How long a server is not asked again for a tool that it did not list, or that does not show to the client."""
    rescans: int = 8
    """How often a server is asked within that pause, whatever tools calls name; as often again for what lists show."""
    recheck_seconds: float = 1.0
    """How often open streams are compared with the grants that hold them."""
    state_seconds: float = 3600.0
    """How long a sealed request state may be redeemed."""


class Gateway:
    """The state of one data-plane process.

    Args:
        on_end: called when a call that was forwarded has ended.
    """

    def __init__(
        self,
        *,
        keyring: Keyring,
        journal: Recorder,
        ledger: Ledger,
        connect: Callable[[ServerConfig], Upstream],
        rescan: Rescan,
        settings: Settings | None = None,
        clock: Callable[[], float] = time.time,
        kept: Keeper | None = None,
        on_end: Callable[[], object] = lambda: None,
    ) -> None:
        self.settings = settings or Settings()
        self.keyring = keyring
        self.sealer = Sealer(keyring)
        self.journal = journal
        self.ledger = ledger
        self.admitting: Admitting | None = None
        """What stands for both of them where a call is let through; None where this process keeps them itself."""
        self.clock = clock
        self.kept = kept
        self.on_end = on_end
        self.metrics = Metrics()
        self.snapshot = Snapshot()
        self.callers: dict[tuple[Head, str], Caller] = {}
        """Whom the snapshot knows of the last heads and addresses; forgotten with it."""
        self.sessions = Sessions(self.sealer)
        self.refusals = Refusals(self.settings.max_refusal_rows, clock, partial(self.note, "refused"))
        self.drops = Refusals(self.settings.max_refusal_rows, clock, partial(self.note, "dropped"))
        self.listed = Listed()
        self.pins = Pins()
        self.bridges = Bridges(self)
        self.tasks: dict[tuple[str, str, str], str] = {}
        self.streams: dict[object, tuple[Caller, Callable[[], None]]] = {}
        self.configured = False
        self.stopping = False
        self._connect = connect
        self._rescan = rescan
        self._rescans: dict[str, asyncio.Task[None]] = {}
        self._asked: dict[tuple[str, str, str], float] = {}
        self._readings: dict[tuple[str, str], tuple[float, int]] = {}
        self._upstreams: dict[str, tuple[ServerConfig, Upstream]] = {}
        self._background: set[asyncio.Task[Any]] = set()
        self._redeemed: dict[str, float] = {}

    # -- configuration -------------------------------------------------------------------------------------------

    def swap(self, snapshot: Snapshot) -> None:
        """Use another snapshot from the next request on. Servers that changed or went are disconnected."""
        self.snapshot = snapshot
        self.callers.clear()
        self.configured = True
        self.pins.apply(snapshot)
        for name, (config, upstream) in list(self._upstreams.items()):
            server = snapshot.servers.get(name)
            if server is None or server.config != config:
                del self._upstreams[name]
                self.bridges.forget(name)
                self.spawn(upstream.close())
        self.close_revoked_streams()

    def remember(self, head: Head, caller: Caller) -> Caller:
        """Keep who sent a head, as of this snapshot. Whether the grant has expired is to be asked each time."""
        if len(self.callers) >= _MOST_CALLERS:
            self.callers.clear()
        self.callers[head, caller.client] = caller
        return caller

    def upstream(self, config: ServerConfig) -> Upstream:
        """The connection to a server, made at its first use and kept.

        Raises `UpstreamFailed` GP-3001 where it is another server by now, or none: a call that came before the change
        must not open what was closed with it.
        """
        known = self._upstreams.get(config.name)
        if known is not None and known[0] is config:
            return known[1]
        if known is not None and known[0] == config:
            self._upstreams[config.name] = (config, known[1])
            return known[1]
        now = self.snapshot.servers.get(config.name)
        if now is None or now.config != config:
            text = f"The server {config.name!r} was changed while this was on its way."
            raise UpstreamFailed("GP-3001", config.name, text, "Call again.", sent=False)
        upstream = self._connect(config)
        self._upstreams[config.name] = (config, upstream)
        return upstream

    def upstreams(self) -> dict[str, Upstream]:
        """The servers connected at this moment."""
        return {name: upstream for name, (_, upstream) in self._upstreams.items()}

    async def definitions(self, server: str, about: str, why: Literal["call", "list"] = "call") -> None:
        """Ask a server once for its tools; a second caller waits for the first one's question.

        Whoever makes up names has it read a few times, and no more within the pause. What its lists show has as many
        times of its own: names must not keep a change of the server from being seen.

        Args:
            about: the tool that a call names and that does not show, or what a list has shown that is not known.
            why: which of the two.
        """
        now, pause = self.clock(), self.settings.rescan_pause
        asked = self._asked.get((server, why, about))
        if asked is not None and now - asked < pause:
            return
        if server not in self._rescans:
            began, readings = self._readings.get((server, why), (now, 0))
            if now - began >= pause:
                began, readings = now, 0
            if readings >= self.settings.rescans:
                return
            self._readings[server, why] = (began, readings + 1)
        if len(self._asked) > 10_000:
            self._asked.clear()
        self._asked[server, why, about] = now
        await self.rescan(server)

    async def rescan(self, server: str) -> None:
        """Have a server's definitions read again; joins a reading under way."""
        await asyncio.shield(self._reading(server))

    def rescan_soon(self, server: str) -> None:
        """The same beside the main path. However often a server asks for it, it is read once at a time."""
        self._reading(server)

    def _reading(self, server: str) -> asyncio.Task[None]:
        task = self._rescans.get(server)
        if task is None:
            task = asyncio.ensure_future(self._rescan(server))
            self._rescans[server] = task
            task.add_done_callback(lambda _: self._rescans.pop(server, None))
        return task

    # -- streams -------------------------------------------------------------------------------------------------

    def close_revoked_streams(self) -> None:
        """Close every stream whose grant no longer stands (PROTOCOL, duty 7)."""
        now = self.clock()
        for key, (caller, close) in list(self.streams.items()):
            grant = self.snapshot.grants.at(caller.token)
            if grant is None or grant.refused(now) is not None:
                del self.streams[key]
                close()

    def redeem(self, nonce: str) -> bool:
        """Whether a sealed request state, or the id of a server's request, is presented for the first time.

        Remembered for as long as it may be used.
        """
        now = self.clock()
        if nonce in self._redeemed:
            return False
        if len(self._redeemed) > _MOST_REDEEMED:
            limit = now - self.settings.state_seconds
            # The oldest stand first. A few with each one that comes: to look at all would take each as long as all.
            for old in list(itertools.islice(self._redeemed, _FORGOTTEN_AT_ONCE)):
                if self._redeemed[old] > limit:
                    break
                del self._redeemed[old]
        self._redeemed[nonce] = now
        return True

    def take_back(self, nonce: str) -> None:
        """Let something be presented once more that provably had no effect."""
        self._redeemed.pop(nonce, None)

    # -- what the endpoints say ----------------------------------------------------------------------------------

    def not_ready(self) -> list[str]:
        """Why calls cannot be decided, counted and recorded just now; empty where they can."""
        reasons = []
        if not self.journal.healthy:
            reasons.append("decisions cannot be recorded")
        if not self.configured:
            reasons.append("no configuration is loaded")
        if self.stopping:
            reasons.append("stopping")
        return reasons

    def gauges(self) -> Iterator[tuple[str, str, float]]:
        """(name, help, value) of what `/metrics` reads at this moment."""
        yield "gatepost_sessions", "Open legacy sessions.", len(self.sessions)
        yield "gatepost_streams", "Open event streams.", len(self.streams)
        yield "gatepost_ready", "1 where calls can be decided, counted and recorded.", float(not self.not_ready())
        yield "gatepost_journal_lag_rows", "Rows accepted but not yet written.", self.journal.pending
        yield "gatepost_configuration_revision", "The configuration that calls are judged by.", self.snapshot.revision

    # -- background work -----------------------------------------------------------------------------------------

    def spawn(self, work: Awaitable[Any]) -> None:
        """Run something beside the main path, and keep it alive until it ends."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def note(self, kind: str, **fields: Any) -> None:
        """Record something that no call waits for."""
        self.post(records.event(kind, **fields))

    def post(self, row: Record) -> None:
        """Append a row without waiting. A journal that cannot write shows in readiness, and denies the next call."""
        self.journal.post(row)

    def let_go(self, session: Session, action: str) -> None:
        """Record that a session has ended without its client, and tell its server."""
        self.note("session", action=action, grant_id=session.grant_id, server=session.server)
        upstream = self.upstreams().get(session.server)
        if upstream is not None and session.on_end is None:
            self.spawn(_told(upstream, session.upstream_id))

    async def close(self) -> None:
        """Disconnect from all servers and wait for what runs beside the main path."""
        for task in list(self._rescans.values()):
            task.cancel()
        if self.bridges.close() and self._background:
            await asyncio.wait(list(self._background), timeout=2)
        upstreams = [upstream for _, upstream in self._upstreams.values()]
        self._upstreams.clear()
        await asyncio.gather(*(upstream.close() for upstream in upstreams), return_exceptions=True)
        if self._background:
            await asyncio.wait(self._background, timeout=5)


async def _told(upstream: Upstream, upstream_id: str) -> None:
    with contextlib.suppress(GatepostError):
        (await upstream.delete((), upstream_id)).abort()
