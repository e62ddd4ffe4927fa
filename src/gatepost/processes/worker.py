"""The worker: everything beside the main path, so that none of it delays a call.

`python -m gatepost.processes.worker --data DIR --console HOST:PORT` is started by `gatepost serve`, before the data
plane: it makes the keys and brings the store up to date. Then it indexes the journal, scans servers when asked, keeps
the grants' last use, applies the log's retention and serves the status page. When it is ready it prints one line of
JSON, `{"ready": true, "address": "http://…"}`. SIGTERM ends it after one last look at the journal.

Retention is off unless GATEPOST_LOG_MAX_AGE (such as `90d`) or GATEPOST_LOG_MAX_BYTES says otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import uvicorn

from gatepost import __version__
from gatepost.audit.index import Index
from gatepost.control.act import Actor
from gatepost.control.durations import parse_duration
from gatepost.control.grants import touch_last_used
from gatepost.control.servers import read_target
from gatepost.control.store import Store, open_store
from gatepost.control.tools import store_scan
from gatepost.errors import GatepostError
from gatepost.journal import retention
from gatepost.paths import DataFolder
from gatepost.processes import lifeline, ops, overview, scanning, status_page
from gatepost.processes.lock import last_known

_NICENESS: Final = 5
_INDEX_SECONDS: Final = 0.25
_RETENTION_SECONDS: Final = 3600.0
_STATUS_SECONDS: Final = 2.0
_SHOWN_DECISIONS: Final = 25
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the log is kept: seconds and bytes, None where there is no bound."""

    max_age: float | None
    max_bytes: int | None

    @classmethod
    def told(cls, environ: Mapping[str, str]) -> Retention:
        """From the environment. Raises GatepostError GP-6004."""
        age, size = environ.get("GATEPOST_LOG_MAX_AGE"), environ.get("GATEPOST_LOG_MAX_BYTES")
        try:
            return cls(float(parse_duration(age)) if age else None, int(size) if size else None)
        except (GatepostError, ValueError):
            raise GatepostError(
                "GP-6004",
                "GATEPOST_LOG_MAX_AGE or GATEPOST_LOG_MAX_BYTES is not what it should be.",
                "Write a duration such as 90d, and a number of bytes.",
            ) from None


