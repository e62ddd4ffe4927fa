"""What lists showed to be changed, in a file: a restart does not forget it before the next list.

`DATA/held.json`, mode 0600, replaced as a whole. It only ever takes tools out of use, so that it needs no signature;
one that cannot be read keeps the data plane from starting, for what it held is not known then.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gatepost.errors import GatepostError
from gatepost.wire import strictjson

NAME: Final = "held.json"
"""Its name in the data folder."""
_VERSION: Final = 1
_LARGEST: Final = 64 * 1024 * 1024

Seen = dict[tuple[str, str], str]
"""(server, tool) → the hash of the definition that was seen."""


class HeldFile:
    """The file at a path; there is none before something is held."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Seen:
        """What is held. Raises `GatepostError` GP-5003 where the file cannot be used."""
        try:
            with self.path.open("rb") as file:
                data = file.read(_LARGEST + 1)
            return _entries(strictjson.parse(data))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise GatepostError(
                "GP-5003",
                f"What is held back after a change of its definition cannot be read from {self.path}: {error}.",
                "Scan every server again (`gatepost server scan NAME`), then remove the file.",
            ) from None

    def write(self, seen: Mapping[tuple[str, str], str]) -> None:
        """Replaces the file, whole or not at all. Raises `OSError`."""
        rows = [[server, tool, hash] for (server, tool), hash in sorted(seen.items())]
        data = strictjson.write({"version": _VERSION, "held": rows})
        temporary = self.path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _entries(value: Any) -> Seen:
    rows = value.get("held") if isinstance(value, dict) and value.get("version") == _VERSION else None
    if not isinstance(rows, list):
        raise ValueError("it is not one of this version")
    seen: Seen = {}
    for row in rows:
        if not isinstance(row, list) or len(row) != 3 or not all(isinstance(part, str) for part in row):
            raise ValueError("a row of it is none")
        seen[row[0], row[1]] = row[2]
    return seen
