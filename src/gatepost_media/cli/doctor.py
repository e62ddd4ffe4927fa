"""`gatepost-media doctor`: whether the services can be used, and what to do where one cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gatepost_media.cli.command import Command

if TYPE_CHECKING:
    from gatepost_media.cli.probes import Finding
    from gatepost_media.common.settings import Settings

_SERVICES = ("folder", "plex", "trakt", "sonarr", "radarr")
_COLOURS = {"ok": "green", "note": "blue", "problem": "red"}


@click.command(
    "doctor",
    cls=Command,
    examples="""
    gatepost-media doctor
    gatepost-media doctor --skip sonarr --skip radarr
    gatepost-media doctor --json | jq '.findings[] | select(.level == "problem")'
    """,
)
@click.option(
    "--skip",
    type=click.Choice(_SERVICES),
    multiple=True,
    metavar="SERVICE",
    help=f"Leave a service out; may be repeated. One of {', '.join(_SERVICES)}.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 600),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="How long each service may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(skip: tuple[str, ...], timeout: float, as_json: bool) -> int:
    """Ask every configured service whether it can be used, and say what to do where not.

    Reads the same environment as the servers: PLEX_URL, PLEX_TOKEN, TRAKT_CLIENT_ID, TRAKT_CLIENT_SECRET, SONARR_URL,
    SONARR_API_KEY, RADARR_URL, RADARR_API_KEY. Nothing is changed. Exit code 1 where there is a problem; a service that
    is not configured is none.
    """
    import asyncio

    from gatepost_media.cli.probes import Finding
    from gatepost_media.common.errors import NotConfigured
    from gatepost_media.common.settings import Settings

    try:
        settings = Settings.from_environment()
    except NotConfigured as error:
        found = [Finding("environment", "problem", str(error))]
        if not as_json:
            _show(found[0])
    else:
        found = asyncio.run(_examine(settings, skip, timeout, quiet=as_json))
    problems = sum(1 for finding in found if finding.level == "problem")
    if as_json:
        import json

        findings = [finding.as_dict() for finding in found]
        click.echo(json.dumps({"ok": not problems, "problems": problems, "findings": findings}, indent=2))
    else:
        said = "1 problem." if problems == 1 else f"{problems} problems."
        click.echo(click.style(said, bold=True) if problems else "Nothing is wrong.")
    return 1 if problems else 0


async def _examine(settings: Settings, skip: tuple[str, ...], seconds: float, *, quiet: bool) -> list[Finding]:
    from gatepost_media.cli.probes import examine

    found: list[Finding] = []
    async for finding in examine(settings, skip, seconds):
        found.append(finding)
        if not quiet:
            _show(finding)
    return found


def _show(finding: Finding) -> None:
    text = "".join(character if character.isprintable() else "?" for character in finding.text)
    level = click.style(finding.level.ljust(7), fg=_COLOURS[finding.level])
    click.echo(f"{finding.service.ljust(11)}  {level}  {text}")
    if finding.mend:
        click.echo(f"                      → {finding.mend}")
