"""`gatepost serve`: two processes under one roof, and the commands against them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from gatepost.grants.token import new_token
from gatepost.processes.lock import holder
from tests.cli.program import TOOLS, Program
from tests.cli.serving import SECONDS, Serving, Session, alive, eventually, serving

NOTE = {"path": "/srv/notes/a"}


@pytest.fixture(scope="module")
def shared(configured: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One serve for the tests that only use it; its server's tools are in a file of its own."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="gp-") as folder:
        gatepost = Program(Path(folder) / "data")
        shutil.copytree(configured, gatepost.data)
        with serving(gatepost, env={"GATEPOST_LOG_MAX_AGE": "30d"}) as running:
            yield running


def grant(running: Serving, label: str, *options: str) -> str:
    added = running.gatepost.quick("grant", "add", label, "--server", "files", "--policy", "files-read", *options)
    assert added.code == 0, added.err
    return added.out.strip()


def client(running: Serving, label: str) -> Session:
    """A client with a grant of its own."""
    return running.session("files", grant(running, label))


def test_a_call_is_judged_forwarded_and_in_the_log_at_once(shared: Serving) -> None:
    agent = client(shared, "reader")
    status, text = agent.call("read_file", NOTE)
    assert status == 200
    assert json.loads(text)["arguments"] == NOTE
    _, denied = agent.call("read_file", {"path": "/etc/passwd"})
    assert denied == "[POLICY DENIED] Only files below /srv/notes may be read."
    assert agent.call("delete_file", {})[1].startswith("[POLICY DENIED]")

    table = shared.gatepost("log", "show", "--grant", "reader")
    lines = table.out.splitlines()[-3:]
    assert [line.split()[4:6] for line in lines] == [
        ["read_file", "allow"],
        ["read_file", "deny"],
        ["delete_file", "deny"],
    ]
    assert "/tools/read_file/require/in-notes" in lines[1]
    (only,) = shared.gatepost.read("log", "show", "--grant", "reader", "--decision", "allow", "--tool", "read_file")
    assert (only["tool"], only["carried_out"], only["identity"]) == ("read_file", True, "reader")
    assert only["time"].endswith("Z")
    assert "/srv/notes" not in json.dumps(only)  # values of arguments are not stored


def test_a_revoked_grant_is_refused_at_the_next_request(shared: Serving) -> None:
    agent = client(shared, "short-lived")
    assert agent.call("read_file", NOTE)[0] == 200
    assert shared.gatepost("grant", "revoke", "short-lived").code == 0
    assert agent.call("read_file", NOTE)[0] == 401


def test_another_policy_judges_the_next_request(shared: Serving, tmp_path: Path) -> None:
    agent = client(shared, "moved")
    (tmp_path / "closed.json").write_text('{"version": "1", "default": "deny"}')
    assert (
        shared.gatepost.quick("policy", "add", "closed", str(tmp_path / "closed.json"), "--server", "files").code == 0
    )
    assert shared.gatepost("grant", "attach", "moved", "--policy", "closed").code == 0
    assert agent.call("read_file", NOTE)[1].startswith("[POLICY DENIED]")


def test_when_a_grant_was_last_used_is_known(shared: Serving) -> None:
    client(shared, "used").call("read_file", NOTE)

    def used() -> bool:
        grants = shared.gatepost.read("grant", "list")
        return next(known for known in grants if known["label"] == "used")["last_used"] is not None

    assert eventually(used)


def test_a_running_program_is_shown_with_its_last_words(shared: Serving) -> None:
    client(shared, "shown").call("read_file", NOTE)
    shown = shared.gatepost("server", "show", "files")
    assert "Last words on stderr" in shown.out
    assert "tiny server says hello" in shown.out
    assert shared.gatepost.read("server", "show", "files")["running"]["transport"] == "stdio"


def test_a_tool_that_came_later_is_found_by_asking_once(shared: Serving) -> None:
    """The data plane has the worker scan, and judges the call by what came of it."""
    agent = client(shared, "later")
    command = shared.gatepost.read("server", "show", "files")["command"]
    tools = Path(command[-1])
    before = tools.read_text()
    shared.gatepost.quick("server", "set", "files", "--drift", "warn")  # else it would be quarantined
    tools.write_text(json.dumps([*TOOLS, {"name": "brand_new", "inputSchema": {"type": "object"}}]))
    try:
        # Known now, and denied by the policy; an unknown tool would be an error instead.
        assert agent.call("brand_new", {})[1].startswith("[POLICY DENIED]")
        assert "brand_new" in shared.gatepost.quick("server", "show", "files").out
    finally:
        tools.write_text(before)
        shared.gatepost.quick("server", "scan", "files")
        shared.gatepost.quick("server", "set", "files", "--drift", "quarantine")


def test_the_status_page_says_what_is_running_to_this_machine_alone(shared: Serving) -> None:
    agent = client(shared, "watched")
    agent.call("read_file", NOTE)

    def page() -> str | None:
        status, headers, body = shared.http("console", "GET", "/")
        assert status == 200
        assert headers["content-security-policy"].startswith("default-src 'none'")
        shown = body.decode()
        told = ("watched", "read_file", '<strong class="good">ready')
        return shown if all(words in shown for words in told) else None

    shown = eventually(page)
    assert agent.token not in shown
    assert "tools.json" not in shown  # arguments of a program may hold secrets
    assert shared.http("console", "GET", "/", headers={"Host": "evil.example"})[0] == 421
    assert json.loads(shared.http("console", "GET", "/status.json")[2])["data_plane"]["ready"] is True


def test_a_second_serve_is_refused_and_told_of_the_first(shared: Serving) -> None:
    second = shared.gatepost("serve")
    assert second.code == 1
    assert second.err.startswith("error GP-6002: ")
    assert str(shared.process.pid) in second.err
    assert shared.facts["data_plane"] in second.err


def test_connect_knows_where_it_listens(shared: Serving) -> None:
    ran = shared.gatepost("connect", "generic", "--server", "files", "--token", grant(shared, "connected"))
    assert f"{shared.facts['data_plane']}/mcp/files/" in ran.out


def test_follow_shows_calls_as_they_come(shared: Serving) -> None:
    agent = client(shared, "followed")
    with shared.gatepost.started("log", "follow", "--grant", "followed", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Waiting")
        agent.call("read_file", NOTE)
        entry = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert (entry["tool"], entry["decision"], entry["carried_out"]) == ("read_file", "allow", True)
    assert process.returncode == 130
    assert "Traceback" not in said


def test_an_export_verifies_and_a_changed_one_is_found_out(shared: Serving, tmp_path: Path) -> None:
    client(shared, "exported").call("read_file", NOTE)
    exported = shared.gatepost("log", "export", "--format", "jsonl")
    assert exported.code == 0
    file = tmp_path / "log.jsonl"
    file.write_text(exported.out)
    assert shared.gatepost.quick("log", "verify", str(file)).code == 0
    lines = exported.out.splitlines()
    changed = next(number for number, line in enumerate(lines) if '"decision":"allow"' in line)
    lines[changed] = lines[changed].replace('"decision":"allow"', '"decision":"deny"')
    file.write_text("\n".join(lines) + "\n")
    broken = shared.gatepost("log", "verify", str(file))
    assert broken.code == 1
    assert f"log.jsonl line {changed + 1}" in broken.out
    machine = shared.gatepost.read("log", "verify", str(file))
    assert (machine["ok"], machine["first_bad"]["line"]) == (False, changed + 1)


def test_a_narrowed_export_and_a_table_of_calls(shared: Serving) -> None:
    client(shared, "tabled").call("read_file", NOTE)
    table = shared.gatepost("log", "export", "--format", "csv", "--grant", "tabled", "--tool", "read_file")
    heads, row = table.out.splitlines()
    assert heads.split(",")[:4] == ["time", "chain", "seq", "kind"]
    assert ",tabled," in row
    narrowed = shared.gatepost("log", "export", "--format", "jsonl", "--grant", "tabled", "--tool", "read_file")
    kinds = [json.loads(line)["kind"] for line in narrowed.out.splitlines()]
    assert kinds == ["decided", "settled", "export"]


def test_the_live_log_verifies(shared: Serving) -> None:
    ran = shared.gatepost("log", "verify")
    assert ran.code == 0, ran.out
    assert "chain data" in ran.out


@pytest.mark.parametrize("name", ["dataplane", "worker"])
def test_a_crashed_process_is_started_again_on_the_same_address(ready: Program, name: str) -> None:
    with serving(ready) as running:
        before = running.children()
        assert set(before) == {"dataplane", "worker"}
        os.kill(before[name], signal.SIGKILL)
        eventually(lambda: running.children().get(name, before[name]) != before[name])
        base, path = ("data_plane", "/readyz") if name == "dataplane" else ("console", "/healthz")

        def answered() -> bool:
            try:
                return running.http(base, "GET", path)[0] == 200
            except OSError:
                return False

        assert eventually(answered)
        assert running.process.poll() is None


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_everything(ready: Program, number: signal.Signals, code: int) -> None:
    with serving(ready) as running:
        children = running.children()
        running.process.send_signal(number)
        out, said = running.process.communicate(timeout=SECONDS)
    assert running.process.returncode == code
    assert "Gatepost 0." in out
    assert "Traceback" not in said
    assert not any(alive(pid) for pid in children.values())
    assert holder(ready.data / "run") is None


def test_nothing_outlives_a_killed_serve(ready: Program) -> None:
    with serving(ready) as running:
        children = running.children()
        running.process.kill()
        eventually(lambda: not any(alive(pid) for pid in children.values()))
    assert ready("log", "verify").code == 0


def test_the_first_start_makes_keys_and_store_and_says_what_to_type(gatepost: Program) -> None:
    with serving(gatepost) as running:
        running.process.send_signal(signal.SIGTERM)
        out, _ = running.process.communicate(timeout=SECONDS)
    assert "gatepost server add files" in out
    assert running.facts["console"] in out
    assert (gatepost.data / "keys" / "checkpoint.pub").exists()
    assert gatepost.data.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--listen", "0.0.0.0:0"], "GP-6001"),
        (["--console", "0.0.0.0:0"], "GP-6001"),
        (["--console", "no-such-host.invalid:0"], "GP-6003"),
    ],
)
def test_what_cannot_be_served_is_said_and_nothing_stays(gatepost: Program, options: list[str], code: str) -> None:
    defaults = ["--listen", "127.0.0.1:0", "--console", "127.0.0.1:0"]
    ran = gatepost("serve", *defaults, *options)
    assert ran.code == 1
    assert f"error {code}: " in ran.err
    assert "Traceback" not in ran.err
    assert holder(gatepost.data / "run") is None


def test_a_port_in_use_is_said(gatepost: Program) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = gatepost("serve", "--listen", f"127.0.0.1:{port}", "--console", "127.0.0.1:0")
    assert ran.code == 1
    assert "error GP-6003: " in ran.err


def test_a_wrong_retention_is_said(gatepost: Program) -> None:
    ran = gatepost("serve", "--console", "127.0.0.1:0", env={"GATEPOST_LOG_MAX_AGE": "soon"})
    assert ran.code == 1
    assert "error GP-6004: " in ran.err


@pytest.mark.parametrize(
    "options", [["--tls-cert", "cert.pem"], ["--listen", "7070"], ["--console", "127.0.0.1:x"], ["--listen", "h:70000"]]
)
def test_options_that_make_no_sense_are_wrong_usage(gatepost: Program, options: list[str]) -> None:
    assert gatepost("serve", *options).code == 2


def test_the_worker_gives_way_to_calls(ready: Program) -> None:
    with serving(ready) as running:
        children = running.children()
        nice = {name: os.getpriority(os.PRIO_PROCESS, pid) for name, pid in children.items()}
    assert nice["worker"] >= nice["dataplane"] + 5


def test_a_file_in_the_current_folder_is_no_part_of_the_gateway(ready: Program, tmp_path: Path) -> None:
    (tmp_path / "sqlite3.py").write_text("raise SystemExit('taken from the current folder')")
    process = subprocess.run(
        [sys.executable, "-P", "-m", "gatepost.processes.worker", "--data", str(ready.data), "--console", "0.0.0.0:0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "GP-6001" in process.stderr


@pytest.fixture
def certified(tmp_path: Path) -> Callable[..., list[str]]:
    """The options of a listener on every address, with a certificate for these names."""

    def options(*names: str) -> list[str]:
        issued = trustme.CA().issue_cert(*names)
        chain, key = tmp_path / "cert.pem", tmp_path / "key.pem"
        chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        return ["--listen", "0.0.0.0:0", "--tls-cert", str(chain), "--tls-key", str(key)]

    return options


def test_a_listener_with_its_own_certificate_answers_to_its_names_alone_and_tells_the_first(
    ready: Program, certified: Callable[..., list[str]]
) -> None:
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with serving(ready, *certified("*.wild.example", "gate.example", "192.0.2.7", "2001:db8::7")) as running:
        port = urlsplit(running.facts["data_plane"]).port

        def answered(host: str) -> int:
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=trusting)
            with contextlib.closing(connection):
                connection.request("GET", "/healthz", headers={"Host": host})
                return connection.getresponse().status

        for host in ("gate.example", f"GATE.example:{port}", "a.wild.example", "192.0.2.7", "[2001:db8::7]:443"):
            assert answered(host) == 200, host
        for host in ("evil.example", "wild.example", "a.b.wild.example", "127.0.0.1", "0.0.0.0", "localhost"):
            assert answered(host) == 421, host
        assert running.facts["public_url"] == f"https://gate.example:{port}"
        said = ready("connect", "generic", "--server", "files", "--token", new_token())
        assert f"https://gate.example:{port}/mcp/files/" in said.out


def test_a_certificate_without_a_name_for_clients_needs_a_public_url(
    gatepost: Program, certified: Callable[..., list[str]]
) -> None:
    ran = gatepost("serve", "--console", "127.0.0.1:0", *certified("*.wild.example"))
    assert ran.code == 1
    assert "error GP-6001: " in ran.err
    assert "--public-url" in ran.err
