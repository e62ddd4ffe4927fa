"""The data plane: the process that decides, records and forwards, and does nothing else.

`python -m gatepost.processes.dataplane --data DIR --listen HOST:PORT` is started by `gatepost serve`. When it listens
it prints one line of JSON, `{"ready": true, "address": "http://…"}`. SIGTERM drains it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from gatepost import kept
from gatepost.errors import GatepostError
from gatepost.feed import Feed
from gatepost.gateway.core import Gateway, Settings
from gatepost.gateway.entry import Entry
from gatepost.gateway.held import NAME as HELD
from gatepost.gateway.held import HeldFile
from gatepost.journal import Journal
from gatepost.keys import Keyring
from gatepost.paths import DataFolder
from gatepost.processes import addresses, books, lifeline, memory, ops
from gatepost.processes.awake import Awake
from gatepost.quota import MemoryLedger
from gatepost.upstreams import connect
from gatepost.wire.listen_policy import check_listen
from gatepost.wire.listener import Limits, Listener
from gatepost.wire.tls import names_of, server_context

_DRAIN_SECONDS: Final = 30.0
_RESCAN_SECONDS: Final = 200.0
_REAP_EVERY: Final = 15
_OPEN_FILES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Options:
    """What the data plane was told. `listen` is (host, port); port 0 takes a free one."""

    listen: tuple[str, int]
    behind_proxy: bool = False
    trusted_proxies: tuple[str, ...] = ()
    public_url: str | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    sync: Literal["os", "full"] = "os"


class DataPlane:
    """A gateway with its journal, its configuration feed, its listener and its control socket.

    Attributes:
        public_url: the base URL that clients are told, once it is started.
    """

    def __init__(self, folder: DataFolder, options: Options, *, settings: Settings | None = None) -> None:
        self._folder = folder
        self._options = options
        keyring = Keyring.open(folder.keys)
        ledger = MemoryLedger(time.time)
        self._journal = books.taken_over(
            lambda: Journal.open(
                folder.journal / "data", "data", keyring, ledger=ledger, sync=options.sync, clock=time.time
            ),
            folder.socket(books.SOCKET),
        )
        self._books = books.Keeper(self._journal, ledger)
        self._awake = Awake(asyncio.get_running_loop())
        self._kept = kept.Keeper(folder.root / kept.FOLDER, keyring)
        self.gateway = Gateway(
            keyring=keyring,
            journal=self._journal,
            ledger=ledger,
            connect=functools.partial(connect, on_dropped=self._dropped),
            rescan=self._ask_for_scan,
            settings=settings,
            kept=self._kept,
            on_end=self._awake.stir,
        )
        self._feed = Feed.open(folder.store)
        self._entry = Entry(self.gateway)
        self._listener: Listener | None = None
        self._control: asyncio.AbstractServer | None = None
        self._ticker: asyncio.Task[None] | None = None
        self.public_url = ""

    async def start(self) -> str:
        """Load the configuration, listen, and return the base URL. Raises `GatepostError`."""
        options = self._options
        host, port = options.listen
        tls, name = None, None
        certified: tuple[str, ...] = ()
        if options.tls_cert is not None:
            tls = server_context(options.tls_cert, options.tls_key or options.tls_cert)
            certified = names_of(options.tls_cert)
        check_listen(host, tls=tls is not None, behind_proxy=options.behind_proxy, public_url=options.public_url)
        if tls is not None and options.public_url is None:
            name = addresses.told(host, certified)
        self.gateway.pins.remember_in(HeldFile(self._folder.root / HELD), self.gateway.spawn)
        self.refresh()
        self._listener = Listener(
            self._entry,
            on_head=self._entry.on_head,
            on_refused=self._entry.on_refused,
            limits=Limits(),
            allowed_hosts=addresses.hosts(options.public_url, certified),
            allowed_origins=addresses.origins(options.public_url),
            trusted_proxies=options.trusted_proxies,
            tls=tls,
            on_turn=self._write,
        )
        await self._listener.start(host, port)
        self._control = await ops.listen(
            self._folder.socket("dataplane.sock"), {"refresh": self._refreshed, "status": self._status}
        )
        await self._books.listen(self._folder.socket(books.SOCKET))
        self._ticker = asyncio.ensure_future(self._tick())
        bound = self._listener.addresses[0]
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        scheme = "https" if tls is not None else "http"
        self.public_url = options.public_url or f"{scheme}://{name or shown}:{bound[1]}"
        return f"{scheme}://{shown}:{bound[1]}"

    async def stop(self) -> None:
        """Finish what is in flight, up to 30 seconds, then disconnect and close the journal."""
        self.gateway.stopping = True
        if self._ticker is not None:
            self._ticker.cancel()
        if self._control is not None:
            self._control.close()
        if self._listener is not None:
            await self._listener.drain(_DRAIN_SECONDS)
        await self.gateway.close()
        self._books.close()
        await self._kept.close()
        self.gateway.refusals.flush()
        self.gateway.drops.flush()
        await self._journal.flush()
        self._journal.close()
        self._feed.close()

    def refresh(self) -> int:
        """Take over what changed in the configuration, and return the revision that decides now."""
        snapshot = self.gateway.snapshot
        rows = self._feed.since(snapshot.revision)
        if rows or not self.gateway.configured:
            self.gateway.swap(snapshot.applied(rows, self._unseal))
            for fault in self.gateway.snapshot.faults:
                print(fault, file=sys.stderr, flush=True)
        return self.gateway.snapshot.revision

    def _unseal(self, value: str, purpose: str) -> str:
        return self.gateway.keyring.unseal(value, purpose).decode("utf-8")

    def _write(self) -> None:
        """All calls of this turn are judged. They are forwarded in here, and a quick server answers at once."""
        self._journal.write_now()
        self._awake.stir()

    async def _refreshed(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"revision": self.refresh()}

    async def _status(self, _: dict[str, Any]) -> dict[str, Any]:
        gateway = self.gateway
        return {
            "ready": not gateway.not_ready(),
            "reasons": gateway.not_ready(),
            "revision": gateway.snapshot.revision,
            "sessions": len(gateway.sessions),
            "streams": len(gateway.streams),
            "in_flight": gateway.metrics.in_flight,
            "servers": {name: upstream.status() for name, upstream in gateway.upstreams().items()},
        }

    async def _tick(self) -> None:
        """Once a second: changes that nobody told of, streams of revoked grants, idle sessions."""
        gateway = self.gateway
        beat = 0
        while True:
            await asyncio.sleep(gateway.settings.recheck_seconds)
            beat += 1
            try:
                self.refresh()
            except (GatepostError, OSError) as error:
                print(f"the configuration cannot be read: {error}", file=sys.stderr, flush=True)
            gateway.close_revoked_streams()
            gateway.refusals.flush()
            gateway.drops.flush()
            if beat % _REAP_EVERY == 0:
                self._reap()

    def _reap(self) -> None:
        """End idle sessions, and tell their servers."""
        gateway = self.gateway
        for session in gateway.sessions.reap(gateway.clock()):
            gateway.let_go(session, "reaped")

    def _dropped(self, server: str, why: str) -> None:
        self.gateway.metrics.dropped[server] += 1
        self.gateway.drops.note(server=server, grant_id=None, reason=why)

    async def _ask_for_scan(self, server: str) -> None:
        """Have the worker read a server's definitions. Without a worker nothing changes: unknown stays unknown."""
        with contextlib.suppress(GatepostError):
            await ops.ask(
                self._folder.socket("worker.sock"), {"op": "rescan", "server": server}, seconds=_RESCAN_SECONDS
            )
        self.refresh()


