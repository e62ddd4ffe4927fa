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
from gatepost.errors import GatepostError

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
_AS_WHO: Final = "Be the user who runs `gatepost serve`, and look at the permissions of the data folder."
_NEEDED: Final = frozenset({"keys", "store", "serve"})
"""What the others go by; where it is not asked for, it is looked at and not told of."""


async def examine(patient: Patient, *, skip: Collection[str] = ()) -> AsyncIterator[Finding]:
    """Every finding, as soon as it is known. A check that cannot look is a finding too, and keeps no other from it."""
    for name, check in _STEPS.items():
        if name in skip and name not in _NEEDED:
            continue
        try:
            async for finding in _each(check(patient)):
                if name not in skip:
                    yield finding
        except (OSError, GatepostError) as error:
            if name not in skip:
                yield Finding(name, "problem", f"It cannot be looked at: {error}.", _AS_WHO)


async def _each(told: Iterator[Finding] | AsyncIterator[Finding]) -> AsyncIterator[Finding]:
    if isinstance(told, AsyncIterator):
        async for finding in told:
            yield finding
    else:
        for finding in told:
            yield finding
