"""The writing side: takes arguments over from the main path, seals and writes them from a thread."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from gatepost.kept.files import Segment, purpose, segment_at, segments
from gatepost.wire import strictjson

_log: Final = logging.getLogger(__name__)
_PAUSE: Final = 0.05
_MOST_WAITING: Final = 32 * 1024 * 1024


class Sealer(Protocol):
    """Who seals; `gatepost.keys.Keyring` is one."""

    def seal(self, plaintext: bytes, purpose: str) -> str: ...


class _Waiting(NamedTuple):
    server: str
    decision_id: str
    arguments: Mapping[str, Any]
    seconds: int
    at: float


class Keeper:
    """Keeps arguments. For one event loop.

    Args:
        folder: `DATA/arguments`; made when something is to be kept.
        sealer: the keyring.
        clock: epoch seconds.
        most_waiting: bytes of requests that may wait to be written; what comes beyond is not kept.
    """

    def __init__(
        self,
        folder: Path,
        sealer: Sealer,
        *,
        clock: Callable[[], float] = time.time,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._folder = folder
        self._sealer = sealer
        self._clock = clock
        self._most_waiting = most_waiting
        self._waiting: list[_Waiting] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._thread = ThreadPoolExecutor(1, "kept")
        self._current: dict[str, Segment] = {}
        self._troubled = False
        self.dropped = 0
        """How many calls could not be kept."""

    def keep(self, server: str, decision_id: str, arguments: Mapping[str, Any], seconds: int, size: int) -> None:
        """Takes a call's arguments over; never waits and never fails.

        Args:
            arguments: as parsed; not to be changed any more.
            seconds: for how long, at least 1.
            size: bytes of the request they came in, by which what waits is bounded.
        """
        if self._size + size > self._most_waiting:
            self.dropped += 1
            return
        self._size += size
        self._waiting.append(_Waiting(server, decision_id, arguments, seconds, self._clock()))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_PAUSE, self._hand_over)

    async def close(self) -> None:
        """Writes what waits, and ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._hand_over()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)

    def _hand_over(self) -> None:
        waiting, self._waiting, self._timer, self._size = self._waiting, [], None, 0
        if waiting:
            self._thread.submit(self._write, waiting)

    def _write(self, waiting: list[_Waiting]) -> None:
        """In the thread. A line is whole or not there at all for a reader: what a crash cut off has no line end."""
        lines: dict[Segment, list[bytes]] = {}
        for each in waiting:
            lines.setdefault(segment_at(self._folder, each.server, each.at, each.seconds), []).append(self._line(each))
        for segment, content in lines.items():
            try:
                self._begin(segment)
                _append(segment.path, b"".join(content))
                self._troubled = False
            except OSError as error:
                self.dropped += len(content)
                if not self._troubled:
                    self._troubled = True
                    _log.warning("arguments cannot be kept in %s: %s", segment.path.parent, error.strerror)

    def _line(self, each: _Waiting) -> bytes:
        sealed = self._sealer.seal(strictjson.write(dict(each.arguments)), purpose(each.server, each.decision_id))
        line = {"at": round(each.at, 3), "id": each.decision_id, "sealed": sealed}
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"

    def _begin(self, segment: Segment) -> None:
        """Where a file is begun, or gone on with after a crash: a half line is ended, and files that are over go."""
        server = segment.path.parent.name
        if self._current.get(server) == segment:
            return
        for folder in (self._folder, segment.path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for other in list(segments(self._folder, server)):
            if other.ends(segment.seconds) <= self._clock():
                other.path.unlink(missing_ok=True)
        if _ends_in_half_a_line(segment.path):
            _append(segment.path, b"\n")
        self._current[server] = segment


def _append(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]
    finally:
        os.close(handle)


def _ends_in_half_a_line(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:  # it is not there yet, or empty
        return False
