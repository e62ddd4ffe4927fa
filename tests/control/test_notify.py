"""Telling a running data plane of a change, and what is said where it does not confirm."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gatepost.control.grants import add_grant, touch_last_used
from gatepost.control.notify import refresh
from gatepost.control.store import Store, open_store
from gatepost.feed import Feed
from gatepost.paths import DataFolder
from tests.control.helpers import ANNA, with_server


@contextmanager
def data_plane(folder: DataFolder, answer: Callable[[bytes], bytes | None]) -> Iterator[list[bytes]]:
    """Listens where a data plane does, and answers each request with what `answer` gives; None: not at all."""
    asked: list[bytes] = []
    held: list[socket.socket] = []
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(folder.socket("dataplane.sock")))
    listener.listen(16)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            asked.append(connection.makefile("rb").readline())
            given = answer(asked[-1])
            if given is None:
                held.append(connection)
            else:
                connection.sendall(given)
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
        for connection in held:
            connection.close()
        folder.socket("dataplane.sock").unlink()


def test_the_call_comes_back_after_the_data_plane_has_taken_the_change_over(store: Store, folder: DataFolder) -> None:
    with_server(store)
    seen: list[list[str]] = []

    def take_over(request: bytes) -> bytes:
        with Feed.open(folder.store) as feed:
            seen.append([row.key for row in feed.since(json.loads(request)["revision"] - 1)])
            return json.dumps({"revision": feed.revision()}).encode() + b"\n"

    with data_plane(folder, take_over) as asked:
        done = add_grant(store, ANNA, "ci", server="files")
    assert done.warnings == ()
    assert [json.loads(line) for line in asked] == [{"op": "refresh", "revision": done.revision}]
    assert len(seen[0]) == 1


def test_a_change_that_publishes_nothing_tells_nobody(store: Store, folder: DataFolder) -> None:
    with_server(store)
    id = add_grant(store, ANNA, "ci", server="files").value.grant.id
    with data_plane(folder, lambda _: b'{"revision":99}\n') as asked:
        touch_last_used(store, {id: 1.0})
    assert asked == []


def test_without_a_running_data_plane_there_is_nothing_to_warn_of(store: Store) -> None:
    with_server(store)
    assert add_grant(store, ANNA, "ci", server="files").warnings == ()


def test_a_socket_that_a_killed_data_plane_left_behind_is_nothing_to_warn_of(store: Store, folder: DataFolder) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(folder.socket("dataplane.sock")))
    with_server(store)
    assert folder.socket("dataplane.sock").exists()
    assert add_grant(store, ANNA, "ci", server="files").warnings == ()


def test_a_data_plane_that_does_not_answer_is_a_warning_within_its_time_and_not_a_failure(
    store: Store, folder: DataFolder
) -> None:
    with_server(store)
    with data_plane(folder, lambda _: None):
        began = time.monotonic()
        done = add_grant(store, ANNA, "ci", server="files")
        lasted = time.monotonic() - began
    assert len(done.warnings) == 1
    assert "has not confirmed it" in done.warnings[0]
    assert 1.5 < lasted < 10


def test_answers_that_confirm_nothing_are_warnings(folder: DataFolder) -> None:
    for answer in (
        b"",
        b"\n",
        b"nonsense\n",
        b"[]\n",
        b"null\n",
        b"{}\n",
        b'{"revision":"7"}\n',
        b'{"revision":6}\n',
        b'{"error":{"code":"GP-4005","message":"no","hint":""}}\n',
        b"x" * 100_000,
    ):
        with data_plane(folder, lambda _, answer=answer: answer):  # type: ignore[misc]
            assert refresh(folder, 7) is not None, answer
    for answer in (b'{"revision":7}\n', b'{"revision":8,"more":1}\n'):
        with data_plane(folder, lambda _, answer=answer: answer):  # type: ignore[misc]
            assert refresh(folder, 7) is None, answer


def test_a_folder_too_deep_for_a_socket_can_still_be_configured(tmp_path: Path) -> None:
    with open_store(DataFolder(tmp_path / ("x" * 100))) as store:
        with_server(store)
        assert add_grant(store, ANNA, "ci", server="files").warnings == ()
