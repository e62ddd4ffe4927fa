"""What the documents point at is there: files, headings, commands and their options."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from gatepost.cli.main import cli
from tests.docs.markdown import ROOT, Page, pages, read

PAGES = pages()
DOCUMENTS = [page for page in PAGES if page.path == ROOT / "README.md" or ROOT / "docs" in page.path.parents]
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Page) -> None:
    dead = []
    for target in page.links():
        if _SCHEME.match(target):
            continue
        path, _, anchor = target.partition("#")
        led_to = (page.path.parent / path).resolve() if path else page.path
        if path.startswith("/") or not led_to.exists() or not led_to.is_relative_to(ROOT):
            dead.append(target)
        elif anchor and led_to.suffix == ".md" and anchor not in read(led_to).anchors():
            dead.append(f"{target} (no such heading)")
    assert not dead


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_every_source_file_that_is_named_is_there(page: Page) -> None:
    named = [code for code in page.inline_code() if re.fullmatch(r"[\w/.-]+\.py", code)]
    above = (ROOT, ROOT / "src", ROOT / "src" / "gatepost")
    assert not [path for path in named if not any((folder / path).is_file() for folder in above)]


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_every_command_line_in_a_document_is_one(page: Page) -> None:
    wrong = []
    for words in page.commands():
        arguments = _of_gatepost(words)
        if arguments is not None and (why := fault(arguments, whole=True)):
            wrong.append(f"{' '.join(words)}: {why}")
    for code in page.inline_code():
        if code.startswith("gatepost ") and (why := fault(code.split()[1:], whole=False)):
            wrong.append(f"`{code}`: {why}")
    assert not wrong


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("server add files -- npx -y server ~/notes", True),
        ("--data /srv/gatepost log show --since 1h --json", True),
        ("log verify", True),
        ("server ad files", False),
        ("server add", False),
        ("log show --lmit 3", False),
        ("log show --decision denied", False),
        ("grant add laptop", False),
        ("log verify one two", False),
    ],
)
def test_a_command_line_that_is_none_is_noticed(line: str, right: bool) -> None:
    assert (fault(line.split(), whole=True) is None) is right


def test_a_command_that_is_only_named_may_lack_what_it_needs() -> None:
    assert fault(["grant", "add", "…", "--expires", "30d"], whole=False) is None
    assert fault(["serve", "--trusted-proxy"], whole=False) is None
    assert fault(["serve", "--trusted"], whole=False) is not None
    assert fault(["sever"], whole=False) is not None


def test_command_lines_are_found_wherever_a_shell_would_find_them(tmp_path: Path) -> None:
    text = """
        ```sh
        A=1 sudo -u gatepost /opt/bin/gatepost log show \\
            --since 1h | head   # gatepost no command
        cat > x <<'EOF'
        gatepost neither
        EOF
        python3 -m venv v && v/bin/gatepost demo > out.txt; systemctl restart gatepost
        ```
        ```
        gatepost nor this
        ```
    """
    file = tmp_path / "page.md"
    file.write_text("\n".join(line[8:] for line in text.splitlines()), encoding="utf-8")
    found = [arguments for words in read(file).commands() if (arguments := _of_gatepost(words)) is not None]
    assert found == [["log", "show", "--since", "1h"], ["demo"]]


def fault(arguments: list[str], *, whole: bool) -> str | None:
    """What is wrong with the arguments of `gatepost`, None where nothing is. Nothing is run.

    Args:
        whole: whether it has to be complete; else it may be a mention, in which something is left out.
    """
    command: click.Command = cli
    context = click.Context(cli, info_name="gatepost")
    rest = arguments
    try:
        while isinstance(command, click.Group):
            _, rest, _ = command.make_parser(context).parse_args(list(rest))
            if not rest:
                return None
            inner = command.get_command(context, rest[0])
            if inner is None:
                return f"there is no command {rest[0]!r}"
            context = click.Context(inner, info_name=rest[0], parent=context)
            command, rest = inner, rest[1:]
        if whole:
            assert context.parent is not None
            command.make_context(context.info_name, list(rest), parent=context.parent)
        else:
            command.make_parser(context).parse_args([word for word in rest if word != "…"])
    except click.exceptions.Exit:
        return None  # --help
    except click.BadOptionUsage as error:
        return error.format_message() if whole or isinstance(error, click.NoSuchOption) else None
    except click.UsageError as error:
        return error.format_message()
    return None


def _of_gatepost(words: list[str]) -> list[str] | None:
    """The arguments of a command line that starts `gatepost`, None for any other."""
    while words and (_ASSIGNMENT.match(words[0]) or words[0] == "sudo"):
        words = words[1:]
        while words and words[0].startswith("-"):
            words = words[2 if words[0] in ("-u", "-g") else 1 :]
    return words[1:] if words and Path(words[0]).name == "gatepost" else None
