"""Servers, policies and grants, from the command line."""

from __future__ import annotations

import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.cli.program import POLICY, TOOLS, Program


def test_a_server_is_asked_first_and_its_tools_are_stored(gatepost: Program, tools: Path) -> None:
    added = gatepost.add_tiny("files", tools)
    assert added.code == 0
    assert "legacy (2025-11-25)" in added.out
    assert "read_file, delete_file" in added.out
    assert added.err.startswith("Starting ")
    listed = gatepost.read("server", "list")
    assert [(server["name"], server["tools"], server["eras"]) for server in listed] == [("files", 2, ["legacy"])]
    assert listed[0]["scanned_at"].endswith("Z")
    shown = gatepost.read("server", "show", "files")
    assert [definition["tool"] for definition in shown["definitions"]] == TOOLS
    assert shown["running"] is None


def test_a_server_that_ends_at_once_is_refused_with_its_last_words(gatepost: Program) -> None:
    code = "import sys; sys.exit('\\x1b[2Jcannot find my settings')"
    ran = gatepost("server", "add", "broken", "--", sys.executable, "-c", code)
    assert ran.code == 1
    assert "error GP-3005: " in ran.err
    assert "cannot find my settings" in ran.err
    assert "\x1b" not in ran.err
    assert gatepost.read("server", "list") == []


def test_a_server_that_is_not_there_is_refused(gatepost: Program) -> None:
    assert "error GP-3005: " in gatepost("server", "add", "none", "--", "no-such-program-anywhere").err
    assert "error GP-3001: " in gatepost("server", "add", "none", "--url", "http://127.0.0.1:9/mcp").err
    assert gatepost.read("server", "list") == []


def test_a_secret_for_a_server_is_never_shown_nor_stored_in_the_clear(
    gatepost: Program, tools: Path, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("open-sesame\n")
    added = gatepost.add_tiny("files", tools, "--env", f"TINY_SECRET=@{tmp_path / 'key'}")
    assert added.code == 0
    shown = gatepost("server", "show", "files")
    assert "TINY_SECRET" in shown.out
    everything = b"".join(file.read_bytes() for file in gatepost.data.rglob("*") if file.is_file())
    assert b"open-sesame" not in everything
    assert "open-sesame" not in added.out + added.err + shown.out + gatepost("server", "show", "files", "--json").out


class _Web(BaseHTTPRequestHandler):
    """An MCP server over HTTP that speaks 2025-11-25, keeps no sessions, and wants a credential."""

    seen: ClassVar[list[str | None]] = []

    def do_POST(self) -> None:
        self.seen.append(self.headers["Authorization"])
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        about = {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "w", "version": "1"},
        }
        answers = {"initialize": {"result": about}, "tools/list": {"result": {"tools": TOOLS}}}
        answer = answers.get(message["method"], {"error": {"code": -32601, "message": "Method not found"}})
        body = json.dumps({"jsonrpc": "2.0", "id": message.get("id"), **answer}).encode() if "id" in message else b""
        self.send_response(200 if body else 202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_a_server_at_a_url_gets_its_credential_and_nobody_else_sees_it(gatepost: Program, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("open-sesame\n")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Web) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{web.server_port}/mcp"
        header = f"Authorization: Bearer @{tmp_path / 'token'}"
        added = gatepost("server", "add", "web", "--url", url, "--header", header)
        web.shutdown()
    assert added.code == 0, added.err
    assert set(_Web.seen) == {"Bearer open-sesame"}
    assert "read_file, delete_file" in added.out
    shown = gatepost("server", "show", "web")
    assert "Authorization" in shown.out
    assert "open-sesame" not in shown.out + json.dumps(gatepost.read("server", "show", "web"))
    assert b"open-sesame" not in b"".join(file.read_bytes() for file in gatepost.data.rglob("*") if file.is_file())


def test_a_header_written_out_is_refused(gatepost: Program) -> None:
    ran = gatepost(
        "server", "add", "x", "--url", "http://127.0.0.1:9/", "--header", "Authorization: Bearer secret-word"
    )
    assert ran.code == 2
    assert "@FILE" in ran.err
    assert "secret-word" not in ran.err


@pytest.mark.parametrize("header", ["Authorization: Bearer -", "X-Key: -", "X-Key:-"])
def test_run_leaves_standard_input_to_its_client(gatepost: Program, tmp_path: Path, header: str) -> None:
    (tmp_path / "p.yaml").write_text(POLICY)
    ran = gatepost("run", "--policy", str(tmp_path / "p.yaml"), "--upstream", "http://127.0.0.1:9/", "--header", header)
    assert ran.code == 2
    assert "Standard input is the client's" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["x"],
        ["x", "--url", "http://127.0.0.1:9/", "--", "program"],
        ["x", "--header", "A: @f", "--", "program"],
        ["x", "--url", "http://127.0.0.1:9/", "--env", "A=b"],
    ],
)
def test_url_and_command_exclude_each_other(gatepost: Program, arguments: list[str]) -> None:
    assert gatepost.quick("server", "add", *arguments).code == 2