def parse_options(arguments: Sequence[str]) -> tuple[Path, Options]:
    """(data folder, options) from the command line; exits with 2 and a usage line where it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m gatepost.processes.dataplane", description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--listen", default="127.0.0.1:7070", metavar="HOST:PORT")
    parser.add_argument("--behind-proxy", action="store_true")
    parser.add_argument("--trusted-proxy", action="append", default=[], metavar="NET")
    parser.add_argument("--public-url")
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    parser.add_argument("--sync", choices=("os", "full"), default="os")
    told = parser.parse_args(arguments)
    host, colon, port = told.listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        parser.error(f"--listen {told.listen!r} is not HOST:PORT")
    return told.data, Options(
        (host.strip("[]"), int(port)),
        told.behind_proxy,
        tuple(told.trusted_proxy),
        told.public_url,
        told.tls_cert,
        told.tls_key,
        told.sync,
    )


def _raise_file_limit() -> None:
    """Connections, streams and programs are open files: take as many as the system lets this user have."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _run(data: Path, options: Options) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    plane = DataPlane(DataFolder(data), options)
    address = await plane.start()
    memory.settle()
    print(json.dumps({"ready": True, "address": address, "public": plane.public_url}), flush=True)
    await stop.wait()
    await plane.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM. Exit code 1 with a line on stderr where it cannot start."""
    lifeline.hold()
    _raise_file_limit()
    data, options = parse_options(sys.argv[1:] if arguments is None else arguments)
    try:
        try:
            import uvloop
        except ImportError:  # Windows has no uvloop
            asyncio.run(_run(data, options))
        else:
            uvloop.run(_run(data, options))
    except GatepostError as error:
        print(f"error {error.code}: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
