"""The shapes that each client documents for a remote streamable-HTTP server with a bearer token."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from gatepost.connect.clients import CLIENTS, Surroundings, Target

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
