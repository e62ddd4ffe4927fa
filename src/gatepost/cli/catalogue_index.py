"""`gatepost catalogue search`, `import`, `export`: the index of servers and tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatepost.cli.command import Command, Place, json_option

if TYPE_CHECKING:
    from gatepost.catalogue.index import Counts, Index, ServerEntry
    from gatepost.catalogue.index.sources import Problems
    from gatepost.errors import GatepostError

_CATEGORIES = ("read", "write", "execute", "destructive", "financial")
_SEVERITIES = ("low", "medium", "high", "critical")


@click.command(
    "search",
    cls=Command,
    examples="""
    gatepost catalogue search delete branch
    gatepost catalogue search --category financial
    gatepost catalogue search code --signal runs-code --json | jq -r '.tools[].tool'
    gatepost catalogue show filesystem/write_file     # the page of one that was found
    """,
)
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--category", type=click.Choice(_CATEGORIES), help="Only tools of this category.")
@click.option("--severity", type=click.Choice(_SEVERITIES), help="Only tools of this risk.")
@click.option("--signal", metavar="S", help="Only tools with this signal, such as takes-url.")
@click.option(
    "--limit", type=click.IntRange(1, 200), default=50, show_default=True, metavar="N", help="Most on a page."
)
@click.option("--after", metavar="A", help="The page after the one that ended with this.")
@json_option
@click.pass_obj
def search(
    place: Place,
    words: tuple[str, ...],
    category: str | None,
    severity: str | None,
    signal: str | None,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """Find tools in the index: those whose name, server or description hold all the words.

    Without a word all are listed by name. The servers that are registered here come first; well-known ones are there
    from the beginning; `gatepost catalogue import` puts others in.
    """
    from functools import partial

    from gatepost.catalogue.index import Index
    from gatepost.catalogue.index.registered import with_registered
    from gatepost.cli.output import count, emit, table

    ask = partial(Index.search, text=" ".join(words), category=category, severity=severity, signal=signal)
    with _index(place) as others, with_registered(place.folder(create=False).store, others, _not_searched) as index:
        page = index.search(ask, limit=limit, after=after)
        tools = index.tools()
    if as_json:
        emit({"tools": [one.as_dict() for one in page.tools], "after": page.after})
        return
    if not page.tools:
        click.echo(f"None of {count(tools, 'tool')} in the index.")
        return
    table(
        ["TOOL", "CATEGORY", "RISK", "SERVER", "DESCRIPTION"],
        [[one.name, one.category, one.severity, one.server, one.description] for one in page.tools],
    )
    if page.after is not None:
        import shlex

        click.echo(f"There are more: --after {shlex.quote(page.after)}")


@click.command(
    "import",
    cls=Command,
    examples="""
    gatepost catalogue import --registered          # the servers of this data folder, to export them with the rest
    gatepost catalogue import scans/                # a folder of tools/list answers, one file a server
    gatepost catalogue import ~/.cursor/mcp.json
    gatepost catalogue import --registry https://registry.example
    gatepost catalogue import index.gpindex --key 3b6a27bc…
    """,
)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--registered", is_flag=True, help="The servers of this data folder, for `catalogue export`.")
@click.option("--registry", metavar="URL", help="A registry's API; goes on where it was cut off, else what changed.")
@click.option("--anew", is_flag=True, help="With --registry: from the beginning.")
@click.option("--key", "keys", multiple=True, metavar="HEX", help="Trust a signed file with this key. May be repeated.")
@json_option
@click.pass_obj
def import_(
    place: Place,
    path: Path | None,
    registered: bool,
    registry: str | None,
    anew: bool,
    keys: tuple[str, ...],
    as_json: bool,
) -> int:
    """Put servers into the index: from files, from a registry, or from a signed file.

    PATH is a JSON file or a folder of them (answers of tools/list, a client's mcp.json, the registry's server.json or a
    page of its API), or a file that `gatepost catalogue export` made. Of an mcp.json only names, programs and hosts are
    kept. Exit code 1 where something was left out.
    """
    from gatepost.catalogue.index.many import import_alone
    from gatepost.catalogue.index.sources import Problems
    from gatepost.cli.output import clean, count, emit

    if [path is not None, registered, registry is not None].count(True) != 1:
        raise click.UsageError("Give one of PATH, --registered, --registry URL.")
    if registry is not None:
        from gatepost.catalogue.index.registry import base_of
        from gatepost.cli.values import given

        given(base_of, registry)
    problems = Problems()
    import_alone()
    with _index(place, create=True) as index:
        if registry is not None:
            done = _from_registry(index, registry, anew, problems)
        elif registered:
            done = index.put(_registered(place))
        else:
            assert path is not None
            done = _from_path(place, index, path, keys, problems)
    if as_json:
        emit(
            {"servers": done.servers, "tools": done.tools, "left_out": problems.number, "problems": problems.sentences}
        )
        return 1 if problems.number else 0
    click.echo(f"{count(done.servers, 'server')} with {count(done.tools, 'tool')}.")
    for sentence in problems.sentences:
        click.echo(f"left out: {clean(sentence)}", err=True)
    if problems.number > len(problems.sentences):
        click.echo(f"left out: {problems.number - len(problems.sentences):,} more", err=True)
    return 1 if problems.number else 0


@click.command(
    "export",
    cls=Command,
    examples="""
    gatepost catalogue export index.gpindex
    """,
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def export(place: Place, file: Path, as_json: bool) -> None:
    """Write the whole index to one file, signed with this installation's key.

    Whoever imports it names that key, which is printed, with --key.
    """
    from datetime import UTC, datetime

    from gatepost.catalogue.index.signed import export_index
    from gatepost.cli.output import count, emit
    from gatepost.keys import Keyring

    made_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with _index(place) as index:
        keyring = Keyring.open(place.folder().keys)
        done = export_index(index, file, keyring.signing_key, made_at)
    key = keyring.verify_key.hex()
    if as_json:
        emit({"file": str(file), "servers": done.servers, "tools": done.tools, "key": key})
        return
    click.echo(f"{count(done.servers, 'server')} with {count(done.tools, 'tool')} in {file}.")
    click.echo(f"To import it elsewhere: gatepost catalogue import {file} --key {key}")


def _not_searched(why: GatepostError) -> None:
    click.echo(f"warning: your own servers are not searched: {why}", err=True)


def _index(place: Place, *, create: bool = False) -> Index:
    """The index of the data folder, else a new one, with `create` off in memory; the shipped servers are in it."""
    from gatepost.catalogue.index import Index
    from gatepost.catalogue.shipped.into import keep_shipped

    path = place.folder(create=create).root / "catalogue.db"
    index = Index.open(path if create or path.exists() else None)
    keep_shipped(index)
    return index


def _from_registry(index: Index, url: str, anew: bool, problems: Problems) -> Counts:
    from datetime import UTC, datetime

    from gatepost.catalogue.index.registry import import_registry
    from gatepost.cli.output import progress

    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return import_registry(
        index,
        url,
        now=now,
        anew=anew,
        problems=problems,
        told=lambda done: progress(f"{done.servers:,} servers …"),
    )


def _from_path(place: Place, index: Index, path: Path, keys: tuple[str, ...], problems: Problems) -> Counts:
    from gatepost.catalogue.index.many import read_many
    from gatepost.catalogue.index.signed import read_signed, verify
    from gatepost.cli.output import progress
    from gatepost.keys import Keyring

    def told(done: Counts) -> None:
        progress(f"{done.tools:,} tools of {done.servers:,} servers …")

    if path.is_file():
        with path.open("rb") as file:
            if file.read(2) == b"\x1f\x8b":
                own = Keyring.open(place.folder().keys).verify_key.hex()
                verify(file, {own, *(key.lower() for key in keys)})
                return index.put(read_signed(file), told)
    return index.put_rows(read_many(path, problems), told)


def _registered(place: Place) -> list[ServerEntry]:
    from gatepost.catalogue.index import ServerEntry
    from gatepost.catalogue.index.entries import REGISTERED, entries_of
    from gatepost.cli.session import opened
    from gatepost.control.servers import list_servers
    from gatepost.control.tools import list_tools

    found: list[ServerEntry] = []
    with opened(place) as store:
        for server in list_servers(store):
            tools = list_tools(store, server.name)
            said = {one.name: one.category for one in tools}
            entries = entries_of([one.tool for one in tools], said)
            found.append(ServerEntry(server.name, source=REGISTERED, tools=entries))
    return found
