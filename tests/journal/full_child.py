"""A process whose disk fills up while it writes batches, and is emptied then.

`python -m tests.journal.full_child FOLDER [BALLAST]` prints the ids of the rows that were acknowledged, of those
that failed, and of those that are in the journal, a line each. Without BALLAST a limit on the size of files stands for
the full disk. With it, the file BALLAST takes most of the file system first and is deleted then.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from gatepost.journal import Journal, JournalUnavailable
from tests.journal.using import decided, open_journal, require_chain


async def append_all(journal: Journal, ids: list[str], acknowledged: list[str], failed: list[str]) -> None:
    outcomes = await asyncio.gather(*(journal.append(decided(id)) for id in ids), return_exceptions=True)
    for id, outcome in zip(ids, outcomes, strict=True):
        assert outcome is None or isinstance(outcome, JournalUnavailable), outcome
        (acknowledged if outcome is None else failed).append(id)


async def main(folder: Path, ballast: Path | None) -> None:
    acknowledged: list[str] = []
    failed: list[str] = []
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if ballast is None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_001, hard))
    else:
        ballast.write_bytes(b"\0" * 40_000)
    journal = open_journal(folder)
    for batch in range(10):
        await append_all(journal, [f"a{batch}-{number}" for number in range(7)], acknowledged, failed)
    # A row of the journal's own may still fit where a batch did not; then it is healthy again, until nothing fits.
    while await journal.probe():
        await append_all(journal, [f"last-{len(failed)}-{len(acknowledged)}"], acknowledged, failed)
    assert not journal.healthy
    if ballast is None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    else:
        ballast.unlink()
    assert await journal.probe()
    await append_all(journal, ["after"], acknowledged, failed)
    journal.close()
    print(*acknowledged)
    print(*failed)
    print(*[row["decision_id"] for row in require_chain(folder) if row["kind"] == "decided"])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