class Worker:
    """One worker on a data folder. The store and the index are used by one thread each, never by the event loop."""

    def __init__(self, folder: DataFolder, store: Store, kept: Retention) -> None:
        self._folder = folder
        self._store = store
        self._kept = kept
        self._index = Index(folder.index)
        self._index_thread = ThreadPoolExecutor(1, "index")
        self._store_thread = ThreadPoolExecutor(1, "store")
        self._scans: dict[str, asyncio.Task[dict[str, Any]]] = {}

    async def run(self, listening: socket.socket, ready: Callable[[], None], stop: asyncio.Event) -> None:
        """Works until `stop` is set; `listening` is the status page's socket."""
        await self._look()
        handlers: dict[str, ops.Handler] = {"rescan": self.rescan, "look": self.look, "status": self.status}
        control = await ops.listen(self._folder.socket("worker.sock"), handlers)
        page = _server(self.facts)
        working = [
            asyncio.create_task(page.serve(sockets=[listening])),
            asyncio.create_task(self._keep_looking(stop)),
            asyncio.create_task(self._keep_retention()),
        ]
        ready()
        try:
            stopped = asyncio.create_task(stop.wait())
            # Any of them ending by itself is a fault, and the supervisor starts a new worker.
            await asyncio.wait([stopped, *working], return_when=asyncio.FIRST_COMPLETED)
        finally:
            control.close()
            page.should_exit = True
            for task in (working[2], *self._scans.values()):
                task.cancel()
            stop.set()
            results = await asyncio.gather(*working, return_exceptions=True)
            await self._look()
            self._index_thread.shutdown()
            self._store_thread.shutdown()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _on_index(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._index_thread, work)

    async def _on_store(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._store_thread, work)

    async def _keep_looking(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _INDEX_SECONDS)

    async def _look(self) -> None:
        """Indexes what the journal has gained, and notes when grants were last used."""
        if await self._on_index(lambda: self._index.catch_up(self._folder.journal)):
            used = await self._on_index(self._index.take_last_used)
            if used:
                await self._on_store(lambda: touch_last_used(self._store, used))

    async def _keep_retention(self) -> None:
        while True:
            if self._kept.max_age is not None or self._kept.max_bytes is not None:
                await self._on_index(
                    lambda: retention.apply(
                        self._folder.journal,
                        self._store.keyring,
                        max_age=self._kept.max_age,
                        max_bytes=self._kept.max_bytes,
                    )
                )
            await asyncio.sleep(_RETENTION_SECONDS)

    async def rescan(self, request: dict[str, Any]) -> dict[str, Any]:
        """Reads a server's tools again and stores them: the answer comes when they are published.

        Several who ask for one server meanwhile share one scan.
        """
        name = request.get("server")
        if not isinstance(name, str):
            raise GatepostError("GP-4005", "A rescan names a server.")
        task = self._scans.get(name)
        if task is None:
            task = self._scans[name] = asyncio.create_task(self._scan(name))
            task.add_done_callback(lambda _: self._scans.pop(name, None))
        return await asyncio.shield(task)

    async def _scan(self, name: str) -> dict[str, Any]:
        target = await self._on_store(lambda: read_target(self._store, name))
        found = await scanning.scan(target)
        done = await self._on_store(
            lambda: store_scan(
                self._store,
                Actor("worker", "worker"),
                name,
                found.tools,
                info=found.info,
                eras=found.eras,
                versions=found.versions,
            )
        )
        return {"server": name, "drift": done.value.as_dict(), "revision": done.revision}

    async def look(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Brings the index up to now, for who is about to query it."""
        await self._look()
        return {"indexed": await self._on_index(self._index.rows)}

    async def status(self, _request: dict[str, Any]) -> dict[str, Any]:
        """For who asks whether it lives."""
        return {"indexed": await self._on_index(self._index.rows), "scans": sorted(self._scans)}

    async def facts(self) -> status_page.Facts:
        """What the status page shows now."""
        now = time.time()
        status = await ops.ask(self._folder.socket("dataplane.sock"), {"op": "status"}, seconds=_STATUS_SECONDS)
        servers, grants = await self._on_store(lambda: overview.servers_and_grants(self._folder.store, now))
        rows = await self._on_index(lambda: list(self._index.query(limit=_SHOWN_DECISIONS)))
        return status_page.Facts(
            version=__version__,
            data_plane=overview.data_plane_words(status),
            address=str(last_known(self._folder.run).get("data_plane", "")),
            servers=servers,
            grants=grants,
            decisions=overview.decision_lines(rows),
            indexed=await self._on_index(self._index.rows),
        )


class _PageServer(uvicorn.Server):
    """uvicorn without signal handlers of its own: when this process ends is the worker's affair."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(collect: Callable[[], Awaitable[status_page.Facts]]) -> uvicorn.Server:
    return _PageServer(
        uvicorn.Config(
            status_page.application(collect),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=2,
        )
    )


def listen_on(address: str) -> socket.socket:
    """The status page's socket on HOST:PORT.

    Raises:
        GatepostError: GP-6001 for an address that is not loopback, GP-6003 where it cannot be listened on.
    """
    host, colon, port = address.rpartition(":")
    host = host.strip("[]")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise GatepostError("GP-6003", f"{address!r} is not HOST:PORT.", "Write --console 127.0.0.1:7071.")
    try:
        family, _, _, _, resolved = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        loopback = ipaddress.ip_address(resolved[0]).is_loopback
    except OSError as error:
        raise GatepostError("GP-6003", f"{host!r} is no address of this machine: {error.strerror}.") from None
    if not loopback:
        raise GatepostError(
            "GP-6001",
            f"The status page asks nobody who they are, so it does not listen on {host}.",
            "Leave --console on 127.0.0.1, and reach it from elsewhere through an SSH tunnel.",
        )
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(resolved)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise GatepostError(
            "GP-6003", f"{address} cannot be listened on: {error.strerror}.", "Choose another with --console HOST:PORT."
        ) from None
    return listening


async def _run(data: Path, console: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    folder = DataFolder(data)
    kept = Retention.told(os.environ)
    with listen_on(console) as listening, open_store(folder) as store:
        for warning in store.warnings:
            print(f"warning: {warning}", file=sys.stderr, flush=True)
        host, port = listening.getsockname()[:2]
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        line = json.dumps({"ready": True, "address": address})
        await Worker(folder, store, kept).run(listening, lambda: print(line, flush=True), stop)


def main(arguments: Sequence[str] | None = None) -> int:
    """Works until SIGTERM. Exit code 1 with a line on stderr where it cannot start."""
    lifeline.hold()
    parser = argparse.ArgumentParser(prog="python -m gatepost.processes.worker", description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--console", default="127.0.0.1:7071", metavar="HOST:PORT")
    told = parser.parse_args(arguments)
    os.nice(_NICENESS)
    try:
        asyncio.run(_run(told.data, told.console))
    except GatepostError as error:
        print(f"error {error.code}: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
