"""The admin chain of the journal, as the outbox needs it: add records, and tell which are there already."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gatepost.errors import GatepostError
from gatepost.journal import ChainBroken, append_acts
from gatepost.keys import Keyring
from gatepost.paths import DataFolder

_BLOCK = 8 * 1024


class AdminChain:
    """The chain `admin` of one data folder."""

    def __init__(self, folder: DataFolder, keyring: Keyring) -> None:
        self._folder = folder.journal / "admin"
        self._keyring = keyring

    def append(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Writes records durably behind the others, all or none. Raises `GatepostError` where that is not possible."""
        append_acts(self._folder, self._keyring, records)

    def ids_after(self, id: str | None) -> frozenset[str]:
        """The ids of the records behind the one with `id`; of all where None or where it is not there any more.

        Read from the end, so that as a rule one line is looked at.
        """
        found = set()
        for line in self._lines_from_the_end():
            try:
                at = json.loads(line)["id"]
            except (ValueError, KeyError, TypeError):
                raise ChainBroken(str(self._folder), "a line is no record") from None
            if at == id:
                break
            found.add(at)
        return frozenset(found)

    def _lines_from_the_end(self) -> Iterator[bytes]:
        try:
            for segment in sorted(self._folder.glob("*.jsonl"), reverse=True):
                yield from _reversed_lines(segment)
        except OSError as error:
            raise GatepostError("GP-5001", f"The admin chain cannot be read: {error.strerror}.") from None


def _reversed_lines(path: Path) -> Iterator[bytes]:
    """The complete lines of a file, the last first, read in blocks; what follows the last line end is no line."""
    with path.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        rest, torn = b"", True
        while position:
            size = min(_BLOCK, position)
            position -= size
            file.seek(position)
            rest, *lines = (file.read(size) + rest).split(b"\n")
            if torn and lines:
                lines.pop()
                torn = False
            yield from reversed(lines)
        if not torn:
            yield rest
