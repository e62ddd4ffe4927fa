"""The index that comes with the program: there from the beginning, true to the scans, and without anybody's texts."""

from __future__ import annotations

import gzip
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from gatepost.catalogue import Siblings, classify
from gatepost.catalogue.listed import ListedTool
from gatepost.catalogue.recommend import PROFILES, recommend
from gatepost.catalogue.schema_facts import schema_facts
from gatepost.catalogue.shipped import SCANS, ShippedServer, about, shipped
from gatepost.catalogue.shipped.build import main, packed, unpacked
from gatepost.policy import compile_policy
from tests.catalogue.labelled import DATA
from tests.cli.program import TOOLS, Program

ROOT = Path(__file__).resolve().parents[2]
FILE = files("gatepost.catalogue.shipped") / SCANS
LETTERS = {"R": "read", "W": "write", "X": "execute", "D": "destructive", "F": "financial"}
CRITICAL = ("destructive", "financial")
REBUILD = "Scan it again and run `python -m gatepost.catalogue.shipped.build`, see docs/catalogue.md."
PUBLIC = [server for server in shipped().values() if not server.about.whole]


def labels() -> dict[tuple[str, str], str]:
    """What a person says each tool of the scans is, by server and tool."""
    rows = (line.split("|") for line in (DATA / "scanned.txt").read_text().split())
    return {(server, tool): LETTERS[letter] for letter, server, tool in rows}


# -- a fresh installation ----------------------------------------------------------------------------------------------


def test_an_empty_data_folder_knows_well_known_servers_and_stays_empty(tmp_path: Path) -> None:
    fresh = Program(tmp_path / "data")
    found = fresh("catalogue", "search", "screenshot")
    assert found.code == 0, found.err
    assert "browser_take_screenshot" in found.out
    assert "playwright" in found.out
    deleting = fresh.read("catalogue", "search", "delete", "--category", "destructive", "--limit", "200")["tools"]
    assert {"memory", "atlassian", "mongodb"} <= {one["server"] for one in deleting}
    assert not (tmp_path / "data").exists()


def test_a_shipped_server_and_a_tool_of_it_are_shown_and_recommended_for(tmp_path: Path) -> None:
    fresh = Program(tmp_path / "data")
    page = fresh("catalogue", "show", "filesystem")
    assert "@modelcontextprotocol/server-filesystem" in page.out
    assert "scanned" in page.out
    assert "It is not registered here" in page.err
    tool = fresh("catalogue", "show", "filesystem/write_file")
    assert "write, risk high" in tool.out
    assert "path-traversal" in tool.out
    told = fresh.read("catalogue", "show", "git")
    assert (told["source"], told["counts"]["destructive"]) == ("shipped", 1)
    assert fresh.quick("catalogue", "show", "git", "--markdown").out.startswith("# git\n")
    policy = compile_policy(fresh("policy", "recommend", "git").json)
    assert policy.decide(tool="git_status").effect == "allow"
    assert policy.hides("git_reset")
    assert not (tmp_path / "data").exists()


def test_a_server_that_is_nowhere_is_said_with_the_one_that_may_be_meant(tmp_path: Path) -> None:
    missing = Program(tmp_path / "data").quick("catalogue", "show", "playwrihgt")
    assert missing.code == 1
    assert "playwright" in missing.err
    unknown = Program(tmp_path / "data").quick("catalogue", "show", "playwright/browser_clik")
    assert "browser_click" in unknown.err


def test_the_site_of_a_fresh_installation_has_all_of_them(tmp_path: Path) -> None:
    fresh = Program(tmp_path / "data")
    out = tmp_path / "site"
    built = fresh("catalogue", "build", "--out", str(out))
    assert built.code == 0, built.err
    index = (out / "index.html").read_text()
    for server in shipped().values():
        assert f'href="servers/{server.name}/index.html"' in index
    assert "playwright" in (out / "servers" / "playwright" / "index.html").read_text()
    assert fresh.quick("catalogue", "build", "--out", str(out), "--registered").code == 1


def test_a_server_of_ones_own_wins_over_a_shipped_one_of_its_name(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    listed = tmp_path / "tools.json"
    listed.write_text(json.dumps(TOOLS))
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "time.json").write_text(json.dumps({"tools": TOOLS}))
    assert program.quick("catalogue", "import", str(scans)).code == 0
    assert [one["name"] for one in program.read("catalogue", "show", "time")["tools"]] == ["delete_file", "read_file"]
    named = program.read("catalogue", "search", "delete_file")["tools"]
    assert "time" in [one["server"] for one in named]
    assert "convert_time" not in [one["tool"] for one in program.read("catalogue", "search", "convert time")["tools"]]
    assert program.add_tiny("git", listed).code == 0
    own = program.read("catalogue", "show", "git")
    assert (own["source"], len(own["tools"])) == ("registered", 2)
    assert program.read("catalogue", "show", "fetch")["source"] == "shipped"