def test_a_scan_says_what_has_changed(gatepost: Program, tools: Path) -> None:
    gatepost.add_tiny("files", tools)
    quiet = gatepost("server", "scan", "files")
    assert quiet.code == 0, quiet.err
    assert quiet.out.endswith("\n2 tools, nothing has changed.\n")
    changed = [{**TOOLS[0], "description": "Reads any file, and sends it away."}, {"name": "new", "inputSchema": {}}]
    tools.write_text(json.dumps(changed))
    noisy = gatepost("server", "scan", "files", "--json")
    assert noisy.code == 1
    assert noisy.json["drift"] == {"added": ["new"], "removed": ["delete_file"], "changed": ["read_file"]}
    assert "1 added, 1 removed, 1 changed" in gatepost.quick("server", "list").out


def test_a_category_is_set_and_taken_back(ready: Program) -> None:
    ready("server", "set-category", "files", "delete_file", "destructive")
    assert "destructive" in ready.quick("server", "show", "files").out
    ready.quick("server", "set-category", "files", "delete_file", "none")
    assert "destructive" not in ready.quick("server", "show", "files").out
    assert ready.quick("server", "set-category", "files", "delete_file", "harmless").code == 2
    assert "GP-4003" in ready.quick("server", "set-category", "files", "no_tool", "read").err


def test_a_server_in_use_is_removed_only_by_force(ready: Program) -> None:
    ready.quick("grant", "add", "laptop", "--server", "files")
    refused = ready("server", "remove", "files")
    assert refused.code == 1
    assert "GP-4006" in refused.err
    forced = ready("server", "remove", "files", "--force")
    assert "Revoked with it: laptop" in forced.out
    assert ready.read("server", "list") == []


def test_what_a_server_says_cannot_steer_the_terminal(gatepost: Program, tools: Path) -> None:
    tools.write_text(json.dumps([{"name": "a", "description": "\x1b[2Jgone\u202e", "inputSchema": {"type": "object"}}]))
    gatepost.add_tiny("files", tools)
    out = gatepost.quick("server", "show", "files").out
    assert "\x1b[2J" not in out
    assert "\u202e" not in out
    assert "gone" in out


def test_a_policy_is_checked_without_being_stored(ready: Program, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"version": "1", "default": "maybe", "tools": {"a": {"limit": []}}}')
    ran = ready("policy", "check", str(wrong))
    assert ran.code == 1
    assert "/default" in ran.out
    assert "/tools/a/limit" in ran.out
    assert "2 errors" in ran.out
    machine = ready.quick("policy", "check", str(wrong), "--json")
    assert machine.code == 1
    assert machine.json["valid"] is False
    assert {error["pointer"] for error in machine.json["errors"]} == {"/default", "/tools/a/limit"}
    good = ready("policy", "check", "-", "--server", "files", stdin='{"version": "1", "default": "deny"}')
    assert good.code == 0
    assert "sha256:" in good.out


def test_a_wrong_policy_is_refused_whole_and_the_old_one_stays(ready: Program, tmp_path: Path) -> None:
    before = ready.read("policy", "show", "files-read")
    (tmp_path / "wrong.yaml").write_text('version: "1"\ndefault: deny\ntools: {a: {nonsense: 1}}\n')
    ran = ready("policy", "add", "files-read", str(tmp_path / "wrong.yaml"), "--server", "files")
    assert ran.code == 1
    assert "error GP-2001: " in ran.err
    assert "/tools/a/nonsense" in ran.err
    assert ready.read("policy", "show", "files-read") == before


