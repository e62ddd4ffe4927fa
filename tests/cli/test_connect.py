"""`gatepost connect`, as somebody types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatepost.connect.clients import CLIENTS
from gatepost.grants.token import new_token
from tests.cli.program import Program
from tests.cli.serving import serving

TOKEN = new_token()


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose home folder is the test's own."""
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / ".config"), "T": TOKEN}


@pytest.mark.parametrize("client", list(CLIENTS))
def test_every_client_gets_something_to_paste_on_stdout_alone(
    gatepost: Program, home: dict[str, str], client: str
) -> None:
    ran = gatepost("connect", client, "--server", "files", "--token", TOKEN, env=home)
    assert ran.code == 0
    assert "http://127.0.0.1:7070/mcp/files/" in ran.out
    assert ran.out.count(TOKEN) == 1
    if CLIENTS[client].format == "json":
        json.loads(ran.out)
    assert not gatepost.data.exists()


def test_writing_merges_and_never_shows_the_token(gatepost: Program, home: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / ".cursor" / "mcp.json"
    file.parent.mkdir()
    file.write_text('{"mcpServers": {"git": {"command": "git-mcp"}}} // mine\n')
    ran = gatepost("connect", "cursor", "--server", "files", "--token", "env:T", "--write", env=home)
    assert ran.code == 0
    assert TOKEN not in ran.out + ran.err
    assert str(file) in ran.out
    assert "git-mcp" in file.read_text()
    assert f"Bearer {TOKEN}" in file.read_text()
    assert "// mine" in file.read_text()
    (backup,) = file.parent.glob("mcp.json.gatepost-backup-*")
    assert backup.read_text() == '{"mcpServers": {"git": {"command": "git-mcp"}}} // mine\n'
    again = gatepost("connect", "cursor", "--server", "files", "--token", "-", "--write", stdin=TOKEN + "\n", env=home)
    assert "has it already" in again.out


def test_a_file_that_others_can_read_is_told_of_once_a_token_is_in_it(
    gatepost: Program, home: dict[str, str], tmp_path: Path
) -> None:
    write = ("connect", "claude-code", "--server", "files", "--token", "env:T", "--write")
    file = tmp_path / ".claude.json"
    file.write_text("{}")
    file.chmod(0o644)
    for _ in range(2):
        assert f"chmod 600 {file}" in gatepost(*write, env=home).err
    file.chmod(0o600)
    assert "chmod" not in gatepost(*write, env=home).err


def test_a_file_that_cannot_be_changed_safely_is_left_and_the_text_is_shown(
    gatepost: Program, home: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / ".claude.json"
    file.write_text("{ broken")
    ran = gatepost("connect", "claude-code", "--server", "files", "--token", TOKEN, "--write", env=home)
    assert ran.code == 1
    assert "error GP-4005: " in ran.err
    assert "left as it is" in ran.err
    assert json.loads(ran.out)["mcpServers"]["files"]["type"] == "http"
    assert file.read_text() == "{ broken"


def test_a_mistyped_token_is_noticed(gatepost: Program) -> None:
    wrong = TOKEN[:-1] + ("a" if TOKEN[-1] != "a" else "b")
    ran = gatepost("connect", "cursor", "--server", "files", "--token", wrong)
    assert ran.code == 2
    assert "GP-4005" in ran.err
    assert wrong not in ran.err


def test_a_server_that_is_not_registered_is_warned_of(ready: Program) -> None:
    shown = ["connect", "cursor", "--token", TOKEN]
    assert "No server" not in ready.quick(*shown, "--server", "files").err
    assert (
        "warning: No server flies is registered here yet. Did you mean files?"
        in ready.quick(*shown, "--server", "flies").err
    )
    ran = ready.quick(*shown, "--server", "github")
    assert (ran.code, "Add it: gatepost server add github" in ran.err) == (0, True)
    assert "warning" not in ready.quick(*shown, "--server", "github", "--url", "https://mcp.example.com").err


@pytest.mark.parametrize(
    "arguments",
    [
        ["cursor", "--server", "../x", "--token", TOKEN],
        ["nobody", "--server", "files", "--token", TOKEN],
        ["generic", "--server", "files", "--token", TOKEN, "--write"],
        ["cursor", "--server", "files", "--token", TOKEN, "--url", "ftp://x"],
    ],
)
def test_wrong_usage_is_refused(gatepost: Program, arguments: list[str]) -> None:
    assert gatepost.quick("connect", *arguments).code == 2


def test_another_gateway_is_named_with_its_address(gatepost: Program) -> None:
    ran = gatepost(
        "connect", "vscode", "--server", "s", "--token", TOKEN, "--url", "https://mcp.example.com/", "--json"
    )
    assert ran.json["url"] == "https://mcp.example.com/mcp/s/"


def test_a_token_that_would_be_refused_is_told_of(ready: Program, home: dict[str, str], tools: Path) -> None:
    assert ready.add_tiny("time", tools).code == 0
    token = ready("grant", "add", "laptop", "--server", "files").out.strip()
    warned = "warning: This token is for files, and is refused at time."
    for server, given, said in (("files", token, None), ("time", token, warned), ("files", TOKEN, "No grant here has")):
        ran = ready("connect", "generic", "--server", server, "--token", "env:GIVEN", env={**home, "GIVEN": given})
        assert ran.code == 0
        assert ("This token" in ran.err or "No grant" in ran.err) is (said is not None)
        assert said is None or said in ran.err
    assert ready("grant", "revoke", "laptop").code == 0
    ran = ready("connect", "generic", "--server", "files", "--token", "env:GIVEN", env={**home, "GIVEN": token})
    assert "or it is revoked" in ran.err


def test_that_no_gateway_runs_is_said_and_changes_nothing_else(ready: Program, home: dict[str, str]) -> None:
    token = ready("grant", "add", "laptop", "--server", "files").out.strip()
    shown = ("connect", "generic", "--server", "files", "--token", "env:GIVEN")
    given = {**home, "GIVEN": token}
    said = "warning: No gateway runs here yet, so the client reaches nothing. Run: gatepost serve"
    alone = ready(*shown, env=given)
    assert (alone.code, alone.err.count(said)) == (0, 1)
    assert "warning" not in ready(*shown, "--url", "https://mcp.example.com", env=given).err
    with serving(ready):
        beside = ready(*shown, env=given)
        assert "warning" not in beside.err
        own = json.loads(beside.out)["mcpServers"]["files"]["url"]
    assert alone.out == beside.out.replace(own, "http://127.0.0.1:7070/mcp/files/")
    named = ready.quick(*shown[:-1], token)
    assert f"Run: gatepost serve --data {ready.data}\n" in named.err
