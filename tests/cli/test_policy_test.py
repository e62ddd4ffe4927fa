"""`gatepost policy test`: cases beside a policy hold it to what it is for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.program import POLICY, TOOLS, Program

ROOT = Path(__file__).parents[2]
CASES = """
tools: notes.tools.json
cases:
  - name: a note is read
    call: {tool: read_file, arguments: {path: /srv/notes/a.md}}
    expect: {effect: allow, rule: ""}
  - name: nothing outside the notes is read
    call: {tool: read_file, arguments: {path: /srv/notes/../../etc/passwd}}
    expect: {effect: deny, rule: /tools/read_file/require/in-notes, message: below /srv/notes}
  - name: the hundred-and-first read of a minute is refused
    call: {tool: read_file, arguments: {path: /srv/notes/a.md}}
    counters: {reads: 100}
    expect: {effect: deny, rule: /tools/read_file/limits/reads-per-minute}
  - name: the hundredth is not
    call: {tool: read_file, arguments: {path: /srv/notes/a.md}}
    counters: {reads/minute: 99, reads: 1000}
    expect: allow
  - name: nothing is deleted
    call: {tool: delete_file}
    expect: {effect: deny, rule: (default deny)}
  - name: a tool that is not there
    call: {tool: destroy}
    expect: {effect: deny, rule: (unknown tool)}
  - name: arguments that the schema does not know
    call: {tool: read_file, arguments: {path: /srv/notes/a.md, mode: raw}}
    expect: {effect: deny, rule: (invalid arguments)}
  - name: no resources
    call: {resource: "file:///srv/notes/a.md"}
    expect: {effect: deny, rule: /resources/default}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "notes.yaml").write_text(POLICY)
    (tmp_path / "deep" / "notes.tools.json").write_text(json.dumps({"tools": TOOLS}))
    (tmp_path / "deep" / "notes.cases.yaml").write_text(CASES)
    return tmp_path


def test_cases_that_hold_pass_with_no_data_folder(gatepost: Program, folder: Path) -> None:
    ran = gatepost("policy", "test", str(folder), "--cover", "100")
    assert ran.code == 0, ran.out
    assert "8 passed, 0 failed; 2 of 2 rules covered (100%)" in ran.out
    assert not gatepost.data.exists()


def test_a_case_that_names_a_counter_which_the_policy_does_not_have_fails(gatepost: Program, folder: Path) -> None:
    """Else a slip in its name would make a case of nothing."""
    cases = folder / "deep" / "notes.cases.yaml"
    cases.write_text(CASES.replace("{reads/minute: 99, reads: 1000}", "{reads/hour: 99, raeds: 1000}"))
    ran = gatepost.quick("policy", "test", str(folder))
    assert ran.code == 1
    assert "FAIL  the hundredth is not" in ran.out
    assert "no limit of the policy counts reads/hour; the nearest is reads" in ran.out


