"""What changed between two scans of a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gatepost.definitions.definition import Definition


@dataclass(frozen=True, slots=True)
class Drift:
    """The names of the tools that differ, each tuple sorted. False where nothing does."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        """Such as `1 added, 0 removed, 2 changed`."""
        return f"{len(self.added)} added, {len(self.removed)} removed, {len(self.changed)} changed"

    def as_dict(self) -> dict[str, list[str]]:
        """The three lists of names."""
        return {"added": list(self.added), "removed": list(self.removed), "changed": list(self.changed)}


def drift(old: Mapping[str, Definition], new: Iterable[Definition]) -> Drift:
    """Compares by hash; a category or the order of the tools is no difference.

    Args:
        old: the definitions of the scan before, by name.
        new: those of this scan.
    """
    now = {definition.name: definition.hash for definition in new}
    return Drift(
        added=tuple(sorted(now.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - now.keys())),
        changed=tuple(sorted(name for name in now.keys() & old.keys() if now[name] != old[name].hash)),
    )
