"""The text of a ledger's snapshot: JSON, written in pieces so that a thread that writes one never holds others up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec

from gatepost.quota.fixed import FixedCounters, Key
from gatepost.quota.sliding import SlidingCounters

_PIECE = 1000
_Counters = FixedCounters | SlidingCounters
_Held = Mapping[str, Iterable[tuple[_Counters, Key, int, int]]]


class _Piece(msgspec.Struct, omit_defaults=True):
    """One line's worth of a snapshot. Amounts are millionths, instants microseconds."""

    now: int | None = None
    window: str | int | None = None
    algorithm: str = ""
    start: int = 0
    totals: list[tuple[Key, int]] = []
    slots: list[tuple[Key, list[tuple[int, int]]]] = []
    held: list[tuple[str, list[tuple[str | int, str, Key, int, int]]]] = []


def encode(now: int, counters: Iterable[_Counters], held: _Held) -> bytes:
    """A JSON array of pieces of a thousand counters at most."""
    pieces = [_Piece(now=now)]
    for each in counters:
        if isinstance(each, FixedCounters):
            for totals in _parts(each.totals.items()):
                pieces.append(_Piece(window=each.window, algorithm="fixed", start=each.start, totals=totals))
        else:
            for slots in _parts(each.items()):
                listed = [(key, list(used.items())) for key, used in slots]
                pieces.append(_Piece(window=each.window, algorithm="sliding", slots=listed))
    for part in _parts(held.items()):
        pieces.append(
            _Piece(
                held=[
                    (id, [(each.window, each.algorithm, key, amount, mark) for each, key, amount, mark in charges])
                    for id, charges in part
                ]
            )
        )
    encoder = msgspec.json.Encoder()
    return b"[" + b",\n".join([encoder.encode(piece) for piece in pieces]) + b"]"


def decode(state: bytes) -> tuple[int, list[_Counters], dict[str, list[tuple[_Counters, Key, int, int]]]]:
    """The clock, the counters and the held reservations. Raises `ValueError` where the bytes are no snapshot."""
    pieces = msgspec.json.decode(state, type=list[_Piece])
    if not pieces or pieces[0].now is None:
        raise ValueError("not a snapshot of a ledger")
    now = pieces[0].now
    counters: dict[tuple[str | int, str], _Counters] = {}
    held: dict[str, list[tuple[_Counters, Key, int, int]]] = {}
    for piece in pieces[1:]:
        for id, charges in piece.held:
            try:
                held[id] = [(counters[spot[:2]], *spot[2:]) for spot in charges]
            except KeyError:
                raise ValueError("a reservation is of a counter that the snapshot does not have") from None
        if piece.window is None:
            continue
        spot = (piece.window, piece.algorithm)
        if piece.algorithm == "fixed":
            fixed = counters.setdefault(spot, FixedCounters(piece.window, piece.start))
            assert isinstance(fixed, FixedCounters)
            fixed.totals.update(piece.totals)
        else:
            sliding = counters.setdefault(spot, SlidingCounters(int(piece.window), now))
            assert isinstance(sliding, SlidingCounters)
            for key, slots in piece.slots:
                sliding.put(key, dict(slots))
    return now, list(counters.values()), held


def _parts(items: Iterable[Any]) -> Iterator[list[Any]]:
    """Lists of a thousand; one at least, so that a reservation finds its counters also where nothing is in them."""
    iterator = iter(items)
    yield list(islice(iterator, _PIECE))
    while part := list(islice(iterator, _PIECE)):
        yield part
