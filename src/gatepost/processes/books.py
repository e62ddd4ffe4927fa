"""The ledger and the journal of a data folder, as one process holds them."""

from __future__ import annotations

import time

from gatepost.journal import Journal
from gatepost.keys import Keyring
from gatepost.paths import DataFolder
from gatepost.quota import MemoryLedger


class Books:
    """Journal and ledger, held by this process."""

    def __init__(self, folder: DataFolder, keyring: Keyring) -> None:
        self.ledger = MemoryLedger(time.time)
        self.journal = Journal.open(folder.journal / "data", "data", keyring, ledger=self.ledger, clock=time.time)

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        await self.journal.flush()
        self.journal.close()
