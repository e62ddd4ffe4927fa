"""What `gatepost-media doctor` looks at: each service that is configured, asked with what the servers would ask with.

Nothing is changed, except that a Trakt sign-in that ends soon is renewed, as any use of it would.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from gatepost_media.arr.client import Arr, Radarr, Sonarr
from gatepost_media.arr.tools import health
from gatepost_media.common.errors import MediaError, NotConfigured, NotSignedIn
from gatepost_media.common.files import private_folder
from gatepost_media.common.http import Http
from gatepost_media.common.process import Process
from gatepost_media.common.settings import Settings
from gatepost_media.plex import paths
from gatepost_media.plex.client import Plex
from gatepost_media.plex.raw import text
from gatepost_media.sync.follower import handshake
from gatepost_media.trakt.client import Trakt

Level = Literal["ok", "note", "problem"]
SERVICES = ("folder", "plex", "trakt", "sonarr", "radarr")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `mend` says what to do, empty where nothing has to be done."""

    service: str
    level: Level
    text: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        """For --json."""
        return {"service": self.service, "level": self.level, "text": self.text, "mend": self.mend}


async def examine(settings: Settings, skip: tuple[str, ...], seconds: float) -> AsyncIterator[Finding]:
    """Looks at every service that is not skipped, one after the other, `seconds` for each at most."""
    checks: dict[str, Callable[[Process], Awaitable[list[Finding]]]] = {
        "folder": _folder,
        "plex": _plex,
        "trakt": _trakt,
        "sonarr": lambda process: _arr(process.of(Sonarr)),
        "radarr": lambda process: _arr(process.of(Radarr)),
    }
    process = Process(settings, http=Http(tries=2))
    try:
        for name, check in checks.items():
            if name in skip:
                continue
            try:
                async with asyncio.timeout(seconds):
                    found = await check(process)
            except TimeoutError:
                found = [
                    Finding(
                        name,
                        "problem",
                        f"No answer in {seconds:g} seconds.",
                        "Look whether it is up and not busy; --timeout gives it longer.",
                    )
                ]
            for finding in found:
                yield finding
    finally:
        await process.aclose()


async def _folder(process: Process) -> list[Finding]:
    home = process.settings.home
    try:
        private_folder(home)
        probe = home / f".probe-{os.getpid()}"
        probe.touch(mode=0o600)
        probe.unlink()
        mode = stat.S_IMODE(home.stat().st_mode)
    except OSError as error:
        mend = "Give your user access to it, or set GATEPOST_MEDIA_HOME to another folder."
        return [Finding("folder", "problem", f"{home} cannot be used: {error.strerror or error}.", mend)]
    if mode & 0o077:
        text = f"Others on this machine can look into {home} (mode {mode:04o})."
        return [Finding("folder", "problem", text, f"chmod 700 {home}")]
    return [Finding("folder", "ok", f"Sign-ins are kept in {home}.")]


async def _plex(process: Process) -> list[Finding]:
    plex = process.of(Plex)
    if process.settings.plex_url is None:
        mend = "Set PLEX_URL to the address of your Plex Media Server, such as http://127.0.0.1:32400."
        return [
            Finding("plex", "note", "PLEX_URL is not set: the Plex tools answer that they are not configured.", mend)
        ]
    try:
        identity = await plex.container(paths.IDENTITY)
    except MediaError as error:
        return [Finding("plex", "problem", str(error), "See that the server runs and that PLEX_URL is its address.")]
    found = [Finding("plex", "ok", f"Plex Media Server {text(identity, 'version') or ''} answers at {plex.url}.")]
    if plex.token() is None:
        mend = "Set PLEX_TOKEN, or sign in: the tool authenticate_plex gives an address to open."
        return [*found, Finding("plex", "problem", "There is no token.", mend)]
    try:
        sections = await plex.sections()
    except NotSignedIn:
        mend = "Set another PLEX_TOKEN, or sign in again with authenticate_plex."
        return [*found, Finding("plex", "problem", "The server does not accept the token.", mend)]
    except MediaError as error:
        return [*found, Finding("plex", "problem", str(error))]
    kinds = ", ".join(f"{text(each, 'title')} ({text(each, 'type')})" for each in sections)
    if sections:
        found.append(Finding("plex", "ok", f"The token is accepted. Libraries: {kinds}."))
    else:
        mend = "Make one in Plex, or use the token of an account that a library is shared with."
        found.append(Finding("plex", "note", "The token is accepted, and no library can be seen with it.", mend))
    problem = await handshake(plex)
    if problem is None:
        found.append(Finding("plex", "ok", "Its notifications can be followed: scrobbling is told at once."))
    else:
        mend = "Scrobbling looks every few seconds instead. A proxy in between must let websockets through."
        found.append(Finding("plex", "note", problem, mend))
    return found


async def _trakt(process: Process) -> list[Finding]:
    trakt, settings = process.of(Trakt), process.settings
    if settings.trakt_client_id is None:
        mend = (
            "Make an application at https://app.trakt.tv/settings/apps (redirect URI urn:ietf:wg:oauth:2.0:oob), and "
            "set TRAKT_CLIENT_ID and TRAKT_CLIENT_SECRET."
        )
        return [Finding("trakt", "note", "TRAKT_CLIENT_ID is not set: Trakt's tools answer so.", mend)]
    try:
        await trakt.get(("movies", "trending"), {"limit": 1})
    except NotConfigured as error:
        return [Finding("trakt", "problem", str(error), "Copy the client id again from the application's page.")]
    except MediaError as error:
        return [Finding("trakt", "problem", str(error), f"See that {settings.trakt_api_url} can be reached from here.")]
    found = [Finding("trakt", "ok", f"Trakt accepts the application at {settings.trakt_api_url}.")]
    if settings.trakt_client_secret is None:
        text = "TRAKT_CLIENT_SECRET is not set: nobody can sign in, and no sign-in can be renewed."
        return [*found, Finding("trakt", "problem", text, "Copy the client secret from the application's page.")]
    tokens = trakt.sign_in.tokens()
    if tokens is None:
        mend = "Sign in with trakt_authenticate on the Plex server or start_device_auth on the Trakt server."
        return [*found, Finding("trakt", "note", "Nobody is signed in.", mend)]
    try:
        account = await trakt.account()
    except MediaError as error:
        return [*found, Finding("trakt", "problem", str(error), "Sign in again.")]
    tokens = trakt.sign_in.tokens() or tokens
    days = max(0.0, tokens.expires_at - time.time()) / 86_400
    return [
        *found,
        Finding("trakt", "ok", f"Signed in as {account}; the token lasts {days:.1f} days, and renews itself."),
    ]


async def _arr(arr: Arr) -> list[Finding]:
    name = arr.service.lower()
    found = await health(arr)
    if not found.configured:
        return [Finding(name, "note", f"{arr.service} is not configured.", found.problem or "")]
    if found.problem is not None:
        return [Finding(name, "problem", found.problem)]
    return [Finding(name, "ok", f"{arr.service} {found.version or ''} answers and accepts the key.")]
