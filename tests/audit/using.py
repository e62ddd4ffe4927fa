"""A journal with everything in it: calls, refusals, acts, checkpoints, several segments."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from gatepost.journal import Journal, append_acts
from gatepost.journal.rows import timestamp
from tests.journal.using import KEYS, decided, in_journal, settled, write
from tests.quota.using import NOON, Clock


def at(second: float) -> str:
    return timestamp(NOON + second)


def make_journal(root: Path, calls: int = 40, *, segment_bytes: int = 8000, acts: int = 3, **options: Any) -> Path:
    """`root/journal` with a call a second: grants g0 to g2, tools t0 to t3, every fifth denied. Returns the folder."""
    journal = root / "journal"
    clock = Clock()

    async def act(chain: Journal) -> None:
        for number in range(calls):
            clock.now = NOON + number
            denied = {"decision": "deny", "rule": "/tools/t/deny_if/x"} if number % 5 == 4 else {}
            who = {"grant": f"g{number % 3}", "grant_id": f"id{number % 3}", "identity": f"user{number % 2}"}
            call = decided(f"d{number:04}", time=at(number), tool=f"t{number % 4}", **who, **denied)
            await write(chain, call)
            if not denied or number % 2:
                outcome = settled(f"d{number:04}", time=at(number + 0.5), carried_out=not denied)
                await write(chain, outcome)
            if number % 10 == 9:
                refused = {
                    "kind": "refused",
                    "time": at(number),
                    "code": "GP-1001",
                    "reason": "no token",
                    "status": 401,
                }
                await write(chain, {**refused, "v": 1, "id": f"x{number}", "client": "127.0.0.1", "status": 401})

    journal.mkdir(parents=True, exist_ok=True)
    in_journal(journal / "data", act, clock=clock, segment_bytes=segment_bytes, checkpoint_rows=25, **options)
    ids = itertools.count()
    for _ in range(acts):
        record = {"id": f"a{next(ids)}", "time": at(1000), "actor": "ann", "action": "grant.add", "object": "laptop"}
        append_acts(journal / "admin", KEYS, [record], clock=clock)
    return journal


def lines_of(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_bytes().splitlines(keepends=True)]
