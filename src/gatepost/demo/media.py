"""What the demo governs: the bundled media servers, in front of a sandbox that stands in for Plex and Trakt.

Both are programs of their own (`gatepost-media`), started as anybody would start them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from gatepost.errors import GatepostError

FILM = "1004"
"""The rating key of the film that plays: A Trip to the Moon, fourteen minutes long."""
_SPEED = 240
_STARTS_WITHIN = 60.0
_SIGN_IN_TRIES = 12


class Media:
    """The running sandbox, and how the media servers are started in front of it.

    Attributes:
        folder: where they are started; exports are written below it.
        environment: what points them at the sandbox.
    """

    def __init__(self, folder: Path, said: Mapping[str, Any]) -> None:
        self.folder = folder
        self._controls: str = said["addresses"]["admin"]
        self.environment: dict[str, str] = {
            **said["environment"],
            "GATEPOST_MEDIA_HOME": str(folder / "home"),
        }

    def command(self, server: str) -> tuple[str, ...]:
        """The program of the Plex or the Trakt server, with everything that it can do."""
        return _program(server, "--write")

    async def sign_in(self) -> bool:
        """Sign in to the sandbox's Trakt, which allows it at once; both servers find the sign-in in their folder."""
        command, *arguments = self.command("trakt")
        env = {**self.environment, "PATH": os.environ.get("PATH", os.defpath)}
        program = StdioServerParameters(command=command, args=arguments, env=env, cwd=self.folder)
        async with Client(stdio_client(program)) as client:
            await client.call_tool("start_device_auth", {})
            for _ in range(_SIGN_IN_TRIES):
                found = (await client.call_tool("check_auth_status", {})).structured_content or {}
                if found.get("signed_in"):
                    return True
                await asyncio.sleep(float(found.get("wait", 1)))
        return False

    async def play(self) -> None:
        """Somebody plays a film, so fast that it is over in seconds."""
        async with httpx2.AsyncClient() as http:
            answer = await http.post(f"{self._controls}/play", json={"ratingKey": FILM, "speed": _SPEED})
            answer.raise_for_status()


@asynccontextmanager
async def sandbox() -> AsyncIterator[Media]:
    """A sandbox that ends with the block. Raises GatepostError GP-3005 where it does not start."""
    with tempfile.TemporaryDirectory(prefix="gatepost-demo-media-") as name:
        folder = Path(name)
        command = _program("sandbox", "--profile", "demo", "--no-limits", "--json")
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the demo, which ends it when the servers have ended
        )
        try:
            assert process.stdout is not None
            try:
                said = json.loads(await asyncio.wait_for(process.stdout.readline(), _STARTS_WITHIN))
            except (ValueError, TimeoutError):
                why = "The sandbox that stands in for Plex and Trakt did not start."
                raise GatepostError("GP-3005", why, "gatepost-media sandbox says why.") from None
            yield Media(folder, said)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _program(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", "gatepost_media", *arguments)
