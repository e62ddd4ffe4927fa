"""Policies: checking a document, adding it under a name, and its versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gatepost.control import bodies, names
from gatepost.control.act import Act, Actor, Done
from gatepost.control.store import Store
from gatepost.control.suggest import nearest
from gatepost.control.tools import no_such_server
from gatepost.control.yamltext import YamlError, to_json
from gatepost.errors import GatepostError
from gatepost.policy import PolicyError, compile_policy, lint
from gatepost.storage import policies as rows
from gatepost.storage import servers as server_rows
from gatepost.wire import strictjson

MAX_BYTES = 1024 * 1024
_SHOWN = 3


class PolicyRefused(GatepostError):
    """A document that is no valid policy (GP-2001).

    Attributes:
        errors: every mistake as (JSON pointer, what was found and what was expected).
    """

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        told = "; ".join(f"{pointer or 'document'}: {message}" for pointer, message in errors[:_SHOWN])
        more = f"; and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
        super().__init__(
            "GP-2001", f"The policy is not valid: {told}{more}.", "Correct it; `gatepost policy check FILE` shows all."
        )
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Checked:
    """A valid document.

    Attributes:
        version: `sha256:…` of its canonical form.
        text: it as compact JSON, numbers as they were written.
        warnings: (JSON pointer, sentence) of what is probably not meant.
    """

    version: str
    text: str
    warnings: tuple[tuple[str, str], ...]

    @property
    def document(self) -> Any:
        """The document as plain values."""
        return json.loads(self.text)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: version, document, warnings."""
        return {
            "version": self.version,
            "document": self.document,
            "warnings": [{"pointer": pointer, "message": message} for pointer, message in self.warnings],
        }


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy in one of its versions.

    Attributes:
        name: its name.
        server: the server it is registered for, or None for any.
        version: of the document shown.
        current: whether that is the version in force.
        text: the document as compact JSON.
        created_at: epoch seconds of that version.
        versions: all versions, oldest first.
        warnings: (JSON pointer, sentence) where it was just added, else empty.
    """

    name: str
    server: str | None
    version: str
    current: bool
    text: str
    created_at: float
    versions: tuple[str, ...]
    warnings: tuple[tuple[str, str], ...] = ()

    @property
    def document(self) -> Any:
        """The document as plain values."""
        return json.loads(self.text)

    def as_dict(self) -> dict[str, Any]:
        """Every attribute by name, the document as an object, for JSON."""
        content = asdict(self)
        content["document"] = json.loads(content.pop("text"))
        content["warnings"] = [{"pointer": pointer, "message": message} for pointer, message in self.warnings]
        return content


def check(document: bytes | str, *, tools: Mapping[str, Any] | None = None) -> Checked:
    """Checks a document as `add_policy` would.

    Args:
        document: JSON where it begins with `{`, else YAML (`gatepost.control.yamltext` says what of it).
        tools: a server's tools by name, as it listed them, which the warnings then take into account.

    Raises `PolicyRefused` with every mistake.
    """
    raw = document.encode("utf-8", "surrogatepass") if isinstance(document, str) else document
    if len(raw) > MAX_BYTES:
        raise PolicyRefused([("", f"found {len(raw):,} bytes, expected at most {MAX_BYTES:,}")])
    try:
        if not raw.lstrip(b" \t\r\n").startswith(b"{"):
            raw = to_json(raw, repeated_keys=True)  # told with their pointers, and with all other mistakes
        policy = compile_policy(raw)
        values = strictjson.parse(raw)
    except PolicyError as error:
        raise PolicyRefused(error.errors) from None
    except (YamlError, strictjson.StrictJSONError) as error:
        raise PolicyRefused([("", str(error))]) from None
    warnings = tuple((warning.pointer, warning.message) for warning in lint(policy.document, tools))
    return Checked(policy.version, strictjson.write(values).decode(), warnings)


def check_file(file: Path, *, tools: Mapping[str, Any] | None = None) -> Checked:
    """As `check`, of a file. Raises `GatepostError` GP-2001, which names the file, and `OSError`."""
    try:
        return check(file.read_bytes(), tools=tools)
    except PolicyRefused as refused:
        raise GatepostError(refused.code, f"{file}: {refused.message}", refused.hint) from None


def add_policy(
    store: Store,
    actor: Actor,
    name: str,
    document: bytes | str,
    server: str | None = None,
    *,
    expected_version: str | None = None,
) -> Done[Policy]:
    """Adds a policy, or a new version of it that is in force at once for every grant it is attached to.

    A document with a mistake changes nothing: the version in force stays. One that is in force already changes nothing
    either. Versions are never changed nor deleted.

    Args:
        name: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.
        document: as for `check`.
        server: the server it is for: only grants on that one may use it. None leaves it as it is, for a new policy:
            grants on any server may use it.
        expected_version: the version that the caller saw in force; where it is another, nothing is changed (GP-4004).

    Raises `PolicyRefused`, or `GatepostError` GP-4001 (name), GP-4002 (it is registered for another server), GP-4003
    (no such server) or GP-4004.
    """
    names.check_policy(name)
    with store.database.read() as connection:
        registered = rows.find(connection, name)
        meant = server if server is not None or registered is None else registered.server
        tools = None if meant is None else _listed(connection, meant)
    checked = check(document, tools=tools)
    with Act(store, actor) as act:
        before = rows.find(act.connection, name)
        if server is not None and server_rows.find(act.connection, server) is None:
            raise no_such_server(act.connection, server)
        _check_expected(name, None if before is None else before.version, expected_version)
        if before is None:
            rows.add(act.connection, name, server, checked.version, act.now)
        else:
            server = _registered_for(act.connection, name, before.server, server)
        if rows.version(act.connection, name, checked.version) is None:
            rows.add_version(act.connection, name, checked.version, checked.text, act.now)
        if before is None or (before.version, before.server) != (checked.version, server):
            rows.point(act.connection, name, server, checked.version, act.now)
            _publish(act, name, checked, None if before is None else before.version)
            act.record(
                "policy.add",
                f"policy:{name}",
                before=None if before is None else {"version": before.version, "server": before.server},
                after={"version": checked.version, "server": server},
            )
        added = _policy(act.connection, name, None, checked.warnings)
    return act.done(added)


def list_policies(store: Store) -> list[Policy]:
    """Every policy in the version in force, by name."""
    with store.database.read() as connection:
        return [_policy(connection, row.name, None) for row in rows.all_rows(connection)]


def show_policy(store: Store, name: str, version: str | None = None) -> Policy:
    """A policy in the version in force, or in another.

    Args:
        version: the whole `sha256:…`, or its first characters (with or without `sha256:`) where they fit only one.

    Raises `GatepostError` GP-2002.
    """
    with store.database.read() as connection:
        return _policy(connection, name, version)


def no_such_policy(connection: Connection, name: str) -> GatepostError:
    """GP-2002, with the nearest name there is."""
    known = [row.name for row in rows.all_rows(connection)]
    return GatepostError(
        "GP-2002", f"There is no policy {name!r}.", nearest(name, known) or "Add it with `gatepost policy add`."
    )


def _listed(connection: Connection, server: str) -> dict[str, Any] | None:
    """The server's tools as it listed them, or None where none are known."""
    return {row.name: strictjson.parse(row.tool.encode()) for row in server_rows.tools(connection, server)} or None


