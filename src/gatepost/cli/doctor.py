"""`gatepost doctor`: what is wrong, and the command that mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gatepost.cli.command import Command, Place, json_option

if TYPE_CHECKING:
    from gatepost.doctor.finding import Finding
    from gatepost.doctor.patient import Patient

_CHECKS = ("permissions", "disk", "keys", "store", "serve", "journal", "index", "clocks", "upstreams", "clients")
_COLOURS = {"ok": "green", "note": "blue", "warning": "yellow", "problem": "red"}


@click.command(
    "doctor",
    cls=Command,
    examples="""
    gatepost doctor
    gatepost doctor --deep                 # reads and verifies the whole log
    gatepost doctor --skip upstreams       # starts no program and asks no server
    gatepost doctor --json | jq '.findings[] | select(.level == "problem")'
    """,
)
@click.option("--deep", is_flag=True, help="Verify every record of the log, and read the databases whole.")
@click.option(
    "--skip",
    type=click.Choice(_CHECKS),
    multiple=True,
    metavar="CHECK",
    help=f"Leave a check out; may be repeated. One of {', '.join(_CHECKS)}.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 600),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="How long each server may take to answer.",
)
@json_option
@click.pass_obj
def doctor(place: Place, deep: bool, skip: tuple[str, ...], timeout: float, as_json: bool) -> int:
    """Say what is wrong, and the command that mends it.

    Looked at are the folder and its permissions, the disk, the keys, the store, the running serve with its ports and
    certificate, the log and its index, the clock, every server (all are asked at once; programs are started for it),
    and the files of the clients on this machine. Nothing is changed. Exit code 1 where there is a problem.
    """
    import asyncio

    from gatepost.cli.output import count, emit

    try:
        patient = _patient(place, deep, timeout)
    except _Nothing as nothing:
        found = [nothing.finding]
        if not as_json:
            _show(nothing.finding, None)
    else:
        found = asyncio.run(_examine(patient, skip, quiet=as_json))
    problems = sum(1 for finding in found if finding.level == "problem")
    warnings = sum(1 for finding in found if finding.level == "warning")
    if as_json:
        findings = [finding.as_dict() for finding in found]
        emit({"ok": not problems, "problems": problems, "warnings": warnings, "findings": findings})
    else:
        click.echo()
        said = f"{count(problems, 'problem')}, {count(warnings, 'warning')}."
        click.echo(click.style(said, bold=True) if problems or warnings else "Nothing is wrong.")
    return 1 if problems else 0


class _Nothing(Exception):
    """There is nothing to look at."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding


def _patient(place: Place, deep: bool, seconds: float) -> Patient:
    from pathlib import Path

    from gatepost.connect.clients import Surroundings
    from gatepost.doctor.finding import Finding
    from gatepost.doctor.patient import Patient
    from gatepost.errors import GatepostError

    try:
        data = place.folder(create=False)
    except GatepostError as error:
        raise _Nothing(Finding("permissions", "problem", error.message, error.hint)) from None
    if not any(part.exists() for part in (data.keys, data.journal, data.store, data.index)):
        raise _Nothing(
            Finding(
                "permissions",
                "problem",
                f"There is no Gatepost in {data.root} yet.",
                "gatepost demo shows it at work; gatepost serve begins; or name its folder with --data.",
            )
        )
    return Patient(data, deep, seconds, Surroundings.here(), Path.cwd(), explicit=place.data is not None)


async def _examine(patient: Patient, skip: tuple[str, ...], *, quiet: bool) -> list[Finding]:
    from gatepost.doctor.examine import examine

    found: list[Finding] = []
    async for finding in examine(patient, skip=skip):
        if not quiet:
            _show(finding, found[-1] if found else None)
        found.append(finding)
    return found


def _show(finding: Finding, before: Finding | None) -> None:
    from gatepost.cli.output import clean, heading, style

    if before is None or before.check != finding.check:
        heading(finding.check)
    click.echo(f"  {style(finding.level.ljust(7), fg=_COLOURS[finding.level])}  {clean(finding.text)}")
    for line in finding.mend.splitlines():
        click.echo(f"           {style('→', dim=True)} {clean(line)}")
