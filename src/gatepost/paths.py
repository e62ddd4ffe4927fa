"""Where an installation keeps its files: one data folder, and the fixed names inside it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import platformdirs

from gatepost.errors import GatepostError

# Linux allows 108 bytes for the address of a unix socket, macOS and the BSDs 104, the closing NUL among them.
_SOCKET_PATH_BYTES = 103


def data_folder(explicit: str | None = None) -> Path:
    """The absolute path of the data folder: `explicit`, else `GATEPOST_DATA`, else the platform's user data folder."""
    chosen = explicit or os.environ.get("GATEPOST_DATA")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return Path(platformdirs.user_data_dir("gatepost", appauthor=False)).absolute()


class DataFolder:
    """The data folder and what lies where in it.

    Attributes:
        root: the folder itself.
        keys: folder of the keys (`gatepost.keys`).
        journal: folder with one folder of segments per chain.
        store: the configuration store, an SQLite file.
        index: the queryable index of the log, an SQLite file; it can be rebuilt from `journal`.
        run: folder of the control sockets, the lock and the process id.
    """

    __slots__ = ("index", "journal", "keys", "root", "run", "store")

    def __init__(self, root: Path, *, create: bool = True) -> None:
        """Names the files, and with `create` makes the folders that are missing, mode 0700.

        Raises `GatepostError` GP-5003 where a folder cannot be made, is a file, or where everybody may write into
        the root (and so could put other keys in place).
        """
        self.root = root.absolute()
        self.keys = self.root / "keys"
        self.journal = self.root / "journal"
        self.store = self.root / "store.db"
        self.index = self.root / "index.db"
        self.run = self.root / "run"
        if create:
            for folder in (self.root, self.keys, self.journal, self.run):
                _make(folder)
        if self.root.is_dir() and stat.S_IMODE(self.root.stat().st_mode) & 0o002:
            raise GatepostError(
                "GP-5003", f"Everybody may write into the data folder {self.root}.", f"Run: chmod o-w {self.root}"
            )

    def socket(self, name: str) -> Path:
        """The path of a control socket in `run`, such as `dataplane.sock`.

        Raises `GatepostError` GP-5003 where the path is longer than a unix socket's address may be.
        """
        path = self.run / name
        if len(os.fsencode(path)) > _SOCKET_PATH_BYTES:
            raise GatepostError(
                "GP-5003",
                f"The path {path} is too long for a control socket ({_SOCKET_PATH_BYTES} bytes at most).",
                "Choose a data folder with a shorter path: --data DIR or GATEPOST_DATA.",
            )
        return path


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise GatepostError(
            "GP-5003", f"{folder} is a file, not a folder.", "Choose another with --data DIR."
        ) from None
    except OSError as error:
        raise GatepostError(
            "GP-5003", f"The folder {folder} cannot be made: {error.strerror}.", "Choose another with --data DIR."
        ) from None
