"""How commands are made: loaded when used, `--data` everywhere, examples under the help.

A command's module imports nothing heavy at its top; what a command needs, its function imports.
"""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from gatepost.cli.naming import complete_names

if TYPE_CHECKING:
    from gatepost.paths import DataFolder

_C = TypeVar("_C", bound=click.Command)
_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(slots=True)
class Place:
    """Which data folder the command line named, if any; shared by a command and all groups above it."""

    data: str | None = None

    def folder(self, *, create: bool = True) -> DataFolder:
        """The data folder: `--data`, else GATEPOST_DATA, else the platform's. Raises GatepostError GP-5003."""
        from gatepost.paths import DataFolder, data_folder

        return DataFolder(data_folder(self.data), create=create)


class _Formatter(click.HelpFormatter):
    """Help with bold headings and coloured names; a terminal that wants no colours gets the text alone."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, click.style(prefix or "Usage: ", bold=True))

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{click.style(f'{heading}:', bold=True)}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(click.style(name, fg="cyan"), text) for name, text in rows], col_max, col_spacing)


class _Context(click.Context):
    formatter_class = _Formatter


class _Examples:
    """Prints the examples under a command's options, as written."""

    examples: str

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not self.examples:
            return
        formatter.write(f"\n{click.style('Examples:', bold=True)}\n")
        for line in self.examples.splitlines():
            shown = click.style(line, dim=True) if line.startswith("#") else line
            formatter.write(f"  {shown}\n" if line else "\n")


class Command(_Examples, click.Command):
    """A command with `--data` and examples."""

    context_class = _Context

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = textwrap.dedent(examples).strip()
        complete_names(self)
        data_option(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; an option of a server's program is told from one that does not exist."""
        ended = "--" in args
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if ended or not any(each.name == "command" and each.nargs == -1 for each in self.params):
                raise
            said = f"{error.format_message()} If it is for the server's program, put -- before the program's name."
            raise click.NoSuchOption(error.option_name, said, ctx=ctx) from None


class Group(_Examples, click.Group):
    """A group whose commands may be named as "module:attribute" and are imported when they are asked for."""

    context_class = _Context

    def __init__(
        self, *args: Any, commands_at: Mapping[str, str] | None = None, examples: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examples = textwrap.dedent(examples).strip()
        self._commands_at = dict(commands_at or {})

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """In the order in which they were written down, which is the order of a first day's work."""
        return [*self._commands_at, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = self._commands_at.get(cmd_name)
        if target is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = target.partition(":")
        loaded = getattr(importlib.import_module(module), attribute)
        assert isinstance(loaded, click.Command)
        return loaded


def group(name: str, *, examples: str = "") -> Callable[[Callable[..., Any]], Group]:
    """Makes a group of commands with `--data`."""

    def wrap(function: Callable[..., Any]) -> Group:
        return data_option(click.command(name, cls=Group, examples=examples)(function))

    return wrap


def data_option(command: _C) -> _C:
    """Adds `--data DIR`; named at several levels, the innermost counts."""

    def keep(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        place = context.ensure_object(Place)
        if value is not None:
            place.data = value

    command.params.append(
        click.Option(
            ["--data"],
            metavar="DIR",
            help="The data folder [default: GATEPOST_DATA, else the platform's user data folder].",
            expose_value=False,
            callback=keep,
            # Before the other options' callbacks, which may look into the folder.
            is_eager=True,
        )
    )
    return command


_SERVER_OPTIONS: Final = (
    click.option("--url", metavar="URL", help="Where the server is reached over HTTP."),
    click.option(
        "--header",
        "headers",
        multiple=True,
        metavar='"Name: SOURCE"',
        help="Sent with every request; SOURCE is @FILE, env:NAME or - (standard input). May be repeated.",
    ),
    click.option(
        "--env",
        "variables",
        multiple=True,
        metavar="K=V",
        help="A variable for the program; V may be @FILE or env:NAME. May be repeated.",
    ),
)


def server_options(function: _F) -> _F:
    """`--url`, `--header` and `--env`: where a server is, and what it is given."""
    for option in reversed(_SERVER_OPTIONS):
        function = option(function)
    return function


def json_option(function: _F) -> _F:
    """Adds `--json`, passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC.")(function)
