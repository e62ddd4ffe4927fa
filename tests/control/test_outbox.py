"""The admin chain agrees with the store, whatever is killed and whoever writes at the same time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gatepost.audit.verify import verify_folder
from gatepost.control.grants import add_grant, list_grants, revoke_grant
from gatepost.control.store import Store, open_store
from gatepost.keys import Keyring
from gatepost.paths import DataFolder
from tests.control.helpers import ANNA, acts, published, told, with_server

ADD_GRANTS = """
import sys
from pathlib import Path
from gatepost.control.act import Actor
from gatepost.control.grants import add_grant
from gatepost.control.store import open_store
from gatepost.paths import DataFolder
{patch}
with open_store(DataFolder(Path(sys.argv[1]))) as store:
    for number in range(int(sys.argv[3])):
        add_grant(store, Actor("bulk", "cli"), f"{{sys.argv[2]}}-{{number}}", server="files")
        print(number, flush=True)
"""

DIE_BEFORE_THE_CHAIN = """
import os, signal
from gatepost.control.chain import AdminChain
def append(self, records):
    os.kill(os.getpid(), signal.SIGKILL)
AdminChain.append = append
"""

DIE_AFTER_THE_CHAIN = """
import os, signal
from gatepost.control.chain import AdminChain
whole = AdminChain.append
def append(self, records):
    whole(self, records)
    os.kill(os.getpid(), signal.SIGKILL)