def test_a_rule_that_stops_covering_its_case_fails_the_build(gatepost: Program, folder: Path) -> None:
    policy = folder / "deep" / "notes.yaml"
    policy.write_text(policy.read_text().replace("[/srv/notes]", "[/]"))
    ran = gatepost.quick("policy", "test", str(folder), "--junit", str(folder / "report.xml"))
    assert ran.code == 1
    assert "FAIL  nothing outside the notes is read" in ran.out
    assert "expected deny, got allow" in ran.out
    assert "no case  /tools/read_file/require/in-notes" in ran.out
    (suite,) = ElementTree.parse(folder / "report.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("8", "1")
    (failure,) = suite.iter("failure")
    assert failure.get("message") == "expected deny, got allow"


def test_another_rule_that_refuses_the_call_is_not_the_one_that_was_meant(gatepost: Program, folder: Path) -> None:
    policy = folder / "deep" / "notes.yaml"
    policy.write_text(policy.read_text().replace("name: in-notes", "name: renamed"))
    report = gatepost.quick("policy", "test", str(folder), "--json")
    assert report.code == 1
    (failed,) = [case for case in report.json["files"][0]["cases"] if not case["passed"]]
    assert failed["got"]["rule"] == "/tools/read_file/require/renamed"
    assert failed["why"].startswith("expected the rule /tools/read_file/require/in-notes, got ")


def test_coverage_may_be_demanded(gatepost: Program, folder: Path) -> None:
    cases = folder / "deep" / "notes.cases.yaml"
    cases.write_text("cases: [{name: one, call: {tool: x}, expect: deny}]")
    assert gatepost.quick("policy", "test", str(cases)).code == 0
    ran = gatepost.quick("policy", "test", str(cases), "--cover", "50")
    assert ran.code == 1
    assert "less than the 50%" in ran.err


def test_every_kind_of_rule_is_covered_by_the_case_that_it_decides(gatepost: Program, tmp_path: Path) -> None:
    policy = {
        "version": "1",
        "default": "allow",
        "hide": ["gone"],
        "all_tools": {"deny_if": [{"name": "far", "conditions": [{"path": "args.n", "op": "gt", "value": 9}]}]},
        "tools": {
            "no/*": {"action": "deny"},
            "ask": {"action": "require_approval"},
            "big": {"approve_if": [{"conditions": [{"path": "args.n", "op": "gt", "value": 5}]}]},
            "maybe": {"mode": "shadow", "require": [{"name": "r", "conditions": []}], "deny_if": [{"conditions": []}]},
        },
        "resources": {"deny": ["secret://*"]},
        "prompts": {"limits": [{"counter": "p", "window": "hour", "max": 0}]},
    }
    cases = [
        ({"tool": "gone"}, "deny", "(hidden)"),
        ({"tool": "x", "arguments": {"n": 10}}, "deny", "/all_tools/deny_if/far"),
        ({"tool": "no/a"}, "deny", "/tools/no~1*/action"),
        ({"tool": "ask"}, "approve", "/tools/ask/action"),
        ({"tool": "big", "arguments": {"n": 6}}, "approve", "/tools/big/approve_if/args.n-gt"),
        ({"tool": "maybe"}, "allow", "/tools/maybe/deny_if/always"),
        ({"resource": "secret://a"}, "deny", "/resources/deny/secret:~1~1*"),
        ({"prompt": "p"}, "deny", "/prompts/limits/p-per-hour"),
    ]
    (tmp_path / "p.json").write_text(json.dumps(policy))
    listed = [{"name": rule, "call": call, "expect": {"effect": effect, "rule": rule}} for call, effect, rule in cases]
    (tmp_path / "p.cases.json").write_text(json.dumps({"cases": listed}))
    report = gatepost.quick("policy", "test", str(tmp_path), "--json")
    assert [case["why"] for case in report.json["files"][0]["cases"]] == [None] * len(cases)
    uncovered = [rule["rule"] for rule in report.json["files"][0]["rules"] if not rule["covered"]]
    assert uncovered == ["/tools/maybe/require/r"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cases: []", "/cases: expected a list"),
        ("cases: [{call: {tool: x}, expect: deny}]", "/cases/0/name: is missing"),
        (
            "cases: [{name: a, call: {tool: x}, expect: denied}]",
            "/cases/0/expect: expected one of allow, deny, approve",
        ),
        ("cases: [{name: a, call: {tool: x, prompt: p}, expect: deny}]", "/cases/0/call: expected exactly one"),
        (
            "cases: [{name: a, call: {tool: x}, expct: deny, expect: deny}]",
            "/cases/0/expct: is no field here. Did you mean",
        ),
        (
            "cases: [{name: a, call: {tool: x}, counters: {c: -1}, expect: deny}]",
            "/cases/0/counters/c: expected a number",
        ),
        ("cases: [{name: a, call: {tool: x}, expect: deny}, {name: a, call: {tool: x}, expect: deny}]", "is taken"),
        ("policy: none.yaml\ncases: [{name: a, call: {tool: x}, expect: deny}]", "cannot be read"),
        ("{", "line 1"),
    ],
)
def test_what_is_wrong_in_a_file_of_cases_is_said_with_its_place(
    gatepost: Program, folder: Path, text: str, said: str
) -> None:
    (folder / "deep" / "notes.cases.yaml").write_text(text)
    ran = gatepost.quick("policy", "test", str(folder))
    assert ran.code == 1
    assert said in ran.err


def test_a_folder_without_cases_and_a_policy_with_an_error_fail(
    gatepost: Program, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    assert "GP-4003" in gatepost.quick("policy", "test", str(tmp_path / "empty")).err
    assert gatepost.quick("policy", "test", str(tmp_path / "none")).code == 2
    (folder / "deep" / "notes.yaml").write_text('version: "2"\n')
    report = gatepost.quick("policy", "test", str(folder), "--json")
    assert report.code == 1
    assert [error["code"] for error in report.json["errors"]] == ["GP-2001"]


def test_a_report_that_cannot_be_written_is_said_after_the_cases(gatepost: Program, folder: Path) -> None:
    ran = gatepost.quick("policy", "test", str(folder), "--junit", str(folder / "nowhere" / "report.xml"))
    assert ran.code == 1
    assert "8 passed" in ran.out
    assert "error GP-5003: The report" in ran.err


def test_watching_runs_again_when_a_file_changes(gatepost: Program, folder: Path) -> None:
    policy = folder / "deep" / "notes.yaml"
    with gatepost.started("policy", "test", str(folder), "--watch") as process:
        assert process.stdout is not None
        until(process.stdout, "8 passed, 0 failed")
        until(process.stdout, "Watching for changes")
        policy.write_text(policy.read_text().replace("[/srv/notes]", "[/]"))
        until(process.stdout, "7 passed, 1 failed")


def until(lines: object, wanted: str) -> None:
    assert any(wanted in line for line in iter(lines.readline, ""))  # type: ignore[attr-defined]


def test_the_example_of_the_page_is_right(gatepost: Program, folder: Path) -> None:
    page = (ROOT / "docs" / "policy-testing.md").read_text()
    (example,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "cases:" in block]
    (folder / "deep" / "notes.cases.yaml").write_text(example)
    ran = gatepost.quick("policy", "test", str(folder))
    assert ran.code == 0, ran.out + ran.err
