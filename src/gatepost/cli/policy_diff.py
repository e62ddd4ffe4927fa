"""`gatepost policy diff`: what another policy would do, in words and for the calls of the log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.command import Command, Place, json_option

if TYPE_CHECKING:
    from gatepost.control.policy_replay import Replay
    from gatepost.control.policy_words import Difference
    from gatepost.control.store import Store
    from gatepost.definitions.definition import Definition

_SHOWN = 50


@click.command(
    "diff",
    cls=Command,
    examples="""
    # What a draft would change of the policy in force, for whom it is in force:
    gatepost policy diff files-read draft.yaml

    # What the last change was, and what it would have meant for the last thirty days:
    gatepost policy diff files-read@sha256:9f2c files-read --days 30

    # Two files, in words alone:
    gatepost policy diff before.yaml after.yaml --days 0
    """,
)
@click.argument("old")
@click.argument("new")
@click.option(
    "--days",
    type=click.IntRange(0, 3660),
    default=7,
    show_default=True,
    metavar="N",
    help="How many days of the log are looked at.",
)
@click.option("--server", metavar="S", help="The server whose tools and calls are meant [default: the policy's own].")
@json_option
@click.pass_obj
def diff(place: Place, old: str, new: str, days: int, server: str | None, as_json: bool) -> int:
    """Say what changes from one policy to another.

    OLD and NEW are files, or policies by name, NAME@VERSION for an earlier version. First it is said in words what
    changes for which tool. Then the calls of the last days are judged by both, and those are listed that would be
    decided otherwise: of the policy that is named, on whatever grant, or with two files all of --server.

    Where a rule reads arguments that were not kept, what became of the call then often still tells; where it does not,
    the call is counted as undecided. `gatepost server set NAME --keep-arguments sealed:7d` keeps them. Limits are
    counted again from the first of those days on.

    Exit code 1 where anything changes.
    """
    from gatepost.cli.output import emit
    from gatepost.cli.session import opened
    from gatepost.control.policy_words import Described, differences

    sides = [_side(text) for text in (old, new)]
    stored = [side for side in sides if side.name is not None]
    if stored or server is not None or place.folder(create=False).store.exists():
        with opened(place) as store:
            texts = [side.text(store) for side in sides]
            meant = server or _server_of(store, stored)
            definitions = _definitions(store, meant)
            told = differences(Described(texts[0]), Described(texts[1]), _categories(definitions, meant))
            policy = next((side.name for side in stored), None)
            replayed = _replay(place, store, texts, definitions, days, policy, server) if policy or server else None
    else:
        texts = [side.text(None) for side in sides]
        told = differences(Described(texts[0]), Described(texts[1]), {})
        replayed = None
    if as_json:
        emit(_as_dict(told, replayed, days))
    else:
        _show(told, replayed, days)
    return 1 if told or (replayed is not None and replayed.changes) else 0


class _Side:
    """OLD or NEW: a file, or a policy's name and perhaps version."""

    def __init__(self, file: Path | None, name: str | None, version: str | None) -> None:
        self.file, self.name, self.version = file, name, version

    def text(self, store: Store | None) -> str:
        """The document as JSON text. Raises GatepostError GP-2001 or GP-2002."""
        from gatepost.control.policies import check_file, show_policy

        if self.file is not None:
            return check_file(self.file).text
        assert store is not None and self.name is not None
        return show_policy(store, self.name, self.version).text


def _side(text: str) -> _Side:
    if Path(text).is_file():
        return _Side(Path(text), None, None)
    if "/" in text or Path(text).suffix in (".json", ".yaml", ".yml"):
        raise click.UsageError(f"There is no file {text}.")
    name, at, version = text.partition("@")
    return _Side(None, name, version if at else None)


def _server_of(store: Store, stored: list[_Side]) -> str | None:
    from gatepost.control.policies import show_policy

    for side in stored:
        assert side.name is not None
        server = show_policy(store, side.name).server
        if server is not None:
            return server
    return None


