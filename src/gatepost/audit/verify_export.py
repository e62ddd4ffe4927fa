"""Checking an export in JSON Lines, away from the installation that made it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from gatepost.audit.checks import Bad, ChainCheck, Fault, Gap, read_row
from gatepost.audit.trailer import is_trailer, trailer_fault
from gatepost.audit.verify import CUT_OFF, Verification, out_of_order, summed
from gatepost.journal.segments import last_line, lines


def verify_export(path: Path, public_key: bytes | None = None) -> Verification:
    """Verify an export in JSON Lines, whole or narrowed.

    A whole one, or a span of time, is checked as a folder is, except that each chain may begin and end anywhere. One
    that was narrowed to a grant, a tool and so on has gaps by nature: what is checked is each row's own hash, the
    order, and that the trailer (signed, where the exporter had the key) counts the rows and has their digest.

    Args:
        public_key: 32 bytes; None: the key that the rows themselves name.
    """
    size = path.stat().st_size
    last = last_line(path, size)
    trailer = None if last is None else _trailer(last[1])
    rows = (line for start, line in lines(path) if trailer is None or last is None or start < last[0])
    checks: dict[str, ChainCheck] = {}
    digest = hashlib.sha256()
    bad: Bad | None = None
    count = 0
    key = public_key
    for line in rows:
        count += 1
        digest.update(line + b"\n")
        try:
            row = read_row(line)
            check = checks.setdefault(row.chain, ChainCheck(row.chain, key, gaps=trailer is not None))
            check.take(line, row)
            key = check.public_key or key
        except Fault as fault:
            found = out_of_order(fault, rows) if isinstance(fault, Gap) else fault
            bad = Bad(path.name, count, found.seq, found.why)
            break
    notes = []
    if bad is None and (last is None or last[0] + len(last[1]) + 1 != size) and size:
        bad = Bad(path.name, count + 1, None, CUT_OFF)
    if bad is None and trailer is not None:
        why = trailer_fault(trailer, count, digest.hexdigest(), key)
        bad = None if why is None else Bad(path.name, count + 1, None, why)
        notes.append("The export was narrowed: its rows are genuine and in order; whether others exist it cannot show.")
    else:
        notes += [
            f"Chain {check.name} begins with row {check.first} here; what was before is not in this file."
            for check in checks.values()
            if check.first > 1
        ]
    result = summed(list(checks.values()), public_key)
    return Verification(bad is None, result.rows, bad, result.chains, notes + result.notes)


def _trailer(line: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return None
    return found if is_trailer(found) else None
