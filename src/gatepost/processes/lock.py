"""One `serve` per data folder: a lock that names its holder.

The lock is `flock` on DATA/run/serve.lock, which the system lets go when the holder ends in whatever way. The file's
content says who holds it and where it listens; it stays when the holder has gone, as the last known addresses.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from gatepost.errors import GatepostError

NAME = "serve.lock"
_PATIENCE = 0.5
_PAUSE = 0.05


class ServeLock:
    """The lock, held from `take` until `release` or the end of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, run: Path) -> ServeLock:
        """Takes the lock in the folder `run`.

        Raises:
            GatepostError: GP-6002, naming the process that holds it; GP-5003 where the file cannot be opened.
        """
        try:
            descriptor = os.open(run / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise GatepostError("GP-5003", f"{run / NAME} cannot be opened: {error.strerror}.") from None
        # Somebody who only looks (`holder`) has it for a moment too; a serve has it for long.
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return cls(descriptor)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(descriptor)
                    raise _held(run) from None
            time.sleep(_PAUSE)

    def describe(self, facts: dict[str, Any]) -> None:
        """Writes who holds the lock; `facts` are JSON values."""
        content = json.dumps(facts, indent=2).encode() + b"\n"
        # The same file, not a renamed one: the lock lies on it.
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, content, 0)

    def release(self) -> None:
        """Lets go."""
        os.close(self._descriptor)


def holder(run: Path) -> dict[str, Any] | None:
    """What the running `serve` says of itself, or None when none runs."""
    try:
        descriptor = os.open(run / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return last_known(run)
    finally:
        os.close(descriptor)
    return None


def last_known(run: Path) -> dict[str, Any]:
    """What the running or the last `serve` wrote of itself; empty when nothing (whole) is there."""
    try:
        facts = json.loads((run / NAME).read_bytes())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _held(run: Path) -> GatepostError:
    facts = last_known(run)
    who = f"process {facts['pid']}" if "pid" in facts else "a process that is just starting"
    where = f" at {facts['data_plane']}" if facts.get("data_plane") else ""
    return GatepostError(
        "GP-6002",
        f"Another serve runs on {run.parent}: {who}{where}.",
        "Use that one, stop it first, or give this one its own folder with --data DIR.",
    )
