"""What goes wrong with a journal."""

from __future__ import annotations

from gatepost.errors import GatepostError


class JournalUnavailable(GatepostError):
    """A row cannot be written now (GP-5001), and is not in the chain: deny what it was for."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "GP-5001",
            f"The decision cannot be recorded: {reason}.",
            "Calls are denied until the journal's folder can be written again; no restart is needed.",
        )
        self.reason = reason


class ChainBroken(GatepostError):
    """The rows that are needed to start do not follow from one another (GP-5002)."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(
            "GP-5002",
            f"The record chain is broken at {where}: {why}.",
            "`gatepost log verify` names the first bad record. Keep the folder as evidence; restore it from a backup, "
            "or move it away to begin a new chain.",
        )
        self.why = why
