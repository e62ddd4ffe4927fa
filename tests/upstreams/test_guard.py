"""A program never outlives the gateway, however the gateway goes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gatepost.upstreams import guard
from gatepost.upstreams.base import UpstreamFailed
from tests.upstreams.helpers import (
    SERVERS,
    alive,
    answer,
    call,
    eventually,
    initialize,
    post,
    run,
    said,
    scripted,
    session,
)


@contextmanager
def gatewaylike(*flags: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, int]]]:
    """A gateway-like process and the pids of the program it runs and of what that program started."""
    program = [sys.executable, "-I", "-S", str(SERVERS / "scripted.py"), *flags]
    process = subprocess.Popen(
        [sys.executable, str(SERVERS / "gatewaylike.py"), *program], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        pids: dict[str, int] = json.loads(process.stdout.readline())
        pids["guard"] = parent(pids["self"])
        assert all(alive(pid) for pid in pids.values())
        yield process, pids
    finally:
        process.kill()
        process.communicate()


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def wait_until_gone(pids: dict[str, int], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while any(alive(pid) for pid in pids.values()):
        assert time.monotonic() < deadline, {name: pid for name, pid in pids.items() if alive(pid)}
        time.sleep(0.01)


@pytest.mark.parametrize("flags", [(), ("--ignore-term", "--ignore-eof")], ids=["well-behaved", "stubborn"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_nothing_outlives_a_gateway_that_is_killed(flags: tuple[str, ...], how: signal.Signals) -> None:
    with gatewaylike(*flags) as (gateway, pids):
        gateway.send_signal(how)
        gateway.wait(10)
        wait_until_gone(pids)


def test_not_even_when_its_guard_is_killed_first() -> None:
    with gatewaylike("--ignore-eof") as (gateway, pids):
        os.kill(pids["guard"], signal.SIGKILL)
        wait_until_gone({"self": pids["self"], "inside": pids["inside"]})
        os.kill(pids["outside"], signal.SIGKILL)  # beyond reach once the guard is gone
        assert gateway.poll() is None


def test_the_gateway_notices_a_guard_that_was_killed_and_starts_anew() -> None:
    async def test() -> None:
        async with session(scripted("--ignore-eof")) as upstream:
            pid = upstream.status()["programs"][0]["pid"]
            waiting = asyncio.ensure_future(post(upstream, call("never"), "s"))
            await eventually(lambda: upstream.status()["programs"][0]["in_flight"] == 1)
            os.kill(parent(pid), signal.SIGKILL)
            with pytest.raises(UpstreamFailed, match="has ended before it answered"):
                await waiting
            await eventually(lambda: not alive(pid))
            await answer(upstream, initialize(), "t")
            assert said(await answer(upstream, call("echo"), "t"))["arguments"] == {}

    run(test())


def test_the_gateways_own_signals_do_not_reach_the_program() -> None:
    """A Ctrl-C in the terminal goes to the foreground group, which the program is not in."""

    async def test() -> None:
        async with session(scripted()) as upstream:
            pid = upstream.status()["programs"][0]["pid"]
            assert os.getpgid(pid) == pid
            assert os.getsid(pid) == pid
            assert os.getpgid(parent(pid)) != os.getpgid(0)

    run(test())


def test_the_guard_keeps_no_copy_of_the_programs_pipes() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            pid = upstream.status()["programs"][0]["pid"]
            for fd in (0, 1, 2):
                assert os.readlink(f"/proc/{parent(pid)}/fd/{fd}") == "/dev/null"
            assert set(os.listdir(f"/proc/{pid}/fd")) == {"0", "1", "2"}, "the program inherits nothing else"

    run(test())


def test_the_guard_imports_only_what_it_needs() -> None:
    """It starts with every session, so what it imports is what a session costs."""
    ours, theirs = socket.socketpair()
    with theirs:
        ours.close()
        command = [sys.executable, "-I", "-S", "-X", "importtime", guard.__file__, str(theirs.fileno())]
        done = subprocess.run(command, capture_output=True, text=True, check=True, pass_fds=(theirs.fileno(),))
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "select" in imported
    assert not {"signal", "enum", "re", "typing", "socket", "subprocess", "ctypes"} & imported


@pytest.mark.slow
def test_nothing_is_left_at_whatever_moment_the_gateway_is_killed(tmp_path: Path) -> None:
    """Also while the guard or the program starts: each program marks its start with its pid."""
    mark = tmp_path / "started"
    program = [sys.executable, "-I", "-S", str(SERVERS / "scripted.py"), "--ignore-eof", "--mark", str(mark)]
    for round in range(40):
        process = subprocess.Popen(
            [sys.executable, str(SERVERS / "gatewaylike.py"), *program], stdout=subprocess.DEVNULL
        )
        guards: set[int] = set()
        deadline = time.monotonic() + 10
        while not (guards := children(process.pid)):
            assert time.monotonic() < deadline
        time.sleep(round * 0.002)  # the moment is what is tried here
        process.kill()
        process.wait(10)
        wait_until_gone({str(pid): pid for pid in guards})
        started = mark.read_text().split() if mark.exists() else []
        wait_until_gone({pid: int(pid) for pid in started})
    assert len(mark.read_text().split()) < 40, "some were killed before their program ran"


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
