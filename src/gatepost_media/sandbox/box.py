"""The sandbox: every stand-in on a port of its own, in one process, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from starlette.types import ASGIApp

from gatepost_media.sandbox import admin
from gatepost_media.sandbox.arr import radarr, sonarr
from gatepost_media.sandbox.clock import Clock
from gatepost_media.sandbox.front import Fault, Front, Seen
from gatepost_media.sandbox.plex.account import plex_tv
from gatepost_media.sandbox.plex.cloud import Cloud
from gatepost_media.sandbox.plex.discover import discover
from gatepost_media.sandbox.plex.notify import Listeners
from gatepost_media.sandbox.plex.playback import Playback
from gatepost_media.sandbox.plex.server import application
from gatepost_media.sandbox.plex.state import ACCOUNTS, DEVICES, Plex
from gatepost_media.sandbox.sample.loading import Profile, load
from gatepost_media.sandbox.seed import seed_cloud, seed_plex, seed_trakt
from gatepost_media.sandbox.serving import Server, listen
from gatepost_media.sandbox.trakt.api import api_host, auth_host
from gatepost_media.sandbox.trakt.auth import decide
from gatepost_media.sandbox.trakt.state import Trakt

R = TypeVar("R")

SERVICES = ("plex", "plex_tv", "discover", "trakt", "trakt_auth", "sonarr", "radarr", "admin")


class Sandbox:
    """Stand-ins for Plex, plex.tv, discover, Trakt, Sonarr and Radarr: `async with Sandbox("small") as box: …`.

    `profile` sizes the library (small, demo, large). `approve`: sign-ins are approved at once; else by `approve_pin`,
    `approve_device`, `deny_device`, or on the pages that the stand-ins show. `device_interval` is how many seconds
    Trakt wants between two polls. `limits`: Trakt takes one write a second, as in the world. `first_port`: the ports
    are this one and those after it; else free ones. From a thread without an event loop use `Sandbox.in_thread`.
    """

    def __init__(
        self,
        profile: Profile = "small",
        *,
        approve: bool = True,
        device_interval: int = 1,
        limits: bool = False,
        first_port: int | None = None,
    ) -> None:
        self.clock = Clock()
        self.works = load(profile, self.clock.second())
        self.plex = Plex(self.works, self.clock, secrets.token_urlsafe(15), Listeners(self.clock))
        self.trakt = Trakt(self.works, self.clock, approve=approve, interval=device_interval, limits=limits)
        self.sonarr = sonarr.sonarr(self.works, self.clock)
        self.radarr = radarr.radarr(self.works, self.clock)
        seed_plex(self.plex, profile)
        seed_trakt(self.trakt, profile)
        self._front = Front()
        self._approve, self._first_port = approve, first_port
        self._addresses: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        ports = [0 if self._first_port is None else self._first_port + position for position in range(len(SERVICES))]
        sockets = {service: listen(port) for service, port in zip(SERVICES, ports, strict=True)}
        for service, listener in sockets.items():
            self._addresses[service] = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.cloud = Cloud(self.plex, self.plex_url, self._approve)
        seed_cloud(self.cloud)
        apps: dict[str, ASGIApp] = {
            "plex": application(self.plex),
            "plex_tv": plex_tv(self.cloud),
            "discover": discover(self.cloud),
            "trakt": api_host(self.trakt),
            "trakt_auth": auth_host(self.trakt),
            "sonarr": sonarr.application(self.sonarr),
            "radarr": radarr.application(self.radarr),
            "admin": admin.application(self),
        }
        for service, listener in sockets.items():
            self._front.apps[listener.getsockname()[1]] = (service, apps[service])
        self._server = Server(self._front)
        self._serving = asyncio.create_task(self._server.serve(list(sockets.values())))
        await self._server.ready.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        self.plex.listeners.hang_up()
        self._server.end()
        await self._serving

    @classmethod
    @contextlib.contextmanager
    def in_thread(
        cls, profile: Profile = "small", *, approve: bool = True, device_interval: int = 1, limits: bool = False
    ) -> Iterator[Self]:
        """The same for programs without an event loop: the stand-ins run in a thread."""
        box = cls(profile, approve=approve, device_interval=device_interval, limits=limits)
        started: Future[asyncio.Event] = Future()

        async def run() -> None:
            end = asyncio.Event()
            async with box:
                started.set_result(end)
                await end.wait()

        def body() -> None:
            try:
                asyncio.run(run())
            except BaseException as error:
                if not started.done():
                    started.set_exception(error)
                raise

        thread = threading.Thread(target=body, name="sandbox", daemon=True)
        thread.start()
        end = started.result()
        try:
            yield box
        finally:
            assert box._loop is not None
            box._loop.call_soon_threadsafe(end.set)
            thread.join()

    def _in_loop(self, call: Callable[[], R]) -> R:
        """Do something where the stand-ins run, from whatever thread."""
        assert self._loop is not None, "the sandbox has not been started"
        with contextlib.suppress(RuntimeError):
            if asyncio.get_running_loop() is self._loop:
                return call()
        done: Future[R] = Future()

        def run() -> None:
            try:
                done.set_result(call())
            except BaseException as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return done.result()

    # Where everything is.

    @property
    def addresses(self) -> dict[str, str]:
        """The base address of every service by its name; "admin" is for the sandbox's own controls."""
        return dict(self._addresses)

    @property
    def services(self) -> tuple[str, ...]:
        """The services whose requests can be spoiled."""
        return tuple(service for service in SERVICES if service != "admin")

    @property
    def admin_url(self) -> str:
        """The controls."""
        return self._addresses["admin"]

    @property
    def faults(self) -> list[Fault]:
        """What is still to be spoiled."""
        return self._front.faults

    @property
    def plex_url(self) -> str:
        """The Plex server."""
        return self._addresses["plex"]

    @property
    def plex_token(self) -> str:
        """The owner's token, for the server, plex.tv and discover."""
        return self.plex.token

    @property
    def plex_tv_url(self) -> str:
        """plex.tv."""
        return self._addresses["plex_tv"]

    @property
    def discover_url(self) -> str:
        """discover.provider.plex.tv."""
        return self._addresses["discover"]

    @property
    def trakt_api_url(self) -> str:
        """api.trakt.tv."""
        return self._addresses["trakt"]

    @property
    def trakt_auth_url(self) -> str:
        """auth.trakt.tv."""
        return self._addresses["trakt_auth"]

    @property
    def trakt_client_id(self) -> str:
        """The id of the one program that Trakt knows."""
        return self.trakt.client_id

    @property
    def trakt_client_secret(self) -> str:
        """Its secret."""
        return self.trakt.client_secret

    @property
    def sonarr_url(self) -> str:
        """Sonarr."""
        return self._addresses["sonarr"]

    @property
    def sonarr_key(self) -> str:
        """Its API key."""
        return self.sonarr.key

    @property
    def radarr_url(self) -> str:
        """Radarr."""
        return self._addresses["radarr"]

    @property
    def radarr_key(self) -> str:
        """Its API key."""
        return self.radarr.key

    def environment(self, home: Path | None = None) -> dict[str, str]:
        """The settings that point the media servers at this sandbox. `home` is where they are to keep their sign-ins:
        without one they keep them where a person's own are."""
        kept = {} if home is None else {"GATEPOST_MEDIA_HOME": str(home)}
        return kept | {
            "PLEX_URL": self.plex_url,
            "PLEX_TOKEN": self.plex_token,
            "PLEX_TV_URL": self.plex_tv_url,
            "PLEX_DISCOVER_URL": self.discover_url,
            "TRAKT_API_URL": self.trakt_api_url,
            "TRAKT_AUTH_URL": self.trakt_auth_url,
            "TRAKT_CLIENT_ID": self.trakt_client_id,
            "TRAKT_CLIENT_SECRET": self.trakt_client_secret,
            "SONARR_URL": self.sonarr_url,
            "SONARR_API_KEY": self.sonarr_key,
            "RADARR_URL": self.radarr_url,
            "RADARR_API_KEY": self.radarr_key,
        }

    # What happened.

    @property
    def requests(self) -> list[Seen]:
        """Every request so far, the oldest first (at most the last 20,000)."""
        return list(self._front.seen)

    def forget_requests(self) -> None:
        """Begin the log anew."""
        self._front.seen.clear()

    # What is to happen.

    def play(
        self, rating_key: int | str, speed: float = 60.0, *, account: int = 1, device: int = 1, offset: int = 0
    ) -> Playback:
        """Somebody (account 1 is the owner) plays a title, `speed` times as fast as in the world, from `offset` in
        milliseconds. With speed 0 it moves only by `seek`, `seek_to` and the like. Raises KeyError for no title.
        From another thread use the methods of this sandbox (`pause`, `stop`…) on the playback."""

        def start() -> Playback:
            work = self.plex.work(rating_key)
            who = next((one for one in ACCOUNTS if one.id == account), None)
            what = next((one for one in DEVICES if one.id == device), None)
            if work is None or who is None or what is None:
                raise KeyError(rating_key)
            playback = Playback(self.plex, work, who, what, speed=speed, offset=offset)
            if speed > 0:
                task = asyncio.get_running_loop().create_task(playback.run())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            return playback

        return self._in_loop(start)

    def do(self, call: Callable[[], R]) -> R:
        """Do something to a playback or a state from another thread: `box.do(playback.pause)`."""
        return self._in_loop(call)

    def advance(self, seconds: float) -> None:
        """Let time pass for all stand-ins at once: tokens and codes age, films go on, check-ins end."""

        def pass_time() -> None:
            self.clock.advance(seconds)
            for playback in list(self.plex.sessions.values()):
                playback.tick()

        self._in_loop(pass_time)

    def fault(
        self, service: str, kind: str, times: int = 1, *, path: str = "", method: str = "", seconds: float = 1.0
    ) -> Fault:
        """Spoil the next `times` requests to a service (plex, plex_tv, discover, trakt, trakt_auth, sonarr, radarr).
        For `kind`, `path`, `method` and `seconds` see Fault."""
        fault = Fault(service, kind, times, path, method, seconds)
        self._front.faults.append(fault)
        return fault

    def drop_listeners(self) -> None:
        """Close every connection that listens for notifications, as a server does that restarts."""
        self._in_loop(self.plex.listeners.hang_up)

    def approve_pin(self, code: str) -> None:
        """Do what a person does on plex.tv with the code of a PIN."""
        self.cloud.approve_pin(code)

    def approve_device(self, user_code: str) -> None:
        """Do what a person does on Trakt with a device's user code."""
        decide(self.trakt, user_code, allow=True)

    def deny_device(self, user_code: str) -> None:
        """Say no to a device."""
        decide(self.trakt, user_code, allow=False)
