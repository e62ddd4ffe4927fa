"""Moving in: a client's servers behind the gateway with one command, all as it was with another."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import SECONDS, TINY, Program
from tests.cli.serving import serving
from tests.cli.terminal import terminal

READ = {"name": "read_note", "inputSchema": {"type": "object"}}
WRITE = {"name": "write_note", "inputSchema": {"type": "object"}}
LIST = {"name": "list_notes", "inputSchema": {"type": "object"}}
SECRET = "open-sesame-0123456789"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "tools.json").write_text(json.dumps([READ, WRITE, LIST]))
    return folder


@pytest.fixture
def at_home(gatepost: Program, home: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The program of a user whose home folder is the test's own."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    return gatepost


def tiny(home: Path, **more: Any) -> dict[str, Any]:
    return {"command": sys.executable, "args": [str(TINY), str(home / "tools.json")], **more}


def cursor(home: Path, servers: dict[str, Any], text: str | None = None) -> Path:
    file = home / ".cursor" / "mcp.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"mcpServers": servers}, indent=4) if text is None else text)
    return file


def everything(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_one_command_governs_every_server_and_another_puts_all_back_byte_for_byte(at_home: Program, home: Path) -> None:
    command = json.dumps(sys.executable)
    args = json.dumps([str(TINY), str(home / "tools.json")])
    text = (
        "{\r\n  // my servers\r\n"
        f'  "mcpServers": {{\r\n    "My Notes": {{ "command": {command}, "args": {args},\r\n'
        f'      "env": {{"TINY_SECRET": "{SECRET}"}}, /* kept */ "autoApprove": [ 1.50, "x" ] }},\r\n'
        f'    "other": {{"command": {command}, "args": {args}, "cwd": {json.dumps(str(home))}}},\r\n  }},\r\n'
        '  "theme": "dark"\r\n}\r\n'
    )
    file = cursor(home, {}, text)
    file.chmod(0o640)
    before = file.read_bytes()

    ran = at_home("server", "import", str(file), "--rewrite")
    assert ran.code == 0, ran.err
    assert "allowed: read_note, list_notes" in ran.out
    assert "refused: write_note" in ran.out
    assert "No gateway runs here yet" in ran.err
    after = file.read_text()
    assert "// my servers" in after
    assert '"autoApprove": [ 1.50, "x" ]' in after
    assert SECRET not in after
    servers = at_home.read("server", "list")
    assert [server["name"] for server in servers] == ["my-notes", "other"]
    grants = at_home.read("grant", "list")
    assert [(each["label"], each["identity"], each["policy"]) for each in grants] == [
        ("cursor-my-notes", "cursor", "my-notes"),
        ("cursor-other", "cursor", "other"),
    ]
    assert SECRET.encode() not in everything(at_home.data)
    assert after.count("Bearer gp_") == 2
    assert "/mcp/my-notes/" in after and "/mcp/other/" in after

    undone = at_home("server", "import", str(file), "--undo")
    assert undone.code == 0, undone.err
    assert "byte for byte" in undone.out
    assert file.read_bytes() == before
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["mcp.json"]
    assert at_home.read("server", "list") == []
    assert all(grant["revoked"] for grant in at_home.read("grant", "list"))


def test_running_it_again_does_nothing_that_is_done(at_home: Program, home: Path) -> None:
    file = cursor(home, {"notes": tiny(home)})
    assert at_home.quick("server", "import", str(file), "--rewrite").code == 0
    written = file.read_bytes()
    again = at_home.quick("server", "import", str(file), "--rewrite", "--json")
    assert [server["state"] for server in again.json["servers"]] == ["governed"]
    assert not again.json["rewritten"]
    assert file.read_bytes() == written
    assert len(at_home.read("grant", "list")) == 1


def test_what_was_added_to_the_file_later_is_governed_too_and_kept_by_undo(at_home: Program, home: Path) -> None:
    file = cursor(home, {"notes": tiny(home)})
    original = json.loads(file.read_text())
    assert at_home.quick("server", "import", str(file), "--rewrite").code == 0
    content = json.loads(file.read_text())
    content["mcpServers"]["more"] = tiny(home, env={"A": "b"})
    file.write_text(json.dumps(content))
    second = at_home.quick("server", "import", str(file), "--rewrite", "--json")
    assert [(each["name"], each["state"]) for each in second.json["servers"]] == [
        ("notes", "governed"),
        ("more", "added"),
    ]
    assert file.read_text().count("Bearer gp_") == 2
    undone = at_home.quick("server", "import", str(file), "--undo")
    assert undone.code == 0
    assert "had changed since" in undone.out
    (backup,) = file.parent.glob("*.gatepost-backup-*")
    assert f"The backup {backup} stays" in undone.out
    left = json.loads(file.read_text())
    assert left["mcpServers"].pop("more") == tiny(home, env={"A": "b"})
    assert left == original


def test_without_rewrite_the_file_stays_and_undo_takes_the_servers_away(at_home: Program, home: Path) -> None:
    file = cursor(home, {"notes": tiny(home)})
    before = file.read_bytes()
    assert at_home.quick("server", "import", str(file)).code == 0
    assert file.read_bytes() == before
    assert at_home.read("grant", "list") == []
    rewritten = at_home.quick("server", "import", str(file), "--rewrite", "--json")
    assert [each["state"] for each in rewritten.json["servers"]] == ["present"]
    assert at_home.quick("server", "import", str(file), "--undo").code == 0
    assert file.read_bytes() == before
    assert at_home.read("server", "list") == []


def test_a_server_that_does_not_start_is_left_and_named_and_the_others_go_on(at_home: Program, home: Path) -> None:
    file = cursor(home, {"broken": {"command": "no-such-program-anywhere"}, "notes": tiny(home)})
    ran = at_home.quick("server", "import", str(file), "--rewrite")
    assert ran.code == 1
    assert "broken is left as it is: " in ran.out
    content = json.loads(file.read_text())["mcpServers"]
    assert content["broken"] == {"command": "no-such-program-anywhere"}
    assert "gp_" in json.dumps(content["notes"])
    assert [server["name"] for server in at_home.read("server", "list")] == ["notes"]


def test_names_that_are_none_here_become_some_that_can_be_read(at_home: Program, home: Path) -> None:
    file = cursor(home, {"Ünïcode Näme": tiny(home), "!!!": tiny(home)})
    ran = at_home.quick("server", "import", str(file), "--dry-run", "--json")
    assert [one["server"] for one in json.loads(ran.out)["servers"]] == ["unicode-name", "server"]


def test_an_entry_that_stands_twice_is_one_server_whether_it_starts_or_not(at_home: Program, home: Path) -> None:
    broken = {"command": "no-such-program-anywhere"}
    file = cursor(home, {"notes": tiny(home), "Notes": tiny(home), "broken": broken, "Broken": broken})
    ran = at_home.quick("server", "import", str(file), "--rewrite", "--json")
    assert [each["state"] for each in ran.json["servers"]] == ["added", "added", "left", "left"]
    assert ran.json["grants"] == ["cursor-notes"]
    assert [server["name"] for server in at_home.read("server", "list")] == ["notes"]
    assert at_home.quick("server", "import", str(file), "--undo", "--json").json["removed"] == ["notes"]


def test_a_policy_that_is_refused_leaves_nothing_half_done(at_home: Program, home: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text('version: "2"\n')
    file = cursor(home, {"notes": tiny(home)})
    before = file.read_bytes()
    assert (
        "GP-2001"
        in at_home.quick("server", "import", str(file), "--rewrite", "--policy", str(tmp_path / "bad.yaml")).err
    )
    assert "GP-2002" in at_home.quick("server", "import", str(file), "--rewrite", "--policy", "nobody").err
    assert at_home.read("server", "list") == []
    assert file.read_bytes() == before


def test_a_dry_run_starts_and_changes_nothing(at_home: Program, home: Path) -> None:
    file = cursor(home, {"broken": {"command": "no-such-program-anywhere"}})
    ran = at_home.quick("server", "import", str(file), "--dry-run", "--json")
    assert [(each["server"], each["state"]) for each in ran.json["servers"]] == [("broken", "new")]
    assert not at_home.data.exists()


def test_two_clients_may_have_different_servers_of_one_name(at_home: Program, home: Path) -> None:
    file = cursor(home, {"notes": tiny(home)})
    desktop = home / ".config" / "Claude" / "claude_desktop_config.json"
    desktop.parent.mkdir(parents=True)
    same, different = tiny(home), tiny(home, env={"TINY_SECRET": SECRET})
    desktop.write_text(json.dumps({"mcpServers": {"notes": different, "Notes": same}}))
    assert at_home.quick("server", "import", str(file), "--rewrite").code == 0
    ran = at_home.quick("server", "import", "claude-desktop", "--rewrite", "--json")
    assert [(each["name"], each["server"], each["state"]) for each in ran.json["servers"]] == [
        ("notes", "notes-claude-desktop", "added"),
        ("Notes", "notes", "present"),
    ]
    content = json.loads(desktop.read_text())["mcpServers"]
    assert content["notes"]["command"] == "npx"
    assert any("/mcp/notes-claude-desktop/" in each for each in content["notes"]["args"])
    # Taking Cursor's file back leaves what Claude Desktop uses.
    undone = at_home.quick("server", "import", str(file), "--undo", "--json")
    assert (undone.json["removed"], undone.json["kept"]) == ([], ["notes"])


def test_codex_keeps_its_own_settings_of_a_server_and_its_comments_elsewhere(at_home: Program, home: Path) -> None:
    file = home / ".codex" / "config.toml"
    file.parent.mkdir()
    args = json.dumps([str(TINY), str(home / "tools.json")])
    before = (
        '# mine\nmodel = "o9"\n\n[mcp_servers.notes]\n'
        f"command = {json.dumps(sys.executable)}\nargs = {args}\nstartup_timeout_sec = 20\n\n"
        f'[mcp_servers.notes.env]\nTINY_SECRET = "{SECRET}"\n\n# of another\n[tools]\nweb_search = true\n'
    )
    file.write_text(before)
    assert at_home.quick("server", "import", str(file), "--rewrite").code == 0
    after = tomllib.loads(file.read_text())
    assert after["mcp_servers"]["notes"]["url"].endswith("/mcp/notes/")
    assert after["mcp_servers"]["notes"]["startup_timeout_sec"] == 20
    assert set(after["mcp_servers"]["notes"]) == {"url", "http_headers", "startup_timeout_sec"}
    assert after["tools"] == {"web_search": True}
    assert "# mine\n" in file.read_text() and "# of another\n[tools]" in file.read_text()
    file.write_text(file.read_text() + "\n[new]\na = 1\n")
    assert at_home.quick("server", "import", str(file), "--undo").code == 0
    assert tomllib.loads(file.read_text()) == {**tomllib.loads(before), "new": {"a": 1}}


def test_a_policy_of_ones_own_is_used_for_every_server(at_home: Program, home: Path, tmp_path: Path) -> None:
    policy = tmp_path / "mine.yaml"
    policy.write_text('version: "1"\ndefault: deny\n')
    file = cursor(home, {"notes": tiny(home), "other": tiny(home, env={"A": "b"})})
    assert at_home.quick("server", "import", str(file), "--policy", str(policy), "--rewrite").code == 0
    assert [each["document"] for each in at_home.read("policy", "list")] == [{"version": "1", "default": "deny"}] * 2
    assert [each["policy"] for each in at_home.read("grant", "list")] == ["notes", "other"]


def test_a_shadow_policy_refuses_nothing(at_home: Program, home: Path) -> None:
    file = cursor(home, {"notes": tiny(home)})
    assert at_home.quick("server", "import", str(file), "--shadow").code == 0
    assert at_home.read("policy", "show", "notes")["document"]["mode"] == "shadow"


def test_an_altered_backup_is_noticed_and_nothing_is_undone(at_home: Program, home: Path) -> None:
    file = cursor(home, {"notes": tiny(home)})
    assert at_home.quick("server", "import", str(file), "--rewrite").code == 0
    (backup,) = file.parent.glob("*backup*")
    backup.write_text("{}")
    written = file.read_bytes()
    undone = at_home.quick("server", "import", str(file), "--undo")
    assert undone.code == 1
    assert "error GP-4005: " in undone.err
    assert file.read_bytes() == written
    assert not any(grant["revoked"] for grant in at_home.read("grant", "list"))


def test_a_file_that_cannot_be_backed_up_stays_and_no_token_is_left_behind(at_home: Program, home: Path) -> None:
    file = home / f"{'x' * 230}.json"  # a backup's name would be too long
    file.write_text(json.dumps({"mcpServers": {"notes": tiny(home)}}))
    before = file.read_bytes()
    ran = at_home.quick("server", "import", str(file), "--rewrite")
    assert ran.code == 1
    assert "error GP-4005: " in ran.err
    assert file.read_bytes() == before
    assert sorted(path.name for path in home.iterdir()) == ["tools.json", file.name]
    assert all(grant["revoked"] for grant in at_home.read("grant", "list"))
    assert at_home.quick("server", "import", str(file), "--undo").code == 0
    assert file.read_bytes() == before
    assert at_home.read("server", "list") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["x.json", "--undo", "--rewrite"],
        ["x.json", "--shadow", "--policy", "p"],
        ["x.json", "--shadow", "--profile", "standard"],
        ["x.json", "--client", "nobody"],
    ],
)
def test_wrong_usage_is_refused(at_home: Program, arguments: list[str]) -> None:
    assert at_home.quick("server", "import", *arguments).code == 2


def test_a_file_that_is_not_there_or_was_never_imported_is_said(at_home: Program, home: Path) -> None:
    assert "does not exist" in at_home.quick("server", "import", str(home / "none.json")).err
    file = cursor(home, {"notes": tiny(home)})
    assert at_home.quick("server", "import", str(file)).code == 0
    assert "GP-4003" in at_home.quick("server", "import", str(home / "none.json"), "--undo").err


def test_the_client_reaches_its_servers_through_the_gateway_until_it_is_undone(at_home: Program, home: Path) -> None:
    hidden = {"command": sys.executable, "args": [*tiny(home)["args"], "--api-key", "key-of-mine"]}
    file = cursor(home, {"My Notes": tiny(home, env={"TINY_SECRET": SECRET}), "keyed": hidden})
    with serving(at_home) as running:
        ran = at_home("server", "import", "cursor", "--rewrite")
        assert ran.code == 0, ran.err
        assert "No gateway runs here yet" not in ran.err
        entries = json.loads(file.read_text())["mcpServers"]
        sessions = []
        for name, server in (("My Notes", "my-notes"), ("keyed", "keyed")):
            assert entries[name]["url"] == f"{running.facts['data_plane']}/mcp/{server}/"
            token = entries[name]["headers"]["Authorization"].removeprefix("Bearer ")
            sessions.append(running.session(server, token))
        status, text = sessions[0].call("read_note", {})
        assert (status, json.loads(text)["secret"]) == (200, SECRET)
        assert sessions[1].call("list_notes", {})[0] == 200  # its program was started with the key among its arguments
        assert "policy my-notes" in sessions[0].call("write_note", {})[1]
        assert b"key-of-mine" not in everything(at_home.data)
        assert at_home("server", "import", "cursor", "--undo").code == 0
        assert sessions[0].call("read_note", {})[0] in (401, 404)
    assert json.loads(file.read_text())["mcpServers"]["keyed"] == hidden


def test_on_a_terminal_it_is_said_which_servers_take_their_time(at_home: Program, home: Path) -> None:
    file = cursor(home, {"slow one": {"command": "sleep", "args": ["60"]}, "notes": tiny(home)})
    before = file.read_bytes()
    with terminal(at_home, "server", "import", str(file), "--rewrite") as shown:
        shown.until(b"Still waiting for slow-one, for 3 s by now; Ctrl-C gives up.")
        shown.type(b"\x03")
        assert shown.process.wait(timeout=SECONDS) != 0
    assert file.read_bytes() == before
    assert at_home.read("server", "list") == []
