"""Writes docs/commands.md from the command tree: `python -m gatepost.cli.reference > docs/commands.md`.

A test holds the page in step with the tree.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from gatepost.cli.main import cli

_INTRODUCTION = """# Commands

<!-- Made by `python -m gatepost.cli.reference > docs/commands.md`; change the help texts, not this page. -->

Everything is done with one program, `gatepost`. Each command explains itself with `--help`; this page is the same text.

* `--data DIR` says which data folder is meant, before or after the command's name. Without it `GATEPOST_DATA` counts,
  else the platform's folder for user data.
* What reads takes `--json`. People get local times, programs get UTC.
* Exit codes: **0** done, **1** a problem was found or the command failed, **2** wrong usage, **130** ended by Ctrl-C.
  A failure is one line on stderr, `error GP-xxxx: …`; [errors/](errors/) has a page for each code.
* `NO_COLOR` turns colours off. Output into a file or a pipe has none, and its lines are as long as they need to be.
* A change reaches a running `gatepost serve` before the command ends.
"""


def page() -> str:
    """The whole page."""
    with click.Context(cli, info_name="gatepost") as context:
        return _INTRODUCTION + "".join(_sections(cli, context, []))


def _sections(command: click.Command, context: click.Context, path: list[str]) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            with click.Context(inner, parent=context, info_name=name) as deeper:
                if not path:
                    yield f"\n## gatepost {name}\n\n{_prose(inner)}\n" if isinstance(inner, click.Group) else ""
                yield from _sections(inner, deeper, [*path, name])
        return
    level = "##" if len(path) == 1 else "###"
    yield f"\n{level} gatepost {' '.join(path)}\n\n{_prose(command)}\n"
    usage = " ".join(["gatepost", *path, *command.collect_usage_pieces(context)])
    yield f"\n```\n{usage}\n```\n"
    rows = [record for parameter in command.get_params(context) if (record := _row(parameter, context))]
    if rows:
        yield "\n| option | meaning |\n| --- | --- |\n" + "".join(rows)
    examples = getattr(command, "examples", "")
    if examples:
        yield f"\n```sh\n{examples}\n```\n"


def _prose(command: click.Command) -> str:
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _row(parameter: click.Parameter, context: click.Context) -> str | None:
    record = parameter.get_help_record(context)
    if record is None or not isinstance(parameter, click.Option) or parameter.name in ("help", "data"):
        return None
    name, meaning = (" ".join(text.split()).replace("|", "\\|") for text in record)
    return f"| `{name}` | {meaning} |\n"


if __name__ == "__main__":
    click.echo(page(), nl=False)
