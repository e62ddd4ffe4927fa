"""Pins of servers that only `gatepost run` knows: in files, looked at and accepted as those of registered servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatepost.control.act import Act, Actor, Done
from gatepost.control.pins import Waiting
from gatepost.control.store import Store, open_store
from gatepost.control.suggest import nearest
from gatepost.definitions.definition import Definition, definition_hash
from gatepost.definitions.pinfile import FOLDER, PinFile
from gatepost.errors import GatepostError
from gatepost.paths import DataFolder
from gatepost.storage import servers

_NAMES_TOLD = 100


def of_run(folder: DataFolder, server: str) -> PinFile | None:
    """The pins of a server that a `run` has met and nobody has registered; None where it is another.

    Raises `GatepostError` GP-4003 where nothing is registered at all, and no `run` has met it.
    """
    known = met(folder)
    if server not in known:
        if known and not folder.store.exists():
            hint = nearest(server, known) or f"Those that a `run` has met: {', '.join(known[:10])}."
            raise GatepostError("GP-4003", f"There is no server {server!r}.", hint)
        return None
    if folder.store.exists():
        with open_store(folder) as store, store.database.read() as connection:
            if servers.find(connection, server) is not None:
                return None
    return PinFile(folder.root / FOLDER, server)


def met(folder: DataFolder) -> list[str]:
    """The names under which a `run` has met servers, registered ones among them."""
    return sorted(file.stem for file in (folder.root / FOLDER).glob("*.json"))


def waiting(pins: PinFile) -> tuple[Waiting, ...]:
    """The tools that wait to be accepted, by name. Raises `GatepostError` GP-5003."""
    found = [
        Waiting(
            name=each.name,
            kind="new" if each.pinned is None else "changed",
            pinned=each.pinned,
            listed=Definition(each.name, each.listed, definition_hash(each.listed), None, 0.0),
        )
        for each in pins.waiting()
    ]
    found += [Waiting(name, "gone", pinned, None) for name, pinned in pins.gone().items()]
    return tuple(sorted(found, key=lambda each: each.name))


def accept(store: Store, actor: Actor, server: str, pins: PinFile, shown: Sequence[Waiting]) -> Done[tuple[str, ...]]:
    """Pins tools as they were shown; the pin of one that is gone is forgotten.

    The file and the log are two things. What is about to be accepted is recorded first (`server.accept`), then it is in
    the file, and what came of it is recorded (`server.accepted`, `server.accept-failed`): whatever ends in between,
    nothing is accepted that the log does not tell of, and it does not say of anything that it was done which was not.

    Raises `GatepostError` GP-4004 where one has changed since, GP-5003.
    """
    wanted = {each.name: each.listed for each in shown if each.listed is not None}
    gone = [each.name for each in shown if each.listed is None]
    names = (*wanted, *gone)
    object = f"server:{server}"
    recorded: list[Done[None]] = []

    def record(action: str, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        with Act(store, actor) as act:
            act.record(action, object, before=before, after=after)
        recorded.append(act.done(None))

    def begin() -> None:
        before = {each.name: None if each.pinned is None else definition_hash(each.pinned) for each in shown}
        told = names[:_NAMES_TOLD]
        after = {name: each.hash for name, each in wanted.items()}
        record(
            "server.accept",
            {"pins": [[name, before[name]] for name in told]},
            {"pins": [[name, after.get(name)] for name in told], "tools": len(names)},
        )

    try:
        pins.accept({name: each.tool for name, each in wanted.items()}, gone, begin)
    except GatepostError as error:
        if recorded:
            record("server.accept-failed", None, {"tools": len(names), "because": error.message})
        raise
    if recorded:
        record("server.accepted", None, {"tools": len(names)})
    return Done(
        names,
        max((done.revision for done in recorded), default=0),
        tuple(warning for done in recorded for warning in done.warnings),
    )