# -- what is in the file -----------------------------------------------------------------------------------------------


def test_the_file_is_small_says_what_was_scanned_and_goes_into_the_wheel() -> None:
    data = FILE.read_bytes()
    assert len(data) < 1_000_000
    assert packed(unpacked(data)) == data
    assert set(unpacked(data)) == set(about())
    assert len(PUBLIC) >= 25
    assert {"plex", "trakt"} <= set(shipped())
    for server in shipped().values():
        assert server.tools, server.name
        assert server.scanned_at[:4] >= "2026"
        assert server.about.what.endswith(".")
        assert server.about.start
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "src/gatepost" in build["packages"]
    assert "exclude" not in build


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def test_no_text_of_a_public_servers_authors_is_in_it() -> None:
    for line in map(json.loads, gzip.decompress(FILE.read_bytes()).splitlines()):
        if about()[line["name"]].whole:
            continue
        for tool in line["tools"]:
            assert "text" not in tool
            for text in _strings(tool["schema"]):
                assert len(text.split()) <= 4 or not text.replace(" ", "").isalpha(), (line["name"], text)
            for source, quote, _ in tool["evidence"]:
                assert source != "description" or len(quote.split()) <= 5, quote
        assert set(line["says"]) <= {"name", "version"}


def test_what_a_schema_says_of_its_parameters_is_kept() -> None:
    tools = {tool.name: tool for tool in shipped()["github"].tools}
    facts = schema_facts(tools["create_or_update_file"].schema)
    assert [one.name for one in facts.parameters if one.required] == [
        "owner", "repo", "path", "content", "message", "branch",
    ]  # fmt: skip
    assert facts.paths == ("path",)
    (url,) = (tool for tool in shipped()["fetch"].tools)
    assert url.facts.urls == ("url",)


# -- whether it is right -----------------------------------------------------------------------------------------------


def test_the_classes_are_what_a_security_engineer_says_and_nothing_that_takes_away_counts_as_reading() -> None:
    said = labels()
    found = {(server.name, tool.name): tool for server in shipped().values() for tool in server.tools}
    assert set(said) == set(found), "label the new tools in data/scanned.txt"
    wrong = {key: (said[key], tool.category) for key, tool in found.items() if tool.category != said[key]}
    assert len(wrong) / len(found) <= 0.03
    rows = [line.split("|") for line in (DATA / "scanned-disagreements.txt").read_text().splitlines()]
    assert wrong == {(server, tool): (label, category) for server, tool, label, category, _ in rows}
    assert [key for key, (label, category) in wrong.items() if category == "read" and label in CRITICAL] == []


def test_todays_rules_make_nothing_worse_of_what_is_shipped_as_reading() -> None:
    for server in shipped().values():
        siblings = Siblings.of(tool.name for tool in server.tools)
        for tool in server.tools:
            if tool.category == "read":
                words = " ".join(one.quote for one in tool.classification.evidence if one.source == "description")
                today = classify(tool.name, words, tool.schema, None, siblings)
                assert today.category not in ("destructive", "financial"), f"{server.name}/{tool.name}. {REBUILD}"


_STARTS = {
    "git": ("-m", "mcp_server_git"),
    "time": ("-m", "mcp_server_time"),
    "plex": ("-m", "gatepost_media", "plex", "--write"),
    "trakt": ("-m", "gatepost_media", "trakt", "--write"),
}


@pytest.mark.parametrize("name", _STARTS)
def test_a_scan_of_today_says_what_is_shipped(name: str, tmp_path: Path) -> None:
    options = [f"--env={variable}=http://127.0.0.1:1" for variable in about()[name].placeholders]
    options.append(f"--env=GATEPOST_MEDIA_HOME={tmp_path}")
    ran = Program(tmp_path / "data")("scan", "--raw", *options, "--", sys.executable, *_STARTS[name])
    assert ran.code == 0, ran.err
    scans, out = tmp_path / "scans", tmp_path / "out.gz"
    scans.mkdir()
    (scans / f"{name}.json").write_text(ran.out)
    out.write_bytes(FILE.read_bytes())
    assert main([str(scans), "--out", str(out)]) == 0
    today = {tool["name"]: tool for tool in unpacked(out.read_bytes())[name]["tools"]}
    stored = {tool["name"]: tool for tool in unpacked(FILE.read_bytes())[name]["tools"]}
    if about()[name].whole:
        assert set(today) == set(stored), REBUILD
    for tool, one in today.items():
        if about()[name].whole or stored.get(tool, {}).get("hash") == one["hash"]:
            assert one["class"][0] == stored[tool]["class"][0], f"{name}/{tool}. {REBUILD}"


