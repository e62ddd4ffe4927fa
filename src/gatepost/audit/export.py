"""Exports: the journal's own lines, which verify anywhere, and CSV for spreadsheets."""

from __future__ import annotations

import csv
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO

import msgspec

from gatepost.audit.entries import OUTCOME, Filter
from gatepost.audit.trailer import make_trailer
from gatepost.journal.rows import Signer, canonical, timestamp
from gatepost.journal.segments import chains, lines, segments

COLUMNS: Final = (
    "time",
    "chain",
    "seq",
    "kind",
    "decision_id",
    "grant",
    "grant_id",
    "identity",
    "server",
    "client",
    "protocol",
    "method",
    "tool",
    "category",
    "arguments",
    "arguments_hmac",
    "policy",
    "policy_version",
    "definition_hash",
    "decision",
    "enforced",
    "rule",
    "message",
    "shadowed",
    "limits",
    "reservation",
    "approval_id",
    "trace_id",
    *OUTCOME,
    "settled_time",
    "actor",
    "action",
    "object",
    "code",
    "reason",
    "status",
    "id",
    "hash",
)
"""The columns of a CSV export, in their order; members that no column is for are left out."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_SUSPECT: Final = frozenset((*_FORMULA, " "))


class _Row(msgspec.Struct):
    kind: str
    time: str
    decision_id: str | None = None


_peek = msgspec.json.Decoder(_Row).decode


def export_jsonl(
    journal: Path,
    out: BinaryIO,
    narrowed: Filter | None = None,
    *,
    signer: Signer,
    clock: Callable[[], float] = time.time,
) -> int:
    """Write rows of `DATA/journal` exactly as they are in it, chain after chain; returns how many.

    A filter that has only `since` and `until` gives of each chain the run of rows that begins with the first that is
    not before `since` and ends before the first that is not before `until`; it verifies as a whole does. Any other
    filter gives the matching rows and the outcomes of matching calls, and a trailer signed by `signer`, which makes
    the file verifiable.
    """
    narrowed = narrowed or Filter()
    if not narrowed.wanted():
        rows = 0
        for folder in chains(journal):
            for line in _span(folder, narrowed):
                out.write(line + b"\n")
                rows += 1
        return rows
    digest = hashlib.sha256()
    rows = 0
    for folder in chains(journal):
        for line in _matching(folder, narrowed):
            out.write(line + b"\n")
            digest.update(line + b"\n")
            rows += 1
    trailer = make_trailer(rows, digest.hexdigest(), narrowed.as_record(), timestamp(clock()), signer)
    out.write(canonical(trailer) + b"\n")
    return rows


def export_csv(entries: Iterable[Mapping[str, Any]], out: TextIO) -> int:
    """Write entries (of `Index.query`) as CSV (RFC 4180) with the columns `COLUMNS`; returns how many.

    `out` must not translate newlines (`newline=""`). Lists and objects are written as JSON. A text that a spreadsheet
    would take for a formula gets an apostrophe before it.
    """
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    rows = 0
    for entry in entries:
        writer.writerow([_cell(entry.get(column)) for column in COLUMNS])
        rows += 1
    return rows


def _cell(value: object) -> str | int | float:
    kind = type(value)
    if kind is str:
        return value if value[:1] not in _SUSPECT else _harmless(value)  # type: ignore[index, return-value, arg-type]
    if value is None:
        return ""
    if kind is bool:
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    return _harmless(canonical(value).decode())


def _harmless(text: str) -> str:
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) else text


def _all_lines(folder: Path) -> Iterator[bytes]:
    for segment in segments(folder):
        try:
            for _, line in lines(segment.path):
                yield line
        except FileNotFoundError:  # removed under the retention in the meantime
            continue


def _span(folder: Path, narrowed: Filter) -> Iterator[bytes]:
    """The rows from the first that is not before `since`, up to the first that is not before `until`."""
    if narrowed.since is None and narrowed.until is None:
        yield from _all_lines(folder)
        return
    # Times are all of one form, and sort as texts.
    since = "" if narrowed.since is None else timestamp(narrowed.since)
    until = "~" if narrowed.until is None else timestamp(narrowed.until)
    begun = False
    for line in _all_lines(folder):
        at = _peek(line).time
        if at >= until and (begun or at >= since):
            return
        begun = begun or at >= since
        if begun:
            yield line


def _matching(folder: Path, narrowed: Filter) -> Iterator[bytes]:
    """The rows that match, and the settled rows of matching calls."""
    open_calls: set[str] = set()
    for line in _all_lines(folder):
        row = _peek(line)
        if row.kind == "settled":
            if row.decision_id in open_calls:
                open_calls.discard(row.decision_id)
                yield line
        elif narrowed.matches(msgspec.json.decode(line)):
            if row.kind == "decided" and row.decision_id is not None:
                open_calls.add(row.decision_id)
            yield line
