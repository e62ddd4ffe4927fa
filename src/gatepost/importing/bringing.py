"""Putting the servers of a client's file behind the gateway, and turning the file over to it.

Everything is done server by server, and each part is whole by itself: what was done before a failure is found again by
the next run and used, and the file is replaced last, in one step.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gatepost.connect import files
from gatepost.connect.clients import Target as Address
from gatepost.connect.reading import ClientFile, Listed, is_governed
from gatepost.connect.rewriting import Turn, turned_over
from gatepost.control.act import Actor
from gatepost.control.grants import add_grant, list_grants, revoke_grant, rotate_grant
from gatepost.control.names import LONGEST_SERVER, server_name
from gatepost.control.policies import add_policy, check, list_policies, show_policy
from gatepost.control.servers import Scanned, add_scanned, list_servers, read_target
from gatepost.control.store import Store
from gatepost.control.target import Target
from gatepost.control.tools import list_tools
from gatepost.errors import GatepostError
from gatepost.importing.entries import Around, CannotImport, SwitchedOff, target_of
from gatepost.importing.starting import starting_policy
from gatepost.importing.steps import Step, finished, keep_steps, steps_of

_LONGEST_LABEL = 64
_HINT = "Run this again; what was done so far is used."


Scan = Callable[[Sequence[Target]], Sequence[Scanned | GatepostError]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the servers' calls shall be judged by: a stored policy, a document, or (neither) a starting policy.

    `shadow` makes the starting policy record what it would refuse, and refuse nothing; `profile` is one of the
    catalogue's in its place.
    """

    policy: str | None = None
    document: bytes | None = None
    shadow: bool = False
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of one entry.

    Attributes:
        listed: the entry.
        state: `new` (planned), `added`, `present` (it was there already), `governed` (it leads through Gatepost
            already), `off` (switched off in the client), `left` (as it is, see `why`).
        server: its name behind the gateway.
        policy: what its calls are judged by.
        allowed, refused: tools, where the policy is a starting one that was made now.
    """

    listed: Listed
    state: str
    why: str = ""
    server: str | None = None
    target: Target | None = field(default=None, repr=False)
    policy: str | None = None
    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What was done: every entry of the file, what became of the file, and the warnings."""

    brought: tuple[Brought, ...]
    stored: files.Stored | None = None
    grants: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def plan(store: Store | None, file: ClientFile, around: Around) -> list[Brought]:
    """What would be done with each entry; nothing is started or changed. `store` is None where there is none yet."""
    known = {} if store is None else {each.name: read_target(store, each.name) for each in list_servers(store)}
    stored = frozenset(known)
    planned = []
    for listed in file.listed:
        if is_governed(listed.entry):
            planned.append(Brought(listed, "governed", "it leads through Gatepost already"))
            continue
        try:
            target = target_of(listed, around)
        except CannotImport as why:
            planned.append(Brought(listed, "off" if isinstance(why, SwitchedOff) else "left", str(why)))
            continue
        name = next(each for each in _names(listed.name, file.client.id) if _fits(known.get(each), target))
        state = "present" if name in stored else "new"
        known[name] = target
        planned.append(Brought(listed, state, server=name, target=replace(target, name=name)))
    return planned


def bring(store: Store, actor: Actor, file: ClientFile, planned: Sequence[Brought], rules: Rules, scan: Scan) -> Report:
    """Adds the servers that are new, each with a policy. One that cannot be asked is left as it is.

    Raises GatepostError where the policy that was named cannot be used.
    """
    if rules.policy is not None:
        show_policy(store, rules.policy)
    if rules.document is not None:
        check(rules.document)
    asked = {str(each.server): each.target for each in planned if each.state == "new" and each.target is not None}
    outcomes = dict(zip(asked, scan(list(asked.values())), strict=True))
    answered = {name: found for name, found in outcomes.items() if not isinstance(found, GatepostError)}
    if answered:
        # Before they are added: what a failure leaves behind is then known to `undo`.
        step = Step(file.client.id, tuple(answered))
        keep_steps(store, actor, file.file, [*steps_of(store, file.file), step], "client.import")
    warnings: list[str] = []
    failed = {name: str(found) for name, found in outcomes.items() if isinstance(found, GatepostError)}
    for name, found in answered.items():
        try:
            warnings += _add(store, actor, asked[name], found)
        except GatepostError as error:
            failed[name] = str(error)
    brought = []
    for each in planned:
        if each.server in failed:
            each = replace(each, state="left", why=failed[each.server], server=None)
        elif each.state in ("new", "present"):
            state = "added" if each.state == "new" else "present"
            each = replace(_ruled(store, actor, each, rules, file.client.id), state=state)
        brought.append(each)
    return Report(tuple(brought), warnings=tuple(warnings))


