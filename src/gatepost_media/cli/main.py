"""The program `gatepost-media`: its command tree, and how every command ends.

Exit codes: 0 done, 1 the command found a problem or failed, 2 wrong usage, 130 interrupted. A failure is one line on
stderr, never on stdout: a server on stdio owns stdout for protocol frames.
"""

from __future__ import annotations

import os
import sys

import click

from gatepost_media import __version__
from gatepost_media.cli.command import Group

COMMANDS = {
    "plex": "gatepost_media.cli.plex:plex",
    "trakt": "gatepost_media.cli.trakt:trakt",
    "sandbox": "gatepost_media.cli.sandbox:sandbox",
    "doctor": "gatepost_media.cli.doctor:doctor",
}

INTERRUPTED = 130


@click.command(
    cls=Group,
    commands_at=COMMANDS,
    context_settings={"max_content_width": 120},
    examples="""
    gatepost-media sandbox                     # stand-ins for Plex, Trakt, Sonarr and Radarr, with nothing of your own
    gatepost-media plex --list                 # which tools the Plex server offers
    PLEX_URL=http://127.0.0.1:32400 PLEX_TOKEN=… gatepost-media plex
    """,
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """MCP servers for Plex and Trakt, and a sandbox to try them on."""


def main() -> None:
    """The entry point of the distribution."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs one command and returns its exit code."""
    try:
        code = cli.main(args=arguments, prog_name="gatepost-media", standalone_mode=False)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        click.echo(err=True)
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as asked:
        asked.show()
        return asked.exit_code
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(f"Try: {error.ctx.command_path} --help", err=True)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from gatepost_media.common.errors import MediaError

        if not isinstance(error, MediaError):
            raise
        click.echo(f"error: {error}", err=True)
        return 1
    return code if isinstance(code, int) else 0
