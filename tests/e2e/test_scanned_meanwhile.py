"""A server becomes another one while it is being scanned: what the old one had is never taken for the new one's."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from gatepost.processes import ops
from tests.cli.program import Program
from tests.support.serving import serving

TINY = Path(__file__).parent.parent / "cli" / "tiny_server.py"


def named(*names: str) -> str:
    return json.dumps([{"name": name, "inputSchema": {"type": "object"}} for name in names])


class Held:
    """A list of tools that is not read to its end before it is told; the server has one tool by then, `old`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "old.json"
        self.path.write_text(named("old"))

    def hold(self) -> None:
        self.path.unlink()
        os.mkfifo(self.path)

    def asked(self) -> int:
        """Waits until somebody reads the list, and returns where to write it."""
        return os.open(self.path, os.O_WRONLY)


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return Held(tmp_path)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "new.json"
    path.write_text(named("new", "newer"))
    return path


def replace(gatepost: Program, new: Path) -> None:
    for arguments in (
        ("server", "remove", "files", "--force"),
        ("server", "add", "files", "--", sys.executable, str(TINY), str(new)),
    ):
        ran = gatepost(*arguments)
        assert ran.code == 0, ran.err


def tools_of(gatepost: Program) -> tuple[list[str], list[str]]:
    """The names of its tools, and of those that wait."""
    shown = gatepost("server", "show", "files", "--json").json
    return sorted(tool["name"] for tool in shown["definitions"]), shown["waiting"]


def test_the_worker_scans_again_what_was_removed_and_added_anew_meanwhile(held: Held, new: Path) -> None:
    with serving() as gateway:
        assert gateway.program.add_tiny("files", held.path).code == 0
        held.hold()
        answers: list[dict[str, Any] | None] = []
        socket = gateway.program.data / "run" / "worker.sock"
        asking = threading.Thread(
            target=lambda: answers.append(ops.ask_now(socket, {"op": "rescan", "server": "files"}, seconds=60))
        )
        asking.start()
        list_of_old = held.asked()
        replace(gateway.program, new)
        os.write(list_of_old, named("old", "older").encode())
        os.close(list_of_old)
        asking.join()
        assert answers
        assert answers[0] is not None
        assert answers[0]["drift"] == {"added": [], "removed": [], "changed": []}
        assert tools_of(gateway.program) == (["new", "newer"], [])


def test_a_scan_by_hand_asks_the_server_that_there_is_by_then(tmp_path: Path, held: Held, new: Path) -> None:
    gatepost = Program(tmp_path / "data")
    assert gatepost.add_tiny("files", held.path).code == 0
    held.hold()
    with gatepost.started("server", "scan", "files") as scanning:
        list_of_old = held.asked()
        replace(gatepost, new)
        os.write(list_of_old, named("old", "older").encode())
        os.close(list_of_old)
        out, err = scanning.communicate()
    assert scanning.returncode == 0, err
    assert "Scanning it again" in err
    assert "2 tools, nothing has changed." in out
    assert tools_of(gatepost) == (["new", "newer"], [])


def test_an_older_list_does_not_replace_what_was_read_after_it(tmp_path: Path, held: Held) -> None:
    gatepost = Program(tmp_path / "data")
    assert gatepost.add_tiny("files", held.path).code == 0
    held.hold()
    with gatepost.started("server", "scan", "files") as scanning:
        older = held.asked()
        held.path.unlink()
        held.path.write_text(named("old", "later"))
        assert "later" in gatepost("server", "scan", "files").out
        os.write(older, named("old").encode())
        os.close(older)
        scanning.communicate()
    assert tools_of(gatepost) == (["later", "old"], ["later"])
