"""A tools/list of 1,000 tools, a hundred of them hidden by the policy: the time that filtering adds."""

from __future__ import annotations

import json
from statistics import median
from typing import Any

from bench import traffic
from bench.client import Client
from bench.contenders.gatepost import Full
from bench.load import Target
from bench.procs import BenchError
from bench.report import Bar, Section, micros
from bench.rig import Rig

TOOLS = 1000
HIDDEN = "tool_*7"


HIDING: dict[str, Any] = {**traffic.FULL_POLICY, "hide": [HIDDEN]}


class Hiding(Full):
    policy = HIDING


def run(rig: Rig, skipped: list[str]) -> Section:
    del skipped
    page = Section("list", "Filtering a tools/list of 1,000 tools")
    upstream = rig.new_upstream(TOOLS - len(traffic.TOOLS))
    gateway = rig.launch(Hiding(), upstream)
    targets = {"direct": Target(upstream.port, "/mcp"), "full": gateway.target}
    clients = {key: Client(target) for key, target in targets.items()}
    took: dict[str, list[float]] = {key: [] for key in targets}
    sizes: dict[str, int] = {}
    for number in range(rig.scale.samples + 3):
        body = traffic.body("tools/list", {"_meta": traffic.meta()}, 300_000_000 + number)
        for key, client in clients.items():
            seconds, answer = client.timed(client.request("tools/list", None, body))
            sizes[key] = len(answer)
            if number == 0:
                check(key, answer)
            if number >= 3:
                took[key].append(seconds * 1e6)
    for client in clients.values():
        client.socket.close()
    gateway.stop()
    upstream.child.stop()
    middle = {key: median(values) for key, values in took.items()}
    added = middle["full"] - middle["direct"]
    page.data = {"median_us": middle, "added_us": added, "bytes": sizes}
    page.say(
        f"{sizes['direct'] / 1000:,.0f} KB of definitions, of which the policy hides a tenth (`{HIDDEN}`); the list"
    )
    page.say("is read, filtered, written anew and marked private on every request.")
    page.table(
        ["", "to the last byte"], [["direct", micros(middle["direct"])], [gateway.title, micros(middle["full"])]]
    )
    page.bars = [Bar("filtering a tools/list of 1,000 tools", "≤ 5 ms", micros(added), added <= 5000)]
    return page


def check(key: str, answer: bytes) -> None:
    """The upstream lists a thousand tools, the gateway none of the hidden ones."""
    names = [tool["name"] for tool in json.loads(answer)["result"]["tools"]]
    hidden = [name for name in names if name.startswith("tool_") and name.endswith("7")]
    right = len(names) == TOOLS if key == "direct" else len(names) >= TOOLS * 0.8 and not hidden
    if not right:
        raise BenchError(f"{key}: a list of {len(names)} tools, {len(hidden)} of them hidden by the policy")
