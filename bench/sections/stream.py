"""A result of 100 KB, streamed as server-sent events: the time that a gateway adds."""

from __future__ import annotations

from statistics import median

from bench import traffic
from bench.client import Client
from bench.contenders.base import Contender
from bench.contenders.direct import Direct
from bench.contenders.gatepost import Full
from bench.contenders.nginx import Nginx
from bench.procs import BenchError
from bench.report import Bar, Section, micros, times
from bench.rig import Rig

LEAST = 10.0
"""Microseconds that cannot be told from none here: what a proxy adds may hide behind the core that upstream and client
share. nginx is held to have added at least that."""


def run(rig: Rig, skipped: list[str]) -> Section:
    page = Section("stream", "A streamed result of 100 KB")
    running: list[Contender] = []
    for contender in (Direct(), Nginx(), Full()):
        why = contender.missing()
        if why is None:
            running.append(rig.launch(contender))
        else:
            skipped.append(f"{contender.title}: {why}")
    clients = {contender.key: Client(contender.target) for contender in running}
    took: dict[str, list[float]] = {key: [] for key in clients}
    for number in range(rig.scale.samples + 5):
        body = traffic.call({}, 200_000_000 + number, traffic.STREAMED, progressToken=number)
        for key, client in clients.items():
            seconds, answer = client.timed(client.request("tools/call", traffic.STREAMED, body))
            if len(answer) < 90_000:
                raise BenchError(f"{key}: the streamed result had {len(answer)} bytes")
            if number >= 5:
                took[key].append(seconds * 1e6)
    for client in clients.values():
        client.socket.close()
    for contender in running:
        contender.stop()
    middle = {key: median(values) for key, values in took.items()}
    # What each round added to its own direct call: they follow one another, so a slow moment is in all of them.
    added = {
        key: median([one - direct for one, direct in zip(values, took["direct"], strict=True)])
        for key, values in took.items()
        if key != "direct"
    }
    page.data = {"median_us": middle, "added_us": added}
    page.say("50 progress notifications of 1 KB and a result of 50 KB, each event written on its own; one at a time.")
    page.say(
        "What is added is the median of the rounds' differences: direct, nginx and Gatepost follow one another in each."
    )
    rows = [[c.title, micros(middle[c.key]), micros(added[c.key]) if c.key in added else "–"] for c in running]
    page.table(["", "to the last byte", "added"], rows)
    page.bars = [bar(added)]
    return page


def bar(added: dict[str, float]) -> Bar:
    what, wanted = "a streamed 100 KB result", "≤ 2 × nginx's added time"
    if "full" not in added or "nginx" not in added:
        return Bar(what, wanted, "–", None)
    full, nginx = added["full"], max(added["nginx"], LEAST)
    shown = "nothing" if full <= 0 else f"{times(full / nginx)} ({micros(full)})"
    return Bar(what, wanted, shown, full <= 2 * nginx)