# -- what follows from it ----------------------------------------------------------------------------------------------


def _effects(tools: tuple[ListedTool, ...], document: dict[str, Any]) -> dict[str, str]:
    """What the engine does with each tool, called without arguments: `hide`, or what it decides."""
    policy = compile_policy(document)
    return {
        tool.name: "hide" if policy.hides(tool.name) else policy.decide(tool=tool.name, arguments={}).effect
        for tool in tools
    }


def _secret(tool: ListedTool) -> bool:
    return "gives-secrets" in tool.classification.signals


@pytest.mark.parametrize("server", shipped().values(), ids=lambda server: server.name)
def test_for_each_the_reading_policy_lets_the_reads_through_and_stops_the_rest(server: ShippedServer) -> None:
    made = recommend(server.tools, about=server.name, profile=PROFILES["read-only"])
    effects = _effects(server.tools, made.document)
    for tool in server.tools:
        wanted = "approve" if _secret(tool) else "allow" if tool.category == "read" else "hide"
        assert effects[tool.name] == wanted, tool.name
    compile_policy(recommend(server.tools, profile=PROFILES["read-only"], arguments=True).document)
    assert compile_policy(made.document).decide(tool="not_listed_before").effect == "deny"


@pytest.mark.parametrize("server", shipped().values(), ids=lambda server: server.name)
def test_for_each_the_standard_policy_bounds_what_acts_and_hides_what_takes_away(server: ShippedServer) -> None:
    document = recommend(server.tools, about=server.name).document
    effects = _effects(server.tools, document)
    most = {"write": 30, "execute": 10}
    for tool in server.tools:
        wanted = {"destructive": "hide", "financial": "approve"}.get(tool.category, "allow")
        assert effects[tool.name] == ("approve" if _secret(tool) else wanted), tool.name
        if tool.category in most:
            limits = compile_policy(document).decide(tool=tool.name, arguments={}).limits
            assert [int(use.max) for use in limits] == [most[tool.category]]


# -- the builder -------------------------------------------------------------------------------------------------------


def test_the_builder_replaces_what_it_is_given_keeps_the_rest_and_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.gz"
    out.write_bytes(FILE.read_bytes())
    scan: dict[str, Any] = {
        "server": "time", "serverInfo": {"name": "mcp-time", "title": "T"}, "eras": ["legacy"],
        "versions": ["2025-11-25"], "scanned_at": "2026-12-01T00:00:00Z", "tools": TOOLS, "resources": [],
        "resourceTemplates": [], "prompts": [{"name": "p"}], "problems": [],
    }  # fmt: skip
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "time.json").write_text(json.dumps(scan))
    assert main([str(scans), "--out", str(out)]) == 0
    built = unpacked(out.read_bytes())
    assert set(built) == set(unpacked(FILE.read_bytes()))
    assert built["time"]["offers"]["prompts"] == 1
    assert [tool["class"][0] for tool in built["time"]["tools"]] == ["read", "destructive"]
    assert "Reads a file" not in out.read_bytes().decode("latin-1")
    assert built["git"] == unpacked(FILE.read_bytes())["git"]
    before = out.read_bytes()
    assert main([str(scans), "--out", str(out)]) == 0
    assert out.read_bytes() == before
    (scans / "nowhere.json").write_text(json.dumps(scan))
    assert main([str(scans), "--out", str(out)]) == 1
    assert "about.toml says nothing of nowhere" in capsys.readouterr().err
    (scans / "nowhere.json").unlink()
    (scans / "time.json").write_text(json.dumps({"tools": TOOLS}))
    assert main([str(scans), "--out", str(out)]) == 1
    assert "gatepost scan --raw" in capsys.readouterr().err
    assert out.read_bytes() == before


def test_on_the_site_ones_own_servers_come_first_and_are_marked(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    listed = tmp_path / "tools.json"
    listed.write_text(json.dumps(TOOLS))
    assert program.add_tiny("zebra", listed).code == 0
    assert program.quick("catalogue", "build", "--out", str(tmp_path / "site")).code == 0
    index = (tmp_path / "site" / "index.html").read_text()
    assert index.index("servers/zebra/") < index.index("servers/airtable/")
    assert index.count("registered here") == 1
    assert program.quick("catalogue", "build", "--out", str(tmp_path / "own"), "--registered").code == 0
    own = (tmp_path / "own" / "index.html").read_text()
    assert "1 server with 2 tools" in own
    assert "airtable" not in own
    assert program.quick("catalogue", "build", "--out", "x", "--registered", "--server", "zebra").code == 2
