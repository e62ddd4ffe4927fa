"""One upstream hangs with 500 calls waiting on it: what the calls to another server notice."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from statistics import median

from bench import traffic
from bench.contenders.gatepost import SERVER, Full
from bench.load import Target
from bench.procs import BenchError
from bench.report import Bar, Section, count, micros, times
from bench.rig import Rig, Upstream

WAITING = 500
LEVEL = 16
MOST = 1.5


class TwoServers(Full):
    """`full`, with a second server that will hang."""

    def __init__(self, hung: Upstream) -> None:
        super().__init__()
        self.hung = hung
        self.hung_token = ""

    def before_serve(self) -> None:
        self.hung_token = self.add_server("hung", ["--url", f"http://127.0.0.1:{self.hung.port}/mcp"], self.policy)


def run(rig: Rig, skipped: list[str]) -> Section:
    del skipped
    page = Section("hung", "One upstream hung, 500 calls waiting on it")
    hung = rig.new_upstream()
    gateway = rig.launch(TwoServers(hung))
    target = Target(gateway.target.port, gateway.target.path.replace(SERVER, "hung"), gateway.hung_token)
    quiet, besides, waited = [], [], []
    rig.load(gateway.target, LEVEL, 1)
    for number in range(rig.scale.rounds):
        rig.say(f"round {number + 1} of {rig.scale.rounds}")
        quiet.append(rig.load(gateway.target, LEVEL, rig.scale.seconds))
        waiting = hang(target)
        wait_for(lambda: hung.hanging() >= WAITING, "the hanging calls did not all arrive")
        besides.append(rig.load(gateway.target, LEVEL, rig.scale.seconds))
        waited.append(still_waiting(waiting))
        for one in waiting:
            one.close()
        wait_for(lambda: hung.hanging() == 0, "calls whose clients had left were not cancelled at the upstream")
    gateway.stop()
    hung.child.stop()
    before, after = median(run.p99 for run in quiet), median(run.p99 for run in besides)
    page.data = {
        "quiet": {
            "p50_us": median(run.p50 for run in quiet),
            "p99_us": before,
            "rate": median(run.rate for run in quiet),
        },
        "hung": {
            "p50_us": median(run.p50 for run in besides),
            "p99_us": after,
            "rate": median(run.rate for run in besides),
        },
        "still_waiting": waited,
    }
    page.say(
        f"{LEVEL} connections to a healthy server, in turns without and with {WAITING} calls that wait on another one."
    )
    rows = [
        ["quiet", *cells(page.data["quiet"])],
        [f"{WAITING} calls waiting on the hung server", *cells(page.data["hung"])],
    ]
    page.table(["", "requests/s", "p50", "p99"], rows)
    page.say(f"At the end of each run {', '.join(map(str, waited))} of the {WAITING} still waited.")
    ratio = after / before
    enough = min(waited) >= WAITING * 0.99
    shown = times(ratio) if enough else f"{times(ratio)}, but only {min(waited)} calls still waited"
    page.bars = [
        Bar(
            f"{WAITING} calls waiting on a hung upstream: others' p99",
            f"≤ {MOST} × quiet",
            shown,
            ratio <= MOST and enough,
        )
    ]
    return page


def cells(found: dict[str, float]) -> list[str]:
    return [count(found["rate"]), micros(found["p50_us"]), micros(found["p99_us"])]


def hang(target: Target) -> list[socket.socket]:
    """Sends 500 calls that will not be answered, each on a connection of its own."""
    sockets = []
    fields = traffic.headers("tools/call", traffic.HANGING, target.token)
    for number in range(WAITING):
        one = socket.create_connection(("127.0.0.1", target.port), timeout=10)
        body = traffic.call({}, 400_000_000 + number, traffic.HANGING)
        one.sendall(traffic.request(target.port, target.path, fields, body))
        sockets.append(one)
    return sockets


def still_waiting(sockets: list[socket.socket]) -> int:
    """How many of these connections have had no answer and are open."""
    waiting = 0
    for one in sockets:
        one.setblocking(False)
        try:
            one.recv(1)
        except BlockingIOError:
            waiting += 1
        except OSError:
            pass
    return waiting


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise BenchError(what)
        time.sleep(0.05)
