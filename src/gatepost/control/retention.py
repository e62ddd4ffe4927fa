"""How long the log is kept: a setting of the data folder, which `serve` applies each hour and when it is told to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gatepost.control.act import Act, Actor, Done
from gatepost.control.durations import parse_duration
from gatepost.control.jsontext import dumps
from gatepost.control.sizes import parse_size
from gatepost.control.store import Store
from gatepost.errors import GatepostError
from gatepost.storage import settings

_KEY = "journal.retention"


@dataclass(frozen=True, slots=True)
class Retention:
    """The bounds of each chain of the log: its age in seconds and its size in bytes; None where there is none."""

    max_age: int | None = None
    max_bytes: int | None = None

    @property
    def bounded(self) -> bool:
        """Whether anything is ever removed."""
        return self.max_age is not None or self.max_bytes is not None

    def as_dict(self) -> dict[str, Any]:
        """Every attribute by name, for JSON."""
        return asdict(self)

    @classmethod
    def told(cls, environ: Mapping[str, str]) -> Retention:
        """From GATEPOST_LOG_MAX_AGE and GATEPOST_LOG_MAX_BYTES. Raises GatepostError GP-6004."""
        age, size = environ.get("GATEPOST_LOG_MAX_AGE"), environ.get("GATEPOST_LOG_MAX_BYTES")
        try:
            return cls(parse_duration(age) if age else None, parse_size(size) if size else None)
        except GatepostError:
            raise GatepostError(
                "GP-6004",
                "GATEPOST_LOG_MAX_AGE or GATEPOST_LOG_MAX_BYTES is not what it should be.",
                "Write a duration such as 90d, and a number of bytes such as 20GB.",
            ) from None

    def over(self, other: Retention) -> Retention:
        """These bounds, and where there is none the other's."""
        return Retention(
            other.max_age if self.max_age is None else self.max_age,
            other.max_bytes if self.max_bytes is None else self.max_bytes,
        )


def read_retention(store: Store) -> Retention:
    """What is set; no bounds where nothing is."""
    with store.database.read() as connection:
        text = settings.find(connection, _KEY)
    return Retention() if text is None else Retention(**json.loads(text))


def set_retention(store: Store, actor: Actor, wanted: Retention) -> Done[Retention]:
    """Sets the bounds, all of them; it is recorded. A running `serve` has to be told (`{"op": "retention"}`).

    Raises `GatepostError` GP-4005 for a bound that is not above 0.
    """
    for bound in (wanted.max_age, wanted.max_bytes):
        if bound is not None and bound <= 0:
            raise GatepostError("GP-4005", "A bound of 0 would keep nothing of the log.", "Write `none` for no bound.")
    before = read_retention(store)
    with Act(store, actor) as act:
        if wanted != before:
            settings.put(act.connection, _KEY, dumps(wanted.as_dict()))
            act.record("journal.retention", "journal", before=before.as_dict(), after=wanted.as_dict())
    return act.done(wanted)
