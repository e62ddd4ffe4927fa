"""What each MCP client wants to be told about a remote server with a bearer token, and where it keeps that.

The shapes follow each client's own documentation for a remote streamable-HTTP server. Adding a client is adding an
entry to `CLIENTS`.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

Format = Literal["json", "toml"]

_NOBODY = frozenset({"All Users", "Default", "Default User", "Public"})
_LOOPBACK_OF_BRIDGE = frozenset({"localhost", "127.0.0.1"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a client's file location depends on: the platform (as `sys.platform` names it), home and environment.

    Within WSL, `windows_home` is the home of the user on Windows, where desktop programs keep theirs; else None.
    """

    platform: str
    home: Path
    environ: Mapping[str, str]
    windows_home: Path | None = None

    @classmethod
    def here(cls) -> Surroundings:
        """Those of this process."""
        windows = windows_home(sys.platform, os.environ)
        return cls(platform=sys.platform, home=Path.home(), environ=os.environ, windows_home=windows)

    def application_data(self) -> Path:
        """The folder in which desktop programs keep their settings: Application Support, %APPDATA% or XDG config."""
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        if self.platform == "win32":
            return Path(self.environ.get("APPDATA") or self.home / "AppData" / "Roaming")
        return Path(self.environ.get("XDG_CONFIG_HOME") or self.home / ".config")

    def desktop(self, here: Path, *on_windows: str) -> Path:
        """The file of a desktop program: `here`, or within WSL that of the program on Windows, where only it is there.

        Args:
            on_windows: its path in the home of the user on Windows.
        """
        if self.windows_home is None or here.exists():
            return here
        there = self.windows_home.joinpath(*on_windows)
        return there if there.parent.is_dir() else here


def windows_home(platform: str, environ: Mapping[str, str], users: Path = Path("/mnt/c/Users")) -> Path | None:
    """The home of the user on Windows as WSL shows it; None elsewhere, and where it cannot be told among several."""
    if platform != "linux" or "WSL_DISTRO_NAME" not in environ:
        return None
    try:
        homes = [home for home in users.iterdir() if home.name not in _NOBODY and (home / "AppData").is_dir()]
    except OSError:
        return None
    return homes[0] if len(homes) == 1 else None


@dataclass(frozen=True, slots=True)
class Target:
    """The server as the client shall see it: the name it gets there, the gateway's URL for it, the grant's token."""

    name: str
    url: str
    token: str

    @property
    def authorization(self) -> str:
        return f"Bearer {self.token}"


@dataclass(frozen=True, slots=True)
class Client:
    """One MCP client.

    Attributes:
        id: the word on the command line.
        title: the product's name.
        format: of its file; "json" files may hold comments.
        section: the key under which its file lists servers.
        entry: makes the value for one server under that key.
        file: where the file is for this user, or None for a client that has no file of its own.
        notes: what to know before pasting, one sentence each.
        load: what makes the client see a change of its file.
        command: the client's own command that does the same, or None.
    """

    id: str
    title: str
    format: Format
    section: str
    entry: Callable[[Target], dict[str, Any]]
    file: Callable[[Surroundings], Path] | None
    notes: tuple[str, ...] = ()
    load: str = ""
    command: Callable[[Target], str] | None = None

    def snippet(self, target: Target) -> str:
        """The text to paste: a whole document that holds nothing but this entry."""
        if self.format == "toml":
            return toml_table(self.section, target.name, self.entry(target))
        return json.dumps({self.section: {target.name: self.entry(target)}}, indent=2, ensure_ascii=False) + "\n"


def toml_table(section: str, name: str, entry: Mapping[str, Any]) -> str:
    """`[section.name]` and its keys."""
    lines = [f"[{section}.{toml_key(name)}]", *(f"{toml_key(key)} = {toml_value(entry[key])}" for key in entry)]
    return "\n".join(lines) + "\n"


def toml_key(key: str) -> str:
    """A key as TOML writes it, in quotes where it has to be."""
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else _toml_string(key)


