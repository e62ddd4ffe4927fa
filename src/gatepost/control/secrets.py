"""Secrets as they are handed over: from a file, a variable or standard input, never as words of a command line.

What stands on a command line stays in the shell's history and can be read by every user of the machine meanwhile.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from gatepost.errors import GatepostError

_LARGEST = 64 * 1024
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*(?:([A-Za-z][A-Za-z0-9_-]*)[ \t]+)?(\S.*)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HOW = "Pass it as @FILE, env:NAME, or - for standard input."


def read_secret(text: str, *, lines: bool = False) -> str:
    """The secret that `text` names: `@FILE`, `env:NAME`, or `-` for standard input; one line end is taken off its end.

    Args:
        lines: whether it may have several lines, such as a private key in a variable.

    Raises `GatepostError` GP-4005 where `text` is the secret itself or its source cannot be read, is empty, larger than
    64 KiB, not UTF-8, or holds a control character. The message never holds what was read.
    """
    if text == "-":
        source, raw = "standard input", sys.stdin.buffer.read(_LARGEST + 3)
    elif text.startswith("@"):
        source = text[1:]
        raw = _file(Path(source).expanduser())
    elif text.startswith("env:"):
        source = f"the variable {text[4:]}"
        found = os.environb.get(os.fsencode(text[4:]))
        if found is None:
            raise GatepostError("GP-4005", f"{source[0].upper()}{source[1:]} is not set.", _HOW)
        raw = found
    else:
        raise GatepostError(
            "GP-4005",
            "A secret written on the command line would stay in the shell's history and show in the list of processes.",
            _HOW,
        )
    return _cleaned(raw, source, allowed="\t\r\n" if lines else "")


def parse_header(text: str) -> tuple[str, str]:
    """Name and value of a header: `Name: SOURCE`, or with a word before it, as in `Authorization: Bearer @FILE`.

    SOURCE is as for `read_secret`, and a value written out is refused likewise. Raises `GatepostError` GP-4005.
    """
    match = _HEADER.fullmatch(text.strip())
    if match is None:
        shown = repr(text.partition(":")[0]) if ":" in text else "What was given"
        raise GatepostError(
            "GP-4005", f"{shown} is not a header.", 'Write --header "Name: @FILE" or "Authorization: Bearer @FILE".'
        )
    name, word, source = match.groups()
    secret = read_secret(source)
    return name, f"{word} {secret}" if word else secret


def parse_env(text: str) -> tuple[str, str]:
    """Name and value of an environment variable: `NAME=value`, `NAME=@FILE` or `NAME=env:OTHER`.

    A value may be written out: most are ordinary settings. One that begins with @ has to come from a file or variable.
    Raises `GatepostError` GP-4005.
    """
    name, equals, value = text.partition("=")
    if not equals or _VARIABLE.fullmatch(name) is None:
        raise GatepostError("GP-4005", f"{name!r} is not a variable.", "Write --env NAME=VALUE or --env NAME=@FILE.")
    return name, read_secret(value, lines=True) if value.startswith(("@", "env:")) else value


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST + 3)
    except OSError as error:
        raise GatepostError("GP-4005", f"The secret's file {path} cannot be read: {error.strerror}.", _HOW) from None


def _cleaned(raw: bytes, source: str, allowed: str) -> str:
    try:
        secret = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise GatepostError("GP-4005", f"The secret from {source} is not UTF-8 text.") from None
    if not secret:
        raise GatepostError("GP-4005", f"The secret from {source} is empty.")
    if len(secret.encode()) > _LARGEST:
        raise GatepostError("GP-4005", f"The secret from {source} is larger than {_LARGEST // 1024} KiB.")
    if any(character not in allowed and (character < " " or character == "\x7f") for character in secret):
        raise GatepostError("GP-4005", f"The secret from {source} holds a line end or another control character.")
    return secret
