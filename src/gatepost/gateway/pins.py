"""Lists held against the pins: a tool whose definition is not the pinned one is seen at the next list that passes.

What a scan found is in the snapshot (`Tool.held`). A list can show a change before any scan does: then the tool is held
at once, here, until the configuration knows the change or a list shows the pinned definition again. A file remembers it
over a restart (`gateway.held`).
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from gatepost.definitions.definition import definition_hash, shortened

if TYPE_CHECKING:
    from gatepost.gateway.core import Gateway
    from gatepost.gateway.held import HeldFile
    from gatepost.gateway.snapshot import Snapshot, Tool

CHANGED: Final = "(definition changed)"
_AGAIN: Final = 600.0
"""Seconds after which a server is asked again about a difference that stays."""
_MOST_ASKED: Final = 1_000


class Pins:
    """What lists showed that is not what the configuration says, by server and tool: the hash that was seen."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], str] = {}
        self._asked: dict[tuple[str, str], float] = {}
        self._file: HeldFile | None = None
        self._spawn: Callable[[Awaitable[None]], None] | None = None
        self._unwritten = self._writing = False

    def remember_in(self, file: HeldFile, spawn: Callable[[Awaitable[None]], None]) -> None:
        """Hold what an earlier process held, and write down from now on what is held. Before the first snapshot.

        Args:
            file: where to. It is written from a thread; no call and no list waits for it.
            spawn: runs something beside the main path.

        Raises `GatepostError` GP-5003 where the file cannot be used.
        """
        self._seen.update(file.read())
        self._file, self._spawn = file, spawn

    def apply(self, snapshot: Snapshot) -> None:
        """Hold in a new snapshot what is held, but for what it knows itself."""
        for (server, name), hash in list(self._seen.items()):
            if server in snapshot.unusable:
                continue  # it is there again when its row can be used, however many changes later
            there = snapshot.servers.get(server)
            tool = None if there is None or there.drift_mode != "quarantine" else there.tools.get(name)
            if tool is None or tool.hash == hash:
                del self._seen[server, name]
                self._write_down()
            else:
                tool.held = True

    def standing(
        self, gateway: Gateway, server: str, result: dict[str, Any], *, legacy: bool, whole: bool
    ) -> dict[str, Any]:
        """A result of `tools/list` without the tools that are held.

        A difference from what is known has the server read again, beside the main path.

        Args:
            legacy: whether it was given in a legacy revision, or may have been.
            whole: whether it is all of the list, so that what it lacks is gone.
        """
        known = gateway.snapshot.servers.get(server)
        listed = result.get("tools")
        if known is None or known.drift_mode in (None, "off") or not isinstance(listed, list):
            return result
        kept = []
        names = set()
        unlike = hashlib.sha256()
        unlike_any = False
        for entry in listed:
            name = entry.get("name") if isinstance(entry, dict) else None
            if not isinstance(name, str):
                return result  # not a list of tools, which the filter says
            names.add(name)
            tool = known.tools.get(name)
            hash = _hash(entry)
            if tool is not None and (hash == tool.hash or (legacy and shortened(entry, hash, tool.listed))):
                self._as_pinned(gateway, server, tool)
            else:
                if tool is not None and known.drift_mode == "quarantine":
                    self._hold(gateway, server, tool, hash)
                unlike.update(f"{hash} {name} ".encode("utf-8", "surrogatepass"))
                unlike_any = True
            if known.drift_mode == "warn" or (tool is not None and not tool.held):
                kept.append(entry)
        if whole and not names >= known.tools.keys():
            unlike.update(f"without {min(known.tools.keys() - names)}".encode())
            unlike_any = True
        if unlike_any:
            self._ask(gateway, server, unlike.hexdigest())
        return result if len(kept) == len(listed) else {**result, "tools": kept}

    def _ask(self, gateway: Gateway, server: str, unlike: str) -> None:
        """Have a server read again: at once for a difference that was not seen yet, now and then for one that was.

        Some servers list other tools to clients that can do less than a scan says it can. Such a difference stays.
        """
        now = gateway.clock()
        if now - self._asked.get((server, unlike), -_AGAIN) < _AGAIN:
            return
        if len(self._asked) >= _MOST_ASKED:
            self._asked.clear()
        self._asked[server, unlike] = now
        gateway.spawn(gateway.definitions(server, unlike, "list"))

    def _hold(self, gateway: Gateway, server: str, tool: Tool, hash: str) -> None:
        if self._seen.get((server, tool.name)) == hash:
            return
        self._seen[server, tool.name] = hash
        self._write_down()
        tool.held = True
        gateway.listed.forget(server)
        gateway.note(
            "drift",
            actor="data plane",
            action="server.drift",
            object=f"server:{server}/{tool.name}",
            before={"hash": tool.hash},
            after={"hash": hash},
        )

    def _as_pinned(self, gateway: Gateway, server: str, tool: Tool) -> None:
        if self._seen and self._seen.pop((server, tool.name), None) is not None:
            self._write_down()
            tool.held = tool.quarantined
            gateway.listed.forget(server)

    def _write_down(self) -> None:
        self._unwritten = True
        if self._file is not None and self._spawn is not None and not self._writing:
            self._writing = True
            self._spawn(self._written(self._file))

    async def _written(self, file: HeldFile) -> None:
        """Write until nothing has changed since. A disk that takes nothing is said; what is held stays held."""
        try:
            while self._unwritten:
                self._unwritten = False
                await asyncio.to_thread(file.write, dict(self._seen))
        except OSError as error:
            self._unwritten = True
            print(f"{file.path} cannot be written: {error.strerror}", file=sys.stderr, flush=True)
        finally:
            self._writing = False


def _hash(entry: Mapping[str, Any]) -> str:
    try:
        return definition_hash(entry)
    except (ValueError, TypeError):
        return "none"