def turn_over(
    store: Store, actor: Actor, file: ClientFile, report: Report, address: Callable[[str], str], now: datetime
) -> Report:
    """Gives out a grant for each server, and replaces the file by one that leads to the gateway.

    Args:
        address: the gateway's URL for a server.

    Raises GatepostError GP-4005 where the file cannot be changed; the grants are revoked then, the file is as it was.
    """
    turned = [each for each in report.brought if each.state in ("added", "present") and each.server is not None]
    if not turned:
        return report
    text = files.decode(file.file, file.content, _HINT)
    dummy = [_turn(each, address, "gp_") for each in turned]
    turned_over(file.client, text, dummy, file.file)  # refuses before a token is given out
    steps = steps_of(store, file.file)
    step = steps.pop() if steps and steps[-1].rewritten is None else Step(file.client.id)
    ours = {label for each in (*steps, step) for label in each.grants}
    labels = _labels(store, file.client.id, turned, ours)
    entries = tuple((each.listed.section, each.listed.name) for each in turned)
    step = replace(step, grants=tuple(dict.fromkeys([*step.grants, *labels.values()])), entries=entries)
    keep_steps(store, actor, file.file, [*steps, step], "client.rewrite")
    tokens, warnings = _grants(store, actor, turned, labels, file.client.id)
    turns = [_turn(each, address, tokens[str(each.server)]) for each in turned]

    def change(text: str) -> str:
        if text.encode() != file.content:
            raise files.refused(file.file, "changed while its servers were asked", _HINT)
        return turned_over(file.client, text, turns, file.file)

    def about_to(change: files.Change) -> None:
        done = finished(step, backup=change.backup, before=change.before or b"", after=change.after, mode=change.mode)
        keep_steps(store, actor, file.file, [*steps, done], "client.rewrite")

    try:
        stored = files.replace(file.file, change, now=now, hint=_HINT, about_to=about_to)
    except GatepostError:
        for label in labels.values():
            revoke_grant(store, actor, label)
        raise
    return replace(report, stored=stored, grants=tuple(labels.values()), warnings=(*report.warnings, *warnings))


def _turn(brought: Brought, address: Callable[[str], str], token: str) -> Turn:
    server = str(brought.server)
    return Turn(brought.listed.section, brought.listed.name, Address(server, address(server), token))


def _names(name: str, client: str) -> Iterator[str]:
    """Names for a server, best first: the client's own, with the client behind it, with a number."""
    slug = server_name(name)
    yield slug
    yield f"{slug[: LONGEST_SERVER - len(client) - 1].strip('-')}-{client}"
    number = 1
    while True:
        number += 1
        yield f"{slug[: LONGEST_SERVER - 8].strip('-')}-{number}"


def _fits(known: Target | None, target: Target) -> bool:
    """Whether a name is free, or stands for the very same server."""
    return known is None or (
        (known.url, known.command, known.cwd, dict(known.env), sorted(known.headers))
        == (target.url, target.command, target.cwd, dict(target.env), sorted(target.headers))
    )


def _add(store: Store, actor: Actor, target: Target, found: Scanned) -> Sequence[str]:
    done = add_scanned(store, actor, target, found)
    return [f"{target.name}: {warning}" for warning in done.warnings]


def _ruled(store: Store, actor: Actor, brought: Brought, rules: Rules, client: str) -> Brought:
    """The entry with the policy that its server's calls are judged by, made where there is none yet."""
    server = str(brought.server)
    known = {each.name: each for each in list_policies(store)}
    if rules.policy is not None and known[rules.policy].server in (None, server):
        return replace(brought, policy=rules.policy)
    document = rules.document if rules.policy is None else known[rules.policy].text.encode()
    own = known.get(server)
    if document is not None:
        version = check(document).version
        fits = own is None or (own.server == server and own.version == version)
        name = server if fits else _second(server, client)
        add_policy(store, actor, name, document, server)
        return replace(brought, policy=name)
    if own is not None and own.server in (None, server):
        return replace(brought, policy=server)
    name = server if own is None else _second(server, client)
    if name in known:
        return replace(brought, policy=name)
    tools = [each.tool for each in list_tools(store, server)]
    starting = starting_policy(name, tools, shadow=rules.shadow, profile=rules.profile)
    add_policy(store, actor, name, json.dumps(starting.document), server)
    return replace(brought, policy=name, allowed=starting.allowed, refused=starting.refused)


def _second(server: str, client: str) -> str:
    return f"{server[: _LONGEST_LABEL - len(client) - 1]}-{client}"


def _labels(store: Store, client: str, turned: Sequence[Brought], ours: set[str]) -> dict[str, str]:
    """A grant's label for each server: free, or one of this file's own, which gets a new token."""
    living = {grant.label: grant.server for grant in list_grants(store) if grant.revoked is None}
    labels: dict[str, str] = {}
    for server in dict.fromkeys(str(each.server) for each in turned):
        first = f"{client}-{server}"[: _LONGEST_LABEL - 4]
        label, number = first, 1
        while label in living and not (label in ours and living[label] == server):
            number += 1
            label = f"{first}-{number}"
        labels[server] = label
        living[label] = server
    return labels


def _grants(
    store: Store, actor: Actor, turned: Sequence[Brought], labels: Mapping[str, str], client: str
) -> tuple[dict[str, str], list[str]]:
    """A new token for each server, and the warnings."""
    living = {grant.label for grant in list_grants(store) if grant.revoked is None}
    policies = {str(each.server): each.policy for each in turned}
    tokens: dict[str, str] = {}
    warnings: list[str] = []
    for server, label in labels.items():
        if label in living:
            done = rotate_grant(store, actor, label)
        else:
            done = add_grant(store, actor, label, server=server, policy=policies[server], identity=client)
        tokens[server] = done.value.token
        warnings += done.warnings
    return tokens, warnings
