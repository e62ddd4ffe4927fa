"""What every check looks at: the data folder, opened as far as it can be without changing it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatepost.connect.clients import Surroundings
from gatepost.definitions.pinfile import FOLDER as PINS
from gatepost.feed import Row
from gatepost.gateway.snapshot import Snapshot
from gatepost.keys import Keyring
from gatepost.paths import DataFolder


@dataclass(slots=True)
class Patient:
    """The installation that is looked at. Each check may fill in what the later ones go by.

    Attributes:
        data: the data folder; it exists.
        deep: whether the log and the databases are read whole.
        seconds: how long a server may take to answer.
        surroundings: where clients keep their files.
        project: the folder in which a client's project files are looked for.
        explicit: the data folder was named on the command line, so that commands have to name it, too.
        keyring: the keys, where they can be used.
        rows: the published feed, where the store can be read.
        snapshot: the configuration as the data plane would take it over.
        serve: what the running `serve` says of itself; empty where none runs.
        status: what the running data plane says of itself, or None.
    """

    data: DataFolder
    deep: bool
    seconds: float
    surroundings: Surroundings
    project: Path
    explicit: bool = False
    keyring: Keyring | None = None
    rows: list[Row] = field(default_factory=list)
    snapshot: Snapshot = field(default_factory=Snapshot)
    serve: Mapping[str, Any] = field(default_factory=dict)
    status: Mapping[str, Any] | None = None

    @property
    def only_run(self) -> bool:
        """Whether nothing but `gatepost run` has used the folder, which needs no store and no `serve`."""
        administered = self.data.store.exists() or (self.data.journal / "admin").exists()
        return not administered and ((self.data.root / PINS).is_dir() or (self.data.journal / "data").is_dir())

    @property
    def wants_no_serve(self) -> bool:
        """Whether `gatepost run` has used the folder, and nothing is registered that a `serve` would offer."""
        return self.only_run or ((self.data.root / PINS).is_dir() and not self.rows)

    def command(self, words: str) -> str:
        """A command of ours as it is to be typed."""
        return f"{words} --data {shlex.quote(str(self.data.root))}" if self.explicit else words
