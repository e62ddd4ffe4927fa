"""The journal, its index, and the clock by which both are written."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from gatepost.audit.checks import Fault, read_row
from gatepost.audit.verify import verify_folder
from gatepost.doctor.finding import Finding, counted
from gatepost.doctor.patient import Patient
from gatepost.doctor.store import integrity, read_only
from gatepost.journal import snapshot as snapshots
from gatepost.journal.rows import digest, epoch, signature_holds
from gatepost.journal.segments import Segment, chains, first_row, last_bytes, last_line, last_row, segments

_LOOKED_BACK = 1 << 20
_SLOW_START = 512 << 20
"""Bytes of rows after the last snapshot that a start reads in more than a few seconds."""
_BEHIND = 32 << 20
_SKEW = 5.0
_SET_BACK = 60.0
_BROKEN = "Keep a copy of the folder as evidence; restore it from a backup, or move it away to begin a new chain."


def journal(patient: Patient) -> Iterator[Finding]:
    """Quickly: the ends of each segment, the newest rows and signatures. Deep: every row."""
    check, folder = "journal", patient.data.journal
    found = chains(folder)
    if not found:
        yield Finding(check, "note", "Nothing has been recorded yet.")
        return
    if patient.deep:
        yield from _verified(patient)
        return
    for chain in found:
        try:
            yield _looked_over(patient, chain)
        except (Fault, ValueError, KeyError, TypeError) as fault:
            text = f"The chain {chain.name} does not hold: {fault}."
            yield Finding(check, "problem", text, patient.command("gatepost log verify") + f"\n{_BROKEN}")
        except OSError as error:
            yield Finding(check, "problem", f"The journal cannot be read: {error}.", "Mend the permissions.")
    yield from _next_start(patient)


def index(patient: Patient) -> Iterator[Finding]:
    """Whether searches see everything. It can always be made again."""
    check, path = "index", patient.data.index
    again = f"rm {path}*    # it is made again from the journal"
    if not path.exists():
        yield Finding(check, "note", "There is no index yet; the first search of the log makes it.")
        return
    try:
        with contextlib.closing(read_only(path)) as connection:
            fault = integrity(connection, path, deep=patient.deep)
            if fault is not None:
                yield Finding(check, "problem", f"The index is damaged: {fault}.", again)
                return
            places = connection.execute(
                "SELECT text, segment, offset FROM places JOIN words ON words.id = chain"
            ).fetchall()
    except sqlite3.Error as error:
        yield Finding(check, "problem", f"The index cannot be read: {error}.", again)
        return
    behind = _unread(patient.data.journal, {chain: (segment, offset) for chain, segment, offset in places})
    if behind > _BEHIND and patient.serve:
        text = f"The index is {behind >> 20:,} MiB behind the journal; searches may not show the newest calls."
        yield Finding(check, "warning", text, "See what the worker says on the terminal or in the journal of `serve`.")
    elif behind:
        yield Finding(check, "ok", "The index can be read; the next search brings it up to date.")
    else:
        yield Finding(check, "ok", "The index is up to date.")


def clocks(patient: Patient) -> Iterator[Finding]:
    """Limits, expiry and the log go by the system's clock; it must not have gone back."""
    check, now, bad = "clocks", time.time(), False
    adjust = "timedatectl set-ntp true"
    for chain in chains(patient.data.journal):
        last = _last_time(chain)
        if last is not None and last > now + _SKEW:
            bad = True
            text = f"The clock is {last - now:,.0f} s behind the newest record of the chain {chain.name}."
            yield Finding(check, "problem", text, adjust)
        # An act whose record had to wait for the disk stands in the admin chain with the time at which it was done.
        step = _largest_step_back(chain) if chain.name == "data" else 0.0
        if step > _SET_BACK:
            bad = True
            text = f"The clock was set back by {step:,.0f} s while the chain {chain.name} was being written."
            yield Finding(check, "warning", text, adjust)
    started = patient.serve.get("started")
    if isinstance(started, int | float) and started > now + _SKEW:
        bad = True
        yield Finding(check, "problem", f"The clock is {started - now:,.0f} s behind the start of `serve`.", adjust)
    if not bad:
        yield Finding(check, "ok", "The clock agrees with the log.")


def _verified(patient: Patient) -> Iterator[Finding]:
    key = None if patient.keyring is None else patient.keyring.verify_key
    verdict = verify_folder(patient.data.journal, key)
    bad = verdict.first_bad
    if bad is not None:
        text = f"The log does not hold: {bad.file} line {bad.line}: {bad.why}."
        yield Finding("journal", "problem", text, _BROKEN)
        return
    yield Finding("journal", "ok", f"All {verdict.rows:,} records hold, each bound to the one before it.")
    yield from _next_start(patient)


