"""A process that reserves and records without end, and says what was acknowledged; it is there to be killed.

`python -m tests.journal.writing_child FOLDER SEED BEGAN` prints one line per acknowledged row: `decided ID` when
the call would be forwarded now, `settled ID`, `released ID`. Its clock was at noon when the wall's was at BEGAN.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from gatepost.journal import Journal
from gatepost.quota import MemoryLedger
from tests.journal.using import KEYS, call, released, settled
from tests.quota.using import NOON, Caller, Use

USES = [
    Use("month", "month", max=10**8),
    Use("day", "day", scope="identity", max=10**8, amount="0.5"),
    Use("slide", "day", scope="server", max=10**8, amount="1.25", algorithm="sliding"),
]
CALLERS = [Caller(f"g{number}", f"user{number % 2}") for number in range(4)]


async def work(journal: Journal, ledger: MemoryLedger, prefix: str, random: Random) -> None:
    number = 0
    while True:
        number += 1
        id = f"{prefix}-{number}"
        uses = random.sample(USES, k=random.randint(0, 3))
        await call(journal, ledger, id, *uses, caller=random.choice(CALLERS))
        say("decided", id)
        if random.random() < 0.2:
            await journal.append(released(id))
            await ledger.release(id)
            say("released", id)
        if random.random() < 0.9:
            await journal.append(settled(id))
            say("settled", id)


def say(kind: str, id: str) -> None:
    os.write(1, f"{kind} {id}\n".encode())


def clock_since(began: float) -> Callable[[], float]:
    """A clock that no window of a day or more ends on while the test runs."""
    return lambda: NOON + time.time() - began


async def main(folder: Path, seed: str, began: float) -> None:
    ledger = MemoryLedger(clock_since(began))
    options = {"segment_bytes": 20_000, "snapshot_rows": 50, "checkpoint_rows": 20}
    journal = Journal.open(folder, "data", KEYS, ledger=ledger, **options)  # type: ignore[arg-type]
    await asyncio.gather(*(work(journal, ledger, f"{seed}-{task}", Random(f"{seed}-{task}")) for task in range(8)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
