"""`gatepost policy diff` and the arguments that are kept for it, on a data folder with a log."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from gatepost.definitions.definition import definition_hash
from gatepost.journal.rows import timestamp
from gatepost.kept import FOLDER, Keeper
from gatepost.keys import Keyring
from gatepost.wire import strictjson
from tests.cli.program import POLICY, TOOLS, Program
from tests.journal.using import decided, in_journal, write

PATHS = ["/srv/notes/a.md", "/srv/notes/a.key", "/etc/passwd"]


@pytest.fixture
def called(ready: Program) -> Program:
    """A data folder whose log has three reads of an hour ago, two of them let through."""
    version = ready.read("policy", "show", "files-read")["version"]
    keys = Keyring.open(ready.data / "keys")
    at = time.time() - 3600
    rows = [
        decided(
            f"d{number}",
            time=timestamp(at + number),
            server="files",
            tool="read_file",
            arguments=["path"],
            arguments_hmac=keys.hmac(strictjson.canonical({"path": path})),
            policy="files-read",
            policy_version=version,
            definition_hash=definition_hash(TOOLS[0]),
            **({} if path.startswith("/srv") else {"decision": "deny", "rule": "/tools/read_file/require/in-notes"}),
        )
        for number, path in enumerate(PATHS)
    ]
    in_journal(ready.data / "journal" / "data", lambda journal: write(journal, *rows))
    return ready


def kept(program: Program, seconds: int = 86400) -> None:
    """Keeps the arguments of the log's calls, as the gateway does."""
    keys = Keyring.open(program.data / "keys")
    at = time.time() - 3600

    async def act() -> None:
        keeper = Keeper(program.data / FOLDER, keys, clock=lambda: at)
        for number, path in enumerate(PATHS):
            keeper.keep("files", f"d{number}", {"path": path}, seconds, 100)
        await keeper.close()

    asyncio.run(act())


@pytest.fixture
def draft(tmp_path: Path) -> str:
    """The policy with keys refused, and deletion allowed."""
    file = tmp_path / "draft.yaml"
    keys = "    deny_if: [{name: keys, conditions: [{path: args.path, op: ends_with, value: .key}]}]\n"
    file.write_text(POLICY.replace("    limits:", f"{keys}    limits:") + "  delete_file: {}\n")
    return str(file)


def test_words_come_first_and_what_cannot_be_told_is_counted(called: Program, draft: str) -> None:
    ran = called("policy", "diff", "files-read", draft)
    assert ran.code == 1, ran.err
    assert 'read_file\n  now is refused if args.path ends with ".key"' in ran.out
    assert "delete_file\n  refused by default → allowed" in ran.out
    assert "3 calls judged by both, 0 of them with kept arguments" in ran.out
    assert "0 would be decided otherwise" in ran.out
    assert "2 undecided: a rule reads arguments that were not kept" in ran.out
    assert "2  /tools/read_file/deny_if/keys" in ran.out


def test_with_kept_arguments_the_calls_are_named(called: Program, draft: str) -> None:
    assert called.quick("server", "set", "files", "--keep-arguments", "sealed:7d").code == 0
    kept(called)
    found = called.read("policy", "diff", "files-read", draft)["log"]
    assert (found["calls"], found["kept"], found["undecided"]) == (3, 3, {})
    (changed,) = found["changed"]
    assert (changed["decision_id"], changed["tool"], changed["old"]["effect"]) == ("d1", "read_file", "allow")
    assert changed["new"] == {"effect": "deny", "rule": "/tools/read_file/deny_if/keys"}


def test_nothing_changes_from_a_version_to_itself_and_an_earlier_one_may_be_named(
    called: Program, tmp_path: Path
) -> None:
    assert called.quick("policy", "diff", "files-read", "files-read").code == 0
    first = called.read("policy", "show", "files-read")["version"]
    (tmp_path / "p.yaml").write_text(POLICY.replace("max: 100", "max: 2"))
    assert called.quick("policy", "add", "files-read", str(tmp_path / "p.yaml"), "--server", "files").code == 0
    ran = called.quick("policy", "diff", f"files-read@{first}", "files-read")
    assert ran.code == 1
    assert "the limit per minute of reads goes from 100 to 2" in ran.out


def test_two_files_are_compared_in_words_without_a_data_folder(gatepost: Program, tmp_path: Path, draft: str) -> None:
    (tmp_path / "old.yaml").write_text(POLICY)
    ran = gatepost.quick("policy", "diff", str(tmp_path / "old.yaml"), draft)
    assert ran.code == 1
    assert "delete_file" in ran.out
    assert "The log was not looked at" in ran.err
    assert not gatepost.data.exists()
    assert gatepost.quick("policy", "diff", str(tmp_path / "none.yaml"), draft).code == 2
    assert gatepost.quick("policy", "diff", "nobody", draft).code == 1


def test_two_files_are_held_against_the_log_of_a_server(called: Program, tmp_path: Path, draft: str) -> None:
    (tmp_path / "old.yaml").write_text(POLICY)
    found = called.quick("policy", "diff", str(tmp_path / "old.yaml"), draft, "--server", "files", "--json").json["log"]
    assert (found["calls"], found["undecided"]) == (3, {"/tools/read_file/deny_if/keys": 2})


def test_keeping_is_published_shown_recorded_and_off_deletes(called: Program) -> None:
    def show() -> Any:
        return called.read("server", "show", "files")["keep_arguments"]

    assert show() is None
    assert called.quick("server", "set", "files", "--keep-arguments", "sealed:36h").code == 0
    assert show() == 36 * 3600
    assert "kept for 36h, encrypted" in called.quick("server", "show", "files").out
    kept(called)
    shown = called("server", "arguments", "files", "--json")
    assert [json.loads(line)["arguments"] for line in shown.out.splitlines()] == [{"path": path} for path in PATHS]
    one = called.quick("server", "arguments", "files", "--call", "d1")
    assert "/srv/notes/a.key" in one.out and "passwd" not in one.out
    assert called.quick("server", "arguments", "files", "--since", "2h").code == 0
    assert called.quick("server", "arguments", "files", "--since", "30m").code == 1
    assert called.quick("server", "arguments", "files", "--since", "yesterday").code == 2
    assert called.quick("server", "set", "files", "--keep-arguments", "off").code == 0
    assert not list((called.data / FOLDER / "files").iterdir())
    assert called.quick("server", "arguments", "files").code == 1
    acts = called.quick("log", "show", "--json").out
    assert "server.keep-arguments" in acts
    assert "passwd" not in acts


@pytest.mark.parametrize("keeping", ["7d", "sealed:", "sealed:10s", "sealed:2000d", "plain:7d"])
def test_a_way_to_keep_that_is_none_is_refused(called: Program, keeping: str) -> None:
    ran = called.quick("server", "set", "files", "--keep-arguments", keeping)
    assert ran.code == 2
    assert "Write " in ran.err
    assert called.read("server", "show", "files")["keep_arguments"] is None


def test_a_server_that_is_taken_away_and_added_again_keeps_nothing(called: Program, tools: Path) -> None:
    assert called.quick("server", "set", "files", "--keep-arguments", "sealed:7d").code == 0
    kept(called)
    assert called.quick("server", "remove", "files").code == 0
    assert not list((called.data / FOLDER / "files").iterdir())
    assert called.add_tiny("files", tools).code == 0
    assert called.read("server", "show", "files")["keep_arguments"] is None
    assert called.quick("server", "arguments", "files").code == 1
