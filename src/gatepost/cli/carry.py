"""`gatepost export-data` and `gatepost import-data`: a whole data folder in one file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatepost.cli.command import Command, Place, json_option

if TYPE_CHECKING:
    from gatepost.carry import Brought


@click.command(
    "export-data",
    cls=Command,
    examples="""
    gatepost export-data backup.tar.gz                 # without the keys

    # With the keys, sealed with a passphrase that is asked for:
    gatepost export-data --with-keys move.tar.gz
    gatepost export-data --with-keys --passphrase @passphrase.txt nightly.tar.gz
    """,
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--with-keys", is_flag=True, help="The keys, too, sealed with a passphrase.")
@click.option("--passphrase", metavar="SOURCE", help="@FILE, env:NAME or - [default: it is asked for].")
@json_option
@click.pass_obj
def export_data(place: Place, file: Path, with_keys: bool, passphrase: str | None, as_json: bool) -> None:
    """Write the whole data folder into FILE.

    That is the configuration, the log, and the catalogue's index where there is one; also while serve runs. Without
    --with-keys the keys stay out, and somebody who has the file can open no credential with it; it is a backup
    beside which keys/ has to be kept. FILE must not be there yet. Arguments that are kept for a time are left out:
    they have to be gone after it.
    """
    from gatepost.carry import take
    from gatepost.cli.output import count, emit
    from gatepost.cli.session import actor, opened
    from gatepost.control.act import Act
    from gatepost.control.sizes import spoken_size

    if passphrase is not None and not with_keys:
        raise click.UsageError("--passphrase is for --with-keys.")
    secret = _passphrase(passphrase, new=True) if with_keys else None
    with opened(place, of_run=True) as store:
        taken = take(store.folder, file.absolute(), passphrase=secret)
        with Act(store, actor()) as act:
            act.record("data.export", "data", after={"file": file.name, "keys": taken.keys, "rows": taken.rows})
        for warning in act.done(None).warnings:
            click.echo(f"warning: {warning}", err=True)
    if as_json:
        emit({"file": str(taken.file), "bytes": taken.size, "rows": taken.rows, "keys": taken.keys})
        return
    records = count(sum(taken.rows.values()), "record")
    click.echo(f"Written to {taken.file}: the configuration and {records}, {spoken_size(taken.size)}.")
    if not taken.keys:
        click.echo(f"The keys are not in it; keep a copy of {store.folder.keys} apart from it, or use --with-keys.")


@click.command(
    "import-data",
    cls=Command,
    examples="""
    gatepost import-data move.tar.gz                        # asks for the passphrase of the keys
    gatepost --data /var/lib/gatepost import-data backup.tar.gz --keys /safe/keys

    # Only look whether it could be imported:
    gatepost import-data backup.tar.gz --check
    """,
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--keys", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="A backup of keys/.")
@click.option("--passphrase", metavar="SOURCE", help="@FILE, env:NAME or - [default: it is asked for].")
@click.option("--without-keys", is_flag=True, help="Leave out the keys that are in FILE.")
@click.option("--check", is_flag=True, help="Look whether it is whole and verifies, and put nothing in place.")
@json_option
@click.pass_obj
def import_data(
    place: Place,
    file: Path,
    keys: Path | None,
    passphrase: str | None,
    without_keys: bool,
    check: bool,
    as_json: bool,
) -> None:
    """Make what export-data wrote into FILE the data folder.

    The folder must not be there yet, or be empty. Everything is unpacked beside it and checked, every record of the log
    verified, and then put in place in one step. It goes back in time: a grant that was revoked since the export is
    alive again.
    """
    from gatepost.carry import bring
    from gatepost.cli.output import emit
    from gatepost.paths import data_folder

    if sum((keys is not None, passphrase is not None, without_keys)) > 1:
        raise click.UsageError("Of --keys, --passphrase and --without-keys only one can be meant.")
    root = data_folder(place.data)
    asked = None if without_keys or (check and passphrase is None) else lambda: _passphrase(passphrase, new=False)
    brought = bring(file, root, passphrase=asked, keys=keys, check=check)
    warnings = [] if check or not brought.keys else _record(place, file, brought)
    missing = _will_not_work(brought, root)
    if as_json:
        emit(
            {
                "data": None if check else str(root),
                "version": brought.version,
                "time": brought.time,
                "rows": brought.rows,
                "servers": brought.servers,
                "keys": brought.keys,
                "will_not_work": missing,
            }
        )
        return
    _show(brought, root, check=check)
    for line in (*warnings, *missing):
        click.echo(f"warning: {line}", err=True)


def _show(brought: Brought, root: Path, *, check: bool) -> None:
    from gatepost.cli.output import count, local

    what = f"{count(len(brought.servers), 'server')}, {count(brought.rows, 'record')} that verify"
    made = f"made {local(brought.time)} by version {brought.version}"
    if check:
        click.echo(f"It can be imported: {what}; {made}.")
        return
    click.echo(f"Imported into {root}: {what}; {made}.")
    click.echo("Whatever was revoked or rotated since then is alive again: see `gatepost grant list`.")


def _will_not_work(brought: Brought, root: Path) -> list[str]:
    """What does not work without the keys, in sentences."""
    if brought.keys:
        return []
    lacking = ["The keys in the export stay sealed." if brought.passphrase else "The keys are not in the export."]
    lacking.append(f"No command but `log verify` works until the files of keys/ are restored into {root / 'keys'}.")
    if brought.sealed:
        lacking.append(f"Without them the credentials of {', '.join(brought.sealed)} cannot be opened by anybody.")
    return lacking


def _record(place: Place, file: Path, brought: Brought) -> list[str]:
    """Tells of it in the log of the folder; returns warnings."""
    from gatepost.cli.session import actor, opened
    from gatepost.control.act import Act

    with opened(place) as store:
        with Act(store, actor()) as act:
            act.record("data.import", "data", after={"file": file.name, "exported": brought.time, "rows": brought.rows})
        return list(act.done(None).warnings)


def _passphrase(source: str | None, *, new: bool) -> str:
    import sys

    from gatepost.cli.values import given
    from gatepost.control.secrets import read_secret

    if source is not None:
        return given(read_secret, source)
    if not sys.stdin.isatty():
        raise click.UsageError(
            "There is no terminal to ask for the passphrase on: name --passphrase @FILE or env:NAME."
        )
    return str(click.prompt("Passphrase of the keys", hide_input=True, confirmation_prompt=new, err=True))
