"""One serve per data folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatepost.errors import GatepostError
from gatepost.processes.lock import ServeLock, holder, last_known


def test_a_second_one_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    first = ServeLock.take(tmp_path)
    first.describe({"pid": 4711, "data_plane": "http://127.0.0.1:7070"})
    with pytest.raises(GatepostError) as refused:
        ServeLock.take(tmp_path)
    assert refused.value.code == "GP-6002"
    assert "process 4711 at http://127.0.0.1:7070" in refused.value.message
    first.release()
    ServeLock.take(tmp_path).release()


def test_the_lock_ends_with_its_process_however_it_ends(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from gatepost.processes.lock import ServeLock;"
        "ServeLock.take(Path(sys.argv[1])).describe({'pid': 1}); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert holder(tmp_path) == {"pid": 1}
        other.kill()
        other.wait()
    assert holder(tmp_path) is None
    assert last_known(tmp_path) == {"pid": 1}
    ServeLock.take(tmp_path).release()


def test_nobody_holds_what_was_never_taken(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    assert last_known(tmp_path) == {}


def test_what_is_written_later_replaces_what_was_there(tmp_path: Path) -> None:
    lock = ServeLock.take(tmp_path)
    lock.describe({"pid": os.getpid(), "long": "x" * 500})
    lock.describe({"pid": 2})
    assert last_known(tmp_path) == {"pid": 2}
    lock.release()
