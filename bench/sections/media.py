"""The bundled media servers on the sandbox's largest library: how long, how much memory, how many requests."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from bench.procs import BenchError, Child, command_line, rss_mib
from bench.report import Bar, Section, count, micros, times
from bench.rig import Rig

TRIVIAL = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("trivial")
@server.tool()
def add(a: int, b: int) -> int:
    return a + b
server.run()
"""
SEARCHES = 20
FILMS = 50_000
PAGE = 500
PATIENCE = 900.0


@dataclass(frozen=True, slots=True)
class Box:
    """The running sandbox: its controls, and what points the servers at it."""

    controls: str
    environment: dict[str, str]

    def requests(self, service: str) -> list[dict[str, Any]]:
        return get(f"{self.controls}/requests?service={service}&limit=0")  # type: ignore[no-any-return]

    def forget(self) -> None:
        wanted = urllib.request.Request(
            f"{self.controls}/requests", method="DELETE", headers={"content-type": "application/json"}
        )
        urllib.request.urlopen(wanted, timeout=10).close()


def get(url: str, headers: Mapping[str, str] | None = None) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers or {})), timeout=60) as answer:
        return json.loads(answer.read())


def program(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gatepost_media", *arguments]


def run(rig: Rig, skipped: list[str]) -> Section:
    del skipped
    page = Section("media", "The media servers on 50,000 films, 200,000 episodes and 100,000 plays")
    log = rig.folder / "sandbox.log"
    profile = "large" if rig.scale.name == "full" else "small"
    child = Child(program("sandbox", "--profile", profile, "--no-limits", "--json"), core=rig.cores.load, log=log)
    child.until(lambda: b"\n" in log.read_bytes(), "the sandbox", 120)
    said = json.loads(log.read_bytes().splitlines()[0])
    home = rig.folder / "media"
    home.mkdir()
    box = Box(said["addresses"]["admin"], {**said["environment"], "GATEPOST_MEDIA_HOME": str(home)})
    os.sched_setaffinity(0, {rig.cores.gateway, rig.cores.load})  # client and server share the gateway's core
    try:
        asyncio.run(measure(rig, page, box, home))
    finally:
        os.sched_setaffinity(0, {rig.cores.load})
        child.stop()
    if profile != "large":
        page.bars = [Bar(bar.what, bar.wanted, bar.measured, None) for bar in page.bars]
    return page


async def measure(rig: Rig, page: Section, box: Box, home: Path) -> None:
    rig.say("cold starts")
    await cold_starts(page, box, home, 7 if rig.scale.name == "full" else 2)
    async with served(box, home, "trakt") as (trakt, _):
        await trakt.call_tool("start_device_auth", {})
        for _ in range(12):
            found = (await trakt.call_tool("check_auth_status", {})).structured_content or {}
            if found.get("signed_in"):
                break
            await asyncio.sleep(float(found.get("wait", 1)))
        else:
            raise BenchError("the sandbox's Trakt did not let the bench sign in")
    async with served(box, home, "plex") as (plex, pid):
        rig.say("search_media")
        await searches(page, box, plex)
        rig.say("export_library")
        await export(page, box, plex, pid)
    async with served(box, home, "plex") as (plex, pid):
        rig.say("trakt_sync_to_trakt")
        await sync(page, plex, pid)


@asynccontextmanager
async def served(box: Box, home: Path, server: str) -> AsyncIterator[tuple[Client, int]]:
    """A client of a server started over stdio, and the server's process."""
    command, *arguments = program(server, "--write")
    start = StdioServerParameters(command=command, args=arguments, env={**os.environ, **box.environment}, cwd=home)
    async with Client(stdio_client(start), read_timeout_seconds=PATIENCE) as client:
        yield client, child_named(f"gatepost_media {server}")


def child_named(part: str) -> int:
    for task in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for pid in map(int, task.read_text().split()):
            if part in command_line(pid):
                return pid
    raise BenchError(f"no child process runs {part}")


async def cold_starts(page: Section, box: Box, home: Path, rounds: int) -> None:
    async def first_list(argv: list[str]) -> float:
        began = time.perf_counter()
        start = StdioServerParameters(command=argv[0], args=argv[1:], env={**os.environ, **box.environment}, cwd=home)
        async with Client(stdio_client(start)) as client:
            await client.list_tools()
            return time.perf_counter() - began

    wanted = {"trivial": [sys.executable, "-c", TRIVIAL], "plex": program("plex"), "trakt": program("trakt")}
    took: dict[str, list[float]] = {key: [] for key in wanted}
    for _ in range(rounds):
        for key, argv in wanted.items():
            took[key].append(await first_list(argv))
    middle = {key: median(values) * 1e6 for key, values in took.items()}
    page.data["first_list_us"] = middle
    page.table(
        ["first tools/list after a cold start", "median"], [[key, micros(value)] for key, value in middle.items()]
    )
    for key in ("plex", "trakt"):
        ratio = middle[key] / middle["trivial"]
        page.bars.append(
            Bar(f"first tools/list of the {key} server", "≤ 1.5 × a trivial SDK server's", times(ratio), ratio <= 1.5)
        )


async def searches(page: Section, box: Box, plex: Client) -> None:
    """The tool, and the requests that it makes, one after the other, by the sandbox's own log."""
    box.forget()
    result = await plex.call_tool("search_media", {"query": "night"})
    if result.is_error:
        raise BenchError(f"search_media: {result.content}")
    asked = [f"{row['path']}?{row['query']}" for row in box.requests("plex")]
    headers = {"X-Plex-Token": box.environment["PLEX_TOKEN"], "Accept": "application/json"}
    tool, direct = [], []
    for _ in range(SEARCHES):
        began = time.perf_counter()
        await plex.call_tool("search_media", {"query": "night"})
        tool.append(time.perf_counter() - began)
        began = time.perf_counter()
        for path in asked:
            get(box.environment["PLEX_URL"] + path, headers)
        direct.append(time.perf_counter() - began)
    ratio = median(tool) / median(direct)
    page.data["search_us"] = {"tool": median(tool) * 1e6, "direct": median(direct) * 1e6, "requests": asked}
    rows = [["search_media", micros(median(tool) * 1e6)], ["its requests alone", micros(median(direct) * 1e6)]]
    page.table(["one search of the whole library", "median"], rows)
    page.bars.append(Bar("search_media", "≤ 1.3 × the sandbox's own answer time", times(ratio), ratio <= 1.3))


async def watched(pid: int, work: Any) -> tuple[Any, float]:
    """What came of the work, and the most memory that the process had meanwhile, in MiB."""
    task = asyncio.ensure_future(work)
    most = 0.0
    while not task.done():
        most = max(most, rss_mib([pid]))
        await asyncio.wait([task], timeout=0.05)
    return task.result(), most


async def export(page: Section, box: Box, plex: Client, pid: int) -> None:
    box.forget()
    idle = rss_mib([pid])
    began = time.perf_counter()
    result, most = await watched(pid, plex.call_tool("export_library", {"libraryKey": "1", "outputPath": "bench.json"}))
    seconds = time.perf_counter() - began
    if result.is_error:
        raise BenchError(f"export_library: {result.content}")
    films = result.structured_content["items"]
    pages = sum(
        "X-Plex-Container-Start" in row["query"] or row["path"].endswith("/all") for row in box.requests("plex")
    )
    wanted = -(-films // PAGE)
    page.data["export"] = {"films": films, "seconds": seconds, "idle_mib": idle, "most_mib": most, "pages": pages}
    page.say(f"`export_library` wrote {count(films)} films in {seconds:.1f} s with {pages} requests for pages.")
    page.bars += [
        Bar("memory of export_library", "≤ 64 MiB above idle", f"{most - idle:.1f} MiB", most - idle <= 64),
        Bar(f"requests of export_library for {count(films)} films", f"one per {PAGE}", str(pages), pages <= wanted + 1),
    ]


async def sync(page: Section, plex: Client, pid: int) -> None:
    began = time.perf_counter()
    result, most = await watched(pid, plex.call_tool("trakt_sync_to_trakt", {"dryRun": True}))
    seconds = time.perf_counter() - began
    if result.is_error:
        raise BenchError(f"trakt_sync_to_trakt: {result.content}")
    page.data["sync"] = {"seconds": seconds, "most_mib": most, "result": result.structured_content}
    page.say(f"A dry run of `trakt_sync_to_trakt` over everything took {seconds:.1f} s.")
    page.bars.append(Bar("memory of a dry run of trakt_sync_to_trakt", "≤ 256 MiB", f"{most:.1f} MiB", most <= 256))
