"""`gatepost journal`: how long the log is kept, and removing what is too old or too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.command import Command, Place, group, json_option

if TYPE_CHECKING:
    from gatepost.control.retention import Retention
    from gatepost.paths import DataFolder

_SECONDS = 5.0
_COMPACT_SECONDS = 600.0
_NONE = "none"


@group(
    "journal",
    examples="""
    gatepost journal retention --max-age 90d
    gatepost journal compact --dry-run
    """,
)
def journal() -> None:
    """How long the log is kept, and removing what is older."""


@journal.command(
    "retention",
    cls=Command,
    examples="""
    gatepost journal retention                    # what is set, and what lies in the folder
    gatepost journal retention --max-age 90d --max-bytes 20GB
    gatepost journal retention --max-bytes none   # no bound on the size any more
    """,
)
@click.option("--max-age", metavar="DURATION", help="Remove what is older, such as 90d or 12w; none: no bound.")
@click.option("--max-bytes", metavar="SIZE", help="Keep so much of each chain, such as 20GB; none: no bound.")
@json_option
@click.pass_obj
def retention(place: Place, max_age: str | None, max_bytes: str | None, as_json: bool) -> None:
    """Show or set how long the log is kept.

    Whole segments are removed, the oldest first, of each chain: by a running serve at once and then each hour, else at
    the next start. What the next start needs for its counters stays, and so does the newest segment. Each removal is a
    signed record in the log, by which the rest still verifies. GATEPOST_LOG_MAX_AGE and GATEPOST_LOG_MAX_BYTES of
    serve go before what is set here.
    """
    from gatepost.cli.output import emit
    from gatepost.cli.session import actor, opened, value_of
    from gatepost.control.retention import Retention, read_retention, set_retention

    with opened(place, of_run=True) as store:
        kept = read_retention(store)
        if max_age is not None or max_bytes is not None:
            wanted = Retention(_age(max_age, kept.max_age), _size(max_bytes, kept.max_bytes))
            kept = value_of(set_retention(store, actor(), wanted))
            running = _ask(store.folder, {"op": "retention", "apply": True})
        else:
            running = _ask(store.folder, {"op": "retention"})
        chains = _chains(store.folder)
    if as_json:
        emit({"set": kept.as_dict(), "serve": running, "chains": chains})
        return
    click.echo(f"Set: {_bounds(kept)}.")
    if running is not None:
        forced = Retention(**running["environment"])
        if forced.bounded:
            click.echo(f"The running serve was started with: {_bounds(forced)}. That goes before.")
    elif kept.bounded:
        click.echo("No serve runs; it is applied at the next start, or by: gatepost journal compact")
    _show(chains)


@journal.command(
    "compact",
    cls=Command,
    examples="""
    gatepost journal compact --dry-run             # what would go by what is set
    gatepost journal compact --max-age 30d         # this once
    """,
)
@click.option("--max-age", metavar="DURATION", help="Remove what is older [default: what is set].")
@click.option("--max-bytes", metavar="SIZE", help="Keep so much of each chain [default: what is set].")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@json_option
@click.pass_obj
def compact(place: Place, max_age: str | None, max_bytes: str | None, dry_run: bool, as_json: bool) -> None:
    """Remove what is too old or too much now.

    As serve does each hour, and while it runs: only whole segments go, a signed record says which, and the log still
    verifies. The index gives back what it no longer needs. Export first what has to be kept longer.
    """
    from gatepost.audit import Index
    from gatepost.cli.output import emit
    from gatepost.cli.session import opened
    from gatepost.control.retention import Retention, read_retention
    from gatepost.processes import retaining

    bounds = Retention(_age(max_age, None), _size(max_bytes, None))
    with opened(place, of_run=True) as store:
        if not bounds.bounded:
            running = _ask(store.folder, {"op": "retention"})
            bounds = read_retention(store) if running is None else Retention(**running["in_force"])
        if not bounds.bounded:
            raise click.UsageError("Nothing is set, so nothing would go: name --max-age or --max-bytes.")
        request = {"op": "compact", "dry_run": dry_run, **bounds.as_dict()}
        done = _ask(store.folder, request, seconds=_COMPACT_SECONDS)
        if done is None:
            index = Index(store.folder.index, store.folder.journal)
            try:
                done = retaining.compact(store.folder, store, index, bounds, dry_run=dry_run)
            finally:
                index.close()
    if as_json:
        emit({"dry_run": dry_run, **done})
    else:
        _show_removed(done, dry_run=dry_run)


def _age(text: str | None, before: int | None) -> int | None:
    from gatepost.cli.values import duration

    if text is None:
        return before
    return None if text == _NONE else duration(text)


def _size(text: str | None, before: int | None) -> int | None:
    from gatepost.cli.values import given
    from gatepost.control.sizes import parse_size

    if text is None:
        return before
    return None if text == _NONE else given(parse_size, text)


def _ask(data: DataFolder, request: dict[str, Any], *, seconds: float = _SECONDS) -> dict[str, Any] | None:
    """The worker's answer, or None where none runs."""
    from gatepost.processes.ops import ask_now

    return ask_now(data.socket("worker.sock"), request, seconds=seconds)


def _bounds(kept: Retention) -> str:
    from gatepost.control.sizes import spoken_size

    words = []
    if kept.max_age is not None:
        words.append(f"rows are kept for {kept.max_age / 86400:g} days")
    if kept.max_bytes is not None:
        words.append(f"each chain keeps {spoken_size(kept.max_bytes)}")
    return " and ".join(words) or "everything is kept"


def _chains(data: DataFolder) -> list[dict[str, Any]]:
    """Of each chain: its segments, bytes, and the times of its first and last row."""
    from gatepost.journal.segments import chains, first_row, last_row, segments

    found = []
    for folder in chains(data.journal):
        files = segments(folder)
        first, last = first_row(files[0].path), last_row(files[-1].path) or {}
        found.append(
            {
                "chain": folder.name,
                "segments": len(files),
                "bytes": sum(segment.path.stat().st_size for segment in files),
                "first_seq": files[0].first,
                "last_seq": last.get("seq"),
                "since": (first or {}).get("time"),
                "until": last.get("time"),
            }
        )
    return found


def _show(chains: list[dict[str, Any]]) -> None:
    from gatepost.cli.output import local, table
    from gatepost.control.sizes import spoken_size

    if chains:
        click.echo()
        table(
            ["CHAIN", "SEGMENTS", "SIZE", "RECORDS", "SINCE"],
            [
                [
                    each["chain"],
                    f"{each['segments']:,}",
                    spoken_size(each["bytes"]),
                    f"{each['first_seq']:,} to {each['last_seq'] or 0:,}",
                    local(each["since"]),
                ]
                for each in chains
            ],
        )


def _show_removed(done: dict[str, Any], *, dry_run: bool) -> None:
    from gatepost.cli.output import clean, count
    from gatepost.control.sizes import spoken_size

    word = "Would go" if dry_run else "Removed"
    for each in done["removed"]:
        click.echo(
            f"{word} of the chain {clean(each['chain'])}: records {each['first_seq']:,} to {each['last_seq']:,}, "
            f"{count(each['segments'], 'segment')}, {spoken_size(each['bytes'])}."
        )
    if not done["removed"]:
        click.echo("No whole segment is over the bounds and no longer needed.")
    if done["index_bytes"]:
        click.echo(f"The index gave back {spoken_size(done['index_bytes'])}.")
