"""The program `gatepost`: its command tree, and how every command ends.

Exit codes: 0 done, 1 the command found a problem or failed, 2 wrong usage, 130 interrupted. A failure is one line on
stderr, `error GP-xxxx: what is wrong, and what to do`.
"""

from __future__ import annotations

import os
import sys
import warnings

import click

from gatepost import __version__
from gatepost.cli.command import Group, data_option
from gatepost.cli.values import WrongUsage
from gatepost.errors import GatepostError

COMMANDS = {
    "demo": "gatepost.cli.demo:demo",
    "serve": "gatepost.cli.serve:serve",
    "run": "gatepost.cli.run:run",
    "scan": "gatepost.cli.scan:scan",
    "server": "gatepost.cli.server:server",
    "policy": "gatepost.cli.policy:policy",
    "catalogue": "gatepost.cli.catalogue:catalogue",
    "attack": "gatepost.cli.attack:attack",
    "grant": "gatepost.cli.grant:grant",
    "connect": "gatepost.cli.connect:connect",
    "log": "gatepost.cli.log:log",
    "top": "gatepost.cli.top:top",
    "journal": "gatepost.cli.journal:journal",
    "export-data": "gatepost.cli.carry:export_data",
    "import-data": "gatepost.cli.carry:import_data",
    "doctor": "gatepost.cli.doctor:doctor",
    "completion": "gatepost.cli.completion:completion",
}

INTERRUPTED = 130
_BROKEN_PIPE = 141


@click.command(
    cls=Group,
    commands_at=COMMANDS,
    examples="""
    gatepost demo                                   # see it work, with nothing of your own
    gatepost serve                                  # run the gateway
    gatepost server add git -- uvx mcp-server-git   # in another terminal: put a server behind it
    """,
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """A policy gateway for MCP.

    Every tool call is judged, counted, recorded and forwarded, or refused with a reason.
    """


data_option(cli)


def main() -> None:
    """The entry point of the distribution."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs one command and returns its exit code. Nothing but an interpreter fault escapes as an exception."""
    try:
        code = cli.main(args=arguments, prog_name="gatepost", standalone_mode=False, color=colours())
        sys.stdout.flush()
    except click.Abort:
        code = _interrupted()
    except KeyboardInterrupt:
        code = _interrupted()
    except click.exceptions.NoArgsIsHelpError as asked:
        asked.show()
        code = asked.exit_code
    except click.ClickException as error:
        if isinstance(error, WrongUsage):
            _fail(f"error {error.code}", _one_line(error.message))
        else:
            _fail("error", error.format_message())
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(f"Try: {error.ctx.command_path} --help", err=True)
        code = error.exit_code
    except GatepostError as error:
        _fail(f"error {error.code}", _one_line(str(error)))
        code = 1
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _BROKEN_PIPE
    except Exception as error:
        if os.environ.get("GATEPOST_TRACEBACK"):
            raise
        if isinstance(error, FileNotFoundError) and _folder_is_gone():
            _fail(
                "error",
                "The folder that this was started in is no longer there. Change to another (cd), and run it again.",
            )
            return 1
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        hint = "This is a fault in Gatepost; GATEPOST_TRACEBACK=1 shows where."
        _fail("error", f"{_one_line(said)}. {hint}")
        code = 1
    return code if isinstance(code, int) else 0


def colours() -> bool | None:
    """False where NO_COLOR is set; None leaves it to whether the output is a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def _fail(word: str, text: str) -> None:
    click.echo(f"{click.style(f'{word}:', fg='red', bold=True)} {text}", err=True, color=colours())


def _folder_is_gone() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - without pathlib, which may not be loaded yet
    except FileNotFoundError:
        return True
    return False


def _interrupted() -> int:
    # Ctrl-C may come while an event loop is being made; what is left of it must not complain when it is thrown away.
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None
    click.echo(err=True)
    return INTERRUPTED


def _one_line(text: str) -> str:
    """One line, with nothing in it that could steer the terminal: parts of it may come from a server."""
    from gatepost.cli.output import clean

    return " ".join(clean(text).split())
