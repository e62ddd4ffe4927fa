"""How `gatepost server show` tells what a running data plane knows of a server (`Upstream.status`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatepost.cli.output import count, local


def pairs(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values for people; what is usual and says nothing is left out."""
    if status.get("transport") == "http":
        return _http(status)
    found = [("running", _programs(status.get("programs") or []))]
    starts, unexpected = int(status.get("starts") or 0), int(status.get("unexpected_ends") or 0)
    found.append(("starts", f"{starts:,}" + (f", {unexpected:,} ended unexpectedly" if unexpected else "")))
    if end := status.get("last_end"):
        found.append(("last end", f"{local(end['time'])}: it {end['how']}"))
    if wait := status.get("restart_in"):
        found.append(("restart", f"in {wait:.1f} s, when it is next needed"))
    dropped = status.get("dropped") or {}
    if dropped.get("count"):
        found.append(("dropped", f"{count(dropped['count'], 'message')}, the last because: {dropped['last']}"))
    return found


def _http(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    failed = int(status.get("failures") or 0)
    found = [("requests", f"{int(status.get('requests') or 0):,}" + (f", {failed:,} failed" if failed else ""))]
    if failure := status.get("last_failure"):
        found.append(("last failure", f"{local(failure['time'])}: {failure['code']}: {failure['message']}"))
    return found


def _programs(programs: list[Mapping[str, Any]]) -> str:
    if not programs:
        return "no program; the next session starts one"
    shown = [
        f"process {program['pid']} since {local(program['started'])}"
        f"{' for all callers' if program.get('shared') else ''}"
        f" ({count(program['answers'], 'answer')}, {program['in_flight']:,} in flight)"
        for program in programs
    ]
    return shown[0] if len(shown) == 1 else f"{len(shown)} programs: {'; '.join(shown)}"
