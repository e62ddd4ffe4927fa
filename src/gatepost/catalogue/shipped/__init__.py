"""The index that comes with the program: servers that were started and asked, and what the scan said of their tools.

for server in shipped().values():
    print(server.name, len(server.tools))

`about.toml` says in our words what each server is and how it was started; `scans.jsonl.gz` holds what the scans found,
as `python -m gatepost.catalogue.shipped.build` wrote it. What a server's authors wrote is not in it: of a description
there are its length and its hash, of a schema its structure. The bundled servers are ours and are there in full.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from gatepost.catalogue.classification import Classification, Evidence
from gatepost.catalogue.findings import Finding
from gatepost.catalogue.index.entries import ServerEntry, ToolEntry
from gatepost.catalogue.listed import ListedTool
from gatepost.catalogue.schema_facts import schema_facts

SCANS: Final = "scans.jsonl.gz"
ABOUT: Final = "about.toml"
SOURCE: Final = "shipped"
"""What the index calls this source."""

_RUNNERS: Final = {"npm": "npx -y {package}@{version}", "pypi": "uvx {package}=={version}"}


@dataclass(frozen=True, slots=True)
class About:
    """What we say of a server.

    Attributes:
        name: what it is called here.
        what: what it is for, in our words.
        registry, package, version: where it is from: `npm`, `pypi`, or empty for one that is bundled.
        start: the command it was started with.
        placeholders: variables that had to have some value for it to start; it was not given a real one.
        whole: whether its texts are ours, and kept.
    """

    name: str
    what: str
    registry: str
    package: str
    version: str
    start: str
    placeholders: tuple[str, ...]
    whole: bool

    @property
    def origin(self) -> str:
        """Where it is from, in words."""
        return f"{self.package} {self.version}, {self.registry}" if self.registry else "comes with Gatepost"


@dataclass(frozen=True, slots=True)
class ShippedServer:
    """A server as it was scanned.

    Attributes:
        about: what we say of it.
        scanned_at: when, ISO 8601.
        says: its own name and version.
        eras, versions: what it speaks.
        offers: how many resources, templates and prompts it listed.
        tools: its tools, classified from their whole definitions.
        hashes: the hash of each whole definition by the tool's name, as a pin has it.
        findings: what in its definitions is to be looked at first, without the places themselves.
    """

    about: About
    scanned_at: str
    says: Mapping[str, str]
    eras: tuple[str, ...]
    versions: tuple[str, ...]
    offers: Mapping[str, int]
    tools: tuple[ListedTool, ...]
    hashes: Mapping[str, str]
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """What it is called here."""
        return self.about.name

    def facts(self) -> list[tuple[str, str]]:
        """What stands at the head of its page, besides its tools."""
        placeholders = f", {' and '.join(self.about.placeholders)} set to anything" if self.about.placeholders else ""
        offered = ", ".join(
            f"{number} {kind if number > 1 else kind.removesuffix('s')}"
            for kind, number in self.offers.items()
            if number
        )
        lines = [
            ("is", self.about.what),
            ("from", self.about.origin),
            ("scanned", f"{self.scanned_at[:10]}, started as {self.about.start}{placeholders}"),
            ("speaks", ", ".join(self.versions)),
        ]
        if offered:
            lines.append(("offers also", offered))
        if not self.about.whole:
            lines.append(("texts", "what is said of its tools is said by Gatepost; a scan shows its own descriptions"))
        return lines

    def entry(self) -> ServerEntry:
        """It, for the index."""
        return ServerEntry(
            name=self.name,
            title=self.says.get("name", ""),
            description=self.about.what,
            version=self.about.version or self.says.get("version", ""),
            source=SOURCE,
            updated_at=self.scanned_at,
            tools=tuple(_entry(tool) for tool in self.tools),
        )


@cache
def shipped() -> Mapping[str, ShippedServer]:
    """Every server of the file by its name, read at the first call."""
    said = about()
    servers = (_server(json.loads(line), said) for line in gzip.decompress(_bytes(SCANS)).splitlines())
    return MappingProxyType({server.name: server for server in servers})


@cache
def about() -> Mapping[str, About]:
    """What `about.toml` says, by server."""
    return MappingProxyType({name: _about(name, one) for name, one in tomllib.loads(_bytes(ABOUT).decode()).items()})


def edition() -> str:
    """A mark of what is in the file, which is another one when that is."""
    return hashlib.sha256(_bytes(SCANS) + _bytes(ABOUT)).hexdigest()


def _bytes(name: str) -> bytes:
    return (files("gatepost.catalogue.shipped") / name).read_bytes()


def _about(name: str, one: Mapping[str, Any]) -> About:
    registry, package, version = (str(one.get(key, "")) for key in ("registry", "package", "version"))
    command = one.get("start") or _RUNNERS[registry].format(package=package, version=version)
    return About(
        name=name,
        what=one["what"],
        registry=registry,
        package=package,
        version=version,
        start=" ".join([command, *map(shlex.quote, one.get("arguments", ()))]),
        placeholders=tuple(one.get("placeholders", ())),
        whole=bool(one.get("whole", False)),
    )


def _server(line: Mapping[str, Any], said: Mapping[str, About]) -> ShippedServer:
    return ShippedServer(
        about=said[line["name"]],
        scanned_at=line["scanned_at"],
        says=line["says"],
        eras=tuple(line["eras"]),
        versions=tuple(line["versions"]),
        offers=line["offers"],
        tools=tuple(_tool(one) for one in line["tools"]),
        hashes={one["name"]: one["hash"] for one in line["tools"]},
        findings=tuple(Finding(quote="", **one) for one in line["findings"]),
    )


def _tool(one: Mapping[str, Any]) -> ListedTool:
    category, severity, confidence = one["class"]
    evidence = tuple(Evidence(*part) for part in one["evidence"])
    return ListedTool(
        name=one["name"],
        title="",
        description=one["text"] if "text" in one else _described(evidence, one["signals"], one["length"]),
        schema=one["schema"],
        classification=Classification(category, severity, confidence, evidence, tuple(one["signals"])),
        facts=schema_facts(one["schema"]),
        tokens=one["tokens"],
    )


def _described(evidence: tuple[Evidence, ...], signals: Sequence[str], length: int) -> str:
    """A sentence of ours in place of a description that is its authors'."""
    if not length:
        return ""
    says = evidence[0].says if evidence else "nothing in its definition says what it does"
    secret = f" What it gives out is secret: {evidence[-1].quote}." if "gives-secrets" in signals else ""
    return f"{says[:1].upper()}{says[1:]}.{secret}"


def _entry(tool: ListedTool) -> ToolEntry:
    found = tool.classification
    definition = {"name": tool.name, "description": tool.description, "inputSchema": tool.schema}
    return ToolEntry(
        name=tool.name,
        description=tool.description,
        category=found.category,
        severity=found.severity,
        confidence=found.confidence,
        signals=found.signals,
        tokens=tool.tokens,
        definition=json.dumps(definition, separators=(",", ":")),
    )
