"""A Plex server in front of the sandbox, signed in to its Trakt, and a real client of the SDK in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client

from gatepost_media.common.serve import build
from gatepost_media.common.settings import Settings
from gatepost_media.plex.server import toolset
from gatepost_media.sandbox import Sandbox
from tests.media.trakt.support import ask, refused, sign_in, text_of

__all__ = ["ask", "connect", "plays", "refused", "server", "sign_in", "status_when", "text_of", "told", "until"]


def connect(box: Sandbox, home: Path, *, write: bool = True, **environment: str) -> Client:
    """A client of a new Plex server on that home folder."""
    given = {**box.environment(), "GATEPOST_MEDIA_HOME": str(home), **environment}
    return Client(build(toolset(), Settings.from_environment(given), write=write))


@asynccontextmanager
async def server(home: Path, **environment: str) -> AsyncIterator[tuple[Sandbox, Client]]:
    """A sandbox, and a client of a server that is signed in to it."""
    async with Sandbox() as box:
        sign_in(box, home)
        async with connect(box, home, **environment) as client:
            yield box, client


LOOKS = 3_000
"""So often a condition is looked at before a test gives up, 20 ms apart.

Counted and not timed: where the machine stands still for half a minute (a busy host, a closed laptop), a deadline has
passed when it goes on, before anything that the test waits for had its turn. A look then is one look.
"""


async def until(condition: Callable[[], object], looks: int = LOOKS) -> None:
    """Returns when the condition holds. Fails after so many looks."""
    for _ in range(looks):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError("what the test waits for has not happened")


async def status_when(client: Client, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The scrobbler's status, once it is so."""
    for _ in range(LOOKS):
        if holds(status := await ask(client, "trakt_get_scrobble_status")):
            return status
        await asyncio.sleep(0.02)
    raise TimeoutError(f"the status stays {status}")


def told(box: Sandbox) -> list[tuple[str, float]]:
    """The scrobbles that Trakt has answered with success so far: action and per cent."""
    found = []
    for seen in box.requests:
        if seen.service == "trakt" and seen.path.startswith("/scrobble/") and 200 <= seen.status < 300:
            body = seen.json()
            assert isinstance(body, dict)
            found.append((seen.path.rpartition("/")[2], body["progress"]))
    return found


def plays(box: Sandbox, action: str = "scrobble") -> list[int]:
    """The rating keys of the plays of that kind in Trakt's history, oldest first."""
    return [watch.work.key for watch in reversed(box.trakt.history()) if watch.action == action]