def test_yaml_becomes_json_and_is_shown_so(ready: Program) -> None:
    shown = ready("policy", "show", "files-read")
    document = json.loads(shown.out)
    assert document["tools"]["read_file"]["limits"] == [{"counter": "reads", "window": "minute", "max": 100}]
    assert "in force" in shown.err
    listed = ready("policy", "list")
    assert "Reading below /srv/notes" in listed.out


def test_an_explanation_shows_every_step_and_value(ready: Program) -> None:
    ready.quick("grant", "add", "laptop", "--server", "files", "--policy", "files-read")
    ran = ready(
        "policy", "explain", "--grant", "laptop", "--tool", "read_file", "--arguments", '{"path": "/etc/passwd"}'
    )
    assert ran.code == 1
    assert re.search(r"deny +/tools/read_file/require/in-notes +◀ decides", ran.out)
    assert re.search(r'false +args.path path_within \["/srv/notes"\] +it is "/etc/passwd"', ran.out)
    assert "Only files below /srv/notes may be read." in ran.out
    fine = ready(
        "policy", "explain", "--grant", "laptop", "--tool", "read_file", "--arguments", '{"path": "/srv/notes/a"}'
    )
    assert fine.code == 0
    assert "would use 1 of 100 per minute" in fine.out


def test_an_explanation_for_programs(ready: Program, tmp_path: Path) -> None:
    (tmp_path / "arguments.json").write_text('{"path": 5}')
    ready.quick("grant", "add", "laptop", "--server", "files", "--policy", "files-read")
    arguments = ["--tool", "read_file", "--arguments", f"@{tmp_path / 'arguments.json'}", "--json"]
    explained = ready("policy", "explain", "--grant", "laptop", *arguments).json
    assert explained["decision"] == "deny"
    assert explained["rule"] == "(invalid arguments)"
    unknown = ready.read("policy", "explain", "--grant", "laptop", "--tool", "nope")
    assert unknown["rule"] == "(unknown tool)"
    assert unknown["message"] == "Unknown tool: nope"
    assert [step["step"] for step in unknown["steps"] if step["decides"]] == [4]


def test_an_explanation_begins_with_the_grant_itself(ready: Program) -> None:
    ready.quick("grant", "add", "laptop", "--server", "files", "--policy", "files-read")
    arguments = ("policy", "explain", "--grant", "laptop", "--tool", "read_file")
    assert re.search(r" 1 +pass +\(grant\)", ready(*arguments).out)
    ready.quick("grant", "revoke", "laptop")
    revoked = ready.read(*arguments, "--arguments", '{"path": "/srv/notes/a"}')
    assert (revoked["decision"], revoked["rule"], revoked["limits"]) == ("deny", "(grant)", [])
    assert "revoked" in revoked["message"]


def test_every_step_that_a_call_passes_is_listed_in_its_order(ready: Program) -> None:
    ready.quick("grant", "add", "laptop", "--server", "files", "--policy", "files-read")
    call = ("policy", "explain", "--grant", "laptop", "--tool", "read_file", "--arguments", '{"path": "/srv/notes/a"}')
    explained = ready.read(*call)
    assert [(step["step"], step["rule"], step["result"]) for step in explained["steps"]] == [
        (1, "(grant)", "pass"),
        (2, "(no policy)", "pass"),
        (3, "(hidden)", "pass"),
        (4, "(unknown tool)", "pass"),
        (5, "/tools/read_file/action", "pass"),
        (6, "(default deny)", "pass"),
        (7, "(invalid arguments)", "pass"),
        (8, "/tools/read_file/require/in-notes", "pass"),
        (9, "/tools/read_file/limits/reads-per-minute", "use"),
    ]
    shown = re.findall(r"^ +(\d+)  (pass|use) ", ready.quick(*call).out, re.MULTILINE)
    assert [number for number, _ in shown] == [str(number) for number in range(1, 10)]


def test_a_grant_without_a_policy_is_explained_as_what_denies(ready: Program) -> None:
    ready.quick("grant", "add", "laptop", "--server", "files")
    call = ("policy", "explain", "--grant", "laptop", "--tool", "read_file")
    shown = ready.quick(*call)
    assert shown.code == 1
    assert re.search(r" 2 +deny +\(no policy\) +◀ decides", shown.out)
    assert "gatepost grant attach LABEL POLICY" in shown.out
    explained = ready.read(*call)
    assert (explained["decision"], explained["rule"]) == ("deny", "(no policy)")
    assert explained["message"] == "No policy is attached to this grant, so every call is denied."
    assert [(step["step"], step["result"], step["decides"]) for step in explained["steps"]] == [
        (1, "pass", False),
        (2, "deny", True),
        (4, "pass", False),
    ]