def _check_expected(name: str, present: str | None, expected: str | None) -> None:
    if expected is not None and present != expected:
        raise GatepostError(
            "GP-4004",
            f"The policy {name} was changed in the meantime: it is at {present or 'no version'}, not at {expected}.",
            "Look at it again and repeat the change on what it is now.",
        )


def _registered_for(connection: Connection, name: str, present: str | None, wanted: str | None) -> str | None:
    """The server that a known policy is for from now on; moving it would change another server's rules."""
    if wanted is None or wanted == present:
        return present
    if present is not None and server_rows.find(connection, present) is None:
        return wanted
    raise GatepostError(
        "GP-4002",
        f"The policy {name} is registered for {'any server' if present is None else f'the server {present}'}.",
        "Choose another name for this one.",
    )


def _publish(act: Act, name: str, checked: Checked, before: str | None) -> None:
    act.publish(*bodies.policy(name, checked.version, checked.text))
    if before is None or before == checked.version:
        return
    act.publish_all(bodies.tokens(act.connection, "policy", name))
    if not rows.in_force(act.connection, before):
        act.publish("policy", before, None)


def _policy(
    connection: Connection, name: str, wanted: str | None, warnings: tuple[tuple[str, str], ...] = ()
) -> Policy:
    head = rows.find(connection, name)
    if head is None:
        raise no_such_policy(connection, name)
    versions = rows.versions(connection, name)
    shown = rows.version(connection, name, head.version if wanted is None else _matching(name, versions, wanted))
    assert shown is not None
    return Policy(
        name=name,
        server=head.server,
        version=shown.version,
        current=shown.version == head.version,
        text=shown.document,
        created_at=shown.created_at,
        versions=versions,
        warnings=warnings,
    )


def _matching(name: str, versions: tuple[str, ...], wanted: str) -> str:
    start = "sha256:" + wanted.removeprefix("sha256:")
    found = [version for version in versions if version.startswith(start)]
    if len(found) != 1:
        raise GatepostError(
            "GP-2002",
            f"The policy {name} has {'no' if not found else 'more than one'} version {wanted!r}.",
            "See its versions with `gatepost policy show`.",
        )
    return found[0]
