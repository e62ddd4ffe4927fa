"""Pins of servers that only `gatepost run` knows: in files, looked at and accepted as those of registered servers."""

from __future__ import annotations

from collections.abc import Sequence

from gatepost.control.act import Act, Actor, Done
from gatepost.control.names import check_server
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
    pins = PinFile(folder.root / FOLDER, check_server(server))
    if not pins.exists():
        met = sorted(file.stem for file in (folder.root / FOLDER).glob("*.json"))
        if met and not folder.store.exists():
            hint = nearest(server, met) or f"Those that a `run` has met: {', '.join(met[:10])}."
            raise GatepostError("GP-4003", f"There is no server {server!r}.", hint)
        return None
    if folder.store.exists():
        with open_store(folder) as store, store.database.read() as connection:
            if servers.find(connection, server) is not None:
                return None
    return pins


def waiting(pins: PinFile) -> tuple[Waiting, ...]:
    """The tools that wait to be accepted, by name. Raises `GatepostError` GP-5003."""
    return tuple(
        Waiting(
            name=each.name,
            kind="new" if each.pinned is None else "changed",
            pinned=each.pinned,
            listed=Definition(each.name, each.listed, definition_hash(each.listed), None, 0.0),
        )
        for each in pins.waiting()
    )


def accept(store: Store, actor: Actor, server: str, pins: PinFile, shown: Sequence[Waiting]) -> Done[tuple[str, ...]]:
    """Pins tools as they were shown. Raises `GatepostError` GP-4004 where one has changed since, GP-5003."""
    wanted = {each.name: each.listed for each in shown if each.listed is not None}
    with Act(store, actor) as act:
        pins.accept({name: each.tool for name, each in wanted.items()})
        before = {each.name: None if each.pinned is None else definition_hash(each.pinned) for each in shown}
        told = list(wanted)[:_NAMES_TOLD]
        act.record(
            "server.accept",
            f"server:{server}",
            before={"pins": [[name, before[name]] for name in told]},
            after={"pins": [[name, wanted[name].hash] for name in told], "tools": len(wanted)},
        )
    return act.done(tuple(wanted))
