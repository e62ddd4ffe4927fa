"""The worker: everything beside the main path, so that none of it delays a call.

`python -m gatepost.processes.worker --data DIR --console HOST:PORT` is started by `gatepost serve`, before the data
plane: it makes the keys and brings the store up to date. Then it indexes the journal, scans servers when asked, keeps
the grants' last use, applies the log's retention and serves the status page. When it is ready it prints one line of
JSON, `{"ready": true, "address": "http://…"}`. SIGTERM ends it after one last look at the journal.

Retention is off unless `gatepost journal retention`, or GATEPOST_LOG_MAX_AGE (such as `90d`) and
GATEPOST_LOG_MAX_BYTES, which go before it, say otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from gatepost import __version__
from gatepost.audit.index import Index
from gatepost.audit.schema import telling
from gatepost.control.act import Actor
from gatepost.control.grants import touch_last_used
from gatepost.control.retention import Retention
from gatepost.control.servers import read_target
from gatepost.control.store import Store, open_store
from gatepost.control.tools import store_scan
from gatepost.errors import GatepostError
from gatepost.paths import DataFolder
from gatepost.processes import lifeline, ops, overview, page_server, scanning, status_page
from gatepost.processes.lock import last_known
from gatepost.processes.retaining import Retaining

_NICENESS: Final = 5
_INDEX_SECONDS: Final = 0.25
_STATUS_SECONDS: Final = 2.0
_USED_SECONDS: Final = 2.0
_SHOWN_DECISIONS: Final = 25
_SCANS_AGAIN: Final = 3
"""How often a server is scanned again that became another one, or was scanned by somebody else, meanwhile."""
_T = TypeVar("_T")


class Worker:
    """One worker on a data folder.

    The store and the index are used by one thread each, never by the event loop; and who reads the index does not wait
    for who writes it.
    """

    def __init__(self, folder: DataFolder, store: Store, kept: Retention) -> None:
        self._folder = folder
        self._store = store
        self._index = Index(folder.index)
        self._read_index = Index(folder.index)
        self._index_thread = ThreadPoolExecutor(1, "index")
        self._read_thread = ThreadPoolExecutor(1, "read")
        self._store_thread = ThreadPoolExecutor(1, "store")
        self._retaining = Retaining(folder, store, self._index, kept, self._on_index, self._on_store)
        self._scans: dict[str, asyncio.Task[dict[str, Any]]] = {}
        self._used: dict[str, float] = {}
        self._used_written = 0.0
        self._trouble = ""

    async def run(self, listening: socket.socket, ready: Callable[[], None], stop: asyncio.Event) -> None:
        """Works until `stop` is set; `listening` is the status page's socket."""
        handlers: dict[str, ops.Handler] = {"rescan": self.rescan, "look": self.look, "status": self.status}
        handlers |= {"retention": self._retaining.show, "compact": self._retaining.compact}
        control = await ops.listen(self._folder.socket("worker.sock"), handlers)
        page = page_server.server(status_page.application(self.facts))
        working = [
            asyncio.create_task(page.serve(sockets=[listening])),
            asyncio.create_task(self._keep_looking(stop)),
            asyncio.create_task(self._retaining.keep()),
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
            await self._try_to_look(write_used=True)
            for thread in (self._index_thread, self._read_thread, self._store_thread):
                thread.shutdown()
            self._index.close()
            self._read_index.close()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _on_index(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._index_thread, work)

    async def _on_read_index(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._read_thread, work)

    async def _on_store(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._store_thread, work)

    async def _keep_looking(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._try_to_look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _INDEX_SECONDS)

    async def _try_to_look(self, *, write_used: bool = False) -> None:
        """`_look`; what keeps it from working (a full disk, say) is said once, and it tries again the next time."""
        try:
            await self._look(write_used=write_used)
        except (sqlite3.Error, OSError, GatepostError) as error:
            if self._trouble != str(error):
                self._trouble = str(error)
                print(f"the log cannot be indexed: {error}", file=sys.stderr, flush=True)
        else:
            self._trouble = ""

    async def _look(self, *, write_used: bool = False) -> None:
        """Indexes what the journal has gained; notes when grants were last used, now or within seconds."""
        if await self._on_index(self._index.catch_up):
            found = await self._on_index(self._index.take_last_used)
            self._used |= found
        now = time.monotonic()
        if self._used and (write_used or now - self._used_written >= _USED_SECONDS):
            used, self._used, self._used_written = self._used, {}, now
            await self._on_store(lambda: touch_last_used(self._store, used))

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

    async def _scan(self, name: str, again: int = _SCANS_AGAIN) -> dict[str, Any]:
        target = await self._on_store(lambda: read_target(self._store, name))
        found = await scanning.scan(target)
        try:
            done = await self._on_store(
                lambda: store_scan(
                    self._store,
                    Actor("worker", "worker"),
                    name,
                    found.tools,
                    of=target,
                    info=found.info,
                    eras=found.eras,
                    versions=found.versions,
                )
            )
        except GatepostError as error:
            if error.code != "GP-4004" or not again:
                raise
            return await self._scan(name, again - 1)
        return {"server": name, "drift": done.value.as_dict(), "revision": done.revision}

    async def look(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Brings the index up to now, for who is about to query it."""
        with telling(self._folder.index):
            await self._look(write_used=True)
        return {"indexed": await self._on_read_index(self._read_index.rows)}

    async def status(self, _request: dict[str, Any]) -> dict[str, Any]:
        """For who asks whether it lives."""
        return {"indexed": await self._on_read_index(self._read_index.rows), "scans": sorted(self._scans)}

    async def facts(self) -> status_page.Facts:
        """What the status page shows now."""
        now = time.time()
        status = await ops.ask(self._folder.socket("dataplane.sock"), {"op": "status"}, seconds=_STATUS_SECONDS)
        servers, grants = await self._on_store(lambda: overview.servers_and_grants(self._folder.store, now))
        rows = await self._on_read_index(lambda: list(self._read_index.query(limit=_SHOWN_DECISIONS)))
        return status_page.Facts(
            version=__version__,
            data_plane=overview.data_plane_words(status),
            address=str(last_known(self._folder.run).get("data_plane", "")),
            servers=servers,
            grants=grants,
            decisions=overview.decision_lines(rows),
            indexed=await self._on_read_index(self._read_index.rows),
        )


async def _run(data: Path, console: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    folder = DataFolder(data)
    kept = Retention.told(os.environ)
    with page_server.listen_on(console) as listening, open_store(folder) as store:
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
