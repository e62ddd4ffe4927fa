"""`gatepost log`: what was decided, for whom, and how it ended."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gatepost.cli.command import Command, Place, group, json_option
from gatepost.cli.stats import stats

if TYPE_CHECKING:
    from gatepost.audit import Filter
    from gatepost.paths import DataFolder

_F = TypeVar("_F", bound=Callable[..., Any])
_PUBLIC_KEY = "checkpoint.pub"


@group(
    "log",
    examples="""
    gatepost log show --decision deny --since 1h
    gatepost log verify
    """,
)
def log() -> None:
    """What was decided, for whom, and how it ended."""


def _narrowing(function: _F) -> _F:
    """The options that say which entries are meant."""
    for option in (
        click.option("--until", metavar="WHEN", help="Only before then; as --since."),
        click.option("--since", metavar="WHEN", help="Only from then on: 2h ago is 2h; or 2026-11-21, or with a time."),
        click.option("--decision", type=click.Choice(["allow", "deny", "approve"]), help="Only with this decision."),
        click.option("--tool", metavar="TOOL", help="Only calls of this tool."),
        click.option("--server", metavar="S", help="Only calls to this server."),
        click.option("--grant", metavar="LABEL", help="Only calls with this grant."),
    ):
        function = option(function)
    return function


@log.command(
    "show",
    cls=Command,
    examples="""
    gatepost log show
    gatepost log show --decision deny --since 1h
    gatepost log show --grant laptop --tool read_file --limit 5 --json
    """,
)
@_narrowing
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, metavar="N", help="The newest so many.")
@json_option
@click.pass_obj
def show(place: Place, /, limit: int, as_json: bool, **narrowed: str | None) -> None:
    """Show the newest entries.

    Calls with their decision and outcome, requests that were refused, and changes of the configuration.
    """
    from gatepost.cli.output import emit, table
    from gatepost.cli.records import COLUMNS, columns, entries

    found = entries(existing(place), _filter(**narrowed), limit)
    if as_json:
        emit(found)
    elif not found:
        click.echo("Nothing of the kind is in the log.")
    else:
        table(COLUMNS, [columns(entry) for entry in found])


@log.command(
    "follow",
    cls=Command,
    examples="""
    gatepost log follow
    gatepost log follow --decision deny --json    # one object per line
    """,
)
@_narrowing
@json_option
@click.pass_obj
def follow(place: Place, /, as_json: bool, **narrowed: str | None) -> None:
    """Show entries as they come, until Ctrl-C."""
    from gatepost.cli.output import emit_line
    from gatepost.cli.records import columns, followed

    def begun() -> None:
        click.echo("Waiting for entries; Ctrl-C ends it.", err=True)

    for entry in followed(existing(place), _filter(**narrowed), begun):
        if as_json:
            emit_line(entry)
        else:
            click.echo("  ".join(part for part in _one_line(columns(entry)) if part))
        sys.stdout.flush()


@log.command(
    "export",
    cls=Command,
    examples="""
    gatepost log export --format jsonl > log.jsonl    # whole and verifiable anywhere
    gatepost log verify log.jsonl

    gatepost log export --format csv --since 30d > november.csv
    """,
)
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), required=True, help="JSON Lines, or a table.")
@_narrowing
@click.pass_obj
def export(place: Place, /, form: str, **narrowed: str | None) -> None:
    """Write the log to standard output.

    JSON Lines are the records as they stand, and can be verified away from here. CSV has one line for each call, with
    its outcome; nothing in it is taken for a formula by a spreadsheet.
    """
    import io

    from gatepost.audit import Index, export_csv, export_jsonl
    from gatepost.cli.records import bring_up_to_date
    from gatepost.keys import Keyring

    data = existing(place)
    wanted = _filter(**narrowed)
    if form == "jsonl":
        rows = export_jsonl(data.journal, sys.stdout.buffer, wanted, signer=Keyring.open(data.keys, create=False))
    else:
        bring_up_to_date(data)
        index = Index(data.index, data.journal)
        out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=True)
        try:
            rows = export_csv(
                index.query(
                    grant=wanted.grant,
                    server=wanted.server,
                    tool=wanted.tool,
                    decision=wanted.decision,
                    since=wanted.since,
                    until=wanted.until,
                    oldest_first=True,
                ),
                out,
            )
        finally:
            index.close()
            out.detach()
    click.echo(f"{rows:,} records", err=True)


@log.command(
    "verify",
    cls=Command,
    examples="""
    gatepost log verify                # the log of this data folder
    gatepost log verify log.jsonl      # an export

    # On another machine, with the public half of the key (DATA/keys/checkpoint.pub):
    gatepost log verify log.jsonl --key checkpoint.pub
    """,
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--key", metavar="FILE", type=click.Path(path_type=Path), help="Public key [default: this folder's own].")
@json_option
@click.pass_obj
def verify(place: Place, file: Path | None, key: Path | None, as_json: bool) -> int:
    """Check that no record was changed, removed or added.

    FILE is an export or a journal folder; without one, the log of this data folder is checked, also while it is being
    written. The first bad record is named. Exit code 1 where there is one.
    """
    from dataclasses import asdict

    from gatepost.audit import verify_export, verify_folder
    from gatepost.cli.output import emit
    from gatepost.cli.records import show_verification
    from gatepost.errors import GatepostError

    data = place.folder(create=False)
    path = data.journal if file is None else file
    public = _public_key(key if key is not None else data.keys / _PUBLIC_KEY, required=key is not None)
    try:
        verdict = verify_folder(path, public) if path.is_dir() else verify_export(path, public)
    except FileNotFoundError:
        raise GatepostError("GP-4003", f"There is no log at {path}.", "Name an export or a journal folder.") from None
    if as_json:
        bad = verdict.first_bad
        emit({**asdict(verdict), "first_bad": None if bad is None else bad._asdict()})
    else:
        show_verification(verdict)
    return 0 if verdict.ok else 1


def existing(place: Place) -> DataFolder:
    """The data folder, which has a journal. Raises `GatepostError` GP-5003."""
    from gatepost.errors import GatepostError

    data = place.folder(create=False)
    if not data.journal.exists():
        raise GatepostError(
            "GP-5003",
            f"There is no Gatepost in {data.root} yet.",
            "Add a server first, or name its folder with --data.",
        )
    return data


def _filter(
    *,
    grant: str | None,
    server: str | None,
    tool: str | None,
    decision: str | None,
    since: str | None,
    until: str | None,
) -> Filter:
    from gatepost.audit import Filter
    from gatepost.cli.values import moment

    return Filter(grant=grant, server=server, tool=tool, decision=decision, since=moment(since), until=moment(until))


def _one_line(cells: tuple[str, ...]) -> tuple[str, ...]:
    from gatepost.cli.output import Styled, clean

    return tuple(cell if isinstance(cell, Styled) else clean(cell) for cell in cells)


def _public_key(file: Path, *, required: bool) -> bytes | None:
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        if required:
            raise click.UsageError(f"There is no file {file}.") from None
        return None
    except (ValueError, OSError):
        key = b""
    if len(key) != 32:
        raise click.UsageError(f"{file} is not a public key: 64 hexadecimal digits, as in DATA/keys/checkpoint.pub.")
    return key


log.add_command(stats)
