"""The reading side: the arguments of a call of the log, or all that a server keeps."""

from __future__ import annotations

import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from gatepost.kept.files import HOUR, Segment, purpose, segments
from gatepost.wire import strictjson

_FILES_HELD: Final = 4


class Opener(Protocol):
    """Who opens what was sealed, and hashes as the log does; `gatepost.keys.Keyring` is one."""

    def unseal(self, token: str, purpose: str) -> bytes: ...
    def hmac(self, data: bytes) -> str: ...


class KeptCall(NamedTuple):
    """The arguments of one call: when, its decision id, and the values as they were sent."""

    at: float
    decision_id: str
    arguments: dict[str, Any]


class KeptArguments:
    """What is kept in one data folder, as it is when it is looked at first: made anew for each look.

    Args:
        folder: `DATA/arguments`.
        keys: the keyring.
        keeps: for how many seconds each server keeps arguments now: what is older is not given any more.
        clock: epoch seconds.
    """

    def __init__(
        self,
        folder: Path,
        keys: Opener,
        keeps: Mapping[str, int | None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._keys = keys
        self._keeps = keeps
        self._clock = clock
        self._segments: dict[str, list[Segment]] = {}
        self._held: OrderedDict[Path, dict[str, tuple[float, str]]] = OrderedDict()

    def of(self, entry: Mapping[str, Any], at: float) -> dict[str, Any] | None:
        """The arguments of an entry of the log, or None where they are not kept (any more).

        Args:
            entry: of kind `decided`. Its hash is compared: what is not what was judged is not given.
            at: its time in epoch seconds.
        """
        server, id = str(entry["server"]), str(entry["decision_id"])
        for segment in self._of_server(server):
            # It is handed to the keeper after it was recorded: at the end of an hour, in the next one's file.
            if segment.hour <= at + 1 and at < segment.hour + HOUR:
                line = self._lines(segment).get(id)
                if line is not None and self._lives(segment, server, line[0]):
                    return self._opened(server, id, line[1], entry["arguments_hmac"])
        return None

    def all_of(self, server: str, *, since: float | None = None) -> Iterator[KeptCall]:
        """Everything that a server keeps, oldest first."""
        for segment in self._of_server(server):
            if since is not None and segment.hour + HOUR <= since:
                continue
            for id, (at, sealed) in self._lines(segment).items():
                if (since is None or at >= since) and self._lives(segment, server, at):
                    arguments = self._opened(server, id, sealed, None)
                    if arguments is not None:
                        yield KeptCall(at, id, arguments)

    def _of_server(self, server: str) -> list[Segment]:
        """Its files, oldest first, as they were when they were asked for first."""
        if server not in self._segments:
            self._segments[server] = sorted(
                segments(self._folder, server), key=lambda segment: (segment.hour, segment.seconds)
            )
        return self._segments[server]

    def _lives(self, segment: Segment, server: str, at: float) -> bool:
        seconds = self._keeps.get(server)
        return seconds is not None and at + min(segment.seconds, seconds) > self._clock()

    def _lines(self, segment: Segment) -> dict[str, tuple[float, str]]:
        """A file's lines by decision id; one that is not whole is passed over."""
        lines = self._held.get(segment.path)
        if lines is None:
            lines = {}
            try:
                content = segment.path.read_bytes()
            except FileNotFoundError:
                content = b""
            for text in content.split(b"\n")[:-1]:
                try:
                    line = json.loads(text)
                    lines[line["id"]] = (float(line["at"]), str(line["sealed"]))
                except (ValueError, KeyError, TypeError):
                    continue
            self._held[segment.path] = lines
            if len(self._held) > _FILES_HELD:
                self._held.popitem(last=False)
        else:
            self._held.move_to_end(segment.path)
        return lines

    def _opened(self, server: str, id: str, sealed: str, recorded: object) -> dict[str, Any] | None:
        try:
            text = self._keys.unseal(sealed, purpose(server, id))
            arguments = strictjson.parse(text)
        except ValueError:
            return None
        if not isinstance(arguments, dict):
            return None
        if recorded is not None and not hmac.compare_digest(
            self._keys.hmac(strictjson.canonical(arguments)), str(recorded)
        ):
            return None
        return arguments
