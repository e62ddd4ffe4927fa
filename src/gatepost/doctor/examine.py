"""The whole examination: every check in turn, each going by what the ones before it found."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator
from typing import Final

from gatepost.doctor.clients import clients
from gatepost.doctor.finding import Finding
from gatepost.doctor.folder import disk, permissions
from gatepost.doctor.log import clocks, index, journal
from gatepost.doctor.patient import Patient
from gatepost.doctor.serve import serving
from gatepost.doctor.store import keys, store
from gatepost.doctor.upstreams import upstreams

_Check = Callable[[Patient], Iterator[Finding]] | Callable[[Patient], AsyncIterator[Finding]]

_STEPS: Final[dict[str, _Check]] = {
    "permissions": permissions,
    "disk": disk,
    "keys": keys,
    "store": store,
    "serve": serving,
    "journal": journal,
    "index": index,
    "clocks": clocks,
    "upstreams": upstreams,
    "clients": clients,
}
CHECKS: Final = tuple(_STEPS)
"""The names of the checks, in their order. The check `serve` also reports as `ports`."""
_NEEDED: Final = frozenset({"keys", "store", "serve"})
"""What the others go by; where it is not asked for, it is looked at and not told of."""


async def examine(patient: Patient, *, skip: Collection[str] = ()) -> AsyncIterator[Finding]:
    """Every finding, as soon as it is known."""
    for name, check in _STEPS.items():
        if name in skip and name not in _NEEDED:
            continue
        told = check(patient)
        if isinstance(told, AsyncIterator):
            async for finding in told:
                if name not in skip:
                    yield finding
        else:
            for finding in told:
                if name not in skip:
                    yield finding
