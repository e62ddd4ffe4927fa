"""Permission lists of Claude Code (settings.json) and Codex (config.toml): a policy for each server that they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatepost.importing.converted import CannotConvert, Converted
from gatepost.policy.globs import is_glob, matcher

Tools = Mapping[str, Mapping[str, Any]]
"""A server's tools by name, as it listed them."""

_PREFIX = "mcp__"
_STRICTEST = ("deny", "ask", "allow")
_ACTIONS: dict[str, dict[str, Any]] = {
    "deny": {"action": "deny"},
    "ask": {"action": "require_approval"},
    "allow": {},
    "hide": {"action": "hide"},
}
_MODES = ("auto", "prompt", "writes", "approve")
_ASKS = "Where the client asks the person in front of it, the gateway waits for an approval, from whoever may give one."
_ALL_CLIENTS = "The client's list holds for that client alone; a policy holds for every grant that it is attached to."


def is_claude_code(values: Any) -> bool:
    """Whether a document is a settings.json with permission lists."""
    return isinstance(values, dict) and isinstance(values.get("permissions"), dict)


def convert_claude_code(values: Mapping[str, Any], tools_of: Mapping[str, Tools]) -> list[Converted]:
    """A policy for each server that `permissions.allow`, `.deny` and `.ask` name.

    Args:
        tools_of: the tools of servers that are known, by the server's name in the lists. For those every tool gets
            its own entry; else globs stay globs.

    Raises CannotConvert where a list is none.
    """
    lists = {word: _texts(values["permissions"].get(word), f"permissions/{word}") for word in _STRICTEST}
    patterns: dict[str, dict[str, list[str]]] = {}
    for_all: dict[str, list[str]] = {word: [] for word in _STRICTEST}
    skipped: list[tuple[str, str]] = []
    for word, rules in lists.items():
        for rule in rules:
            where = f"permissions/{word}/{rule}"
            if not rule.startswith(_PREFIX):
                continue
            if "(" in rule:
                skipped.append((where, "Claude Code passes over a rule for MCP with parentheses; so does this."))
                continue
            server, _, tool = rule.removeprefix(_PREFIX).partition("__")
            if is_glob(server):
                if word == "allow":
                    skipped.append(
                        (where, "Claude Code passes over an allow rule with * in the server's name; so does this.")
                    )
                else:
                    for_all[word].append(f"{server}__{tool}" if tool else server)
                continue
            patterns.setdefault(server, {each: [] for each in _STRICTEST})[word].append(tool or "*")
    if not patterns:
        raise CannotConvert("permissions: no rule names an MCP server (mcp__SERVER__TOOL)")
    made = []
    for server, of_server in patterns.items():
        for word, globs in for_all.items():
            for glob in globs:
                of_server[word] += _of_server(glob, server)
        converted = _of_lists(server, of_server, tools_of.get(server))
        for where, text in skipped:
            converted.note(where, text)
        others = [rule for rules in lists.values() for rule in rules if not rule.startswith(_PREFIX)]
        if others:
            converted.note("permissions", f"{len(others)} rules are about Claude Code's own tools, not MCP; left out.")
        made.append(converted)
    return made


def _of_server(glob: str, server: str) -> list[str]:
    """What a glob over servers and tools says of one server's tools."""
    of, separator, tool = glob.partition("__")
    if separator:
        return [tool] if matcher(of)(server) else []
    return ["*"] if matcher(glob)(server) else []


def _of_lists(server: str, patterns: Mapping[str, list[str]], tools: Tools | None) -> Converted:
    """deny goes before ask goes before allow, however exact each is; what no list names, Claude Code asks about."""
    made = Converted(server, {})

    def action(name: str) -> str | None:
        return next((word for word in _STRICTEST if any(matcher(glob)(name) for glob in patterns[word])), None)

    entries: dict[str, dict[str, Any]] = {}
    default = "deny"
    if tools is not None:
        entries = {name: dict(_ACTIONS[action(name) or "ask"]) for name in tools}
        made.note("", "A tool that the server adds later is refused here until the policy names it; Claude Code asks.")
    named = dict.fromkeys(name for word in _STRICTEST for name in patterns[word])
    for name in named:
        if not is_glob(name):
            entries[name] = dict(_ACTIONS[action(name) or "ask"])
        elif tools is None:
            word = next(each for each in _STRICTEST if name in patterns[each])
            entries[name] = dict(_ACTIONS[word])
    if tools is None and "*" not in entries:
        if any(is_glob(name) for name in patterns["allow"]):
            made.note(
                "",
                "A tool that no list names is refused here, and Claude Code asks. Add the server first, and give its "
                "name with --server: then each of its tools gets an entry of its own.",
            )
        else:
            entries["*"] = dict(_ACTIONS["ask"])
    made.document.update(_document(f"From Claude Code's permissions for {server}", default, entries))
    made.note("", _ASKS)
    made.note("", _ALL_CLIENTS)
    return made


