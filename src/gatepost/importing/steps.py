"""What was done for a client's file, one step for each run, so that it can be undone: kept in the store's settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gatepost.control.act import Act, Actor
from gatepost.control.jsontext import dumps
from gatepost.control.store import Store
from gatepost.storage import settings


@dataclass(frozen=True, slots=True)
class Step:
    """One run on one file.

    Attributes:
        client: whose file it is.
        servers: those that were added.
        grants: labels of those given out for the file.
        entries: section and name of what was turned over in it.
        backup: where the content before is, or None while the file was not touched.
        original, rewritten: SHA-256 of the content before and after, in hex.
        mode: of the file.
    """

    client: str
    servers: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    entries: tuple[tuple[tuple[str, ...], str], ...] = ()
    backup: str | None = None
    original: str | None = None
    rewritten: str | None = None
    mode: int = 0o600


def digest(content: bytes) -> str:
    """The SHA-256 of a file's content, in hex."""
    return hashlib.sha256(content).hexdigest()


def steps_of(store: Store, file: Path) -> list[Step]:
    """What was done for a file, oldest first."""
    with store.database.read() as connection:
        text = settings.find(connection, _key(file))
    return [] if text is None else [_read(each) for each in json.loads(text)]


def keep_steps(store: Store, actor: Actor, file: Path, steps: Sequence[Step], action: str) -> None:
    """Writes them, and a record of what is being done (`client.import`, `client.rewrite`, `client.undo`)."""
    last = steps[-1] if steps else None
    with Act(store, actor) as act:
        if steps:
            settings.put(act.connection, _key(file), dumps([asdict(step) for step in steps]))
        else:
            settings.remove(act.connection, _key(file))
        told = None if last is None else {"client": last.client, "servers": list(last.servers), "backup": last.backup}
        act.record(action, f"file:{file}", after=told)


def finished(step: Step, *, backup: Path | None, before: bytes, after: bytes, mode: int) -> Step:
    """The step with what is known when the file is about to be replaced."""
    return replace(
        step,
        backup=None if backup is None else str(backup),
        original=digest(before),
        rewritten=digest(after),
        mode=mode,
    )


def _key(file: Path) -> str:
    return f"import:{file}"


def _read(values: dict[str, object]) -> Step:
    step = Step(**values)  # type: ignore[arg-type]  # written by `keep_steps`
    return replace(
        step,
        servers=tuple(step.servers),
        grants=tuple(step.grants),
        entries=tuple((tuple(section), name) for section, name in step.entries),
    )
