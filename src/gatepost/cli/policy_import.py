"""`gatepost policy import`: other programs' rules as policies, with every meaning that differs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatepost.cli.command import Command, Place, json_option

if TYPE_CHECKING:
    from gatepost.importing.converted import Converted
    from gatepost.importing.permissions import Tools


@click.command(
    "import",
    cls=Command,
    examples="""
    # A policy of PolicyLayer Intercept; the policy goes to stdout, what differs to stderr:
    gatepost policy import github.yaml > github.json
    gatepost policy add github github.json --server github

    # What Claude Code may do with one of its servers, tool by tool as that server lists them:
    gatepost policy import ~/.claude/settings.json --server github > github.json

    # Codex, all servers at once:
    gatepost policy import ~/.codex/config.toml --out policies/
    """,
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--server", metavar="S", help="Only this server, as the file names it; its tools are looked up here.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write SERVER.json into it."
)
@click.option(
    "--scope",
    type=click.Choice(["server", "grant", "identity"]),
    default="server",
    show_default=True,
    help="Whose counters Intercept's become.",
)
@json_option
@click.pass_obj
def import_(place: Place, file: Path, server: str | None, out: Path | None, scope: str, as_json: bool) -> int:
    """Make policies of another program's rules.

    FILE is a policy of PolicyLayer Intercept (YAML), a settings.json of Claude Code (permissions.allow, deny, ask) or a
    config.toml of Codex (enabled_tools, disabled_tools, approval modes). Every meaning that differs is listed, with its
    place. What cannot be said is refused in the policy, never let through, and marked so.

    Nothing is stored: look at what was made, then `gatepost policy add`. Where the server is registered here under the
    same name, Claude Code's and Codex's globs and modes are spelled out for each of its tools.

    Exit code 1 where something was refused because it could not be said.
    """
    from gatepost.cli.output import emit
    from gatepost.errors import GatepostError
    from gatepost.importing.converted import CannotConvert

    try:
        made = _made(place, file, scope)
    except CannotConvert as why:
        raise GatepostError("GP-4005", f"{file} {why}.", "Nothing was made of it.") from None
    if server is not None and [each.server for each in made] != [None]:
        wanted = [each for each in made if each.server == server]
        if not wanted:
            named = ", ".join(str(each.server) for each in made)
            raise GatepostError("GP-4003", f"{file} says nothing of {server!r}.", f"It names {named}.")
        made = wanted
    if as_json:
        emit([_as_dict(each) for each in made])
    elif out is not None:
        _write(made, out, file)
    elif len(made) > 1:
        named = ", ".join(str(each.server) for each in made)
        raise click.UsageError(
            f"{file} is about several servers: {named}. Choose one with --server, or write --out DIR."
        )
    if not as_json:
        _report(made)
        if out is None:
            click.echo(_text(made[0].document), nl=False)
    return 1 if any(note.refused for each in made for note in each.notes) else 0


def _made(place: Place, file: Path, scope: str) -> list[Converted]:
    import tomllib

    from gatepost.connect import jsonc
    from gatepost.control.yamltext import YamlError, to_json
    from gatepost.importing.converted import CannotConvert
    from gatepost.importing.intercept import convert_intercept, is_intercept
    from gatepost.importing.permissions import convert_claude_code, convert_codex, is_claude_code
    from gatepost.wire import strictjson

    try:
        raw = file.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}.") from None
    try:
        if file.suffix == ".toml":
            return convert_codex(tomllib.loads(raw.decode()), _tools(place))
        if raw.lstrip(b" \t\r\n\xef\xbb\xbf").startswith((b"{", b"//")):
            values = jsonc.parse(raw.decode("utf-8-sig")).python()
            if is_claude_code(values):
                return convert_claude_code(values, _tools(place))
            values = strictjson.parse(raw)
        else:
            values = strictjson.parse(to_json(raw))
    except strictjson.StrictJSONError as error:
        raise CannotConvert(f"is not valid: {error.message.rstrip('.')} at line {error.line}") from None
    except (tomllib.TOMLDecodeError, jsonc.JSONCError, YamlError, UnicodeDecodeError) as error:
        raise CannotConvert(f"is not valid: {error}") from None
    if not is_intercept(values):
        raise CannotConvert(
            "is no policy of Intercept (version, with default, hide or rules of tools), no settings.json with "
            "permissions and no config.toml"
        )
    return [convert_intercept(values, scope=scope)]


def _tools(place: Place) -> dict[str, Tools]:
    """The tools of every server that is registered here."""
    from gatepost.cli.session import opened
    from gatepost.control.servers import list_servers
    from gatepost.control.tools import list_tools

    if not place.folder(create=False).store.exists():
        return {}
    with opened(place) as store:
        return {
            known.name: {tool.name: tool.tool for tool in list_tools(store, known.name)}
            for known in list_servers(store)
            if known.tools
        }


def _report(made: list[Converted]) -> None:
    """What differs, on stderr: the policy alone goes to stdout."""
    from gatepost.cli.output import clean, style

    for each in made:
        if each.server is not None:
            click.echo(style(each.server, bold=True), err=True)
        for note in sorted(each.notes, key=lambda note: not note.refused):
            word = style("refused", fg="red") if note.refused else style("differs", fg="yellow")
            where = f"{clean(note.where)}: " if note.where else ""
            click.echo(f"{word}  {where}{clean(note.text)}", err=True)


def _write(made: list[Converted], out: Path, file: Path) -> None:
    """One file for each policy. Raises GatepostError GP-4005 where one is there already; nothing is written then."""
    from gatepost.connect.files import put_back
    from gatepost.errors import GatepostError

    paths = [out / f"{_safe(each.server or file.stem)}.json" for each in made]
    for path in paths:
        if path.exists() or paths.count(path) > 1:
            raise GatepostError("GP-4005", f"{path} is there already.", "Choose another folder.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GatepostError("GP-4005", f"{out} cannot be made: {error.strerror}.", "Choose another folder.") from None
    for each, path in zip(made, paths, strict=True):
        put_back(path, _text(each.document).encode(), 0o644, "Choose another folder.")
        click.echo(f"Written to {path}")


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)


def _text(document: dict[str, Any]) -> str:
    """The policy as JSON, indented; on one line where a number in it would not survive that."""
    import json

    from gatepost.wire import strictjson

    def number(value: Any) -> float:
        if value != float(value):
            raise ValueError("more digits than a double has")
        return float(value)

    try:
        return json.dumps(document, indent=2, ensure_ascii=False, default=number) + "\n"
    except ValueError:
        return strictjson.write(document).decode() + "\n"


def _as_dict(made: Converted) -> dict[str, Any]:
    from dataclasses import asdict

    return {"server": made.server, "document": made.document, "notes": [asdict(note) for note in made.notes]}
