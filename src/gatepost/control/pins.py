"""Pins: what each tool of a server was when somebody last looked, and what waits to be looked at.

A tool waits while its server does not list it as it is pinned. Where the server's drift is `quarantine` it is off
`tools/list` and unknown when called for as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection

from gatepost.control import bodies
from gatepost.control.act import Act, Actor, Done
from gatepost.control.policy_words import Described
from gatepost.control.store import Store
from gatepost.control.suggest import nearest
from gatepost.control.tools import known_tools, no_such_server
from gatepost.definitions.definition import Definition
from gatepost.definitions.difference import Change, changes
from gatepost.errors import GatepostError
from gatepost.policy import compile_policy
from gatepost.storage import grants as grant_rows
from gatepost.storage import pins as rows
from gatepost.storage import policies as policy_rows
from gatepost.storage import servers, settings
from gatepost.wire import strictjson

MODES: Final = ("quarantine", "warn", "off")
_NAMES_TOLD = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """A tool that is not listed as it is pinned.

    Attributes:
        name: its name.
        kind: `changed`, `new` (no pin) or `gone` (no longer listed).
        pinned: the definition that was accepted, None where it is new.
        listed: what the server says of it now, None where it is gone.
    """

    name: str
    kind: Literal["changed", "new", "gone"]
    pinned: dict[str, Any] | None
    listed: Definition | None

    def changes(self) -> tuple[Change, ...]:
        """What differs, for people; empty for a tool that is new or gone."""
        if self.pinned is None or self.listed is None:
            return ()
        return changes(self.pinned, self.listed.tool)


@dataclass(frozen=True, slots=True)
class Touched:
    """A policy that a server's grants have, or that is written for it, and what it says of one tool.

    Attributes:
        policy: its name.
        grants: labels of the grants on the server that have it.
        effect: `may be called`, `hidden`, `denied by RULE` or `asks a person, by RULE`: as far as that can be said
            without arguments.
    """

    policy: str
    grants: tuple[str, ...]
    effect: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"policy": self.policy, "grants": list(self.grants), "effect": self.effect}


def waiting(store: Store, server: str) -> tuple[Waiting, ...]:
    """The tools of a server that wait to be accepted, by name. Raises `GatepostError` GP-4003."""
    with store.database.read() as connection:
        if servers.find(connection, server) is None:
            raise no_such_server(connection, server)
        names = rows.differing(connection, server)
        if not names:
            return ()
        pinned, listed = rows.all_rows(connection, server), known_tools(connection, server)
    return tuple(
        Waiting(
            name=name,
            kind="new" if name not in pinned else "changed" if name in listed else "gone",
            pinned=strictjson.parse(pinned[name].tool.encode()) if name in pinned else None,
            listed=listed.get(name),
        )
        for name in names
    )


def chosen(server: str, found: Sequence[Waiting], tool: str | None) -> tuple[Waiting, ...]:
    """All that waits, or the one that is named. Raises `GatepostError` GP-4003 where that one does not wait."""
    if tool is None:
        return tuple(found)
    named = tuple(one for one in found if one.name == tool)
    if not named:
        raise GatepostError(
            "GP-4003",
            f"No tool {tool!r} of {server} waits to be accepted.",
            nearest(tool, [one.name for one in found]) or "See what does with `gatepost server show`.",
        )
    return named


def accept(store: Store, actor: Actor, server: str, shown: Iterable[Waiting]) -> Done[tuple[str, ...]]:
    """Pins tools as they were shown; the pin of one that is gone is forgotten.

    The value is their names. Raises `GatepostError` GP-4003 (no such server), or GP-4004 where one of them is by now
    not what was shown: then none is accepted.
    """
    wanted = tuple(shown)
    with Act(store, actor) as act:
        if servers.find(act.connection, server) is None:
            raise no_such_server(act.connection, server)
        present = {row.name: row.hash for row in servers.tools(act.connection, server)}
        before = rows.hashes(act.connection, server)
        for one in wanted:
            if present.get(one.name) != (None if one.listed is None else one.listed.hash):
                raise GatepostError(
                    "GP-4004",
                    f"The tool {one.name} of {server} has changed again in the meantime.",
                    "Look at it again; nothing was accepted.",
                )
        if wanted:
            names = [one.name for one in wanted]
            rows.pin(act.connection, server, names, act.now)
            act.publish(*bodies.server(act.connection, server))
            told = names[:_NAMES_TOLD]
            act.record(
                "server.accept",
                f"server:{server}",
                before={"pins": [[name, before.get(name)] for name in told]},
                after={"pins": [[name, present.get(name)] for name in told], "tools": len(names)},
            )
    return act.done(tuple(one.name for one in wanted))


def set_drift_mode(store: Store, actor: Actor, server: str, mode: str) -> Done[tuple[str, ...]]:
    """Says what becomes of a tool whose definition is not the pinned one.

    `quarantine`: nobody sees or calls it until it is accepted. `warn`: it is told of and used on. `off`: what the
    server lists is what counts, from now on and at each scan.

    The value is the names of the tools that wait. Raises `GatepostError` GP-4003 (server) or GP-4005 (mode).
    """
    if mode not in MODES:
        raise GatepostError("GP-4005", f"{mode!r} is no way to meet drift.", f"Use one of: {', '.join(MODES)}.")
    with Act(store, actor) as act:
        if servers.find(act.connection, server) is None:
            raise no_such_server(act.connection, server)
        before = settings.drift_mode(act.connection, server)
        if before != mode:
            settings.set_drift_mode(act.connection, server, mode)
            if mode == "off":
                rows.pin_all(act.connection, server, act.now)
            act.publish(*bodies.server(act.connection, server))
            act.record("server.drift-mode", f"server:{server}", before={"drift": before}, after={"drift": mode})
        left = tuple(rows.differing(act.connection, server))
    return act.done(left)


def touched(store: Store, server: str, tool: Definition) -> tuple[Touched, ...]:
    """What the policies of a server say of one of its tools, by the policies' names."""
    with store.database.read() as connection:
        having: dict[str, list[str]] = {}
        for row in grant_rows.all_rows(connection, server):
            if row.revoked is None and row.policy is not None:
                having.setdefault(row.policy, []).append(row.label)
        named = [row for row in policy_rows.all_rows(connection) if row.server == server or row.name in having]
        documents = {row.name: _document(connection, row.name, row.version) for row in named}
    found = []
    for name, document in sorted(documents.items()):
        found.append(Touched(name, tuple(having.get(name, ())), _effect(document, tool)))
    return tuple(found)


def _effect(document: str, tool: Definition) -> str:
    policy = compile_policy(document)
    if policy.hides(tool.name, tool.category):
        return "hidden"
    decision = policy.admits(tool.name, tool.category)
    if decision.effect != "allow":
        return f"denied by {decision.rule}"
    asks = Described(document).plan(tool.name, tool.category).asks
    asked = next((ask for ask in asks if ask.fires is None and ask.enforced), None)
    return "may be called" if asked is None else f"asks a person, by {asked.name}"


def _document(connection: Connection, name: str, version: str) -> str:
    row = policy_rows.version(connection, name, version)
    assert row is not None  # versions are never deleted
    text: str = row.document
    return text
