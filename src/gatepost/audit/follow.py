"""New entries as they come, read from the segments: no index and no other process is needed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from gatepost.audit.entries import Filter, join
from gatepost.audit.tail import START, Place, end_of, read_on
from gatepost.journal.rows import is_forwarded
from gatepost.journal.segments import chains

_BATCH: Final = 5000
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def follow(
    journal: Path,
    narrowed: Filter | None = None,
    *,
    patience: float = 2.0,
    every: float = 0.1,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[dict[str, Any]]:
    """Yield each entry that `DATA/journal` gains from now on, once, as `Index.query` gives it.

    A call is yielded with its outcome; one that takes longer than `patience` seconds is yielded without. Waits in
    between by sleeping `every` seconds; ends when `stop` says so, which is asked that often.

    Args:
        narrowed: default calls only (`Filter(kind="decided")`); checkpoints are never given unless asked for by kind.
    """
    narrowed = Filter(kind="decided") if narrowed is None else narrowed
    places = {folder.name: end_of(folder) for folder in chains(journal)}
    waiting: dict[str, dict[str, Any]] = {}
    until: deque[tuple[float, str]] = deque()
    while not stop():
        for folder in chains(journal):
            place = places.get(folder.name, START)
            for row, after in _rows(folder, place):
                places[folder.name] = after
                decision = row.get("decision_id")
                if row["kind"] == "settled":
                    if decision in waiting:
                        yield join(waiting.pop(decision), row)
                elif _wanted(row, narrowed):
                    if row["kind"] == "decided" and is_forwarded(row) and decision is not None:
                        waiting[decision] = row
                        until.append((time.monotonic() + patience, decision))
                    else:
                        yield join(row, None)
        while until and (until[0][0] <= time.monotonic() or until[0][1] not in waiting):
            late = waiting.pop(until.popleft()[1], None)
            if late is not None:
                yield join(late, None)
        time.sleep(every)


def _wanted(row: Mapping[str, Any], narrowed: Filter) -> bool:
    return narrowed.matches(row) and (row["kind"] != "checkpoint" or narrowed.kind == "checkpoint")


def _rows(folder: Path, place: Place) -> Iterator[tuple[dict[str, Any], Place]]:
    """The rows after `place`, each with the place after it. A line that is no record is passed over."""
    while True:
        lines, end = read_on(folder, place, _BATCH)
        for (segment, offset), text in lines:
            after = Place(segment, offset + len(text) + 1)
            try:
                yield _decode(text), after
            except (ValueError, RecursionError):
                continue
        if len(lines) < _BATCH:
            return
        place = end
