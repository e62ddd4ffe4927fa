"""`gatepost run` between a client and a program: the time that it adds, beside a bare relay in Python. And between a
client and a server over HTTP, beside the bridges that do only that.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench import installed, traffic
from bench.contenders import supergateway
from bench.contenders.gatepost import COMMAND
from bench.procs import BenchError
from bench.report import Bar, Section, micros, times
from bench.rig import Rig
from bench.talk import Talk

BAR = 60.0
A_SAMPLE = 10
"""Calls for each of the scale's samples: one takes so little that few say little."""
BLOCK = 50
"""Calls of one contender before it is the next one's turn: about 5 ms, within which a machine changes little."""
FEW = 5
"""The same for those between standard input and HTTP, whose calls take much longer."""

TITLES = {
    "direct": "the program alone",
    "poll": "bare relay, `poll`, `read` and `write`",
    "asyncio": "bare relay, asyncio's streams",
    "pass": "`gatepost run`, pass-through",
    "full": "`gatepost run`, full",
    "guest": "`gatepost run`, full, where another process keeps the journal",
}
HTTP_TITLES = {
    "http-full": "`gatepost run --upstream`, full",
    "http-mcp-proxy": "mcp-proxy",
    "http-supergateway": "supergateway",
}


def run(rig: Rig, skipped: list[str]) -> Section:
    page = Section("stdio", "Standard input and output: `gatepost run`")
    folder = rig.folder / "stdio"
    folder.mkdir()
    blocks = to_programs(rig, folder)
    middle = {key: median(values) for key, values in blocks.items()}
    added = {
        key: [mine - relay for mine, relay in zip(blocks[key], blocks["poll"], strict=True)]
        for key in ("pass", "full", "guest")
    }
    page.data = {"median_us": middle, "added_us": {key: median(values) for key, values in added.items()}}
    page.say(
        "One client, one call after the other, over pipes. The relay or `run` has the gateway's core; client and "
        f"program share the other. In turns of {BLOCK} calls; what is added is the median of the differences between "
        "turns that followed each other, with the middle half of them. `pass` allows everything; `full` has four "
        "argument rules and two limits; both parse strictly, validate arguments and have the decision in the journal "
        "before the call goes on."
    )
    rows = [
        [title, micros(middle[key]), *(over(blocks, key, relay) for relay in ("poll", "asyncio"))]
        for key, title in TITLES.items()
    ]
    page.table(["", "p50", "over the relay on `poll`", "over the relay on asyncio"], rows)
    to_http(rig, folder, page, skipped)
    page.bars = [
        Bar(
            f"`run`, {what}, added to the p50 of a bare relay",
            f"≤ {BAR:.0f} µs",
            f"{micros(median(added[key]))} (over asyncio's streams: {over(blocks, key, 'asyncio')})",
            median(added[key]) <= BAR,
        )
        for key, what in (("pass", "everything allowed"), ("full", "with rules and limits"))
    ]
    return page


def to_programs(rig: Rig, folder: Path) -> dict[str, list[float]]:
    """The medians of the turns of each, in microseconds."""
    with ExitStack() as stack:
        keeper = started(stack, program_command(rig, folder, "guest"), rig, folder / "keeper.log")
        keeper.begin(0)
        talks = {}
        for key in TITLES:
            talks[key] = started(stack, program_command(rig, folder, key), rig, folder / f"{key}.log")
            talks[key].begin()
        return in_turns(rig, talks, BLOCK)


def to_http(rig: Rig, folder: Path, page: Section, skipped: list[str]) -> None:
    """The second table: between standard input and the HTTP upstream, in 2025-11-25, which all of them speak."""
    commands = http_commands(rig, folder)
    rows: list[list[str]] = []
    talks: dict[str, Talk] = {}
    with ExitStack() as stack:
        for key, title in HTTP_TITLES.items():
            command = commands[key]
            if command is None:
                why = f"not installed, {installed.HOW}"
            else:
                talk = started(stack, command, rig, folder / f"{key}.log", legacy=True)
                try:
                    talk.begin(FEW)
                    talks[key] = talk
                    continue
                except BenchError as error:
                    why = str(error).splitlines()[0][:120]
            rows.append([title, f"skipped: {why}", ""])
            skipped.append(f"{title}, from standard input to HTTP: {why}")
        middle = {key: median(values) for key, values in in_turns(rig, talks, FEW).items()}
    page.data["http_median_us"] = middle
    least = middle["http-full"]
    rows = [[HTTP_TITLES[key], micros(value), times(value / least)] for key, value in middle.items()] + rows
    page.say("", "From standard input to a server over HTTP, one call after the other, calls of 2025-11-25:")
    page.table(["", "p50", "by that of `gatepost run`"], rows)


def in_turns(rig: Rig, talks: dict[str, Talk], block: int) -> dict[str, list[float]]:
    """Medians of turns of `block` calls each, all contenders in each turn."""
    found: dict[str, list[float]] = {key: [] for key in talks}
    turns = max(1, rig.scale.rounds * rig.scale.samples * A_SAMPLE // BLOCK)
    rig.say(f"{turns} turns of {block} calls: {', '.join(talks)}")
    for _ in range(turns):
        for key, talk in talks.items():
            found[key].append(median(talk.timed(number) for number in range(block)))
    return found


def over(blocks: dict[str, list[float]], key: str, relay: str) -> str:
    """`41 µs (38 to 47)`: the median difference, and its quartiles."""
    if key in ("direct", "poll", "asyncio"):
        return "–"
    apart = [mine - other for mine, other in zip(blocks[key], blocks[relay], strict=True)]
    if len(apart) < 4:
        return micros(median(apart))
    low, middle, high = quantiles(apart, n=4)
    return f"{micros(middle)} ({low:.0f} to {high:.0f})"


def started(stack: ExitStack, command: list[str], rig: Rig, log: Path, *, legacy: bool = False) -> Talk:
    talk = Talk(command, rig.cores.gateway, log, legacy=legacy)
    stack.callback(talk.stop)
    return talk


def program_command(rig: Rig, folder: Path, key: str) -> list[str]:
    """One contender in front of a program of its own."""
    program = [sys.executable, "-m", "bench.stdio_upstream", "--core", str(rig.cores.load)]
    if key == "direct":
        return program
    if key in ("poll", "asyncio"):
        return [sys.executable, "-m", "bench.relay", key, *program]
    # Each has a folder of its own but the guest, which shares its keeper's.
    return [*gatepost_run(folder, key), "--", *program]


def http_commands(rig: Rig, folder: Path) -> dict[str, list[str] | None]:
    """Each as its documentation has it, without its log; None where it is not installed."""
    url = f"http://127.0.0.1:{rig.upstream.port}/mcp"
    proxy = installed.program("mcp-proxy", "mcp-proxy")
    script = installed.script("supergateway", supergateway.ENTRY)
    return {
        "http-full": [*gatepost_run(folder, "http-full"), "--upstream", url],
        "http-mcp-proxy": None
        if proxy is None
        else [str(proxy), "--transport", "streamablehttp", "--log-level", "WARNING", url],
        "http-supergateway": None if script is None else [*script, "--streamableHttp", url, "--logLevel", "none"],
    }


def gatepost_run(folder: Path, key: str) -> list[str]:
    policy: dict[str, Any] = traffic.PASS_POLICY if key == "pass" else traffic.FULL_POLICY
    file = folder / f"{key}.json"
    file.write_text(json.dumps(policy))
    return [*COMMAND, "run", "--data", str(folder / key), "--policy", str(file), "--name", "up"]