def convert_codex(values: Mapping[str, Any], tools_of: Mapping[str, Tools]) -> list[Converted]:
    """A policy for each server of `mcp_servers`, of its lists of tools and its approval modes.

    Args:
        tools_of: as for `convert_claude_code`.

    Raises CannotConvert where a value is not what Codex takes.
    """
    servers = values.get("mcp_servers")
    if not isinstance(servers, dict) or not servers:
        raise CannotConvert("mcp_servers: there is none")
    return [
        _of_codex(name, _table(server, f"mcp_servers.{name}"), tools_of.get(name)) for name, server in servers.items()
    ]


def _of_codex(server: str, table: Mapping[str, Any], tools: Tools | None) -> Converted:
    where = f"mcp_servers.{server}"
    made = Converted(server, {})
    enabled = None if table.get("enabled_tools") is None else _texts(table["enabled_tools"], f"{where}.enabled_tools")
    disabled = _texts(table.get("disabled_tools"), f"{where}.disabled_tools")
    usual = _mode(table.get("default_tools_approval_mode", "auto"), f"{where}.default_tools_approval_mode")
    modes = {
        name: _mode(_table(tool, f"{where}.tools.{name}").get("approval_mode", usual), f"{where}.tools.{name}")
        for name, tool in _table(table.get("tools") or {}, f"{where}.tools").items()
    }

    def entry(name: str) -> dict[str, Any]:
        if name in disabled:
            return dict(_ACTIONS["hide"])
        mode = modes.get(name, usual)
        if mode in ("auto", "writes"):
            known = None if tools is None else tools.get(name)
            if known is None:
                made.note(
                    "",
                    f"In the mode {mode} Codex asks by what the server says of each tool. That is not known here, so a "
                    "person is asked every time. Add the server first, and give its name with --server.",
                )
            return dict(_ACTIONS["allow" if known is not None and _says_it_reads(known) else "ask"])
        return dict(_ACTIONS["ask" if mode == "prompt" else "allow"])

    names = dict.fromkeys([*(tools if enabled is None and tools is not None else enabled or ()), *modes, *disabled])
    entries = {name: entry(name) for name in names if enabled is None or name in enabled or name in disabled}
    default = "deny"
    if enabled is not None:
        # An exact name applies alone; every other one is not there for the client.
        entries["*"] = dict(_ACTIONS["hide"])
    elif usual == "approve":
        default = "allow"
    elif tools is None:
        entries["*"] = entry("*")
    else:
        made.note("", "A tool that the server adds later is refused here until the policy names it.")
    made.document.update(_document(f"From Codex's configuration of {server}", default, entries))
    made.note("", _ASKS)
    made.note("", _ALL_CLIENTS)
    return made


def _says_it_reads(tool: Mapping[str, Any]) -> bool:
    """What Codex goes by: what the server says of the tool, and nothing else."""
    said = tool.get("annotations")
    return isinstance(said, dict) and said.get("readOnlyHint") is True and said.get("destructiveHint") is not True


def _document(description: str, default: str, entries: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "version": "1",
        "description": description,
        "default": default,
        "tools": dict(entries),
        "resources": {"default": "allow"},
        "prompts": {"default": "allow"},
    }


def _texts(value: Any, where: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise CannotConvert(f"{where}: expected a list of texts")
    return list(dict.fromkeys(value))


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise CannotConvert(f"{where}: expected a table")
    return value


def _mode(value: Any, where: str) -> str:
    if value not in _MODES:
        raise CannotConvert(f"{where}: expected one of {', '.join(_MODES)}")
    return str(value)
