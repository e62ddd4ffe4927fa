"""Shells complete commands and the names in the store; help is coloured for those who want it; the manual page."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from gatepost.cli.manual import page
from tests.cli.program import SECONDS, Program
from tests.cli.terminal import terminal

ROOT = Path(__file__).parents[2]


def completed(gatepost: Program, *words: str, env: dict[str, str] | None = None) -> list[str]:
    """What zsh is offered for the last of the words."""
    asked = {
        "_GATEPOST_COMPLETE": "zsh_complete",
        "COMP_WORDS": " ".join(["gatepost", *words]),
        "COMP_CWORD": str(len(words)),
    }
    ran = gatepost(env={**asked, **(env or {})})
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines() if ran.out.strip() else []
    return [f"{kind}:{name}" for kind, name in zip(lines[::3], lines[1::3], strict=True)]


@pytest.fixture
def named(ready: Program) -> Program:
    for label in ("laptop", "gone"):
        assert ready.quick("grant", "add", label, "--server", "files", "--policy", "files-read").code == 0
    assert ready.quick("grant", "revoke", "gone").code == 0
    return ready


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["server", "show", ""], ["plain:files"]),
        (["server", "scan", "f"], ["plain:files"]),
        (["server", "scan", "x"], []),
        (["server", "add", ""], []),
        (["grant", "rotate", ""], ["plain:laptop"]),
        (["grant", "add", ""], []),
        (["grant", "add", "new", "--server", ""], ["plain:files"]),
        (["grant", "attach", "laptop", ""], ["plain:files-read"]),
        (["policy", "show", ""], ["plain:files-read"]),
        (["policy", "explain", "--policy", "./p"], ["file:./p"]),
        (["log", "show", "--grant", ""], ["plain:laptop"]),
        (["log", "show", "--tool", "read"], ["plain:read_file"]),
        (["catalogue", "show", "f"], ["plain:files"]),
        (["log", "sh"], ["plain:show"]),
        (["completion", "z"], ["plain:zsh"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_names_are_those_in_the_store(named: Program, words: list[str], offered: list[str]) -> None:
    assert completed(named, *words) == offered


def test_the_folder_that_is_named_is_the_one_looked_into(named: Program, tmp_path: Path) -> None:
    elsewhere = {"GATEPOST_DATA": str(tmp_path / "nothing")}
    assert completed(named, "server", "show", "", env=elsewhere) == []
    assert completed(named, "--data", str(named.data), "server", "show", "", env=elsewhere) == ["plain:files"]
    assert not (tmp_path / "nothing").exists()


def test_a_store_that_cannot_be_read_completes_nothing(named: Program) -> None:
    (named.data / "store.db").write_bytes(b"no database at all" * 100)
    assert completed(named, "server", "show", "") == []


def test_bash_itself_completes_with_what_is_printed(named: Program) -> None:
    script = (
        "source <(gatepost completion bash); COMP_WORDS=(gatepost server show fi); COMP_CWORD=3; "
        '_gatepost_completion gatepost; echo "${COMPREPLY[@]}"'
    )
    path = f"{sysconfig.get_path('scripts')}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
        env=named.environment({"PATH": path}),
    )
    assert (done.stdout, done.stderr) == ("files\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_of_its_own(gatepost: Program, shell: str) -> None:
    ran = gatepost.quick("completion", shell)
    assert f"_GATEPOST_COMPLETE={shell}_complete" in ran.out
    assert not gatepost.data.exists()


def test_help_is_coloured_on_a_terminal_and_not_where_it_is_not_wanted(gatepost: Program) -> None:
    with terminal(gatepost, "log", "verify", "--help") as shown:
        assert b"\x1b[36m--key FILE\x1b[0m" in shown.until(b"Examples:")
    with terminal(gatepost, "log", "verify", "--help", env={"NO_COLOR": "1"}) as shown:
        assert b"\x1b[" not in shown.until(b"Examples:")
    assert "\x1b[" not in gatepost("log", "verify", "--help").out


@pytest.mark.parametrize("wanted", [True, False])
def test_a_failure_is_red_on_a_terminal_unless_colours_are_not_wanted(gatepost: Program, wanted: bool) -> None:
    with terminal(gatepost, "server", "list", env={} if wanted else {"NO_COLOR": "1"}) as shown:
        assert (b"\x1b[31m" in shown.until(b"There is no Gatepost")) is wanted


def test_the_manual_page_is_in_step_with_the_commands() -> None:
    written = ROOT / "docs" / "man" / "gatepost.1"
    assert written.read_text() == page(), "run: python -m gatepost.cli.manual > docs/man/gatepost.1"


def test_the_manual_page_names_every_command_and_nothing_in_it_is_taken_for_a_request() -> None:
    lines = page().splitlines()
    assert any(line.startswith(".SS gatepost log verify [OPTIONS] [FILE]") for line in lines)
    requests = {line.split()[0] for line in lines if line.startswith((".", "'"))}
    assert requests == {'.\\"', ".TH", ".SH", ".SS", ".B", ".PP", ".TP", ".RS", ".RE", ".nf", ".fi"}


def test_the_manual_page_goes_into_the_wheel() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert build["shared-data"] == {"docs/man/gatepost.1": "share/man/man1/gatepost.1"}