def _definitions(store: Store, server: str | None) -> dict[str, dict[str, Definition]]:
    """What servers say of their tools, by server and name. Raises GatepostError GP-4003 where `server` is none."""
    from gatepost.control.servers import list_servers
    from gatepost.control.tools import list_tools

    names = [known.name for known in list_servers(store)]
    if server is not None and server not in names:
        return {server: {tool.name: tool for tool in list_tools(store, server)}}
    return {name: {tool.name: tool for tool in list_tools(store, name)} for name in names}


def _categories(definitions: Mapping[str, Mapping[str, Definition]], server: str | None) -> dict[str, str | None]:
    return {name: tool.category for name, tool in definitions.get(server or "", {}).items()}


def _replay(
    place: Place,
    store: Store,
    texts: list[str],
    definitions: dict[str, dict[str, Definition]],
    days: int,
    policy: str | None,
    server: str | None,
) -> Replay | None:
    import time

    from gatepost.audit import Index
    from gatepost.cli.records import bring_up_to_date
    from gatepost.control.keeping import kept_arguments
    from gatepost.control.policies import list_policies, show_policy
    from gatepost.control.policy_replay import replay
    from gatepost.errors import GatepostError
    from gatepost.journal.rows import epoch

    if days == 0:
        return None
    names = [known.name for known in list_policies(store)]
    kept = kept_arguments(store)

    def document_of(version: str) -> str | None:
        for name in names:
            try:
                return show_policy(store, name, version).text
            except GatepostError:
                continue
        return None

    data = place.folder(create=False)
    bring_up_to_date(data)
    index = Index(data.index, data.journal)
    try:
        entries = index.query(server=server, since=time.time() - days * 86400, oldest_first=True)
        return replay(
            (entry for entry in entries if policy is None or entry["policy"] == policy),
            texts[0],
            texts[1],
            definitions=definitions,
            document_of=document_of,
            kept=lambda entry: kept.of(entry, epoch(entry["time"])),
        )
    finally:
        index.close()


def _show(told: list[Difference], replayed: Replay | None, days: int) -> None:
    from gatepost.cli.output import clean, count, heading, local, style, table

    if not told:
        click.echo("Both decide alike.")
    for each in told:
        click.echo(style(", ".join(each.subjects), bold=True))
        for change in each.changes:
            click.echo(f"  {clean(change)}")
    if replayed is None:
        if days:
            click.echo("\nThe log was not looked at: name a stored policy, or --server.", err=True)
        return
    heading(f"The last {count(days, 'day')} of the log")
    click.echo(f"  {count(replayed.calls, 'call')} judged by both, {replayed.kept:,} of them with kept arguments")
    click.echo(f"  {replayed.changes:,} would be decided otherwise")
    if replayed.renamed:
        click.echo(f"  {replayed.renamed:,} would be refused as before, by another rule")
    if replayed.undecided:
        click.echo(f"  {sum(replayed.undecided.values()):,} undecided: a rule reads arguments that were not kept")
        for rule, number in replayed.undecided.most_common():
            click.echo(f"    {number:,}  {clean(rule)}")
    if replayed.changed:
        click.echo()
        table(
            ["TIME", "GRANT", "CALL", "WAS", "WOULD BE", "RULE"],
            [
                [
                    local(each.entry["time"]),
                    each.entry["grant"],
                    each.entry["tool"] or "",
                    each.old.effect,
                    each.new.effect,
                    each.new.rule or each.old.rule,
                ]
                for each in replayed.changed[:_SHOWN]
            ],
        )
        if replayed.changes > _SHOWN:
            click.echo(f"And {replayed.changes - _SHOWN:,} more; --json lists up to a thousand.")


def _as_dict(told: list[Difference], replayed: Replay | None, days: int) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "differences": [{"for": list(each.subjects), "changes": list(each.changes)} for each in told],
        "log": None
        if replayed is None
        else {
            "days": days,
            "calls": replayed.calls,
            "kept": replayed.kept,
            "changes": replayed.changes,
            "other_rule": replayed.renamed,
            "undecided": dict(replayed.undecided),
            "changed": [
                {
                    **{key: each.entry[key] for key in ("time", "decision_id", "grant", "server", "method", "tool")},
                    "old": asdict(each.old),
                    "new": asdict(each.new),
                }
                for each in replayed.changed
            ],
        },
    }
