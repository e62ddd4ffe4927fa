"""The shapes that each client documents for a remote streamable-HTTP server with a bearer token."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from gatepost.connect.clients import CLIENTS, Surroundings, Target, windows_home

TARGET = Target("files", "http://127.0.0.1:7070/mcp/files/", "gp_secret")
BEARER = "Bearer gp_secret"


def test_every_client_of_the_command_line_is_known() -> None:
    assert list(CLIENTS) == [
        *("claude-code", "claude-desktop", "cursor", "vscode", "codex", "gemini-cli", "cline", "windsurf", "generic"),
    ]


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (
            "claude-code",
            {"mcpServers": {"files": {"type": "http", "url": TARGET.url, "headers": {"Authorization": BEARER}}}},
        ),
        (
            "generic",
            {"mcpServers": {"files": {"type": "http", "url": TARGET.url, "headers": {"Authorization": BEARER}}}},
        ),
        ("cursor", {"mcpServers": {"files": {"url": TARGET.url, "headers": {"Authorization": BEARER}}}}),
        (
            "vscode",
            {"servers": {"files": {"type": "http", "url": TARGET.url, "headers": {"Authorization": BEARER}}}},
        ),
        ("gemini-cli", {"mcpServers": {"files": {"httpUrl": TARGET.url, "headers": {"Authorization": BEARER}}}}),
        ("windsurf", {"mcpServers": {"files": {"serverUrl": TARGET.url, "headers": {"Authorization": BEARER}}}}),
        (
            "cline",
            {
                "mcpServers": {
                    "files": {
                        "type": "streamableHttp",
                        "url": TARGET.url,
                        "headers": {"Authorization": BEARER},
                        "disabled": False,
                        "autoApprove": [],
                    }
                }
            },
        ),
    ],
)
def test_a_json_client_gets_its_own_shape(client: str, expected: object) -> None:
    assert json.loads(CLIENTS[client].snippet(TARGET)) == expected


def test_codex_gets_a_toml_table_with_a_literal_header() -> None:
    assert tomllib.loads(CLIENTS["codex"].snippet(TARGET)) == {
        "mcp_servers": {"files": {"url": TARGET.url, "http_headers": {"Authorization": BEARER}}}
    }


def test_claude_desktop_is_bridged_with_the_token_in_the_environment_only() -> None:
    entry = json.loads(CLIENTS["claude-desktop"].snippet(TARGET))["mcpServers"]["files"]
    assert entry["command"] == "npx"
    assert entry["args"][:3] == ["-y", "mcp-remote", TARGET.url]
    assert all(" " not in argument and "gp_secret" not in argument for argument in entry["args"])
    assert entry["env"] == {"GATEPOST_AUTHORIZATION": BEARER}
    assert "--allow-http" not in entry["args"]


def test_the_bridge_is_told_when_plain_http_leaves_the_machine() -> None:
    target = Target("files", "http://gateway.internal:7070/mcp/files/", "gp_secret")
    assert "--allow-http" in CLIENTS["claude-desktop"].entry(target)["args"]


def test_a_command_of_the_client_is_safe_to_paste() -> None:
    command = CLIENTS["claude-code"].command
    assert command is not None
    assert command(TARGET).endswith("--header 'Authorization: Bearer gp_secret'")


@pytest.mark.parametrize(
    ("platform", "client", "expected"),
    [
        ("linux", "claude-desktop", ".config/Claude/claude_desktop_config.json"),
        ("darwin", "claude-desktop", "Library/Application Support/Claude/claude_desktop_config.json"),
        ("win32", "claude-desktop", "AppData/Roaming/Claude/claude_desktop_config.json"),
        ("linux", "vscode", ".config/Code/User/mcp.json"),
        ("darwin", "vscode", "Library/Application Support/Code/User/mcp.json"),
        ("linux", "claude-code", ".claude.json"),
        ("linux", "cursor", ".cursor/mcp.json"),
        ("linux", "codex", ".codex/config.toml"),
        ("linux", "gemini-cli", ".gemini/settings.json"),
        ("linux", "cline", ".cline/data/settings/cline_mcp_settings.json"),
        ("linux", "windsurf", ".codeium/windsurf/mcp_config.json"),
        *[
            (platform, client, path)
            for platform in ("darwin", "win32")
            for client, path in (
                ("claude-code", ".claude.json"),
                ("cursor", ".cursor/mcp.json"),
                ("codex", ".codex/config.toml"),
                ("gemini-cli", ".gemini/settings.json"),
                ("cline", ".cline/data/settings/cline_mcp_settings.json"),
                ("windsurf", ".codeium/windsurf/mcp_config.json"),
            )
        ],
        ("win32", "vscode", "AppData/Roaming/Code/User/mcp.json"),
    ],
)
def test_the_file_is_where_the_client_keeps_it(platform: str, client: str, expected: str, tmp_path: Path) -> None:
    file = CLIENTS[client].file
    assert file is not None
    assert file(Surroundings(platform, tmp_path, {})) == tmp_path / expected


def test_an_older_cline_extension_keeps_its_own_file(tmp_path: Path) -> None:
    storage = tmp_path / ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings"
    storage.mkdir(parents=True)
    (storage / "cline_mcp_settings.json").write_text("{}")
    file = CLIENTS["cline"].file
    assert file is not None
    assert file(Surroundings("linux", tmp_path, {})) == storage / "cline_mcp_settings.json"


def test_codex_home_is_followed(tmp_path: Path) -> None:
    file = CLIENTS["codex"].file
    assert file is not None
    assert file(Surroundings("linux", tmp_path, {"CODEX_HOME": "/elsewhere"})) == Path("/elsewhere/config.toml")


@pytest.mark.parametrize(
    ("client", "folder", "name"),
    [
        ("claude-desktop", "AppData/Roaming/Claude", "claude_desktop_config.json"),
        ("vscode", "AppData/Roaming/Code/User", "mcp.json"),
        ("cursor", ".cursor", "mcp.json"),
        ("windsurf", ".codeium/windsurf", "mcp_config.json"),
    ],
)
def test_within_wsl_a_program_on_windows_is_found_unless_there_is_one_here(
    tmp_path: Path, client: str, folder: str, name: str
) -> None:
    file = CLIENTS[client].file
    assert file is not None
    users = tmp_path / "Users"
    for nobody in ("Public", "Default"):
        (users / nobody / "AppData").mkdir(parents=True)
    (users / "ann" / "AppData").mkdir(parents=True)
    home = windows_home("linux", {"WSL_DISTRO_NAME": "Debian"}, users)
    assert home == users / "ann"
    where = Surroundings("linux", tmp_path / "home", {}, home)
    here = file(where)
    assert here.is_relative_to(tmp_path / "home"), "the program is not installed on Windows"
    (home / folder).mkdir(parents=True)
    assert file(where) == home / folder / name
    here.parent.mkdir(parents=True)
    here.touch()
    assert file(where) == here


def test_nobody_s_home_on_windows_is_guessed(tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        (tmp_path / name / "AppData").mkdir(parents=True)
    wsl = {"WSL_DISTRO_NAME": "Debian"}
    assert windows_home("linux", wsl, tmp_path) is None
    assert windows_home("linux", wsl, tmp_path / "nothing") is None
    assert windows_home("linux", {}, tmp_path / "ann") is None
    assert windows_home("darwin", wsl, tmp_path) is None
