"""What holds for every command: help, usage errors, exit codes, the data folder, quick start."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from gatepost.cli.main import cli
from gatepost.cli.reference import page
from tests.cli.program import Program

HEAVY = (
    "sqlalchemy",
    "cryptography",
    "mcp",
    "starlette",
    "uvicorn",
    "asyncio",
    "re2",
    "jsonschema_rs",
    "alembic",
    "yaml",
)
EXPECTED = {
    "demo": None,
    "serve": None,
    "run": None,
    "scan": None,
    "server": {"add", "list", "show", "remove", "scan", "accept", "set-category", "import", "set", "arguments"},
    "policy": {"check", "add", "list", "show", "explain", "test", "diff", "import", "lint", "recommend"},
    "grant": {"add", "list", "rotate", "revoke", "attach"},
    "connect": None,
    "log": {"show", "follow", "export", "verify", "stats"},
    "top": None,
    "journal": {"retention", "compact"},
    "export-data": None,
    "import-data": None,
    "doctor": None,
    "completion": None,
    "catalogue": {"show", "build", "search", "import", "export"},
    "attack": {"list", "show", "run"},
}


def leaves() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    with click.Context(cli) as context:
        for name in cli.list_commands(context):
            command = cli.get_command(context, name)
            inner = list(command.commands) if isinstance(command, click.Group) else []
            found += [(name, each) for each in inner] or [(name,)]
    return found


def test_the_commands_are_those_of_the_reference() -> None:
    with click.Context(cli) as context:
        found = {}
        for name in cli.list_commands(context):
            command = cli.get_command(context, name)
            found[name] = set(command.commands) if isinstance(command, click.Group) else None
    assert found == EXPECTED


def test_help_comes_without_loading_anything_heavy() -> None:
    code = (
        "import sys; from gatepost.cli.main import run; code = run(['--help']);"
        f"print(code, sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Commands:" in done.stdout
    assert done.stderr.strip() == "0 []"


@pytest.mark.parametrize("path", leaves(), ids=" ".join)
def test_every_command_explains_itself_with_an_example(path: tuple[str, ...]) -> None:
    with click.Context(cli, info_name="gatepost") as context:
        command: click.Command = cli
        for name in path:
            assert isinstance(command, click.Group)
            found = command.get_command(context, name)
            assert found is not None
            command = found
            context = click.Context(command, parent=context, info_name=name)
        text = command.get_help(context)
    assert f"gatepost {' '.join(path)}" in text.split("Examples:")[1]
    assert "--data DIR" in text


@pytest.mark.parametrize("name", [name for name, inner in EXPECTED.items() if inner])
def test_every_group_of_commands_begins_with_an_example_of_its_own(name: str) -> None:
    with click.Context(cli, info_name="gatepost") as context:
        group = cli.get_command(context, name)
        assert group is not None
        text = click.unstyle(group.get_help(click.Context(group, parent=context, info_name=name)))
    examples = text.split("Examples:")[1].split("\n")
    for line in filter(str.strip, examples):
        _, called, inner, *_ = line.split()
        assert called == name
        assert inner in EXPECTED[name]  # type: ignore[operator]


def test_the_reference_page_is_in_step_with_the_commands() -> None:
    written = Path(__file__).parents[2] / "docs" / "commands.md"
    assert written.read_text() == page(), "run: python -m gatepost.cli.reference > docs/commands.md"


def test_wrong_usage_is_exit_code_2_and_says_where_help_is(gatepost: Program) -> None:
    for arguments in (["nonsense"], ["server", "add"], ["grant", "add", "x"], ["server", "list", "--nonsense"]):
        ran = gatepost(*arguments)
        assert ran.code == 2, arguments
        assert ran.err.startswith("error: ")
        assert "--help" in ran.err
        assert ran.out == ""


def test_a_failure_is_one_line_with_its_code_and_exit_code_1(gatepost: Program) -> None:
    ran = gatepost("server", "list")
    assert ran.code == 1
    assert ran.err.startswith("error GP-5003: There is no Gatepost in ")
    assert ran.err.count("\n") == 1
    assert not gatepost.data.exists()


def test_an_index_that_cannot_be_written_is_told_of_and_hides_no_record(gatepost: Program) -> None:
    (gatepost.data / "journal").mkdir(parents=True)
    (gatepost.data / "index.db").mkdir()
    ran = gatepost("log", "show")
    assert ran.code == 1
    assert ran.err.startswith(
        f"error GP-5003: The log's index {gatepost.data / 'index.db'} cannot be brought up to date: "
    )
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("before", [True, False])
def test_the_data_folder_is_named_before_or_after_the_command(gatepost: Program, tmp_path: Path, before: bool) -> None:
    elsewhere = str(tmp_path / "elsewhere")
    arguments = ["--data", elsewhere, "server", "list"] if before else ["server", "list", "--data", elsewhere]
    assert elsewhere in gatepost(*arguments).err


def test_the_version_is_told(gatepost: Program) -> None:
    ran = gatepost("--version")
    assert ran.code == 0
    assert ran.out.startswith("gatepost 0.")


def test_ctrl_c_ends_a_command_with_130_and_no_traceback(gatepost: Program) -> None:
    # A server that never answers keeps `server add` waiting.
    silent = ["server", "add", "silent", "--", sys.executable, "-c", "import time; time.sleep(600)"]
    with gatepost.started(*silent) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Starting ")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in said


def test_a_reader_that_leaves_is_no_error(gatepost: Program) -> None:
    with gatepost.started("server", "add", "--help") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
    assert "Traceback" not in said
    assert "error" not in said


@pytest.mark.parametrize(
    "arguments", [["--data", "relative", "server", "list"], ["run", "--policy", "{policy}", "--", "true"]]
)
def test_a_folder_that_is_gone_is_no_fault_of_ours(tmp_path: Path, arguments: list[str]) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"version": "1", "default": "deny"}')
    gone = tmp_path / "gone"
    gone.mkdir()
    program = Program(tmp_path / "data")
    command = [sys.executable, "-m", "gatepost", *(part.format(policy=policy) for part in arguments)]
    ran = subprocess.run(
        ["sh", "-c", 'cd "$0" && rmdir "$0" && exec "$@"', str(gone), *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=program.environment(),
    )
    assert ran.returncode == 1
    assert "no longer there" in ran.stderr
    assert "fault" not in ran.stderr
