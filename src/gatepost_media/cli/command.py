"""How commands are made: loaded when used, with examples under the help."""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from gatepost_media.common.tools import Toolset

_F = TypeVar("_F", bound=Callable[..., Any])


class _Examples:
    examples: str

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Prints the examples under a command's options, as written."""
        if self.examples:
            formatter.write("\nExamples:\n")
            for line in self.examples.splitlines():
                formatter.write(f"  {line}\n" if line else "\n")


class Command(_Examples, click.Command):
    """A command with examples."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = textwrap.dedent(examples).strip()


class Group(_Examples, click.Group):
    """A group whose commands are named as "module:attribute" and imported when they are asked for."""

    def __init__(self, *args: Any, commands_at: Mapping[str, str], examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = textwrap.dedent(examples).strip()
        self._commands_at = dict(commands_at)

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """In the order in which they were written down."""
        return list(self._commands_at)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        target = self._commands_at.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        loaded = getattr(importlib.import_module(module), attribute)
        assert isinstance(loaded, click.Command)
        return loaded


def serving_options(port: int) -> Callable[[_F], _F]:
    """Adds the options of a command that serves; `serve` takes them.

    Args:
        port: the one for --http where none is named; each server has its own, so that they run beside each other.
    """

    def add(function: _F) -> _F:
        for option in reversed(_serving_options(port)):
            function = option(function)
        return function

    return add


def _serving_options(port: int) -> tuple[Callable[[_F], _F], ...]:
    return (
        click.option("--write", is_flag=True, help="Offer the tools that change something as well."),
        click.option(
            "--profile", "profiles", multiple=True, metavar="NAME", help="Offer only these tools; may be repeated."
        ),
        click.option("--http", is_flag=True, help="Serve streamable HTTP on loopback instead of stdio."),
        click.option("--host", default="127.0.0.1", show_default=True, help="Loopback address for --http."),
        click.option("--port", default=port, show_default=True, type=click.IntRange(0, 65535), help="Port for --http."),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path),
            help="File with the bearer token for --http [default: GATEPOST_MEDIA_TOKEN, else http-token in the "
            "home folder, made if missing].",
        ),
        click.option("--list", "only_list", is_flag=True, help="Print the tools that would be offered, and end."),
        click.option("--json", "as_json", is_flag=True, help="With --list: print JSON."),
    )


def serve(
    load: Callable[[], Toolset],
    *,
    write: bool,
    profiles: Sequence[str],
    http: bool,
    host: str,
    port: int,
    token_file: Path | None,
    only_list: bool,
    as_json: bool,
) -> None:
    """Serves a toolset as the options say; `load` makes it, once everything that is quick to check was.

    Raises click.BadParameter for a profile that it does not have.
    """
    if only_list:
        toolset = load()
        _print_tools(toolset, write=write, profiles=_profiles(toolset, profiles), as_json=as_json)
        return
    from gatepost_media.common.access import http_token, listen
    from gatepost_media.common.settings import Settings

    settings = Settings.from_environment()
    if http:
        token, file = http_token(settings, token_file)
        listener = listen(host, port)
    toolset = load()
    chosen = _profiles(toolset, profiles)
    from gatepost_media.common.serve import build, run_http, run_stdio

    server = build(toolset, settings, write=write, profiles=chosen)
    if not http:
        run_stdio(server)
        return
    if file is not None:
        click.echo(f"bearer token in {file}", err=True)
    run_http(server, listener, token=token)


def _profiles(toolset: Toolset, asked: Sequence[str]) -> tuple[str, ...]:
    known = ["full", *toolset.profiles]
    for name in asked:
        if name not in known:
            raise click.BadParameter(f"{name!r} is none of {', '.join(known)}.", param_hint="--profile")
    return tuple(asked) or ("full",)


def _print_tools(toolset: Toolset, *, write: bool, profiles: Sequence[str], as_json: bool) -> None:
    import json

    tools = toolset.listed(write=write, profiles=profiles)
    if as_json:
        rows = [
            {"name": each.name, "title": each.title, "effect": each.effect, "arguments": each.arguments.names}
            for each in tools
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    widest = max((len(each.name) for each in tools), default=0)
    for each in tools:
        click.echo(f"{each.name.ljust(widest)}  {each.effect.ljust(11)}  {each.title}")
    click.echo(f"{len(tools)} tools", err=True)
