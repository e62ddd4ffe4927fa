"""Keeping the arguments of a server's calls, encrypted and for a while (`gatepost.kept` holds them)."""

from __future__ import annotations

import time

from gatepost import kept
from gatepost.control import bodies
from gatepost.control.act import Act, Actor, Done
from gatepost.control.durations import parse_duration
from gatepost.control.store import Store
from gatepost.control.tools import no_such_server
from gatepost.errors import GatepostError
from gatepost.storage import servers, settings

_SHORTEST = 60
_LONGEST = 400 * 86400
_SEALED = "sealed:"


def parse_keeping(text: str) -> int | None:
    """`sealed:7d` in seconds, `off` as None. Raises `GatepostError` GP-4005."""
    if text == "off":
        return None
    if text.startswith(_SEALED):
        seconds = parse_duration(text.removeprefix(_SEALED))
        if _SHORTEST <= seconds <= _LONGEST:
            return seconds
    raise GatepostError("GP-4005", f"{text!r} is no way to keep arguments.", "Write sealed:7d (1m to 400d), or off.")


def set_keeping(store: Store, actor: Actor, server: str, seconds: int | None) -> Done[int | None]:
    """Says for how many seconds a server's arguments are kept; None: not at all, and what was kept is deleted.

    Less than before holds for what is kept already. Raises `GatepostError` GP-4003 (server) or GP-5003 (the files).
    """
    with Act(store, actor) as act:
        if servers.find(act.connection, server) is None:
            raise no_such_server(act.connection, server)
        before = settings.kept_seconds(act.connection, server)
        if before != seconds:
            settings.keep_seconds(act.connection, server, seconds)
            act.publish(*bodies.server(act.connection, server))
            act.record(
                "server.keep-arguments",
                f"server:{server}",
                before={"seconds": before},
                after={"seconds": seconds},
            )
    expire_kept(store)  # a running data plane has the change already
    return act.done(seconds)


def keeps(store: Store) -> dict[str, int | None]:
    """For how many seconds each server's arguments are kept, None where they are not."""
    with store.database.read() as connection:
        return {row.name: settings.kept_seconds(connection, row.name) for row in servers.all_rows(connection)}


def kept_arguments(store: Store) -> kept.KeptArguments:
    """The arguments that are kept now."""
    return kept.KeptArguments(store.folder.root / kept.FOLDER, store.keyring, keeps(store))


def expire_kept(store: Store) -> int:
    """Deletes the files of arguments whose time has come, and those of servers that keep none; returns how many.

    Raises `GatepostError` GP-5003 where one cannot be deleted.
    """
    try:
        return kept.expire(store.folder.root / kept.FOLDER, time.time(), keeps(store))
    except OSError as error:
        raise GatepostError(
            "GP-5003", f"Arguments that were kept cannot be deleted: {error}.", "Delete the file yourself."
        ) from None
