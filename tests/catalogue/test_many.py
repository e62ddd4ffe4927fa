"""A large folder goes into the index by several processes: the same as by one, and none is left behind."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gatepost.catalogue.index import many
from gatepost.catalogue.index.many import read_many
from gatepost.catalogue.index.sources import Problems
from gatepost.errors import GatepostError
from tests.catalogue.labelled import servers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Every labelled server once, each with a long description, and some files that are none."""
    made = tmp_path / "scans"
    made.mkdir()
    for name, tools in servers().items():
        listed = [{"name": one.name, "description": one.description, "inputSchema": one.schema} for one in tools]
        text = {"name": name, "tools": listed, "description": "x" * 60_000}
        (made / f"{name}.json").write_text(json.dumps(text))
    for number in range(30):
        (made / f"broken-{number}.json").write_text("{")
    return made


def test_several_processes_read_a_folder_as_one_does(folder: Path) -> None:
    alone, together = Problems(), Problems()
    one = list(read_many(folder, alone, processes=1))
    assert len(one) == len(servers())
    assert list(read_many(folder, together, processes=2)) == one
    assert (together.number, together.sentences) == (alone.number, alone.sentences) == (30, alone.sentences)


def test_a_small_folder_and_a_file_need_no_other_process(folder: Path) -> None:
    assert len(list(read_many(folder, Problems()))) == len(servers())
    with pytest.raises(GatepostError, match="no JSON"):
        list(read_many(folder / "broken-1.json", Problems(), processes=2))
    assert multiprocessing.active_children() == []


def test_a_large_folder_is_read_where_a_system_does_not_tell_processors_of_a_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(many, "WORTH_IT", 0)
    assert len(list(read_many(folder, Problems()))) == len(servers())


def test_a_process_that_is_killed_is_said_and_the_others_end(folder: Path) -> None:
    reading = read_many(folder, Problems(), processes=2)
    next(reading)
    children = multiprocessing.active_children()
    assert len(children) == 2
    os.kill(children[0].pid or 0, signal.SIGKILL)
    with pytest.raises(GatepostError, match="ended from outside") as error:
        list(reading)
    assert error.value.code == "GP-5003"
    assert multiprocessing.active_children() == []


_PROGRAM = """
import multiprocessing, sys
from pathlib import Path
from gatepost.catalogue.index.many import read_many
from gatepost.catalogue.index.sources import Problems

if __name__ == "__main__":
    reading = read_many(Path(sys.argv[1]), Problems(), processes=2)
    next(reading)
    try:
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        reading.close()
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "killed"])
def test_no_process_outlives_the_one_that_writes(folder: Path, tmp_path: Path, how: signal.Signals) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    command = [sys.executable, str(program), str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as writer:
        assert writer.stdout is not None
        children = [int(pid) for pid in writer.stdout.readline().split()]
        assert len(children) == 2
        ends = [os.pidfd_open(child) for child in children]
        # Ctrl-C reaches the whole group, as a terminal sends it; a kill only the one.
        os.killpg(writer.pid, how) if how == signal.SIGINT else writer.kill()
        out, err = writer.communicate(timeout=30)
    if how == signal.SIGINT:
        assert (out, err) == ("interrupted\n", "")
    for end in ends:
        _wait(end)
        os.close(end)


def _wait(end: int) -> None:
    """Waits until a process that is no child of ours has ended."""
    import select

    poll = select.poll()
    poll.register(end, select.POLLIN)
    assert poll.poll(20_000), "a process is left"
