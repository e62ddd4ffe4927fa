"""`gatepost server set` and `gatepost server arguments`: keeping the arguments of calls, and reading them."""

from __future__ import annotations

import click

from gatepost.cli.command import Command, Place, json_option

DRIFT_MODES = ("quarantine", "warn", "off")
"""Those of `gatepost.control.pins`, here so that help needs no import; a test holds the two together."""
_SHOWN = 10


@click.command(
    "set",
    cls=Command,
    examples="""
    # Keep the arguments of its calls for a week, encrypted; then policy diff can judge them again:
    gatepost server set files --keep-arguments sealed:7d

    # Keep none any more, and delete what is kept:
    gatepost server set files --keep-arguments off

    # Tell of tools that change, and let them be used on:
    gatepost server set files --drift warn
    """,
)
@click.argument("name")
@click.option("--keep-arguments", "keeping", metavar="sealed:TIME|off", help="How long, 1m to 400d [when added: off].")
@click.option(
    "--drift",
    type=click.Choice(DRIFT_MODES),
    help="What becomes of a tool whose definition changes [when added: quarantine].",
)
@click.pass_obj
def set_(place: Place, name: str, keeping: str | None, drift: str | None) -> None:
    """Change a server's settings.

    The log holds the names of a call's arguments, and of their values only a keyed hash. --keep-arguments keeps the
    values too, beside the log, encrypted with this installation's keys, and deletes them when their time has come: for
    `gatepost policy diff`, and for auditors (`gatepost server arguments`). Nothing waits for it: what cannot be
    written is not kept. A shorter time holds at once for what is kept already.

    --drift says what becomes of a tool that is new, or whose definition is not the one that was accepted. quarantine:
    nobody sees or calls it until `gatepost server accept`. warn: it is told of, and used on. off: what the server lists
    is what counts; what waits now is accepted by that.
    """
    from gatepost.cli.session import actor, opened, value_of
    from gatepost.cli.values import given
    from gatepost.control.keeping import parse_keeping, set_keeping
    from gatepost.control.pins import set_drift_mode

    if keeping is None and drift is None:
        raise click.UsageError("Give --keep-arguments or --drift.")
    seconds = None if keeping is None else given(parse_keeping, keeping)
    with opened(place) as store:
        if drift is not None:
            _say_drift(name, drift, value_of(set_drift_mode(store, actor(), name, drift)))
        if keeping is not None:
            value_of(set_keeping(store, actor(), name, seconds))
    if keeping is not None and seconds is None:
        click.echo(f"The arguments of {name} are not kept; what was kept is deleted.")
    elif keeping is not None:
        click.echo(f"The arguments of {name} are kept for {keeping.removeprefix('sealed:')} from now on, encrypted.")


def _say_drift(name: str, mode: str, waiting: tuple[str, ...]) -> None:
    from gatepost.cli.output import clean, count

    click.echo(
        {
            "quarantine": f"A tool of {name} that changes is taken out of use until it is accepted.",
            "warn": f"A tool of {name} that changes is told of, and stays in use.",
            "off": f"What {name} lists is what counts, whatever changes.",
        }[mode]
    )
    if waiting:
        names = ", ".join(clean(tool) for tool in waiting[:_SHOWN])
        click.echo(f"{count(len(waiting), 'tool')} to be accepted (gatepost server accept {name}): {names}")


@click.command(
    "arguments",
    cls=Command,
    examples="""
    gatepost server arguments files --since 2026-11-20
    gatepost server arguments files --call 18a9f2c3d4e5f6a70001deadbeef
    """,
)
@click.argument("name")
@click.option("--since", metavar="WHEN", help="From then on: 2h ago is 2h; or 2026-11-20, or with a time.")
@click.option("--call", metavar="ID", help="Of this call only: its decision id in the log.")
@json_option
@click.pass_obj
def arguments(place: Place, name: str, since: str | None, call: str | None, as_json: bool) -> int:
    """Show the arguments that are kept of a server's calls.

    For an auditor. Only servers that were told to with `gatepost server set` keep any; --json prints a line for each
    call. Exit code 1 where there are none.
    """
    from gatepost.cli.output import clean, local, utc
    from gatepost.cli.session import opened
    from gatepost.cli.values import moment
    from gatepost.control.jsontext import dumps, members
    from gatepost.control.keeping import kept_arguments
    from gatepost.control.servers import show_server
    from gatepost.wire import strictjson

    start, shown = moment(since), 0
    with opened(place) as store:
        show_server(store, name)
        for each in kept_arguments(store).all_of(name, since=start):
            if call is not None and each.decision_id != call:
                continue
            shown += 1
            text = strictjson.write(each.arguments).decode()  # numbers as they were written
            if as_json:
                click.echo(members(time=dumps(utc(each.at)), decision_id=dumps(each.decision_id), arguments=text))
            else:
                click.echo(f"{local(each.at)}  {each.decision_id}  {clean(text)}")
    if not shown:
        click.echo("None are kept of it.", err=True)
    return 0 if shown else 1


def span(seconds: int) -> str:
    """A length of time in its largest whole unit: `7d`, `36h`."""
    size, unit = next(
        (size, unit) for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")) if seconds % size == 0
    )
    return f"{seconds // size}{unit}"
