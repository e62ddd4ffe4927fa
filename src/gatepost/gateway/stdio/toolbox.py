"""The tools of the one server behind a client on standard input: held against pins, with categories."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from gatepost.definitions.definition import Definition, definition_hash
from gatepost.definitions.pinfile import Mode, PinFile, Unlike
from gatepost.gateway.snapshot import Tool
from gatepost.policy import Policy

_log: Final = logging.getLogger(__name__)
_NAMED: Final = 10
Classes = Callable[[Sequence[Mapping[str, Any]]], Mapping[str, str]]
"""What kind of act each tool of a list is, by name; without those of which that is not sure."""


class Toolbox:
    """Makes tools of definitions, and remembers what waits to be accepted.

    Args:
        server: its name.
        pins: what its tools were when it was first met.
        mode: what becomes of a tool that is not as it is pinned.
        classes: reads categories.
        note: records a row that no call waits for.
    """

    def __init__(self, server: str, pins: PinFile, mode: Mode, classes: Classes, note: Callable[..., None]) -> None:
        self.mode: Mode = mode
        self._server = server
        self._pins = pins
        self._classes = classes
        self._note = note
        self._listed: tuple[Sequence[Definition], bool] | None = None
        self._waiting: Mapping[str, Unlike] = {}
        self._mark = 0

    def lists(self, definitions: Sequence[Definition], policy: Policy, *, legacy: bool) -> Mapping[str, Tool]:
        """The tools of a new list. Raises `GatepostError` GP-5003 where the pins cannot be used.

        Args:
            legacy: whether it was given in a legacy revision, which may leave members out.
        """
        self._listed = definitions, legacy
        found = self._pins.see(definitions, self.mode, legacy=legacy)
        self._mark = self._pins.mark()
        self._waiting = {each.name: each for each in found if each.waits}
        self._tell([each for each in found if each.fresh])
        held = self._waiting if self.mode == "quarantine" else {}
        kinds = self._kinds(definitions) if _speaks_of_categories(policy) else {}
        return MappingProxyType(
            {
                each.name: Tool(each.name, each.tool, each.hash, kinds.get(each.name), quarantined=each.name in held)
                for each in definitions
            }
        )

    def stale(self) -> bool:
        """Look whether what waits may have been accepted since; nothing is looked at where nothing waits."""
        return bool(self._waiting) and self._pins.mark() != self._mark

    def again(self, policy: Policy) -> Mapping[str, Tool] | None:
        """The tools of the last list, by another policy or other pins; None before the first. Raises as `lists`."""
        return None if self._listed is None else self.lists(self._listed[0], policy, legacy=self._listed[1])

    def _kinds(self, definitions: Sequence[Definition]) -> Mapping[str, str]:
        """What kind of act each tool is. One whose definition changed and now reads as another kind is of none, until
        it is accepted: what was allowed of the one is not allowed of the other."""
        now = self._classes([each.tool for each in definitions])
        pinned = {name: each.pinned for name, each in self._waiting.items() if each.pinned is not None}
        if not pinned:
            return now
        before = self._classes([pinned.get(each.name, each.tool) for each in definitions])
        return {name: kind for name, kind in now.items() if name not in pinned or before.get(name) == kind}

    def _tell(self, found: Sequence[Unlike]) -> None:
        if not found:
            return
        for each in found:
            self._note(
                "drift",
                actor="run",
                action="server.drift",
                object=f"server:{self._server}/{each.name}",
                before=None if each.pinned is None else {"hash": definition_hash(each.pinned)},
                after={"hash": definition_hash(each.listed)},
            )
        names = ", ".join(f"{each.name} ({'new' if each.pinned is None else 'changed'})" for each in found[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        use = "The policy says what may be done with them."
        if any(each.waits for each in found):
            use = "They are out of use" if self.mode == "quarantine" else "They are used on"
            use += f"; to look at what changed: gatepost server accept {self._server} --dry-run"
        _log.warning("tools of %s are not what they were: %s%s. %s", self._server, names, more, use)


def _speaks_of_categories(policy: Policy) -> bool:
    document = policy.document
    return any(name.startswith("@") for name in (*document.get("tools", ()), *document.get("hide", ())))