def _looked_over(patient: Patient, chain: Path) -> Finding:
    """Raises `Fault` or `ValueError` where something does not hold."""
    files = segments(chain)
    for earlier, later in itertools.pairwise(files):
        _require_joined(earlier, later)
    last = files[-1]
    size = last.path.stat().st_size
    end = last_line(last.path, size)
    if end is None and len(files) > 1:
        end = last_line(files[-2].path, files[-2].path.stat().st_size)
    if end is None:
        return Finding("journal", "note", f"The chain {chain.name} has no record yet.")
    row = _require_whole(end[1])
    signed = _newest_signed(last.path, size)
    if signed is not None and patient.keyring is not None and not signature_holds(signed, patient.keyring.verify_key):
        raise Fault(None, f"its checkpoint {signed.get('seq')} is not signed with the key of this folder")
    torn = not last_bytes(last.path, size, 1).endswith(b"\n") and size > 0
    if torn and not patient.serve:
        text = f"The chain {chain.name} ends in the middle of a line; the next start cuts it off and says so."
        return Finding("journal", "note", text)
    rows = f"{counted(row['seq'] - files[0].first + 1, 'record')} in {counted(len(files), 'segment')}"
    return Finding("journal", "ok", f"The chain {chain.name} joins up: {rows}, the newest of {row['time'][:19]}Z.")


def _require_joined(earlier: Segment, later: Segment) -> None:
    before, after = last_row(earlier.path), first_row(later.path)
    if before is None:
        raise Fault(None, f"the segment {earlier.path.name} is empty, and others follow")
    if after is not None and (after["seq"], after["prev"]) != (before["seq"] + 1, before["hash"]):
        raise Fault(None, f"{later.path.name} does not go on where {earlier.path.name} ends")


def _require_whole(line: bytes) -> dict[str, Any]:
    row = read_row(line)
    if digest(line, row.hash) != row.hash:
        raise Fault(row.seq, f"the hash of record {row.seq} does not fit its content")
    record: dict[str, Any] = msgspec.json.decode(line)
    return record


def _newest_signed(path: Path, size: int) -> dict[str, Any] | None:
    """The newest checkpoint among the last rows, if there is one."""
    for line in reversed(last_bytes(path, size, _LOOKED_BACK).split(b"\n")[1:-1]):
        if b'"kind":"checkpoint"' in line:
            record: dict[str, Any] = msgspec.json.decode(line)
            return record
    return None


def _next_start(patient: Patient) -> Iterator[Finding]:
    """How much the next start has to read for its counters."""
    folder = patient.data.journal / "data"
    files = segments(folder)
    known = snapshots.read(folder)
    if known is not None and patient.keyring is not None and not snapshots.is_signed(known, patient.keyring.verify_key):
        text = "The snapshot of the counters is not signed with the key of this folder; the next start reads all rows."
        yield Finding("journal", "warning", text, f"rm {folder / snapshots.NAME}    # the next one is signed again")
        known = None
    first, offset = (0, 0) if known is None else (known.segment, known.offset)
    unread = sum(segment.path.stat().st_size for segment in files if segment.first >= first) - offset
    if unread > _SLOW_START:
        yield Finding("journal", "note", f"The next start reads {unread >> 20:,} MiB of the log; that takes seconds.")


def _unread(journal: Path, places: dict[str, tuple[int, int]]) -> int:
    total = 0
    for chain in chains(journal):
        segment, offset = places.get(chain.name, (0, 0))
        for part in segments(chain):
            if part.first >= segment:
                total += part.path.stat().st_size - (offset if part.first == segment else 0)
    return total


def _last_time(chain: Path) -> float | None:
    try:
        row = last_row(segments(chain)[-1].path)
        return None if row is None else epoch(row["time"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the journal's own check names it


def _largest_step_back(chain: Path) -> float:
    """By how many seconds a row's time is before that of one before it, among the newest rows."""
    largest = newest = 0.0
    try:
        path = segments(chain)[-1].path
        for line in last_bytes(path, path.stat().st_size, _LOOKED_BACK).split(b"\n")[1:-1]:
            at = epoch(msgspec.json.decode(line)["time"])
            newest = max(newest, at)
            largest = max(largest, newest - at)
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0
    return largest
