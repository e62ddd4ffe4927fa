"""The configuration that calls are judged by: immutable, swapped whole.

A `Snapshot` is derived from the one before it and the rows of the published feed that changed; a call that began on the
old one finishes on it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, Literal

from gatepost.feed import Row
from gatepost.grants.table import Grant, GrantTable
from gatepost.mcp.headers import declared_params
from gatepost.mcp.methods import LEGACY_VERSIONS, MODERN_VERSIONS
from gatepost.policy import CompiledDefinition, Policy, compile_definition, compile_policy
from gatepost.upstreams.config import ServerConfig
from gatepost.wire import strictjson

# What a server or a policy may have, and what the body puts around it. Numbers must stay exact: rules compare them.
_DEPTH = 80


_NAME_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-")


def is_tool_name(name: str) -> bool:
    """Whether a name is one that a tool may be called by."""
    return 1 <= len(name) <= 128 and _NAME_CHARACTERS.issuperset(name)


class Tool:
    """One tool as the server defines it. Its schema is compiled at the first call.

    Attributes:
        quarantined: whether its definition waits to be accepted.
        held: whether it is neither listed nor called: quarantined, or seen to have changed since (`gateway.pins`).
    """

    def __init__(
        self, name: str, listed: dict[str, Any], hash: str, category: str | None, *, quarantined: bool = False
    ) -> None:
        self.name = name
        self.callable = is_tool_name(name)
        self.listed = listed
        self.hash = hash
        self.category = category
        self.quarantined = self.held = quarantined

    @cached_property
    def definition(self) -> CompiledDefinition:
        return compile_definition(self.listed)

    @cached_property
    def param_headers(self) -> Mapping[bytes, tuple[str, ...]]:
        """The `Mcp-Param-*` headers its schema declares."""
        return declared_params(self.listed.get("inputSchema"))


@dataclass(frozen=True, slots=True)
class Server:
    """One server.

    Attributes:
        config: how it is reached.
        tools: what it defines, by name.
        spoken: the revisions in which it is reached: its own, and those of an era that is bridged to it.
        lacks: that era.
        keep_arguments: for how many seconds the arguments of calls are kept, None where they are not.
        drift_mode: what becomes of a tool that is not as it is pinned: quarantine, warn, off; None before a first scan.
    """

    config: ServerConfig
    tools: Mapping[str, Tool]
    spoken: tuple[str, ...] = ()
    lacks: Literal["legacy", "modern"] | None = None
    keep_arguments: int | None = None
    drift_mode: str | None = None


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Servers by name, policies by version, grants by the hash of their token."""

    revision: int = 0
    servers: Mapping[str, Server] = field(default_factory=_empty)
    policies: Mapping[str, Policy] = field(default_factory=_empty)
    grants: GrantTable = field(default_factory=GrantTable)
    faults: tuple[str, ...] = ()
    """What of the last change could not be used."""
    unusable: frozenset[str] = frozenset()
    """Servers that are registered, and whose rows cannot be used."""

    def policy_of(self, grant: Grant) -> Policy | None:
        """The policy attached to a grant, None where there is none or it is gone."""
        return None if grant.policy_version is None else self.policies.get(grant.policy_version)

    def applied(self, rows: Iterable[Row], unseal: Callable[[str, str], str]) -> Snapshot:
        """The snapshot after some rows changed.

        Args:
            rows: in ascending order of revision.
            unseal: (sealed value, purpose) → the value, for the servers' credentials.

        A row that cannot be used (a credential sealed with another key, a policy of a newer version) takes down what it
        describes and nothing else: calls for it are denied, and `faults` says why.
        """
        servers, policies = dict(self.servers), dict(self.policies)
        grants: dict[str, dict[str, Any] | None] = {}
        revision = self.revision
        faults: list[str] = []
        unusable = set(self.unusable)
        for row in rows:
            revision = max(revision, row.revision)
            value: Any = None
            try:
                if row.body is not None:
                    value = _value(row.kind, _body(row.kind, row.body), unseal)
            except Exception as error:
                faults.append(f"the {row.kind} {row.key} cannot be used: {error}")
            if row.kind == "server":
                _put(servers, row.key, value)
                unusable.discard(row.key)
                if value is None and row.body is not None:
                    unusable.add(row.key)
            elif row.kind == "policy":
                _put(policies, row.key, value)
            elif row.kind == "grant":
                grants[row.key] = value
        return Snapshot(
            revision,
            MappingProxyType(servers),
            MappingProxyType(policies),
            self.grants.changed(grants) if grants else self.grants,
            tuple(faults),
            frozenset(unusable),
        )


def _value(kind: str, body: dict[str, Any], unseal: Callable[[str, str], str]) -> Any:
    if kind == "server":
        return _server(body, unseal)
    return compile_policy(body["document"]) if kind == "policy" else body


def _body(kind: str, text: str) -> Any:
    # Ten thousand grants may follow a policy at once, and none has a number that a rule compares.
    return json.loads(text) if kind == "grant" else strictjson.parse(text.encode(), max_depth=_DEPTH)


def _put(table: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


def _server(body: dict[str, Any], unseal: Callable[[str, str], str]) -> Server:
    name = body["name"]
    config = ServerConfig(
        name=name,
        url=body.get("url"),
        headers=tuple((key, unseal(value, f"server:{name}:header:{key}")) for key, value in body.get("headers") or ()),
        command=tuple(body.get("command") or ()),
        env={key: unseal(value, f"server:{name}:env:{key}") for key, value in (body.get("env") or {}).items()},
        cwd=body.get("cwd"),
        eras=frozenset(body.get("eras") or ()),
        versions=tuple(body.get("versions") or ()),
    )
    tools = {
        tool: Tool(
            tool, entry["tool"], entry["hash"], entry.get("category"), quarantined=bool(entry.get("quarantined"))
        )
        for tool, entry in (body.get("tools") or {}).items()
    }
    spoken, lacks = _spoken(config.versions)
    return Server(config, MappingProxyType(tools), spoken, lacks, body.get("keep_arguments"), body.get("drift_mode"))


def _spoken(versions: tuple[str, ...]) -> tuple[tuple[str, ...], Literal["legacy", "modern"] | None]:
    """In what a server is reached, and the era in which it speaks no revision itself, where it was scanned."""
    if not versions:
        return (), None
    if not any(version in MODERN_VERSIONS for version in versions):
        return (*versions, *MODERN_VERSIONS), "modern"
    if not any(version in LEGACY_VERSIONS for version in versions):
        return (*LEGACY_VERSIONS, *versions), "legacy"
    return versions, None