def toml_value(value: Any) -> str:
    """A value on one line: text, number, truth value, time, list or inline table."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{toml_key(key)} = {toml_value(each)}" for key, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    return _toml_string(value) if isinstance(value, str) else value.isoformat()


def _toml_string(value: str) -> str:
    # A JSON string is a valid TOML basic string (TOML 1.0, "String"), but for DEL and for surrogate pairs as escapes.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _typed(kind: str, url_key: str = "url") -> Callable[[Target], dict[str, Any]]:
    def entry(target: Target) -> dict[str, Any]:
        return {"type": kind, url_key: target.url, "headers": {"Authorization": target.authorization}}

    return entry


def _untyped(url_key: str) -> Callable[[Target], dict[str, Any]]:
    def entry(target: Target) -> dict[str, Any]:
        return {url_key: target.url, "headers": {"Authorization": target.authorization}}

    return entry


def _cline(target: Target) -> dict[str, Any]:
    return {**_typed("streamableHttp")(target), "disabled": False, "autoApprove": []}


def _codex(target: Target) -> dict[str, Any]:
    return {"url": target.url, "http_headers": {"Authorization": target.authorization}}


def _bridged(target: Target) -> dict[str, Any]:
    """Claude Desktop's file starts programs only; `mcp-remote` is the program that speaks HTTP for it.

    The header's value goes through the environment and the argument has no space in it, because some platforms split
    arguments at spaces. mcp-remote refuses plain HTTP anywhere but on loopback unless told.
    """
    args = [
        "-y",
        "mcp-remote",
        target.url,
        "--transport",
        "http-only",
        "--header",
        "Authorization:${GATEPOST_AUTHORIZATION}",
    ]
    parts = urlsplit(target.url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK_OF_BRIDGE:
        args.append("--allow-http")
    return {"command": "npx", "args": args, "env": {"GATEPOST_AUTHORIZATION": target.authorization}}


def _claude_code_command(target: Target) -> str:
    return shlex.join(
        [
            *("claude", "mcp", "add", "--scope", "user", "--transport", "http", target.name, target.url),
            *("--header", f"Authorization: {target.authorization}"),
        ]
    )


def _gemini_command(target: Target) -> str:
    return shlex.join(
        [
            *("gemini", "mcp", "add", "--scope", "user", "--transport", "http"),
            *("--header", f"Authorization: {target.authorization}", target.name, target.url),
        ]
    )


def _cline_file(where: Surroundings) -> Path:
    """Extension and command line share one file since Cline 4; an older extension keeps its own with VS Code."""
    if told := where.environ.get("CLINE_MCP_SETTINGS_PATH"):
        return Path(told)
    shared = where.home / ".cline" / "data" / "settings" / "cline_mcp_settings.json"
    extension = where.application_data() / "Code" / "User" / "globalStorage" / "saoudrizwan.claude-dev" / "settings"
    older = extension / "cline_mcp_settings.json"
    return older if older.exists() and not shared.exists() else shared


CLIENTS: dict[str, Client] = {
    client.id: client
    for client in (
        Client(
            id="claude-code",
            title="Claude Code",
            format="json",
            section="mcpServers",
            entry=_typed("http"),
            file=lambda where: where.home / ".claude.json",
            notes=(
                "The same shape goes into .mcp.json in a project's folder; leave the token out of what you commit.",
            ),
            load="Sessions that begin from now on have it; /mcp shows it.",
            command=_claude_code_command,
        ),
        Client(
            id="claude-desktop",
            title="Claude Desktop",
            format="json",
            section="mcpServers",
            entry=_bridged,
            file=lambda where: where.desktop(
                where.application_data() / "Claude" / "claude_desktop_config.json",
                *("AppData", "Roaming", "Claude", "claude_desktop_config.json"),
            ),
            notes=(
                "Claude Desktop takes no headers for remote servers, so the mcp-remote program (Node.js 18 or newer) "
                "carries the calls.",
            ),
            load="Quit Claude Desktop and start it again to load it.",
        ),
        Client(
            id="cursor",
            title="Cursor",
            format="json",
            section="mcpServers",
            entry=_untyped("url"),
            file=lambda where: where.desktop(where.home / ".cursor" / "mcp.json", ".cursor", "mcp.json"),
            notes=("For one project only, put it into .cursor/mcp.json there.",),
            load="Cursor shows it in its settings under MCP.",
        ),
        Client(
            id="vscode",
            title="VS Code",
            format="json",
            section="servers",
            entry=_typed("http"),
            file=lambda where: where.desktop(
                where.application_data() / "Code" / "User" / "mcp.json",
                *("AppData", "Roaming", "Code", "User", "mcp.json"),
            ),
            notes=("“MCP: Open User Configuration” opens this file; for one workspace, use .vscode/mcp.json there.",),
            load="“MCP: List Servers” starts it.",
        ),
        Client(
            id="codex",
            title="Codex",
            format="toml",
            section="mcp_servers",
            entry=_codex,
            file=lambda where: Path(where.environ.get("CODEX_HOME") or where.home / ".codex") / "config.toml",
            notes=(
                'To keep the token out of the file, put it into a variable and write bearer_token_env_var = "NAME" '
                "in place of http_headers.",
            ),
            load="Start Codex again to load it.",
        ),
        Client(
            id="gemini-cli",
            title="Gemini CLI",
            format="json",
            section="mcpServers",
            entry=_untyped("httpUrl"),
            file=lambda where: where.home / ".gemini" / "settings.json",
            load="Start Gemini CLI again to load it.",
            command=_gemini_command,
        ),
        Client(
            id="cline",
            title="Cline",
            format="json",
            section="mcpServers",
            entry=_cline,
            file=_cline_file,
            notes=("In the editor: MCP Servers, Configure, “Configure MCP Servers” opens this file.",),
            load="Cline connects as soon as the file is saved.",
        ),
        Client(
            id="windsurf",
            title="Windsurf",
            format="json",
            section="mcpServers",
            entry=_untyped("serverUrl"),
            file=lambda where: where.desktop(
                where.home / ".codeium" / "windsurf" / "mcp_config.json", ".codeium", "windsurf", "mcp_config.json"
            ),
            load="Press Refresh in Cascade's MCP panel to load it.",
        ),
        Client(
            id="generic",
            title="any other client",
            format="json",
            section="mcpServers",
            entry=_typed("http"),
            file=None,
            notes=("The transport is streamable HTTP, and every request carries the Authorization header.",),
        ),
    )
}