AdminChain.append = append
"""


def adding(folder: DataFolder, prefix: str, count: int, patch: str = "") -> subprocess.Popen[bytes]:
    """A process that adds grants one by one, and prints the number of each when its call has come back."""
    return subprocess.Popen(
        [sys.executable, "-c", ADD_GRANTS.format(patch=patch), str(folder.root), prefix, str(count)],
        stdout=subprocess.PIPE,
    )


def assert_agreement(folder: DataFolder) -> None:
    """Every grant of the store was recorded once and is published; nothing else was recorded; the chain holds."""
    with open_store(folder) as store:
        assert store.warnings == ()
        labels = [grant.label for grant in list_grants(store)]
    recorded = Counter(object.removeprefix("grant:") for action, object in told(folder) if action == "grant.add")
    assert recorded == Counter(labels)
    assert sorted(body["label"] for body in published(folder, "grant").values()) == sorted(labels)
    verified = verify_folder(folder.journal, Keyring.open(folder.keys).verify_key)
    assert verified.ok, verified


def test_a_change_is_in_the_chain_when_the_call_comes_back(store: Store, folder: DataFolder) -> None:
    with_server(store)
    add_grant(store, ANNA, "ci", server="files")
    assert told(folder) == [("server.add", "server:files"), ("grant.add", "grant:ci")]
    record = acts(folder)[-1]
    assert record["actor"] == "cli:anna"
    assert record["chain"] == "admin"


@pytest.mark.parametrize("patch", [DIE_BEFORE_THE_CHAIN, DIE_AFTER_THE_CHAIN], ids=["before", "after"])
def test_a_record_is_written_once_where_its_writer_was_killed_next_to_the_chain(folder: DataFolder, patch: str) -> None:
    with open_store(folder) as store:
        with_server(store)
    died = adding(folder, "died", 1, patch)
    assert died.wait(60) == -signal.SIGKILL
    written = [object for _, object in told(folder)]
    assert ("grant:died-0" in written) == (patch == DIE_AFTER_THE_CHAIN)
    assert_agreement(folder)
    assert told(folder)[-1] == ("grant.add", "grant:died-0")


def test_the_next_change_also_writes_what_a_killed_one_left(folder: DataFolder) -> None:
    with open_store(folder) as store:
        with_server(store)
        assert adding(folder, "died", 1, DIE_BEFORE_THE_CHAIN).wait(60) == -signal.SIGKILL
        add_grant(store, ANNA, "next", server="files")
        assert told(folder)[-2:] == [("grant.add", "grant:died-0"), ("grant.add", "grant:next")]
    assert_agreement(folder)


def test_store_and_chain_agree_after_a_kill_at_any_moment(folder: DataFolder) -> None:
    with open_store(folder) as store:
        with_server(store)
    for round, wanted in enumerate((1, 7, 18, 30)):
        process = adding(folder, f"round{round}", 50)
        assert process.stdout is not None
        for _ in range(wanted):
            assert process.stdout.readline()
        process.kill()
        process.wait(60)
        came_back = wanted + len(process.stdout.read().split())
        process.stdout.close()
        assert_agreement(folder)
        labels = {object for _, object in told(folder)}
        assert {f"grant:round{round}-{number}" for number in range(came_back)} <= labels


@pytest.mark.slow
def test_store_and_chain_agree_after_fifty_kills(folder: DataFolder) -> None:
    with open_store(folder) as store:
        with_server(store)
    for round in range(50):
        process = adding(folder, f"round{round}", 50)
        assert process.stdout is not None
        for _ in range(1 + int.from_bytes(os.urandom(1), "big") % 45):
            process.stdout.readline()
        process.kill()
        process.wait(60)
        process.stdout.close()
        assert_agreement(folder)


def test_two_processes_that_change_at_the_same_time_lose_and_double_nothing(folder: DataFolder) -> None:
    with open_store(folder) as store:
        with_server(store)
    processes = [adding(folder, prefix, 40) for prefix in ("one", "two")]
    for process in processes:
        process.communicate(timeout=120)
        assert process.returncode == 0
    assert_agreement(folder)
    with open_store(folder) as store:
        assert len(list_grants(store)) == 80


def test_of_two_processes_that_add_the_same_label_one_is_told_that_it_is_taken(folder: DataFolder) -> None:
    with open_store(folder) as store:
        with_server(store)
    processes = [adding(folder, "same", 30) for _ in range(2)]
    for process in processes:
        process.communicate(timeout=120)
    assert_agreement(folder)
    with open_store(folder) as store:
        labels = [grant.label for grant in list_grants(store)]
    assert len(labels) == len(set(labels))
    assert "same-0" in labels


def test_where_the_chain_cannot_be_written_the_record_waits_and_the_change_says_so(
    store: Store, folder: DataFolder
) -> None:
    with_server(store)
    aside = folder.root / "aside"
    (folder.journal / "admin").rename(aside)
    (folder.journal / "admin").write_text("in the way")
    done = add_grant(store, ANNA, "ci", server="files")
    assert len(done.warnings) == 1
    assert "not yet in the log" in done.warnings[0]
    (folder.journal / "admin").unlink()
    aside.rename(folder.journal / "admin")
    assert told(folder) == [("server.add", "server:files")]
    assert revoke_grant(store, ANNA, "ci").warnings == ()
    assert told(folder) == [("server.add", "server:files"), ("grant.add", "grant:ci"), ("grant.revoke", "grant:ci")]
    assert_agreement(folder)


def test_a_chain_that_was_cleared_away_does_not_hold_up_changes(store: Store, folder: DataFolder) -> None:
    with_server(store)
    for path in (folder.journal / "admin").iterdir():
        path.unlink()
    assert add_grant(store, ANNA, "ci", server="files").warnings == ()
    assert told(folder) == [("grant.add", "grant:ci")]


def test_records_of_thousands_of_grants_revoked_at_once_are_written_in_one_go(
    store: Store, folder: DataFolder, tmp_path: Path
) -> None:
    from gatepost.control.servers import remove_server

    with_server(store)
    for number in range(50):
        add_grant(store, ANNA, f"g{number:02}", server="files")
    assert len(remove_server(store, ANNA, "files", force=True).value) == 50
    assert [action for action, _ in told(folder)].count("grant.revoke") == 50
    assert json.dumps(acts(folder)[-1]["before"])


NO_ROOM = """
import resource, signal, sys
from pathlib import Path
from gatepost.control.act import Actor
from gatepost.control.grants import add_grant, list_grants
from gatepost.control.store import open_store
from gatepost.errors import GatepostError
from gatepost.paths import DataFolder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open_store(DataFolder(Path(sys.argv[1]))) as store:
    add_grant(store, Actor("bulk", "cli"), "before", server="files")
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    try:
        add_grant(store, Actor("bulk", "cli"), "refused", server="files")
    except GatepostError as error:
        told = error.code
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert [grant.label for grant in list_grants(store)] == ["before"]
    add_grant(store, Actor("bulk", "cli"), "after", server="files")
print(told)
"""


def test_a_change_for_which_there_is_no_room_is_refused_and_the_next_one_goes_on(folder: DataFolder) -> None:
    with open_store(folder) as store:
        with_server(store)
    process = subprocess.run(
        [sys.executable, "-c", NO_ROOM, str(folder.root)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (process.returncode, process.stdout.strip()) == (0, "GP-5003"), process.stderr
    assert_agreement(folder)
