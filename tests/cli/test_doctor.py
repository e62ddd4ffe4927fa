"""`gatepost doctor`: each thing that may be wrong is named, with the command that mends it, and nothing is changed."""

from __future__ import annotations

import contextlib
import json
import shlex
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from gatepost.grants.token import new_token
from gatepost.journal import append_acts
from gatepost.keys import Keyring
from tests.cli.program import TOOLS, Program
from tests.cli.serving import serving

SILENT = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home folder of the test's own, and a current folder without a project's files."""
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLINE_MCP_SETTINGS_PATH"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def free(ready: Program) -> Program:
    """An installation whose last `serve` listened on ports that are free now."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        listened(ready, one, two)
    return ready


def listened(gatepost: Program, data_plane: socket.socket, console: socket.socket) -> None:
    urls = [f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in (data_plane, console)]
    facts = {"data_plane": urls[0], "public_url": urls[0], "console": urls[1]}
    (gatepost.data / "run" / "serve.lock").write_text(json.dumps(facts))


def examined(gatepost: Program, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = gatepost.read("doctor", *options)
    return found


def bad(found: dict[str, Any], level: str = "problem") -> list[tuple[str, str, str]]:
    return [(each["check"], each["text"], each["mend"]) for each in found["findings"] if each["level"] == level]


def contents(folder: Path) -> dict[Path, bytes]:
    """What every file holds; SQLite keeps an empty log and a map of it beside a store that is only read."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.match("*.db-*")}


def test_a_sound_installation_has_no_problem_and_is_left_as_it_was(free: Program) -> None:
    free.quick("log", "show")
    before = contents(free.data)
    ran = free("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert "problem" not in ran.out.removesuffix("0 problems, 1 warning.\n")
    for check in ("permissions", "disk", "keys", "store", "ports", "journal", "index", "clocks", "upstreams"):
        assert f"\n{check}\n  ok  " in ran.out
    assert contents(free.data) == before
    assert examined(free, "--deep")["ok"] is True


def test_a_folder_without_an_installation_is_said_and_not_made(gatepost: Program) -> None:
    ran = gatepost.quick("doctor")
    assert ran.code == 1
    assert "There is no Gatepost in" in ran.out
    assert not gatepost.data.exists()


def test_a_folder_of_something_else_is_no_installation_and_nothing_is_advised_for_it(tmp_path: Path) -> None:
    other = tmp_path / "project"
    (other / ".git").mkdir(parents=True)
    other.chmod(0o755)
    ran = Program(other).quick("doctor")
    assert ran.code == 1
    assert f"There is no Gatepost in {other} yet." in ran.out
    assert "chmod" not in ran.out


def test_a_folder_in_which_nothing_is_registered_yet_is_not_damaged(gatepost: Program, tmp_path: Path) -> None:
    assert gatepost.quick("catalogue", "export", str(tmp_path / "index.json")).code == 0
    ran = gatepost.quick("doctor")
    assert "There is no store yet: nothing is registered here." in ran.out
    assert "problem" not in ran.out.partition("\nstore\n")[2].partition("\n\n")[0]


def damage(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content and len(old) == len(new)
    path.write_bytes(content.replace(old, new, 1))


def newer(data: Path) -> None:
    with contextlib.closing(sqlite3.connect(data / "store.db")) as store, store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")


def in_the_future(data: Path) -> None:
    keys = Keyring.open(data / "keys", create=False)
    append_acts(data / "journal" / "admin", keys, [{"actor": "x"}], clock=lambda: time.time() + 7200)


def corrupt(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)


SEGMENT = "journal/admin/0000000000000001.jsonl"
FAULTS: dict[str, tuple[Callable[[Path], object], str, str, str]] = {
    "a key that others may read": (
        lambda data: (data / "keys" / "hmac.key").chmod(0o644),
        "keys",
        "mode 0644",
        "chmod 600",
    ),
    "a key that is gone": (lambda data: (data / "keys" / "seal-1.key").unlink(), "keys", "missing", "backup"),
    "a folder that others may write": (
        lambda data: [data.chmod(0o710), (data / "journal").chmod(0o770)],
        "permissions",
        "Others may write",
        "chmod go= ",
    ),
    "a folder that everybody may write": (lambda data: data.chmod(0o777), "permissions", "Everybody", "chmod o-w"),
    "a damaged store": (lambda data: corrupt(data / "store.db"), "store", "store.db", "backup"),
    "a newer store": (newer, "store", "newer Gatepost (step 9999", "Install"),
    "a changed newest record": (
        lambda data: damage(data / SEGMENT, b'"kind":"checkpoint"', b'"kind":"checkpoinT"'),
        "journal",
        "chain admin does not hold",
        "gatepost log verify",
    ),
    "another key's signatures": (
        lambda data: (
            [(data / "keys" / f"checkpoint.{half}").unlink() for half in ("key", "pub")] and Keyring.open(data / "keys")
        ),
        "journal",
        "not signed with the key of this folder",
        "backup",
    ),
    "a damaged index": (lambda data: corrupt(data / "index.db"), "index", "index", "rm "),
    "a clock that went back": (in_the_future, "clocks", "s behind the newest record", "timedatectl"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_is_named_with_what_mends_it(free: Program, name: str) -> None:
    harm, check, text, mend = FAULTS[name]
    free.quick("log", "show")
    if name == "a changed newest record":
        path = free.data / SEGMENT
        *rows, last = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(rows) + last.replace(b'"rows":1', b'"rows":2'))
    else:
        harm(free.data)
    found = examined(free, "--skip", "upstreams")
    assert free.quick("doctor", "--skip", "upstreams").code == 1
    assert any(each[0] == check and text in each[1] and mend in each[2] for each in bad(found)), found["findings"]


def test_a_command_names_the_folder_where_it_was_named(free: Program) -> None:
    found = examined(free)
    serve = next(each for each in found["findings"] if each["check"] == "serve")
    assert serve["mend"] == f"gatepost serve --data {shlex.quote(str(free.data))}"
    assert "gatepost serve\n" in free("doctor").out


def test_only_a_deep_look_reads_every_record(free: Program) -> None:
    damage(free.data / SEGMENT, b'"action":"server.add"', b'"action":"server.ADD"')
    assert not bad(examined(free, "--skip", "upstreams"))
    ((check, text, _),) = bad(examined(free, "--deep", "--skip", "upstreams"))
    assert check == "journal"
    assert "line 1: its hash does not fit" in text


def test_a_port_that_another_program_has_is_named(ready: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        listened(ready, one, two)
        found = bad(examined(ready, "--skip", "upstreams"))
        assert [each[0] for each in found] == ["ports", "ports"]
        assert f"127.0.0.1:{one.getsockname()[1]} cannot be listened on" in found[0][1]
        assert "--listen" in found[0][2] and "--console" in found[1][2]


def test_every_server_is_asked_and_none_keeps_the_others_waiting(free: Program, tools: Path) -> None:
    answers: dict[str, tuple[str, str]] = {}
    assert free.add_tiny("changes", tools).code == 0
    moved = tools.with_name("moved.json")
    moved.write_text(json.dumps(TOOLS))
    assert free.add_tiny("breaks", moved).code == 0
    tools.write_text(json.dumps(TOOLS[:1]))
    moved.unlink()
    from gatepost.control.act import Actor
    from gatepost.control.servers import add_server
    from gatepost.control.store import open_store
    from gatepost.paths import DataFolder

    with open_store(DataFolder(free.data)) as store:
        for name in ("silent-1", "silent-2"):
            add_server(store, Actor.local(), name, command=SILENT)
    found = examined(free, "--timeout", "8")
    for each in found["findings"]:
        if each["check"] == "upstreams":
            name = next(name for name in ("changes", "breaks", "silent-1", "silent-2", "files") if name in each["text"])
            answers[name] = (each["level"], each["mend"])
    assert {name: level for name, (level, _) in answers.items()} == {
        "breaks": "problem",
        "changes": "warning",
        "files": "ok",
        "silent-1": "problem",
        "silent-2": "problem",
    }
    assert answers["changes"][1].startswith("gatepost server scan changes")
    assert answers["silent-1"][1].startswith("gatepost server show silent-1")


def test_tools_that_are_out_of_use_until_they_are_accepted_are_named(free: Program, tools: Path) -> None:
    assert free.add_tiny("notes", tools).code == 0
    assert [each for each in bad(examined(free, "--skip", "upstreams"), "warning") if each[0] == "store"] == []
    tools.write_text(json.dumps([{**TOOLS[0], "description": "Reads any file."}, *TOOLS[1:]]))
    assert free.quick("server", "scan", "notes").code == 1
    (found,) = [each for each in bad(examined(free, "--skip", "upstreams"), "warning") if each[0] == "store"]
    assert "notes" in found[1] and "1 tool is new or changed" in found[1]
    assert found[2].startswith("gatepost server accept notes --dry-run")
    assert free.quick("server", "set", "notes", "--drift", "warn").code == 0
    assert [each for each in bad(examined(free, "--skip", "upstreams"), "warning") if each[0] == "store"] == []


@pytest.fixture
def token(free: Program) -> str:
    return free.quick("grant", "add", "laptop", "--server", "files", "--policy", "files-read").out.strip()


def connected(gatepost: Program, client: str, token: str, *options: str) -> None:
    assert gatepost.quick("connect", client, "--server", "files", "--token", token, "--write", *options).code == 0


def about_clients(gatepost: Program, level: str) -> list[str]:
    ran = gatepost.quick("doctor", "--skip", "upstreams", "--json")
    assert "gp_" not in ran.out
    return [each["text"] for each in ran.json["findings"] if each["check"] == "clients" and each["level"] == level]


@pytest.mark.parametrize("client", ["claude-code", "claude-desktop", "cursor", "vscode", "codex", "cline"])
def test_a_client_that_leads_here_with_a_living_token_is_well(free: Program, token: str, client: str) -> None:
    connected(free, client, token)
    assert about_clients(free, "problem") == []
    (said,) = about_clients(free, "ok")
    assert said.endswith("files leads to files with a living token.")


def rotated(gatepost: Program) -> None:
    gatepost.quick("grant", "rotate", "laptop")


CLIENT_FAULTS: dict[str, tuple[Callable[[Program], object], str]] = {
    "rotated": (rotated, "was rotated, and this is the old one"),
    "revoked": (lambda gatepost: gatepost.quick("grant", "revoke", "laptop"), "is revoked"),
    "of a server that is gone": (
        lambda gatepost: gatepost.quick("server", "remove", "files", "--force"),
        "leads to files, which is not registered here",
    ),
}


@pytest.mark.parametrize("name", CLIENT_FAULTS)
def test_a_client_whose_token_opens_nothing_any_more_is_named(free: Program, token: str, name: str) -> None:
    connected(free, "cursor", token)
    harm, text = CLIENT_FAULTS[name]
    harm(free)
    (said,) = about_clients(free, "problem")
    assert said.startswith("Cursor (") and text in said


def test_a_client_that_leads_elsewhere_or_past_the_gateway_is_named(free: Program, token: str, home: Path) -> None:
    connected(free, "cursor", token, "--url", "http://127.0.0.1:1")
    (home / ".mcp.json").write_text('{"mcpServers": {"git": {"command": "uvx", "args": ["mcp-server-git"]}}}')
    (said,) = about_clients(free, "problem")
    assert "has a token of Gatepost, and does not lead to" in said
    assert any("git does not go through the gateway" in note for note in about_clients(free, "note"))
    mends = [each["mend"] for each in examined(free, "--skip", "upstreams")["findings"] if each["check"] == "clients"]
    assert any(mend.startswith(f"gatepost server import {home / '.mcp.json'} --dry-run") for mend in mends)


def mends_of_clients(gatepost: Program) -> list[str]:
    findings = examined(gatepost, "--skip", "upstreams")["findings"]
    return [each["mend"] for each in findings if each["check"] == "clients" and each["level"] == "problem"]


def leading_elsewhere(home: Path, name: str, token: str, path: str = "/mcp/") -> None:
    entry = {"url": f"http://127.0.0.1:1{path}", "headers": {"Authorization": f"Bearer {token}"}}
    (home / ".cursor").mkdir(exist_ok=True)
    (home / ".cursor" / "mcp.json").write_text(json.dumps({"mcpServers": {name: entry}}))


def test_what_lets_a_client_lead_here_names_the_server_it_is_for(
    free: Program, token: str, home: Path, tools: Path
) -> None:
    unknown = new_token()
    leading_elsewhere(home, "mine", unknown)
    (mend,) = mends_of_clients(free)
    assert mend.startswith("gatepost connect cursor --server files --token @FILE --write"), "there is no other"
    assert free.add_tiny("notes", tools).code == 0
    leading_elsewhere(home, "mine", token)
    assert "--server files " in mends_of_clients(free)[0], "the token is of a grant on it"
    leading_elsewhere(home, "mine", unknown, "/mcp/notes/")
    assert "--server notes " in mends_of_clients(free)[0], "the address names it"
    leading_elsewhere(home, "notes", unknown)
    assert "--server notes " in mends_of_clients(free)[0], "the entry is called so"
    leading_elsewhere(home, "mine", unknown)
    look, mend = mends_of_clients(free)[0].splitlines()
    assert look.startswith("gatepost server list") and "--server SERVER " in mend, "nothing tells which"
    for server in ("files", "notes"):
        assert free.quick("server", "remove", server, "--force").code == 0
    assert mends_of_clients(free)[0].startswith("gatepost server add --help")


def test_a_client_s_file_that_cannot_be_read_is_named_and_one_that_others_may_read_too(
    free: Program, token: str, home: Path
) -> None:
    connected(free, "cursor", token)
    (home / ".cursor" / "mcp.json").chmod(0o644)
    (home / ".claude.json").write_text("{ broken")
    assert "Claude Code" in about_clients(free, "problem")[0]
    assert "others may read it" in about_clients(free, "warning")[0]


@pytest.fixture
def certificate(tmp_path: Path) -> Iterator[tuple[Path, Path, Path]]:
    """A certificate for localhost, its key, and the authority's own."""
    authority, files = trustme.CA(), [tmp_path / name for name in ("cert.pem", "key.pem", "ca.pem")]
    issued = authority.issue_cert("localhost")
    files[0].write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(files[1]))
    authority.cert_pem.write_to_path(str(files[2]))
    yield files[0], files[1], files[2]


def test_a_running_gateway_is_looked_at_from_outside_and_inside(
    free: Program, certificate: tuple[Path, Path, Path]
) -> None:
    chain, key, authority = certificate
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    options = ["--listen", f"127.0.0.1:{port}", "--tls-cert", str(chain), "--tls-key", str(key)]
    with serving(free, *options, "--public-url", f"https://localhost:{port}"):
        distrusted = free("doctor", "--json", "--skip", "upstreams")
        assert distrusted.code == 1
        ((check, text, _),) = bad(distrusted.json)
        assert (check, "Clients will not accept the certificate" in text) == ("ports", True)
        trusted = free("doctor", "--json", "--skip", "upstreams", env={"SSL_CERT_FILE": str(authority)})
        assert trusted.code == 0, trusted.out
        assert not bad(trusted.json, "warning")
        texts = [each["text"] for each in trusted.json["findings"] if each["check"] in ("serve", "ports")]
        assert [text.split(":")[0] for text in texts] == [
            "`serve` runs",
            "https",
            "The certificate of localhost",
        ]
