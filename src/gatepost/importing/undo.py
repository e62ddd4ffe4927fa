"""Putting a client's file, and what was made for it, back to what was before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gatepost.connect import files
from gatepost.connect.clients import CLIENTS
from gatepost.connect.rewriting import turned_back
from gatepost.control.act import Actor
from gatepost.control.grants import list_grants, revoke_grant
from gatepost.control.servers import list_servers, remove_server
from gatepost.control.store import Store
from gatepost.errors import GatepostError
from gatepost.importing.steps import Step, digest, keep_steps, steps_of

_HINT = "Copy the backup over it yourself, or mend it and run this again."


@dataclass(frozen=True, slots=True)
class Undone:
    """What was put back.

    Attributes:
        whole: whether the file is byte for byte as it was; else it had changed since, and only entries were put back.
        touched: whether there was anything to put back in the file.
        left: names of entries that are gone from the file or were changed by somebody, and were left so.
        revoked, removed: grants and servers.
        kept: servers that stay, because other grants are in use on them.
        backups: files that stay beside it, with the secrets that it held: what it was could not be put back whole.
    """

    whole: bool
    touched: bool
    left: tuple[str, ...]
    revoked: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    backups: tuple[str, ...]


def undo(store: Store, actor: Actor, file: Path) -> Undone:
    """Undoes every step that was done for a file, the last one first; each is whole by itself.

    Raises:
        GatepostError: GP-4003 where nothing was done for it, GP-4005 where the file or its backup cannot be used; what
            that step made stays then.
    """
    real = file.resolve()
    steps = steps_of(store, real)
    if not steps:
        raise GatepostError(
            "GP-4003", f"Nothing was imported from {real} into this Gatepost.", "Name the file, or --data DIR."
        )
    whole, touched = True, False
    left: list[str] = []
    revoked: list[str] = []
    removed: list[str] = []
    kept: list[str] = []
    backups = [step.backup for step in steps if step.backup is not None]
    while steps:
        step = steps[-1]
        if step.rewritten is not None:
            exact, gone = _put_back(real, step)
            whole, touched = whole and exact, True
            left += gone
        revoked += _revoke(store, actor, step)
        for name in step.servers:
            (removed if _remove(store, actor, name) else kept).append(name)
        steps.pop()
        keep_steps(store, actor, real, steps, "client.undo")
    staying = tuple(backup for backup in backups if Path(backup).exists())
    return Undone(whole, touched, tuple(left), tuple(revoked), tuple(removed), tuple(kept), staying)


def _put_back(file: Path, step: Step) -> tuple[bool, list[str]]:
    """Whether the file is now as it was, and the entries that could not be put back."""
    now = files.read(file, _HINT)
    if now is not None and digest(now) == step.original:
        return True, []
    backup = Path(step.backup or "")
    before = files.read(backup, _HINT)
    if before is None or digest(before) != step.original:
        why = "is not there any more" if before is None else "is not what was put there"
        raise GatepostError("GP-4005", f"The backup {backup} {why}; {file} was left as it is.", "Restore the backup.")
    if now is None or digest(now) == step.rewritten:
        files.put_back(file, before, step.mode, _HINT)
        backup.unlink()  # the file itself is what it held
        return True, []
    text, original = files.decode(file, now, _HINT), files.decode(backup, before, _HINT)
    restored, gone = turned_back(CLIENTS[step.client], text, original, step.entries, file)
    if restored != text:
        files.put_back(file, restored.encode(), file.stat().st_mode & 0o777, _HINT)
    return False, gone


def _revoke(store: Store, actor: Actor, step: Step) -> list[str]:
    living = {grant.label for grant in list_grants(store) if grant.revoked is None}
    labels = [label for label in step.grants if label in living]
    for label in labels:
        revoke_grant(store, actor, label)
    return labels


def _remove(store: Store, actor: Actor, name: str) -> bool:
    """Whether the server is gone: it stays where a grant that was not this file's is in use on it."""
    if not any(known.name == name for known in list_servers(store)):
        return True
    try:
        remove_server(store, actor, name)
    except GatepostError as error:
        if error.code != "GP-4006":
            raise
        return False
    return True
