"""A small MCP server with three of the published Trakt tools, on sample data: `python -m gatepost.demo.trakt_server`.

It speaks stdio, keeps everything in memory and touches neither a file nor the network.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.types import ToolAnnotations
from pydantic import Field

from gatepost.demo.library import FILMS

PLAYED = 80.0
"""From this percentage on, a film counts as watched rather than as paused."""

server = MCPServer("trakt-demo", title="Trakt (sample data)", version="1.0.0", log_level="ERROR")
_titles = {film.key: film.title for film in FILMS}
_progress: dict[str, float] = {"109": 42.0, "104": 12.5}
_calls = itertools.count(1)


@server.tool(annotations=ToolAnnotations(title="Trakt Authenticate", read_only_hint=False, destructive_hint=False))
def trakt_authenticate(
    state: Annotated[str, Field(description="Returned unchanged after the sign-in.", max_length=200)] = "default",
) -> dict[str, Any]:
    """Begin a sign-in: say which address to open. Nobody is signed in by the demo."""
    return {"open": "https://trakt.tv/activate", "state": state, "note": "Sample data: this signs nobody in."}


@server.tool(annotations=ToolAnnotations(title="Trakt Start Scrobbling", read_only_hint=False, destructive_hint=False))
def trakt_start_scrobbling(
    ratingKey: Annotated[str, Field(description="The item's key, digits only.", pattern=r"^[0-9]+$")],  # noqa: N803
    title: Annotated[str, Field(description="The item's title.")],
    type: Annotated[Literal["movie", "episode"], Field(description="What kind of item it is.")],
    progress: Annotated[float, Field(description="How much of it was seen, in percent.", ge=0, le=100)],
    duration: Annotated[int | None, Field(description="Its length in milliseconds.", ge=0)] = None,
) -> dict[str, Any]:
    """Tell Trakt what is playing and how far."""
    if progress >= PLAYED:
        _progress.pop(ratingKey, None)
    else:
        _progress[ratingKey] = progress
        _titles[ratingKey] = title
    seen = {"progress": progress} if duration is None else {"progress": progress, "duration": duration}
    action = "scrobble" if progress >= PLAYED else "start"
    return {"action": action, "type": type, "title": title, **seen, "call": next(_calls)}


@server.tool(annotations=ToolAnnotations(title="Fetch Playback Progress", read_only_hint=True, destructive_hint=False))
def fetch_playback_progress(
    playback_type: Annotated[
        Literal["movies", "episodes"] | None, Field(description="Only films or only episodes.")
    ] = None,
) -> dict[str, Any]:
    """List what was paused, with its percentage."""
    if playback_type == "episodes":
        return {"paused": []}
    paused = [{"ratingKey": key, "title": _titles[key], "progress": seen} for key, seen in sorted(_progress.items())]
    return {"paused": paused}


if __name__ == "__main__":
    server.run("stdio")
