"""Writes the index that comes with the program, from a folder of scans.

    gatepost scan --raw -- npx -y @modelcontextprotocol/server-everything@2026.8.31 stdio > scans/everything.json
    python -m gatepost.catalogue.shipped.build scans

A file's name is the server's; `about.toml` must know it. Servers that have no file in the folder stay as they are,
those that `about.toml` no longer knows go. The same scans give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from gatepost.catalogue.findings import findings
from gatepost.catalogue.listed import ListedTool, read_tools
from gatepost.catalogue.schema_facts import schema_facts
from gatepost.catalogue.shipped import SCANS, about
from gatepost.catalogue.shipped.reduced import reduced_evidence, reduced_schema
from gatepost.catalogue.suggest import suggestions
from gatepost.definitions.definition import definition_hash
from gatepost.wire import strictjson

_LARGEST_SCHEMA: Final = 12_000


def line_of(name: str, scan: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    """What is kept of one scan.

    Args:
        scan: as `gatepost scan --raw` printed it.
        whole: whether its texts are ours, and kept.

    Raises `ValueError` where a schema without its texts says something else than the whole one.
    """
    definitions = {one["name"]: one for one in reversed(scan["tools"])}
    listed = read_tools(scan["tools"])
    info = scan["serverInfo"]
    return {
        "name": name,
        "scanned_at": scan["scanned_at"],
        "says": {key: info[key] for key in ("name", "version") if isinstance(info.get(key), str)},
        "eras": scan["eras"],
        "versions": scan["versions"],
        "offers": {
            "resources": len(scan["resources"]),
            "templates": len(scan["resourceTemplates"]),
            "prompts": len(scan["prompts"]),
        },
        "findings": [
            {"kind": one.kind, "severity": one.severity, "tool": one.tool, "where": one.where, "what": one.what}
            for one in findings(scan["tools"])
        ],
        "tools": [_tool(tool, definitions[tool.name], whole) for tool in listed],
    }


def _tool(tool: ListedTool, definition: Mapping[str, Any], whole: bool) -> dict[str, Any]:
    found = tool.classification
    schema = dict(tool.schema) if whole and tool.schema is not None else _schema(tool)
    return {
        "name": tool.name,
        "hash": definition_hash(definition),
        "length": len(tool.description),
        "schema": schema,
        "tokens": tool.tokens,
        "class": [found.category, found.severity, found.confidence],
        "evidence": [[one.source, one.quote, one.says] if whole else reduced_evidence(one) for one in found.evidence],
        "signals": list(found.signals),
        **({"text": tool.description} if whole else {}),
    }


def _schema(tool: ListedTool) -> dict[str, Any] | None:
    kept = reduced_schema(tool.schema)
    if len(json.dumps(kept, default=float)) > _LARGEST_SCHEMA:
        kept = reduced_schema(tool.schema, deep=False)
    facts = schema_facts(kept)
    if suggestions(tool) != suggestions(replace(tool, schema=kept, facts=facts)):
        raise ValueError(f"{tool.name}: without its texts the schema speaks for other rules")
    before = [(one.name, one.kind, one.required) for one in tool.facts.parameters]
    if (
        before != [(one.name, one.kind, one.required) for one in facts.parameters]
        or tool.facts.choices != facts.choices
    ):
        raise ValueError(f"{tool.name}: without its texts the schema says something else")
    return kept


def packed(lines: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The file for servers by name: JSON lines in the order of their names, packed; nothing in it tells when."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, compresslevel=9, filename="") as file:
        for name in sorted(lines):
            file.write(
                json.dumps(lines[name], ensure_ascii=True, separators=(",", ":"), default=float).encode() + b"\n"
            )
    return buffer.getvalue()


def unpacked(data: bytes) -> dict[str, dict[str, Any]]:
    """The servers of a file by name."""
    return {one["name"]: one for one in map(json.loads, gzip.decompress(data).splitlines())}


def build(scans: Path, file: Path) -> int:
    """Puts the scans of a folder into the file, and returns how many servers it then holds.

    Raises `ValueError` for a scan that `about.toml` does not know or that cannot be read, `OSError`.
    """
    known = about()
    lines = {
        name: line for name, line in (unpacked(file.read_bytes()) if file.exists() else {}).items() if name in known
    }
    for scan in sorted(scans.glob("*.json")):
        if scan.stem not in known:
            raise ValueError(f"{scan}: about.toml says nothing of {scan.stem}")
        try:
            lines[scan.stem] = line_of(scan.stem, strictjson.parse(scan.read_bytes()), whole=known[scan.stem].whole)
        except KeyError as error:
            raise ValueError(f"{scan}: it has no member {error}; make it with `gatepost scan --raw`") from None
    missing = sorted(set(known) - set(lines))
    if missing:
        raise ValueError(f"about.toml knows servers that were never scanned: {', '.join(missing)}")
    part = file.with_suffix(".part")
    part.write_bytes(packed(lines))
    part.replace(file)
    return len(lines)


def main(arguments: list[str]) -> int:
    """Runs the builder."""
    parser = argparse.ArgumentParser(
        prog="python -m gatepost.catalogue.shipped.build", description="Write the index that comes with the program."
    )
    parser.add_argument("scans", type=Path, help="a folder of files that `gatepost scan --raw` printed, SERVER.json")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name(SCANS), help="the file to write")
    asked = parser.parse_args(arguments)
    try:
        number = build(asked.scans, asked.out)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{number} servers in {asked.out}, {asked.out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
