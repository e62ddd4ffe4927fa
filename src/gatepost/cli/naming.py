"""What a shell completes where a command wants a name: those of servers, policies, grants and tools in the store.

Nothing but the standard library is loaded for it, and what cannot be read completes nothing.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.cli.command import Place

_QUERIES: Final = {
    "server": "SELECT name, '' FROM servers ORDER BY name",
    "policy": "SELECT name, coalesce('for ' || server, '') FROM policies ORDER BY name",
    "grant": "SELECT label, 'for ' || server FROM grants WHERE revoked IS NULL ORDER BY label",
    "tool": "SELECT name, 'of ' || group_concat(server, ', ') FROM definitions GROUP BY name ORDER BY name",
}
_SERVER_OF: Final = (  # of a token's digest
    "SELECT server FROM grants JOIN grant_tokens ON grant_id = grants.id WHERE digest = ? AND revoked IS NULL"
)
_ALL_OPTIONS: Final = {"--server": "server", "--policy": "policy", "--grant": "grant", "--tool": "tool"}
_ARGUMENTS: Final = {
    "label": "grant",
    "server": "server",
    "policy": "policy",
    "tool": "tool",
    "servers": "server",
    "what": "server",
}
_GROUPS: Final = {"server": "server", "policy": "policy", "grant": "grant"}
_NEW: Final = {("server", "add"), ("grant", "add")}
"""Commands whose own name is one that is not there yet."""
_PATIENCE: Final = 0.5


class _Name(StringParamType):
    """A text that may be the name of something in the store; which, the parameter's own name tells."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from gatepost.cli.command import Place

        kind = _kind(ctx, param)
        place = ctx.find_object(Place)
        if kind is None or place is None:
            return []
        found = known_names(place, kind) or []
        items = [CompletionItem(name, help=about or None) for name, about in found if name.startswith(incomplete)]
        if kind == "policy" and not items:
            return [CompletionItem(incomplete, type="file")]  # where a policy is wanted, a file of one often does
        return items


_NAME: Final = _Name()


def complete_names(command: click.Command) -> None:
    """Lets the command's plain texts be completed."""
    for parameter in command.params:
        if parameter.type is click.STRING:
            parameter.type = _NAME


def _kind(context: click.Context, parameter: click.Parameter) -> str | None:
    if isinstance(parameter, click.Option):
        return next((_ALL_OPTIONS[option] for option in parameter.opts if option in _ALL_OPTIONS), None)
    group = (context.parent.info_name if context.parent else None) or ""
    if (group, context.info_name) in _NEW:
        return None
    return _GROUPS.get(group) if parameter.name in ("name", "names") else _ARGUMENTS.get(parameter.name or "")


def known_names(place: Place, kind: str) -> list[tuple[str, str]] | None:
    """The names of all that is a `server`, `policy`, `grant` or `tool`, each with a few words on it.

    None where there is no store, or none that can be read.
    """
    found = _asked(place, _QUERIES[kind])
    return None if found is None else [(name, about) for name, about in found]


def server_of_token(place: Place, digest: str) -> str | None:
    """The server whose calls a token may make, by its digest; None where no living grant here has it."""
    found = _asked(place, _SERVER_OF, digest)
    return found[0][0] if found else None


def _asked(place: Place, query: str, *values: str) -> list[tuple[str, ...]] | None:
    import sqlite3

    from gatepost.errors import GatepostError

    try:
        path: Path = place.folder(create=False).store
        address = f"{path.as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE)) as store:
            return [tuple(str(value) for value in row) for row in store.execute(query, values)]
    except (sqlite3.Error, OSError, GatepostError):
        return None
