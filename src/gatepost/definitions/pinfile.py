"""Pins without a store: what a server's tools were when it was first met, in a file of its own.

`gatepost run` reads and writes it at each start; `gatepost server accept` puts into it what was looked at. Whoever
writes holds a lock, reads again, and replaces the file.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
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
_VERSION: Final = 2
_READ: Final = (1, 2)
"""Version 1 says of each listed tool what is listed, also where that is as it is pinned."""
_DEPTH: Final = 100
LARGEST: Final = 128 * 1024 * 1024
"""Bytes that a file may have: some hundred thousand tools."""


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
        largest: the most bytes that it may have.
    """

    def __init__(self, folder: Path, server: str, *, largest: int = LARGEST) -> None:
        self.path = folder / f"{server}.json"
        self._server = server
        self._largest = largest

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

    def gone(self) -> dict[str, dict[str, Any]]:
        """What is pinned and was not in the last list, by name. Raises as `waiting`."""
        pins, listed = self._load()
        return {name: pins[name] for name in sorted(pins.keys() - listed.keys())}

    def tools(self) -> list[dict[str, Any]]:
        """The definitions as they were last listed. Raises as `waiting`."""
        return list(self._load()[1].values())

    def see(self, definitions: Iterable[Definition], mode: Mode, *, legacy: bool) -> tuple[Unlike, ...]:
        """Hold what a server lists against the pins; what was never met before is pinned as it is.

        A tool whose definition is another waits, and under `quarantine` one that is new. Under `off` none does. Returns
        what waits, and of what is new and pinned by now that it is. What is gone keeps its pin until that is accepted.

        Args:
            definitions: all that it lists.
            legacy: whether this was said in a legacy revision, which may leave members out.

        Raises `GatepostError` GP-5003 where the file cannot be used or written, or would be too large; then it is as it
        was.
        """
        now = {each.name: each for each in definitions}
        with self._locked():
            first = not self.exists()
            pins, before = self._load()
            pinned_before = dict(pins)
            listed: dict[str, dict[str, Any]] = {}
            fresh, met = set(), []
            for name, each in now.items():
                pinned, known = pins.get(name), before.get(name)
                if pinned is not None and legacy and shortened(each.tool, each.hash, pinned):
                    listed[name] = pinned
                    continue
                if known is None or definition_hash(known) != each.hash:
                    fresh.add(name)
                    known = each.tool
                listed[name] = known
                if mode == "off" or (pinned is None and (first or mode == "warn")):
                    pins[name] = listed[name]
                    if pinned is None and not first and mode == "warn":
                        met.append(Unlike(name, None, each.tool, fresh=True, waits=False))
            if (pins, listed) != (pinned_before, before) or first:
                self._write(pins, listed)
        found = (each for each in _unlike(pins, listed) if each.name in now)
        return (*(Unlike(each.name, each.pinned, each.listed, each.name in fresh) for each in found), *met)

    def accept(
        self, shown: Mapping[str, dict[str, Any]], gone: Iterable[str] = (), begin: Callable[[], None] = lambda: None
    ) -> None:
        """Pin tools as they were shown, and forget the pins of those that are gone.

        Args:
            begin: called when nothing stands against it any more, before anything is written.

        Raises `GatepostError` GP-4004 where one is listed otherwise by now, then none is pinned; GP-5003 as `see`.
        """
        with self._locked():
            pins, listed = self._load()
            for name, tool in shown.items():
                if name not in listed or definition_hash(listed[name]) != definition_hash(tool):
                    raise _changed(name)
                pins[name] = listed[name]
            forgotten = tuple(gone)
            for name in forgotten:
                if name in listed:
                    raise _changed(name)
                pins.pop(name, None)
            if shown or forgotten:
                begin()
                self._write(pins, listed)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unreachable(error) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _load(self) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        try:
            with self.path.open("rb") as file:
                data = file.read(self._largest + 1)
            if len(data) > self._largest:
                raise self._unusable(f"it has more than {self._largest:,} bytes")
            value = strictjson.parse(data, max_depth=_DEPTH)
        except FileNotFoundError:
            return {}, {}
        except OSError as error:
            raise self._unreachable(error) from None
        except strictjson.StrictJSONError as error:
            raise self._unusable(str(error)) from None
        if not isinstance(value, dict) or value.get("version") not in _READ:
            raise self._unusable("it is not one of this version")
        pins, listed = self._table(value, "pins"), self._table(value, "listed")
        return pins, {name: tool or self._of(pins, name) for name, tool in listed.items()}

    def _of(self, pins: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
        if name not in pins:
            raise self._unusable(f"it says that {name} is as it was pinned, and it has no pin")
        return pins[name]

    def _table(self, value: dict[str, Any], member: str) -> dict[str, dict[str, Any]]:
        table = value.get(member)
        if not isinstance(table, dict) or not all(isinstance(each, dict) for each in table.values()):
            raise self._unusable(f"its member {member} is not as it should be")
        return table

    def _write(self, pins: dict[str, dict[str, Any]], listed: dict[str, dict[str, Any]]) -> None:
        told = {name: {} if tool is pins.get(name) else tool for name, tool in listed.items()}
        data = strictjson.write({"version": _VERSION, "pins": pins, "listed": told})
        if len(data) > self._largest:
            gone = len(pins.keys() - listed.keys())
            hint = f"It lists {len(listed):,} tools. Is it the server that you mean? Use it without pins: --drift off."
            if gone:
                hint = f"Forget the {gone:,} that it no longer lists: gatepost server accept {self._server}."
            raise GatepostError(
                "GP-5003",
                f"The pins of {self._server} would have {len(data):,} bytes, and {self._largest:,} is the most.",
                hint,
            )
        temporary = self.path.with_suffix(".new")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: OSError) -> GatepostError:
        text = f"The pins in {self.path} cannot be read or written: {error.strerror}."
        return GatepostError("GP-5003", text, "Look at the disk and the folder's permissions: gatepost doctor")

    def _unusable(self, why: str) -> GatepostError:
        text = f"The pins in {self.path} cannot be used: {why}."
        return GatepostError("GP-5003", text, "Remove the file to have every tool pinned anew as it is listed now.")


def _changed(name: str) -> GatepostError:
    return GatepostError(
        "GP-4004",
        f"The tool {name} has changed again in the meantime.",
        "Look at it again; nothing was accepted.",
    )


def _unlike(pins: Mapping[str, dict[str, Any]], listed: Mapping[str, dict[str, Any]]) -> Iterator[Unlike]:
    for name in sorted(listed):
        pinned = pins.get(name)
        if pinned is None or definition_hash(pinned) != definition_hash(listed[name]):
            yield Unlike(name, pinned, listed[name])
