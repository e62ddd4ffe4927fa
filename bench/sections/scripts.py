"""Sections that are programs of their own: the policy engine alone, and recovery of a long journal.

Each is run as `python -m bench.NAME --json` and prints one JSON object with the figure that its bar is about.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.procs import ROOT, BenchError
from bench.report import Bar, Section
from bench.rig import Rig

LONGEST = 1200


def decide(rig: Rig, skipped: list[str]) -> Section:
    """bench/decide.py: `median_us`, the median of one `decide` on a policy of 100 tools with 3 rules each."""
    page = Section("decide", "The policy engine alone")
    found = measured(rig, "decide", skipped)
    page.data = found
    figure = found.get("median_us")
    what, wanted = "`decide` on a policy of 100 tools with 3 rules each, median", "≤ 5 µs"
    page.bars = [at_most(what, wanted, figure, "µs")]
    tell(page, found)
    return page


def recovery(rig: Rig, skipped: list[str]) -> Section:
    """bench/recovery.py: `seconds`, the time to open a journal of `rows` rows with its counters and calls in flight."""
    page = Section("recovery", "Starting on a long journal")
    found = measured(rig, "recovery", skipped) if rig.scale.name == "full" else {}
    page.data = found
    figure = found.get("seconds")
    what, wanted = "recovery of 10,000,000 rows", "≤ 5 s"
    page.bars = [at_most(what, wanted, figure, "s")]
    tell(page, found)
    return page


def at_most(what: str, wanted: str, figure: float | None, unit: str) -> Bar:
    """Both bars are 5 of their unit."""
    return Bar(what, wanted, "–", None) if figure is None else Bar(what, wanted, f"{figure:.2f} {unit}", figure <= 5)


def measured(rig: Rig, name: str, skipped: list[str], more: Sequence[str] = ()) -> dict[str, Any]:
    """What `python -m bench.NAME --json …` printed, run on the gateway's core; {} where there is no such program."""
    if not Path(__file__).parents[1].joinpath(f"{name}.py").exists():
        skipped.append(f"bench/{name}.py: not there")
        return {}
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", "--json", *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, {rig.cores.gateway}),
    )
    if done.returncode != 0:
        raise BenchError(f"bench/{name}.py: {done.stderr.strip()[-400:]}")
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise BenchError(f"bench/{name}.py printed no JSON object: {done.stdout[:200]!r}") from None
    return found


def tell(page: Section, found: dict[str, Any]) -> None:
    """The plain figures of a script, as a table."""
    rows = [
        [key.replace("_", " "), shown(value)] for key, value in found.items() if isinstance(value, (int, float, str))
    ]
    if rows:
        page.table(["", ""], rows)
    else:
        page.say("Not measured in this run.")


def shown(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"