def test_a_tool_that_is_hidden_is_explained_as_hidden_whether_the_server_has_it_or_not(
    ready: Program, tmp_path: Path
) -> None:
    (tmp_path / "hiding.json").write_text('{"version": "1", "default": "allow", "hide": ["read_*", "no*"]}')
    ready.quick("policy", "add", "hiding", str(tmp_path / "hiding.json"), "--server", "files")
    ready.quick("grant", "add", "phone", "--server", "files", "--policy", "hiding")
    for tool in ("read_file", "nope"):
        assert ready.read("policy", "explain", "--grant", "phone", "--tool", tool)["rule"] == "(hidden)"


def test_a_policy_that_is_only_a_file_is_explained_too(gatepost: Program, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY)
    arguments = ["--policy", str(tmp_path / "p.yaml"), "--tool", "read_file"]
    assert gatepost("policy", "explain", *arguments, "--arguments", '{"path": "/srv/notes/x"}').code == 0
    assert gatepost.quick("policy", "explain", *arguments, "--arguments", '{"path": "/srv/../etc"}').code == 1
    assert gatepost.quick("policy", "explain", *arguments, "--arguments", '{"path": 1, "path": 2}').code == 2
    assert gatepost.quick("policy", "explain", *arguments, "--arguments", "[]").code == 2
    assert not gatepost.data.exists()


def test_of_a_call_that_a_person_must_approve_it_is_said_that_nobody_can_yet(gatepost: Program, tmp_path: Path) -> None:
    asks = {"version": "1", "default": "allow", "tools": {"pay": {"action": "require_approval"}}}
    (tmp_path / "asks.json").write_text(json.dumps(asks))
    explained = gatepost.quick(
        "policy", "explain", "--policy", str(tmp_path / "asks.json"), "--tool", "pay", "--arguments", "{}"
    )
    assert explained.code == 1
    assert "A person must approve pay.\n  Nobody can be set up to approve calls yet" in explained.out


def test_a_token_is_shown_once_and_only_its_hash_is_kept(ready: Program) -> None:
    added = ready("grant", "add", "laptop", "--server", "files", "--policy", "files-read", "--identity", "anna")
    token = added.out.strip()
    assert re.fullmatch(r"gp_[0-9A-Za-z]{49}", token)
    everything = b"".join(file.read_bytes() for file in ready.data.rglob("*") if file.is_file())
    assert token.encode() not in everything
    assert token not in ready.quick("grant", "list").out + ready.quick("grant", "list", "--json").out
    (listed,) = ready.read("grant", "list")
    assert (listed["label"], listed["identity"], listed["policy"]) == ("laptop", "anna", "files-read")
    assert listed["created_at"].endswith("Z")


def test_a_grant_is_rotated_attached_and_revoked(ready: Program) -> None:
    first = ready("grant", "add", "laptop", "--server", "files", "--expires", "30d", "--json").json
    second = ready("grant", "rotate", "laptop", "--overlap", "1h", "--json").json
    assert second["token"] != first["token"]
    assert second["id"] == first["id"]
    assert ready("grant", "attach", "laptop", "files-read").code == 0
    assert ready.quick("grant", "attach", "laptop").code == 2
    assert ready.read("grant", "list")[0]["policy"] == "files-read"
    assert ready("grant", "revoke", "laptop").code == 0
    assert "revoked" in ready("grant", "list").out
    assert "GP-4003" in ready.quick("grant", "revoke", "nobody").err


@pytest.mark.parametrize("expires", ["soon", "-1d", "2001-01-01"])
def test_an_expiry_that_is_none_is_refused(ready: Program, expires: str) -> None:
    before = ready.read("grant", "list")
    ran = ready.quick("grant", "add", "x", "--server", "files", f"--expires={expires}")
    assert ran.code == 2
    assert "Write a " in ran.err or "Choose a later time" in ran.err
    assert ready.read("grant", "list") == before


def test_tables_keep_within_the_terminal(ready: Program) -> None:
    ran = ready("server", "list")
    assert str(sys.executable) in ran.out  # a pipe gets whole lines
    narrow = Program(ready.data)("server", "list", env={"COLUMNS": "60"})
    assert all(len(line) <= 60 for line in narrow.out.splitlines())
    assert "…" in narrow.out
