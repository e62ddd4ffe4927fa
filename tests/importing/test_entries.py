"""What an entry of a client's file means, in each client's own way of writing it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.catalogue.recommend import PROFILES
from gatepost.connect.reading import Listed, is_governed, read_client_file
from gatepost.control.target import Target
from gatepost.errors import GatepostError
from gatepost.grants.token import new_token
from gatepost.importing.entries import Around, CannotImport, SwitchedOff, target_of
from gatepost.importing.secrets import secret_arguments, without_secrets
from gatepost.importing.starting import starting_policy
from gatepost.policy import compile_policy

ENVIRON = {"TOKEN": "t-1", "PATH": "/bin"}


def target(entry: dict[str, Any], client: str = "cursor", folder: Path | None = None, **inputs: str) -> Target:
    return target_of(Listed(("mcpServers",), "s", entry, folder), Around(client, ENVIRON, Path.home(), inputs))


def test_a_program_gets_its_arguments_variables_and_folder(tmp_path: Path) -> None:
    found = target({"command": "uvx", "args": ["a", "b c"], "env": {"A": "1", "N": 5}}, folder=tmp_path)
    assert (found.command, dict(found.env), found.cwd) == (("uvx", "a", "b c"), {"A": "1", "N": "5"}, str(tmp_path))


@pytest.mark.parametrize(
    ("client", "written", "expected"),
    [
        ("cursor", "x${env:TOKEN}y", "xt-1y"),
        ("vscode", "${input:key}", "answer"),
        ("cursor", "${workspaceFolder}/a", "/tmp/a"),
        ("vscode", "${userHome}", str(Path.home())),
        ("claude-code", "${TOKEN}${NONE:-default}", "t-1default"),
        ("claude-desktop", "${TOKEN}", "${TOKEN}"),
        ("cursor", "${unknown} ${", "${unknown} ${"),
    ],
)
def test_variables_are_filled_in_as_the_client_does(client: str, written: str, expected: str) -> None:
    entry = {"command": "c", "env": {"A": written}}
    assert target(entry, client, Path("/tmp"), key="answer").env["A"] == expected


def test_codex_takes_secrets_from_variables() -> None:
    found = target({"url": "https://x.example/mcp", "bearer_token_env_var": "TOKEN"}, "codex")
    assert found.headers == (("Authorization", "Bearer t-1"),)
    found = target({"url": "https://x.example/mcp", "env_http_headers": {"X-Key": "TOKEN"}}, "codex")
    assert found.headers == (("X-Key", "t-1"),)
    assert target({"command": "c", "env_vars": ["TOKEN", "UNSET"]}, "codex").env == {"TOKEN": "t-1"}


def test_an_env_file_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# mine\nexport A=1\nB='x y'\n\n")
    entry = {"command": "c", "envFile": "${workspaceFolder}/.env", "env": {"A": "2"}}
    assert target(entry, "vscode", tmp_path).env == {"A": "2", "B": "x y"}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({}, "neither a command nor a URL"),
        ({"command": "c", "url": "https://x.example/"}, "or both"),
        ({"type": "sse", "url": "https://x.example/sse"}, "HTTP+SSE"),
        ({"command": "c", "args": "-y"}, "no list"),
        ({"command": "c", "env": {"A": "${env:UNSET}"}}, "variable UNSET"),
        ({"command": "c", "args": ["${input:key}"]}, "--input key=@FILE"),
        ({"command": "c", "args": ["${workspaceFolder}"]}, "open in the editor"),
        ({"command": "c", "args": ["${command:python.interpreterPath}"]}, "only the client knows"),
        ({"command": "${config:python.path}"}, "only the client knows"),
        ({"command": "c", "cwd": "${workspaceFolder:second}"}, "only the client knows"),
        ({"command": "c", "cwd": "/no/such/folder"}, "/no/such/folder"),
        ({"url": "https://x.example/?api_key=1"}, "api_key"),
        ({"command": "c", "envFile": "/no/such/file"}, "cannot be read"),
    ],
)
def test_what_cannot_be_brought_says_why(entry: dict[str, Any], why: str) -> None:
    with pytest.raises(CannotImport, match=why.replace("+", r"\+")):
        target(entry, "vscode")


def test_what_is_switched_off_stays_off() -> None:
    for entry in ({"command": "c", "disabled": True}, {"command": "c", "enabled": False}):
        with pytest.raises(SwitchedOff):
            target(entry)


def test_an_entry_with_a_token_of_gatepost_is_governed_already() -> None:
    token = new_token()
    assert is_governed({"env": {"GATEPOST_AUTHORIZATION": f"Bearer {token}"}})
    assert not is_governed({"args": ["gp_is_no_token", token[:-1]]})


@pytest.mark.parametrize(
    "command",
    [
        ["c", "--api-key", "abc"],
        ["c", "--token=abc"],
        ["c", "-e", "API_KEY=abc"],
        ["c", "postgres://me:abc@localhost/db"],
        ["c", "--header", "Authorization: Bearer abc"],
        ["c", "-k", "ghp_0123456789abcdefghij0123456789abcdef"],
    ],
)
def test_a_secret_among_the_arguments_is_moved_into_a_variable(command: list[str]) -> None:
    hidden, variables = without_secrets(command)
    assert list(variables.values()) == [command[-1]]
    assert not any("abc" in word for word in hidden)


@pytest.mark.parametrize(
    "command",
    [
        ["npx", "-y", "@modelcontextprotocol/server-filesystem", "/home/me/notes"],
        ["npx", "mcp-remote", "https://x.example/mcp", "--header", "Authorization:${AUTH}"],
        ["docker", "run", "-e", "API_KEY", "image"],
        ["c", "--max-tokens", "50", "--author", "me"],
    ],
)
def test_ordinary_arguments_stay_where_they_are(command: list[str]) -> None:
    assert secret_arguments(command) == []


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8), max_size=4))
def test_a_program_gets_the_very_arguments_through_the_shell(words: Sequence[str]) -> None:
    command = ["printf", "%s\\n", *words, "--token=a 'b' \"$c\""]
    hidden, variables = without_secrets(command)
    assert hidden[0] == "sh"
    said = subprocess.run(hidden, env={**os.environ, **variables}, capture_output=True, check=True).stdout
    assert said == subprocess.run(command, capture_output=True, check=True).stdout


def test_the_starting_policy_lets_through_what_reads_and_tells_the_rest_why() -> None:
    tools = [
        {"name": name, "description": text, "inputSchema": {"type": "object"}}
        for name, text in (("get_note", "Gets a note."), ("delete_note", "Deletes a note."))
    ]
    starting = starting_policy("notes", tools)
    assert (starting.allowed, starting.refused) == (("get_note",), ("delete_note",))
    policy = compile_policy(starting.document)
    assert policy.decide(tool="get_note").effect == "allow"
    refused = policy.decide(tool="delete_note")
    assert (refused.effect, refused.rule) == ("deny", "/tools/delete_note/action")
    assert "policy notes" in refused.message
    assert not policy.hides("delete_note")
    assert policy.decide(tool="new_one").rule == "(default deny)"
    assert policy.decide_resource("file:///a").effect == "allow"
    watching = compile_policy(starting_policy("notes", tools, shadow=True).document)
    assert watching.decide(tool="delete_note").effect == "allow"


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_of_the_catalogue_may_stand_in_its_place(profile: str) -> None:
    tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ("get_note", "delete_note")]
    starting = starting_policy("notes", tools, profile=profile)
    policy = compile_policy(starting.document)
    assert "get_note" in starting.allowed
    assert policy.decide_prompt("p").effect == "allow"
    assert {*starting.allowed, *starting.refused} == {"get_note", "delete_note"}


def test_each_clients_file_is_told_by_its_name_folder_or_content(tmp_path: Path) -> None:
    for path, content, client, names in (
        ("claude_desktop_config.json", '{"mcpServers": {"a": {}}}', "claude-desktop", ["a"]),
        ("p/.mcp.json", '{"mcpServers": {"a": {}}}', "claude-code", ["a"]),
        ("p/.cursor/mcp.json", '{"mcpServers": {"a": {}}}', "cursor", ["a"]),
        ("p/.vscode/mcp.json", '{"servers": {"a": {}}, "inputs": []}', "vscode", ["a"]),
        ("settings.json", '{"mcp": {"servers": {"a": {}}}}', "vscode", ["a"]),
        ("mcp.json", '{"mcpServers": {"a": {}}}', "generic", ["a"]),
        (
            ".claude.json",
            '{"mcpServers": {"a": {}}, "projects": {"/p": {"mcpServers": {"b": {}}}}}',
            "claude-code",
            ["a", "b"],
        ),
        ("config.toml", "[mcp_servers.a]\n", "codex", ["a"]),
        ("empty.json", "", "generic", []),
    ):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        read = read_client_file(file, homes=[tmp_path])
        assert (read.client.id, [each.name for each in read.listed]) == (client, names), path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", "{"),
        ("a.json", '{"mcpServers": []}'),
        ("a.json", '{"mcpServers": {"a": 1}}'),
        ("a.json", '{"mcpServers": {"a": {}, "a": {}}}'),
        ("a.json", "[]"),
        ("a.toml", "= 1"),
        ("a.json", "\udcff"),
    ],
)
def test_a_file_that_cannot_be_read_in_one_way_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(GatepostError) as refused:
        read_client_file(tmp_path / name, homes=[tmp_path])
    assert refused.value.code == "GP-4005"
