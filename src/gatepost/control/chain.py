"""The admin chain of the journal, as the outbox needs it: add a record, and tell which are there already."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gatepost.errors import GatepostError
from gatepost.journal.admin import append_admin
from gatepost.keys import Keyring
from gatepost.paths import DataFolder

_BLOCK = 64 * 1024


class AdminChain:
    """The chain `admin` of one data folder."""

    def __init__(self, folder: DataFolder, keyring: Keyring) -> None:
        self._folder = folder.journal / "admin"
        self._keyring = keyring

    def append(self, record: Mapping[str, Any]) -> None:
        """Writes one record durably behind the others. Raises `GatepostError` GP-5001 where that is not possible."""
        append_admin(self._folder, self._keyring, dict(record))

    def ids_after(self, id: str | None) -> frozenset[str]:
        """The ids of the records behind the one with `id`; of all where None or where it is not there any more.

        Read from the end, so that as a rule one line is looked at.
        """
        found = set()
        for line in self._lines_from_the_end():
            try:
                at = json.loads(line)["id"]
            except (ValueError, KeyError, TypeError):
                continue  # a torn last line; the journal's recovery and its verifier deal with it
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
    """The lines of a file, the last first, read in blocks."""
    with path.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        rest = b""
        while position:
            size = min(_BLOCK, position)
            position -= size
            file.seek(position)
            first, *lines = (file.read(size) + rest).split(b"\n")
            yield from (line for line in reversed(lines) if line)
            rest = first
        if rest:
            yield rest
