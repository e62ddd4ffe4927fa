"""Writes the manual page from the command tree: `python -m gatepost.cli.manual > docs/man/gatepost.1`.

The page is installed with the program, under share/man/man1. A test holds it in step with the tree.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator

import click

from gatepost import __version__
from gatepost.cli.main import cli

_VARIABLES = (
    ("GATEPOST_DATA", "The data folder, where --data does not say."),
    ("GATEPOST_LOG_MAX_AGE", "How long serve keeps the log, such as 90d."),
    ("GATEPOST_LOG_MAX_BYTES", "How many bytes of each chain of the log serve keeps, such as 20GB."),
    ("GATEPOST_TRACEBACK", "With 1, a fault in Gatepost itself shows where it was."),
    ("NO_COLOR", "No colours."),
    ("SSL_CERT_FILE", "The authorities by which servers' certificates are verified."),
)
_FILES = (
    ("store.db", "What is registered."),
    ("keys/", "The keys, for their owner only. Without them credentials towards servers stay closed."),
    ("journal/", "The log, and the counters of limits."),
    ("index.db", "Makes searches of the log quick; can be deleted."),
)
_CODES = (
    ("0", "Done."),
    ("1", "A problem was found, or the command failed; one line on standard error says why."),
    ("2", "Wrong usage."),
    ("130", "Ended by Ctrl-C."),
)


def page() -> str:
    """The whole page in roff, with the man macros."""
    with click.Context(cli, info_name="gatepost") as context:
        return "\n".join(_lines(context)) + "\n"


def _lines(context: click.Context) -> Iterator[str]:
    first, *rest = _paragraphs(cli)
    yield '.\\" Made by `python -m gatepost.cli.manual`; change the help texts, not this page.'
    yield f'.TH GATEPOST 1 "" "gatepost {__version__}" "User commands"'
    yield ".SH NAME"
    yield f"gatepost \\- {_text(first[:1].lower() + first[1:].rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield ".B gatepost"
    yield "[\\fB\\-\\-data\\fR \\fIDIR\\fR] \\fICOMMAND\\fR [\\fIARGUMENT\\fR ...]"
    yield ".SH DESCRIPTION"
    for paragraph in rest:
        yield from (".PP", _text(paragraph))
    yield from _example(cli)
    yield ".SH COMMANDS"
    yield from _commands(cli, context, [])
    yield ".SH ENVIRONMENT"
    yield from _tagged(_VARIABLES)
    yield ".SH FILES"
    yield _text("In the data folder, which is the platform's folder for user data unless one is named:")
    yield from _tagged(_FILES)
    yield ".SH EXIT STATUS"
    yield from _tagged(_CODES)


def _commands(group: click.Group, context: click.Context, path: list[str]) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        with click.Context(command, parent=context, info_name=name) as inner:
            if isinstance(command, click.Group):
                yield from _commands(command, inner, [*path, name])
            else:
                yield from _command(command, inner, [*path, name])


def _command(command: click.Command, context: click.Context, path: list[str]) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS gatepost {_text(' '.join(path))} {_text(usage)}"
    for number, paragraph in enumerate(_paragraphs(command)):
        yield from ([".PP"] if number else [])
        yield _text(paragraph)
    records = [
        record
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option)
        and not {"--help", "--data"} & set(parameter.opts)
        and (record := parameter.get_help_record(context)) is not None
    ]
    yield from _tagged(records)
    yield from _example(command)


def _example(command: click.Command) -> Iterator[str]:
    examples = str(getattr(command, "examples", ""))
    if examples:
        yield from (".PP", "Examples:", ".PP", ".RS 4", ".nf")
        yield from (_text(line) for line in examples.splitlines())
        yield from (".fi", ".RE")


def _tagged(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, meaning in pairs:
        yield from (".TP", f"\\fB{_text(name)}\\fR", _text(meaning))


def _paragraphs(command: click.Command) -> list[str]:
    return [" ".join(each.split()) for each in inspect.cleandoc(command.help or "").split("\n\n")]


def _text(text: str) -> str:
    """Text as roff shows it as it is: nothing of it is a request, and - is the one that can be typed."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


if __name__ == "__main__":
    click.echo(page(), nl=False)
