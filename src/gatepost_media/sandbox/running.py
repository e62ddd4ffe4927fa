"""The sandbox as a program: start it, say where everything is, run until it is interrupted."""

from __future__ import annotations

import asyncio
import gc
import json
import shlex
import signal
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from gatepost_media.sandbox.box import Sandbox
from gatepost_media.sandbox.sample.loading import Profile

_NAMES = {
    "plex": "Plex Media Server",
    "plex_tv": "plex.tv",
    "discover": "Plex discover",
    "trakt": "Trakt API",
    "trakt_auth": "Trakt sign-in",
    "sonarr": "Sonarr",
    "radarr": "Radarr",
    "admin": "Controls",
}


def described(box: Sandbox, home: Path, *, as_json: bool) -> str:
    """Addresses, and the environment that points programs at them, for a person or for a program. What is signed in
    here is kept in `home`, apart from a person's own sign-ins."""
    environment = box.environment(home)
    if as_json:
        return json.dumps({"addresses": box.addresses, "environment": environment})
    lines = [f"{_NAMES[service]:<18} {address}" for service, address in box.addresses.items()]
    exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    return "\n".join(
        [*lines, "", "Paste this where the media servers are to be started:", "", *exports, "", "Ctrl-C ends it."]
    )


async def run(
    profile: Profile,
    *,
    approve: bool,
    limits: bool,
    first_port: int | None,
    plays: Sequence[tuple[str, float]],
    as_json: bool,
    say: Callable[[str], None],
) -> None:
    """Run until SIGINT or SIGTERM. `plays` are rating keys and speeds that begin at once; KeyError for no title."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    box = Sandbox(profile, approve=approve, limits=limits, device_interval=5, first_port=first_port)
    gc.collect()
    gc.freeze()  # the library stays; walking a quarter of a million titles would delay answers
    with tempfile.TemporaryDirectory(prefix="gatepost-sandbox-") as home:
        async with box:
            for key, speed in plays:
                box.play(key, speed)
            say(described(box, Path(home), as_json=as_json))
            await end.wait()
