"""Sections, bars, and the Markdown page made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

METHOD = Path(__file__).with_name("method.md")


@dataclass(frozen=True, slots=True)
class Bar:
    """One promise: what is wanted, what was measured, and whether it holds (None: could not be measured)."""

    what: str
    wanted: str
    measured: str
    met: bool | None

    @property
    def verdict(self) -> str:
        return {True: "met", False: "**not met**", None: "not measured"}[self.met]


@dataclass(slots=True)
class Section:
    """One chapter of the page: Markdown lines, bars, and the raw figures for `--json`."""

    key: str
    title: str
    lines: list[str] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    def say(self, *lines: str) -> None:
        self.lines.extend(lines)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        self.lines.extend(["", *table(head, rows), ""])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table whose columns after the first are right-aligned."""
    line = "| " + " | ".join(head) + " |"
    rule = "| --- |" + " ---: |" * (len(head) - 1)
    return [line, rule, *("| " + " | ".join(row) + " |" for row in rows)]


def count(value: float) -> str:
    return f"{value:,.0f}"


def micros(value: float) -> str:
    """A latency in microseconds, in the unit that a reader wants."""
    if value < 1000:
        return f"{value:.0f} µs"
    return f"{value / 1000:.1f} ms" if value < 100_000 else f"{value / 1000:,.0f} ms"


def times(value: float) -> str:
    if value >= 10:
        return f"{value:.0f} ×"
    return f"{value:.2f} ×" if value >= 0.1 else f"{value:.3f} ×"


def summary(bars: Sequence[Bar]) -> str:
    """`18 of 21 met, 2 not met, 1 not measured.`"""
    met = sum(bar.met is True for bar in bars)
    missed = sum(bar.met is False for bar in bars)
    unknown = sum(bar.met is None for bar in bars)
    return ", ".join([f"{met} of {len(bars)} met", f"{missed} not met", f"{unknown} not measured"]) + "."


def page(facts: dict[str, Any], sections: Sequence[Section]) -> str:
    """docs/benchmark.md. `facts`: scale, command, machine, versions, skipped, left_out (see bench/__main__.py)."""
    lines = ["# Benchmark", ""]
    if facts["scale"] != "full":
        lines += [
            f"> A `--{facts['scale']}` run: it shows that the benchmark works; its figures are not meant to be quoted.",
            "",
        ]
    lines += [
        "Made by one command, side by side in one run. How to run it yourself is at the end of this page.",
        "",
        "```",
        facts["command"],
        "```",
        "",
        "## Bars",
        "",
        summary([bar for section in sections for bar in section.bars]),
        *([f"Sections that were not run: {', '.join(facts['left_out'])}."] if facts["left_out"] else []),
        "",
        *table(
            ["promise", "wanted", "measured", ""],
            [[b.what, b.wanted, b.measured, b.verdict] for s in sections for b in s.bars],
        ),
        "",
    ]
    for section in sections:
        lines += [f"## {section.title}", "", *section.lines, ""]
    lines += ["## The machine", "", *table(["", ""], [[k, v] for k, v in facts["machine"].items()]), ""]
    lines += [", ".join(f"{name} {version}" for name, version in facts["versions"].items()) + ".", ""]
    if facts["skipped"]:
        lines += ["Skipped in this run: " + "; ".join(facts["skipped"]) + ".", ""]
    lines += [METHOD.read_text()]
    text = "\n".join(lines)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.rstrip() + "\n"


def as_json(facts: dict[str, Any], sections: Sequence[Section]) -> dict[str, Any]:
    found = {s.key: {"title": s.title, "bars": [asdict(b) for b in s.bars], **s.data} for s in sections}
    return {**facts, "sections": found}
