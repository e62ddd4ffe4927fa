"""`gatepost policy import` and `policy lint`, as somebody types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.program import POLICY, Program

INTERCEPT = """
version: "1"
description: Notes
default: deny
hide: [format_disk]
tools:
  read_file:
    rules:
      - name: "only notes"
        conditions:
          - {path: args.path, op: regex, value: ^/srv/notes/}
        on_deny: "Only notes."
  "*":
    rules:
      - {name: "global limit", rate_limit: 60/minute}
"""


def test_a_policy_of_intercept_goes_to_stdout_and_what_differs_to_stderr(ready: Program, tmp_path: Path) -> None:
    (tmp_path / "i.yaml").write_text(INTERCEPT)
    ran = ready("policy", "import", str(tmp_path / "i.yaml"))
    assert ran.code == 0, ran.err
    assert "differs  Intercept judges calls of tools only" in ran.err
    (tmp_path / "made.json").write_text(ran.out)
    assert ready.quick("policy", "add", "notes", str(tmp_path / "made.json"), "--server", "files").code == 0
    explained = ready.quick(
        "policy",
        "explain",
        "--policy",
        str(tmp_path / "made.json"),
        "--tool",
        "read_file",
        "--arguments",
        '{"path": "/x"}',
    )
    assert "Only notes." in explained.out


@pytest.mark.parametrize(
    ("content", "default", "hide"),
    [
        ('version: "1"\ndefault: deny\n', "deny", None),
        ("version: 1\nhide: [delete_repository, transfer]\n", "allow", ["delete_repository", "transfer"]),
        ('version: "1"\ndescription: D\ndefault: deny\nhide: ["*"]\ntools: {read_file: }\n', "deny", ["*"]),
    ],
)
def test_a_policy_of_intercept_needs_no_rules(
    gatepost: Program, tmp_path: Path, content: str, default: str, hide: list[str] | None
) -> None:
    (tmp_path / "i.yaml").write_text(content)
    ran = gatepost.quick("policy", "import", str(tmp_path / "i.yaml"))
    assert ran.code == 0, ran.err
    made = json.loads(ran.out)
    assert (made["default"], made.get("hide")) == (default, hide)
    assert ("A hidden tool answers like one that does not exist" in ran.err) == (hide is not None)


def test_what_cannot_be_said_is_refused_and_the_exit_code_says_so(gatepost: Program, tmp_path: Path) -> None:
    (tmp_path / "i.yaml").write_text(
        'version: "1"\ntools: {a: {rules: [{name: r, conditions: [{path: args.x, op: in, value: [a, 1]}]}]}}\n'
    )
    ran = gatepost.quick("policy", "import", str(tmp_path / "i.yaml"))
    assert ran.code == 1
    assert "refused  tools/a/rules/0: " in ran.err
    assert json.loads(ran.out)["tools"]["a"]["deny_if"]
    assert not gatepost.data.exists()


def test_claude_codes_lists_are_spelled_out_for_a_server_that_is_here(ready: Program, tmp_path: Path) -> None:
    settings = {"permissions": {"allow": ["mcp__files__read_*", "mcp__git"], "deny": ["mcp__files__delete_file"]}}
    (tmp_path / "settings.json").write_text("// mine\n" + json.dumps(settings))
    both = ready.quick("policy", "import", str(tmp_path / "settings.json"))
    assert both.code == 2
    assert "several servers: files, git" in both.err
    ran = ready.quick("policy", "import", str(tmp_path / "settings.json"), "--server", "files")
    assert json.loads(ran.out)["tools"] == {"read_file": {}, "delete_file": {"action": "deny"}}
    assert ready.quick("policy", "import", str(tmp_path / "settings.json"), "--server", "none").code == 1
    written = ready.quick("policy", "import", str(tmp_path / "settings.json"), "--out", str(tmp_path / "out"))
    assert written.code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["files.json", "git.json"]
    assert (
        "is there already"
        in ready.quick("policy", "import", str(tmp_path / "settings.json"), "--out", str(tmp_path / "out")).err
    )


def test_codex_and_json(gatepost: Program, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[mcp_servers.a]\ncommand = "x"\nenabled_tools = ["t"]\n')
    (made,) = gatepost.quick("policy", "import", str(tmp_path / "config.toml"), "--json").json
    assert (made["server"], set(made["document"]["tools"])) == ("a", {"t", "*"})
    assert made["notes"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.yaml", POLICY),
        ("a.json", "{}"),
        ("a.json", "{"),
        ("a.toml", "="),
        ("a.yaml", "a: *b"),
        ("a.yaml", "version: 2"),
    ],
)
def test_a_file_of_no_known_kind_is_refused(gatepost: Program, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    ran = gatepost.quick("policy", "import", str(tmp_path / name))
    assert ran.code == 1
    assert "GP-4005" in ran.err
    assert ran.out == ""


def test_a_folder_that_cannot_be_made_is_refused(gatepost: Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "p.yaml").write_text('version: "1"\ntools: {x: {rules: [{name: r, action: deny}]}}\n')
    ran = gatepost.quick("policy", "import", str(tmp_path / "p.yaml"), "--out", str(tmp_path / "file" / "policies"))
    assert ran.code == 1
    assert "error GP-4005" in ran.err and "cannot be made" in ran.err


def test_lint_says_what_is_probably_not_meant(ready: Program, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(POLICY)
    assert ready.quick("policy", "lint", str(file)).code == 0
    file.write_text(POLICY.replace("args.path", "args.pth").replace("read_file:", "reed_file:"))
    ran = ready.quick("policy", "lint", str(file), "--server", "files")
    assert ran.code == 1
    assert "reed_file" in ran.out
    stored = ready.quick("policy", "lint", "files-read", "--json")
    assert (stored.code, stored.json[0]["policy"], stored.json[0]["warnings"]) == (0, "files-read", [])
    assert [each["policy"] for each in ready.quick("policy", "lint", "--json").json] == ["files-read"]
    file.write_text('version: "2"\n')
    for command in (["lint", str(file)], ["diff", "files-read", str(file)]):
        refused = ready.quick("policy", *command)
        assert refused.code == 1
        assert f"error GP-2001: {file}: The policy is not valid" in refused.err
    assert ready.quick("policy", "lint", str(tmp_path / "none.yaml")).code == 2


def test_what_can_match_nothing_loads_and_is_warned_of_wherever_a_policy_is_looked_at(
    ready: Program, tmp_path: Path
) -> None:
    file = tmp_path / "p.json"
    file.write_text(
        '{"version": "1", "default": "allow", "hide": ["@read"], "tools": {"read file": {"action": "deny"}}}'
    )
    linted, checked = ready.quick("policy", "lint", str(file)), ready.quick("policy", "check", str(file))
    added = ready.quick("policy", "add", "odd", str(file), "--server", "files")
    assert (linted.code, checked.code, added.code) == (1, 0, 0)
    for said in (linted.out, checked.err, added.err):
        assert '/hide/0: hide takes names and globs, no categories; write "@read": {"action": "hide"} in tools' in said
        assert "/tools/read file: no tool that can be called is named so" in said
