"""Pages as Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from gatepost.catalogue.attacks import OWASP, Attack
from gatepost.catalogue.findings import Finding, advice
from gatepost.catalogue.pages import WINDOW, ServerPage, ToolPage

_SHOWN_FINDINGS: Final = 100
_SPECIAL = frozenset("\\`*_{}[]()#+-!|<>~")


def tool_markdown(page: ToolPage) -> str:
    """The page of a tool."""
    found = page.tool.classification
    lines = [f"# {escaped(page.tool.name)}", "", f"Server: {escaped(page.server)}", ""]
    lines += [escaped(page.what) or "It has no description.", ""]
    lines += _table(
        ["category", "risk", "confidence", "parameters", "tokens"],
        [[found.category, found.severity, found.confidence, page.parameter_count, f"{page.tool.tokens:,}"]],
    )
    lines += findings_markdown(page.findings)
    lines += ["## Why it needs a policy", "", *(f"* {escaped(one)}" for one in page.why), ""]
    lines += ["## What decided", "", *(f"* {escaped(one)}" for one in page.evidence or ("Nothing could be read.",)), ""]
    if page.signals:
        lines += ["Signals: " + "; ".join(page.signals) + ".", ""]
    if page.parameters:
        rows = [
            [f"{escaped(one.name)}{' (required)' if one.required else ''}", one.kind, escaped(one.note)]
            for one in page.parameters
        ]
        lines += ["## Parameters", "", *_table(["name", "type", "what"], rows)]
    lines += ["## The recommended policy", "", *_json(page.policy)]
    lines += ["To limit its rate:", "", *_json(page.rate), "To block it:", "", *_json(page.block)]
    if page.suggestions:
        lines += ["## Rules for its arguments", ""]
        for one in page.suggestions:
            yours = f" Change {one.change}." if one.change else ""
            lines += [
                f"{escaped(one.parameter)}, in `{one.member}`: {escaped(one.reason)}{yours}",
                "",
                *_json(one.rule),
            ]
    if page.attacks:
        lines += ["## Attacks that concern it", ""]
        lines += [f"* {escaped(one.title)} (`gatepost attack show {one.name}`)" for one in page.attacks]
        lines.append("")
    return "\n".join(lines)


def server_markdown(page: ServerPage, facts: Sequence[tuple[str, str]] = ()) -> str:
    """The page of a server, with what else is known of it at its head, as (label, value)."""
    counts = ", ".join(f"{number} {category}" for category, number in page.counts.items() if number) or "none"
    lines = [f"# {escaped(page.name)}", ""]
    if facts:
        lines += [*(f"* {label}: {escaped(value)}" for label, value in facts), ""]
    lines += [f"{len(page.tools):,} tools: {counts}.", ""]
    heavy = f" The heaviest is {escaped(page.heaviest.name)} with {page.heaviest.tokens:,}." if page.heaviest else ""
    lines += [f"Its definitions cost about {page.tokens:,} tokens, {page.share:.1%} of {WINDOW:,}.{heavy}", ""]
    lines += findings_markdown(page.findings)
    rows = [
        [escaped(tool.name), tool.category, tool.classification.severity, tool.classification.confidence]
        for tool in page.tools
    ]
    lines += ["## Tools by risk", "", *_table(["tool", "category", "risk", "confidence"], rows)]
    lines += [escaped(note) for note in page.recommendation.notes]
    lines += ["## The recommended policy", "", *_json(page.recommendation.document)]
    return "\n".join(lines)


def findings_markdown(findings: Sequence[Finding]) -> list[str]:
    """What is to be looked at first, as a section; nothing where there is nothing."""
    if not findings:
        return []
    lines = [f"* {one.severity}: {escaped(str(one))}" for one in findings[:_SHOWN_FINDINGS]]
    if len(findings) > _SHOWN_FINDINGS:
        lines.append(f"* and {len(findings) - _SHOWN_FINDINGS:,} more")
    todo = [f"* {kind}: {what}" for kind, what in advice(findings)]
    return ["## To be looked at first", "", *lines, "", "What to do:", "", *todo, ""]


def attack_markdown(attack: Attack, server: str = "", tools: Sequence[str] | None = None) -> str:
    """The page of an attack; with `tools`, also those of a server that it concerns."""
    lines = [f"# {attack.title}", "", attack.what, "", "## How it works", "", attack.how, ""]
    lines += ["## Where it was seen", "", attack.incident, "", f"<{attack.source}> {attack.checked}", ""]
    if attack.specification:
        lines += [f"In a specification: <{attack.specification}>", ""]
    lines += ["## What stops it", "", attack.stops or "Nothing here stops it.", ""]
    if attack.remains:
        lines += ["## What remains", "", attack.remains, ""]
    lines += ["OWASP MCP Top 10: " + "; ".join(f"{key} {OWASP[key]}" for key in attack.owasp) + ".", ""]
    if tools is not None:
        named = [f"* {escaped(tool)}" for tool in tools] or ["None."]
        lines += [f"## Tools of {escaped(server)} it concerns", "", *named, ""]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """A text of others so that it is text in Markdown, on one line, without control characters."""
    kept = "".join(character if character.isprintable() else " " for character in text)
    return "".join("\\" + character if character in _SPECIAL else character for character in kept)


def _table(headers: list[str], rows: list[list[str]]) -> list[str]:
    lines = [f"| {' | '.join(headers)} |", f"| {' | '.join('---' for _ in headers)} |"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def _json(value: Any) -> list[str]:
    text = json.dumps(value, indent=2, ensure_ascii=True).replace("`", "\\u0060")
    return ["```json", *text.split("\n"), "```", ""]
