"""The attack library, played against the real engine."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gatepost.catalogue.attacks import attacks
from gatepost.drills import Result, run, sample_target, target_of
from gatepost.drills.plays import PLAYS
from gatepost.drills.target import ordinary
from tests.cli.program import TOOLS, Program


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """Every attack, played once against the shop with its recommended policy."""
    played = asyncio.run(run(attacks().values(), sample_target()))
    return {one.attack: one for one in played}


def test_every_attack_has_its_play() -> None:
    assert set(PLAYS) == set(attacks())


def test_every_attack_tells_of_an_incident_with_a_source_that_is_no_specification() -> None:
    for one in attacks().values():
        assert one.incident, one.name
        assert one.source.startswith("https://"), one.name
        assert "/specification/" not in one.source, one.name
        if one.incident.startswith("CVE-"):
            assert one.source == "https://www.cve.org/CVERecord?id=" + one.incident.replace(":", " ").split()[0]


@pytest.mark.parametrize("name", list(attacks()))
def test_an_attack_ends_as_the_library_says(results: dict[str, Result], name: str) -> None:
    assert results[name].outcome == ("stopped" if attacks()[name].stops else "not stopped"), results[name]


def test_what_stops_an_attack_is_named(results: dict[str, Result]) -> None:
    assert results["runaway-loop"].by == "/tools/update_product/limits/update_product_rate-per-minute"
    assert results["runaway-loop"].reached == 30
    assert results["quota-race"].reached == 30
    assert results["destructive-call"].by == "-32602: Unknown tool: delete_customer"
    assert results["path-traversal"].by == "/tools/read_file/require/path-folder"
    assert results["undeclared-argument"].by == "(invalid arguments)"
    assert (results["rug-pull"].by, results["rug-pull"].reached) == ("(definition changed)", 0)
    assert results["duplicate-keys"].by.startswith("GP-1005")
    assert results["header-mismatch"].by.startswith("GP-1007")
    assert results["confused-deputy"].by.startswith("GP-1002")
    assert results["revoked-token"].by.startswith("GP-1001")


def test_a_policy_that_allows_everything_lets_the_attacks_through_that_a_policy_stops() -> None:
    tools = [dict(one) for one in sample_target().definitions.values()]
    open_door = target_of("shop", tools, {}, ("open", {"version": "1", "default": "allow"}))
    names = ["runaway-loop", "destructive-call", "many-small-payments", "path-traversal", "server-side-request"]
    played = asyncio.run(run([attacks()[name] for name in names], open_door))
    assert [one.outcome for one in played] == ["not stopped"] * len(names)
    by_engine = ["rug-pull", "duplicate-keys", "batch-smuggling", "undeclared-argument", "confused-deputy"]
    played = asyncio.run(run([attacks()[name] for name in by_engine], open_door))
    assert [one.outcome for one in played] == ["stopped"] * len(by_engine)


def test_an_attack_for_which_a_server_has_no_tool_does_not_apply() -> None:
    target = target_of("notes", [{"name": "list_notes", "inputSchema": {"type": "object"}}], {}, None)
    (one,) = asyncio.run(run([attacks()["destructive-call"]], target))
    assert (one.outcome, one.by) == ("does not apply", "the server has no tool that destroys")


def test_a_code_that_is_not_run_is_no_way_to_inject_a_command() -> None:
    schema = {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}
    sign_in = {"name": "complete_sign_in", "description": "Completes a sign-in.", "inputSchema": schema}
    target = target_of("service", [sign_in], {}, None)
    (one,) = asyncio.run(run([attacks()["command-injection"]], target))
    assert (one.outcome, one.by) == ("does not apply", "the server has no tool that runs what it is given")


def test_ordinary_arguments_satisfy_ordinary_schemas() -> None:
    tools = [dict(one) for one in sample_target().definitions.values()]
    target = target_of("shop", tools, {}, ("open", {"version": "1", "default": "allow"}))
    assert [tool.name for tool in target.tools if not target.allows(tool)] == []
    assert all(set(ordinary(tool)) == {one.name for one in tool.facts.parameters} for tool in target.tools)


# -- the commands ------------------------------------------------------------------------------------------------------


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "data")


def test_attack_list_and_show_tell_of_them(program: Program) -> None:
    listed = program.quick("attack", "list")
    assert listed.code == 0
    assert "runaway-loop" in listed.out
    only = program.read("attack", "list", "--owasp", "mcp05")
    assert {"MCP05"} <= {key for one in only for key in one["owasp"]}
    assert program.quick("attack", "list", "--owasp", "MCP99").code == 2
    shown = program.quick("attack", "show", "path-traversal")
    assert "What stops it" in shown.out
    assert program.quick("attack", "show", "path-traversal", "--markdown").out.startswith("# Path traversal")
    assert "path-traversal" in program.quick("attack", "show", "path-traversel").err


def test_what_a_specification_says_of_an_attack_stands_beside_its_incident(program: Program, tmp_path: Path) -> None:
    spoken = "modelcontextprotocol.io/specification/2025-06-18/changelog"
    assert spoken in program.quick("attack", "show", "batch-smuggling").out
    assert spoken in program.quick("attack", "show", "batch-smuggling", "--markdown").out
    assert spoken in program.read("attack", "show", "batch-smuggling")["specification"]
    assert program.quick("catalogue", "build", "--out", str(tmp_path / "site")).code == 0
    assert spoken in (tmp_path / "site" / "attacks" / "batch-smuggling.html").read_text()


def test_attack_run_plays_against_a_server_that_was_scanned_and_not_registered(
    program: Program, tmp_path: Path
) -> None:
    shipped = program.quick("attack", "run", "destructive-call", "duplicate-keys", "--server", "filesystem")
    assert shipped.code == 0
    assert "It is not registered here" in shipped.err
    listed = tmp_path / "notes.json"
    listed.write_text(json.dumps({"tools": TOOLS}))
    assert program.quick("catalogue", "import", str(listed)).code == 0
    played = program.read("attack", "run", "destructive-call", "--server", "notes")
    assert (played["server"], played["results"][0]["outcome"]) == ("notes", "stopped")
    unknown = program.quick("attack", "run", "--server", "nowhere")
    assert (unknown.code, "GP-5003" in unknown.err) == (1, True)


def test_attack_run_plays_against_a_registered_server_without_calling_it(program: Program, tmp_path: Path) -> None:
    listed = tmp_path / "tools.json"
    listed.write_text(json.dumps(TOOLS))
    assert program.add_tiny("files", listed).code == 0
    ran = program.quick("attack", "run", "destructive-call", "path-traversal", "--server", "files", "--json")
    assert ran.code == 1, ran.err  # the recommended policy has no folder until its owner names one
    outcomes = {one["attack"]: one["outcome"] for one in ran.json["results"]}
    assert outcomes == {"destructive-call": "stopped", "path-traversal": "not stopped"}
    document = tmp_path / "policy.json"
    document.write_text(json.dumps(program.read("policy", "recommend", "files", "--arguments")["document"]))
    assert program.quick("policy", "add", "strict", str(document), "--server", "files").code == 0
    strict = program.quick("attack", "run", "path-traversal", "--server", "files", "--policy", "strict")
    assert strict.code == 0, strict.out + strict.err
    assert "1 of 1 stopped." in strict.out
