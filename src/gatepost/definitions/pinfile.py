"""Pins without a store: what a server's tools were when it was first met, in a file of its own.

`gatepost run` reads and writes it at each start; `gatepost server accept` puts into it what was looked at. Whoever
writes holds a lock, reads again, and replaces the file.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from gatepost.definitions.definition import Definition, definition_hash, shortened
from gatepost.errors import GatepostError
from gatepost.wire import strictjson

Mode = Literal["quarantine", "warn", "off"]
FOLDER: Final = "pins"
"""Where they are in the data folder."""
_VERSION: Final = 1
_DEPTH: Final = 100


@dataclass(frozen=True, slots=True)
class Unlike:
    """A tool that is not listed as it is pinned.

    Attributes:
        name: its name.
        pinned: the definition that was accepted, None where there is none.
        listed: what the server says of it now.
        fresh: whether it is seen to be so for the first time.
        waits: whether it is to be accepted; else it was new, and is pinned by now.
    """

    name: str
    pinned: dict[str, Any] | None
    listed: dict[str, Any]
    fresh: bool = False
    waits: bool = True


class PinFile:
    """The pins of one server, by the tools' names.

    Args:
        folder: where such files are; made when it is needed.
        server: its name.
    """

    def __init__(self, folder: Path, server: str) -> None:
        self.path = folder / f"{server}.json"

    def exists(self) -> bool:
        """Whether the server was ever met."""
        return self.path.exists()

    def mark(self) -> int:
        """Another number when the file was replaced; 0 where there is none."""
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return 0

    def waiting(self) -> tuple[Unlike, ...]:
        """What waits to be accepted, by name. Raises `GatepostError` GP-5003 where the file cannot be used."""
        pins, listed = self._load()
        return tuple(_unlike(pins, listed))

    def tools(self) -> list[dict[str, Any]]:
        """The definitions as they were last listed. Raises as `waiting`."""
        return list(self._load()[1].values())

    def see(self, definitions: Iterable[Definition], mode: Mode, *, legacy: bool) -> tuple[Unlike, ...]:
        """Hold what a server lists against the pins; what was never met before is pinned as it is.

        A tool whose definition is another waits, and under `quarantine` one that is new. Under `off` none does. Returns
        what waits, and of what is new and pinned by now that it is.

        Args:
            legacy: whether this was said in a legacy revision, which may leave members out.

        Raises `GatepostError` GP-5003 where the file cannot be used or written.
        """
        now = {each.name: each for each in definitions}
        with self._locked():
            first = not self.exists()
            pins, listed = self._load()
            before = dict(pins), dict(listed)
            fresh, met = set(), []
            for name, each in now.items():
                pinned, known = pins.get(name), listed.get(name)
                if pinned is not None and legacy and shortened(each.tool, each.hash, pinned):
                    listed[name] = pinned
                    continue
                if known is None or definition_hash(known) != each.hash:
                    fresh.add(name)
                    listed[name] = each.tool
                if mode == "off" or (pinned is None and (first or mode == "warn")):
                    pins[name] = listed[name]
                    if pinned is None and not first and mode == "warn":
                        met.append(Unlike(name, None, each.tool, fresh=True, waits=False))
            if (pins, listed) != before or first:
                self._write(pins, listed)
        found = (each for each in _unlike(pins, listed) if each.name in now)
        return (*(Unlike(each.name, each.pinned, each.listed, each.name in fresh) for each in found), *met)

    def accept(self, shown: Mapping[str, dict[str, Any]]) -> None:
        """Pin tools as they were shown.

        Raises `GatepostError` GP-4004 where one is listed otherwise by now, then none is pinned; GP-5003 as `see`.
        """
        with self._locked():
            pins, listed = self._load()
            for name, tool in shown.items():
                if name not in listed or definition_hash(listed[name]) != definition_hash(tool):
                    raise GatepostError(
                        "GP-4004",
                        f"The tool {name} has changed again in the meantime.",
                        "Look at it again; nothing was accepted.",
                    )
                pins[name] = listed[name]
            if shown:
                self._write(pins, listed)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unusable(error.strerror or "") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _load(self) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        try:
            value = strictjson.parse(self.path.read_bytes(), max_depth=_DEPTH)
        except FileNotFoundError:
            return {}, {}
        except OSError as error:
            raise self._unusable(error.strerror or "") from None
        except strictjson.StrictJSONError as error:
            raise self._unusable(str(error)) from None
        if not isinstance(value, dict) or value.get("version") != _VERSION:
            raise self._unusable("it is not one of this version")
        return self._table(value, "pins"), self._table(value, "listed")

    def _table(self, value: dict[str, Any], member: str) -> dict[str, dict[str, Any]]:
        table = value.get(member)
        if not isinstance(table, dict) or not all(isinstance(each, dict) for each in table.values()):
            raise self._unusable(f"its member {member} is not as it should be")
        return table

    def _write(self, pins: dict[str, dict[str, Any]], listed: dict[str, dict[str, Any]]) -> None:
        data = strictjson.write({"version": _VERSION, "pins": pins, "listed": listed})
        temporary = self.path.with_suffix(".new")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            raise self._unusable(error.strerror or "") from None

    def _unusable(self, why: str) -> GatepostError:
        text = f"The pins in {self.path} cannot be used: {why}."
        return GatepostError("GP-5003", text, "Remove the file to have every tool pinned anew as it is listed now.")


def _unlike(pins: Mapping[str, dict[str, Any]], listed: Mapping[str, dict[str, Any]]) -> Iterator[Unlike]:
    for name in sorted(listed):
        pinned = pins.get(name)
        if pinned is None or definition_hash(pinned) != definition_hash(listed[name]):
            yield Unlike(name, pinned, listed[name])
