"""Input schemas that no call can be checked against. Nothing that one refers to is ever fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gatepost.catalogue.findings.finding import Finding, quoted
from gatepost.policy import compile_definition


def schemas(tool: Mapping[str, Any]) -> Iterator[Finding]:
    """The finding for a tool whose calls the gateway denies because of its schema."""
    why = compile_definition(tool).unusable
    if why is not None:
        what = "cannot be used, so that every call of the tool is denied"
        yield Finding("schema", "low", quoted(str(tool.get("name"))), "inputSchema", what, quoted(why))
