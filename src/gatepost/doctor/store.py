"""The keys and the store, read as the data plane reads them."""

from __future__ import annotations

import contextlib
import shlex
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gatepost.control import run_pins
from gatepost.definitions.pinfile import FOLDER as PINS
from gatepost.definitions.pinfile import PinFile
from gatepost.doctor.finding import Finding, counted
from gatepost.doctor.patient import Patient
from gatepost.errors import GatepostError
from gatepost.feed import Feed
from gatepost.gateway.snapshot import Snapshot
from gatepost.journal.segments import chains
from gatepost.keys import Keyring
from gatepost.storage.migrate import newest

_QUICK_BYTES = 64 << 20


def keys(patient: Patient) -> Iterator[Finding]:
    """Complete, private, and a pair."""
    try:
        patient.keyring = Keyring.open(patient.data.keys, create=False)
    except GatepostError as error:
        yield Finding("keys", "problem", error.message, error.hint)
    except PermissionError as error:
        yield Finding("keys", "problem", f"{error.filename} cannot be read.", "Be the user who runs `gatepost serve`.")
    else:
        yield Finding("keys", "ok", "The keys are complete, and nobody else may read them.")


def store(patient: Patient) -> Iterator[Finding]:
    """The database whole, of this version, and everything in it usable."""
    check, path = "store", patient.data.store
    if patient.only_run:
        yield Finding(check, "ok", "There is no store, and need not be: `gatepost run` alone has used this folder.")
        yield from _waiting_of_run(patient)
        return
    if not path.exists() and not chains(patient.data.journal):
        begin = patient.command("gatepost server add --help")
        yield Finding(check, "warning", "There is no store yet: nothing is registered here.", begin)
        return
    try:
        with contextlib.closing(read_only(path)) as connection:
            fault = integrity(connection, path, deep=patient.deep)
            if fault is not None:
                yield Finding(check, "problem", f"The store {path} is damaged: {fault}.", _RESTORE)
                return
            if (step := _step(connection)) != newest():
                yield _other_version(patient, step)
                if step > newest():
                    return
            waiting = int(connection.execute("SELECT count(*) FROM outbox").fetchone()[0])
        with Feed.open(path) as feed:
            patient.rows = feed.since(0)
    except sqlite3.Error as error:
        yield Finding(check, "problem", f"The store {path} cannot be read: {error}.", _RESTORE)
        return
    except GatepostError as error:
        yield Finding(check, "problem", error.message, error.hint)
        return
    if waiting:
        yield Finding(
            check,
            "warning",
            f"Of the configuration's changes, {waiting:,} are not in the log yet.",
            patient.command("gatepost server list") + "    # any command that opens the store writes them",
        )
    patient.snapshot = Snapshot().applied(patient.rows, _unsealer(patient))
    yield from _unusable(patient)
    yield from _grants(patient)
    yield from _waiting(patient)
    yield from _waiting_of_run(patient)
    known = patient.snapshot
    yield Finding(
        check,
        "ok",
        f"The store has {counted(len(known.servers), 'server')}, {counted(len(known.policies), 'policy version')} and "
        f"{counted(len(known.grants), 'token')}, at revision {known.revision}.",
    )


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing. Raises `sqlite3.Error`."""
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5.0, isolation_level=None)


def integrity(connection: sqlite3.Connection, path: Path, *, deep: bool) -> str | None:
    """What SQLite finds wrong with a file, or None; a large one is only read whole where `deep`."""
    if not deep and path.stat().st_size > _QUICK_BYTES:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return None
    said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    return None if said == "ok" else said


_RESTORE = "Keep a copy of it, stop serve, and restore it from a backup."


def _step(connection: sqlite3.Connection) -> str:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return ""
    return str(row[0]) if row else ""


def _other_version(patient: Patient, step: str) -> Finding:
    if not step:
        return Finding("store", "problem", f"{patient.data.store} is not a store of Gatepost.", "Name another folder.")
    if step > newest():
        text = f"The store was written by a newer Gatepost (step {step}, this one knows {newest()})."
        return Finding("store", "problem", text, "Install that version or a later one.")
    text = f"The store is of an older Gatepost (step {step} of {newest()}); the next start brings it up to date."
    return Finding("store", "note", text, "Copy it before: gatepost export-data FILE")


def _unsealer(patient: Patient) -> Any:
    def unseal(value: str, purpose: str) -> str:
        if patient.keyring is None:
            raise ValueError("there are no keys to open its credentials with")
        return patient.keyring.unseal(value, purpose).decode("utf-8")

    return unseal


def _unusable(patient: Patient) -> Iterator[Finding]:
    for fault in patient.snapshot.faults:
        kind, _, rest = fault.removeprefix("the ").partition(" ")
        name = rest.partition(" ")[0]
        mend = "Restore the keys that belong to this store from a backup."
        if kind == "server" and patient.keyring is not None:
            mend = patient.command(f"gatepost server remove {shlex.quote(name)} --force") + ", and add it again."
        elif kind == "policy":
            mend = patient.command("gatepost policy check FILE") + ", and add it again: gatepost policy add NAME FILE"
        yield Finding("store", "problem", f"{fault[:1].upper()}{fault[1:]}.", mend)


def _waiting(patient: Patient) -> Iterator[Finding]:
    """Tools that nobody can use before somebody has looked at them."""
    for name, server in sorted(patient.snapshot.servers.items()):
        held = sum(tool.quarantined for tool in server.tools.values())
        if held:
            text = f"Of the server {name}, {counted(held, 'tool')} {'is' if held == 1 else 'are'} new or changed, "
            text += "and out of use until somebody accepts that."
            yield Finding("store", "warning", text, patient.command(f"gatepost server accept {name} --dry-run"))


def _waiting_of_run(patient: Patient) -> Iterator[Finding]:
    """The same of servers that only `gatepost run` knows; whether they are in use meanwhile, its --drift says."""
    for name in run_pins.met(patient.data):
        if name in patient.snapshot.servers:
            continue
        try:
            waiting = run_pins.waiting(PinFile(patient.data.root / PINS, name))
        except GatepostError as error:
            yield Finding("store", "problem", error.message, error.hint)
            continue
        if waiting:
            text = f"Of the server {name}, which `gatepost run` knows, {counted(len(waiting), 'tool')} "
            text += "is not as it was" if len(waiting) == 1 else "are not as they were"
            text += " when the server was first met."
            yield Finding("store", "warning", text, patient.command(f"gatepost server accept {name} --dry-run"))


def _grants(patient: Patient) -> Iterator[Finding]:
    """Grants that open nothing although nobody revoked them."""
    now, seen = time.time(), set()
    for row in patient.rows:
        grant = patient.snapshot.grants.at(row.key) if row.kind == "grant" else None
        if grant is None or grant.id in seen or grant.refused(now) is not None:
            continue
        seen.add(grant.id)
        attach = patient.command(f"gatepost grant attach {shlex.quote(grant.label)} POLICY")
        if grant.policy is None:
            text = f"The grant {grant.label} has no policy, so every call with it is denied."
            yield Finding("store", "warning", text, attach)
        elif patient.snapshot.policy_of(grant) is None:
            yield Finding("store", "problem", f"The policy of the grant {grant.label} cannot be used.", attach)
        if grant.server not in patient.snapshot.servers:
            text = f"The server {grant.server} of the grant {grant.label} is gone, or cannot be used."
            yield Finding(
                "store", "problem", text, patient.command(f"gatepost grant revoke {shlex.quote(grant.label)}")
            )
