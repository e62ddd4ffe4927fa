"""The opened configuration: the database, the keys, the admin chain and the way to a running data plane."""

from __future__ import annotations

from types import TracebackType

from gatepost.control import notify
from gatepost.control.chain import AdminChain
from gatepost.control.flush import flush
from gatepost.errors import GatepostError
from gatepost.keys import Keyring
from gatepost.paths import DataFolder
from gatepost.storage import outbox
from gatepost.storage.database import Database


class Store:
    """What every control function works on. Made by `open_store`; may be used from several threads.

    Attributes:
        folder: the data folder.
        keyring: its keys.
        database: the configuration store.
        warnings: what went wrong while it was opened, without keeping it from working.
    """

    def __init__(self, folder: DataFolder, keyring: Keyring, database: Database) -> None:
        self.folder = folder
        self.keyring = keyring
        self.database = database
        self._chain = AdminChain(folder, keyring)
        with database.read() as connection:
            left = outbox.waiting(connection)
        self.warnings: tuple[str, ...] = tuple(flush(database, self._chain)) if left else ()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def tell(self, *, recorded: bool, revision: int | None) -> list[str]:
        """After a commit: moves the outbox into the admin chain where something was `recorded`, and where the feed
        changed waits until a running data plane decides by `revision`.

        Returns warnings. Nothing is raised, for the change itself is made.
        """
        warnings = flush(self.database, self._chain) if recorded else []
        if revision is not None and (warning := notify.refresh(self.folder, revision)) is not None:
            warnings.append(warning)
        return warnings

    def close(self) -> None:
        """Closes the database."""
        self.database.close()


def open_store(folder: DataFolder, *, create: bool = True) -> Store:
    """Opens the store of a data folder; a context manager.

    The first time, keys and tables are made; an older store is migrated. Admin records that a crash left in the outbox
    are written to the chain.

    Args:
        create: False refuses (GP-5003) where there is no store yet, for a command that only looks.

    Raises `GatepostError` GP-5003 (the store) or GP-5004 (the keys).
    """
    if not create and not folder.store.exists():
        if folder.journal.exists():  # `gatepost run` needs no store
            raise GatepostError(
                "GP-5003",
                f"Nothing is registered in {folder.root}: only `gatepost run` has used it, whose policies are files.",
                "Its calls: gatepost log show. Its servers: gatepost server list, gatepost server show NAME. "
                "To register one: gatepost server add --help",
            )
        raise GatepostError(
            "GP-5003",
            f"There is no Gatepost in {folder.root} yet.",
            "Add a server first, or name its folder with --data.",
        )
    # A store was always made after its keys: where they are gone, new ones would leave its secrets closed for good.
    keyring = Keyring.open(folder.keys, create=not folder.store.exists())
    return Store(folder, keyring, Database.open(folder.store))
