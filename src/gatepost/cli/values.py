"""Values as people write them on a command line: durations, and secrets that must not stand there themselves."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    _WholeSeconds = click.ParamType[int]
else:
    _WholeSeconds = click.ParamType

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"([0-9]{1,9})([smhdw])")
_LARGEST_SECRET = 64 * 1024


class Duration(_WholeSeconds):
    """`90s`, `30m`, `1h`, `30d`, `2w`: converted to whole seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = _DURATION.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value} is not a duration; write a number and s, m, h, d or w, such as 30d.", param, ctx)
        return int(match[1]) * _UNITS[match[2]]


def secret(source: str, what: str) -> str:
    """Reads a secret from where `source` says: `@FILE`, `env:NAME`, or `-` for standard input.

    Exactly one line end is taken off its end. `what` names it in messages.

    Raises:
        click.UsageError: where the source cannot be read, is empty, holds control characters, or is no source.
    """
    if source.startswith("@"):
        content = _from_file(Path(source[1:]).expanduser(), what)
    elif source.startswith("env:"):
        name = source[len("env:") :]
        found = os.environ.get(name)
        if found is None:
            raise click.UsageError(f"The variable {name} for {what} is not set.")
        content = found
    elif source == "-":
        content = click.prompt(what, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read()
    else:
        raise click.UsageError(
            f"{what} is not given on the command line, where others can read it: "
            "write @FILE, env:NAME, or - for standard input."
        )
    content = content.removesuffix("\n").removesuffix("\r")
    if not content:
        raise click.UsageError(f"{what} is empty.")
    if len(content) > _LARGEST_SECRET or any(ord(character) < 32 or ord(character) == 127 for character in content):
        raise click.UsageError(f"{what} holds a control character or is too long.")
    return content


def _from_file(path: Path, what: str) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_LARGEST_SECRET + 2)
    except UnicodeDecodeError:
        raise click.UsageError(f"The file {path} for {what} is not UTF-8 text.") from None
    except OSError as error:
        raise click.UsageError(f"The file {path} for {what} cannot be read: {error.strerror}.") from None


def header(text: str) -> tuple[str, str]:
    """`Name: SOURCE` or `Name: Scheme SOURCE` (`Authorization: Bearer @token`) as the header's name and value."""
    name, colon, rest = text.partition(":")
    name, rest = name.strip(), rest.strip()
    if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise click.UsageError(f"{text.partition(':')[0]} is not a header; write “Name: @FILE”.")
    scheme, _, source = rest.rpartition(" ")
    value = secret(source, f"the header {name}")
    return name, f"{scheme.strip()} {value}".strip()


def variable(text: str) -> tuple[str, str]:
    """`NAME=VALUE` for a server's environment; VALUE may be `@FILE` or `env:NAME`, else it is taken as it stands."""
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise click.UsageError(f"{name} is not a variable; write NAME=VALUE.")
    if value.startswith(("@", "env:")):
        return name, secret(value, f"the variable {name}")
    return name, value
