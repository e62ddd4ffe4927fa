"""`python -m bench.recovery`: how long a data plane takes to start on a journal of 10,000,000 rows.

A child process reserves, records and settles calls of 10,000 grants under two limits, as the gateway does, and ends as
if killed, when the last snapshot is as old as it gets. What is timed is `Journal.open` in a new process: the snapshot
is restored, the rows after it are read, checked and replayed, calls in flight are settled. It needs 1 KB of disk a row,
for as long as it runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gatepost.journal import Journal
from gatepost.journal.segments import segments
from gatepost.quota import MemoryLedger, Reservation

ROWS = 10_000_000
GRANTS = 10_000
AT_ONCE = 64
BAR_SECONDS = 5.0
SNAPSHOT_ROWS = 100_000


@dataclass(frozen=True)
class Use:
    counter: str
    window: str
    max: Decimal = Decimal(10**9)
    amount: Decimal = Decimal(1)
    scope: str = "grant"
    algorithm: str = "fixed"
    rule: str = "/tools/create_refund/limits/refunds-per-day"
    on_deny: str | None = None
    enforced: bool = True


@dataclass(frozen=True)
class Caller:
    grant_id: str
    identity: str
    server: str = "payments"


class Keys:
    """One key for all of a run."""

    signing_key = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
    verify_key = signing_key.public_key().public_bytes_raw()


USES = (Use("refunds", "day"), Use("calls", "minute"))


def decided(id: str, caller: Caller, reservation: Reservation, now: str) -> dict[str, Any]:
    """A row as the gateway writes it, of the usual length."""
    return {
        "v": 1,
        "id": id + ".d",
        "time": now,
        "kind": "decided",
        "decision_id": id,
        "grant_id": caller.grant_id,
        "grant": caller.identity,
        "identity": caller.identity,
        "server": caller.server,
        "client": "127.0.0.1",
        "protocol": "2025-11-25",
        "method": "tools/call",
        "tool": "create_refund",
        "category": "financial",
        "arguments": ["amount", "currency", "order", "reason"],
        "arguments_hmac": "a" * 64,
        "policy": "payments",
        "policy_version": "sha256:" + "b" * 64,
        "definition_hash": "sha256:" + "c" * 64,
        "decision": "allow",
        "enforced": True,
        "rule": "",
        "message": "",
        "shadowed": [],
        "limits": [count.as_record() for count in reservation.counts],
        "reservation": reservation.id,
        "approval_id": None,
        "trace_id": None,
    }


def settled(id: str, now: str) -> dict[str, Any]:
    return {
        "v": 1,
        "id": id + ".s",
        "time": now,
        "kind": "settled",
        "decision_id": id,
        "carried_out": True,
        "upstream_status": 200,
        "is_error": False,
        "error_class": None,
        "latency_us": 1234,
        "upstream_us": 1100,
        "bytes_in": 412,
        "bytes_out": 633,
    }


async def write(folder: Path, rows: int) -> None:
    """Write so many rows, and end without closing."""
    ledger = MemoryLedger()
    journal = Journal.open(folder, "data", Keys, ledger=ledger, snapshot_rows=SNAPSHOT_ROWS)  # type: ignore[arg-type]
    # The last snapshot is to be nearly `SNAPSHOT_ROWS` old, and some calls are to be in flight.
    calls = (rows - rows % SNAPSHOT_ROWS + SNAPSHOT_ROWS * 95 // 100) // 2 if rows > SNAPSHOT_ROWS else rows // 2
    number = 0
    while number < calls:
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
        batch = []
        for _ in range(AT_ONCE):
            number += 1
            caller = Caller(f"grant-{number % GRANTS:06}", f"agent-{number % GRANTS:06}")
            id = f"{number:028x}"
            reservation = await ledger.reserve(caller, USES, id)
            assert isinstance(reservation, Reservation)
            batch.append(decided(id, caller, reservation, now))
        await asyncio.gather(*[journal.append(row) for row in batch])
        outcomes = [settled(row["decision_id"], now) for row in batch] if number < calls else []
        await asyncio.gather(*[journal.append(row) for row in outcomes])
    sys.stdout.flush()
    os._exit(0)


def recover(folder: Path) -> dict[str, Any]:
    """Open once, and say what that took."""
    began = time.perf_counter()
    ledger = MemoryLedger()
    journal = Journal.open(folder, "data", Keys, ledger=ledger)  # type: ignore[arg-type]
    seconds = time.perf_counter() - began
    found = journal.recovered
    files = segments(folder)
    result = {
        "rows": found.head.seq,
        "seconds": round(seconds, 3),
        "rows_read": found.rows,
        "us_per_row_read": round(found.seconds / max(found.rows, 1) * 1e6, 2),
        "calls_in_flight": len(found.in_flight),
        "counters": len(ledger),
        "segments": len(files),
        "bytes": sum(segment.path.stat().st_size for segment in files),
    }
    journal.close()
    return result


def child(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench.recovery", *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.recovery", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"how many rows (default {ROWS})")
    parser.add_argument("--folder", type=Path, help="where to write (default: the folder for temporary files)")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--recover", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write is not None:
        asyncio.run(write(options.write, options.rows))
        return
    if options.recover is not None:
        print(json.dumps(recover(options.recover)))
        return
    folder = Path(tempfile.mkdtemp(prefix="gatepost-recovery-", dir=options.folder))
    try:
        needed, free = options.rows * 1200, shutil.disk_usage(folder).free
        if free < needed:
            sys.exit(f"{folder} has {free >> 20} MiB free, and {needed >> 20} MiB are needed.")
        began = time.perf_counter()
        child("--write", str(folder / "data"), "--rows", str(options.rows))
        writing = time.perf_counter() - began
        found = json.loads(child("--recover", str(folder / "data")))
        found["rows_written_per_second"] = round(found["rows"] / writing)
    finally:
        shutil.rmtree(folder)
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):24} {value:,}")
    print("within" if found["seconds"] <= BAR_SECONDS else "over", f"the bar of {BAR_SECONDS:g} s")


if __name__ == "__main__":
    main()
