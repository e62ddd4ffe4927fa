"""The reference page holds: every document in it loads, and every table of calls is true."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gatepost.policy import Decision, Policy, compile_policy
from gatepost.policy.model import CATEGORIES
from gatepost.policy.operators import OPERATORS

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")


def examples() -> list[tuple[str, list[dict[str, str]]]]:
    """Each document with the rows of the table that follows it, by heading."""
    found = []
    for match in re.finditer(r"```json\n(.*?)```\n(?:\n((?:\|[^\n]*\n)+))?", PAGE, re.DOTALL):
        lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in (match[2] or "").splitlines()]
        rows = [dict(zip(lines[0], cells, strict=True)) for cells in lines[2:]] if lines else []
        found.append((match[1], rows))
    return found


def judged(policy: Policy, row: dict[str, str]) -> Decision:
    if "resource" in row:
        return policy.decide_resource(row["resource"].strip("`"))
    arguments: Any = json.loads(row["arguments"].strip("`")) if "arguments" in row else {}
    return policy.decide(tool=row["tool"].strip("`"), arguments=arguments, category=row.get("category") or None)


@pytest.mark.parametrize("example", examples(), ids=range(len(examples())))
def test_an_example_decides_as_its_table_says(example: tuple[str, list[dict[str, str]]]) -> None:
    document, rows = example
    policy = compile_policy(document)
    for row in rows:
        decision = judged(policy, row)
        assert (decision.effect, decision.rule) == (row["decision"], row["rule"].strip("`")), row
        assert decision.enforced == (row.get("enforced", "yes") == "yes")


def test_there_are_as_many_tables_as_it_takes() -> None:
    assert len([rows for _, rows in examples() if rows]) >= 7


def test_every_operator_field_and_category_is_on_the_page() -> None:
    from gatepost.policy import read

    words = {*OPERATORS, *(f"@{name}" for name in CATEGORIES)}
    words.update(read._DOCUMENT_FIELDS, read._ENTRY_FIELDS, read._SECTION_FIELDS)
    missing = [word for word in words if f"`{word}`" not in PAGE]
    assert missing == []


def test_the_amounts_said_of_the_transfer_are_what_it_uses() -> None:
    document = next(text for text, _ in examples() if '"transfer"' in text)
    arguments = {"items": [{"sum": 10}, {"sum": 0.5}]}
    uses = compile_policy(document).decide(tool="transfer", arguments=arguments).limits
    assert [(use.counter, str(use.amount)) for use in uses] == [
        ("transfers", "1"),
        ("money", "10.5"),
        ("transfer_rate", "1"),
    ]


def test_the_host_table_is_true() -> None:
    policy_text = {"path": "args.url", "op": "host_in", "value": ["allowed.example", ".trusted.example"]}
    entry = {"deny_if": [{"conditions": [policy_text]}], "require": []}
    holds = compile_policy(
        {"version": "1", "default": "deny", "tools": {"deny": entry, "need": {"require": entry["deny_if"]}}}
    )
    table = PAGE.partition("### host_in")[2].partition("###")[0]
    rows = re.findall(r"^\| (`.*?) \| (true|false|unknown)", table, re.MULTILINE)
    assert len(rows) >= 8
    for urls, expected in rows:
        for url in re.findall("`([^`]+)`", urls):
            denied = holds.decide(tool="deny", arguments={"url": url}).effect == "deny"
            passes = holds.decide(tool="need", arguments={"url": url}).effect == "allow"
            assert (passes, denied) == (expected == "true", expected != "false"), url
