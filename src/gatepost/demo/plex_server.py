"""A small MCP server with three of the published Plex tools, on sample data: `python -m gatepost.demo.plex_server`.

It speaks stdio, keeps everything in memory and touches neither a file nor the network.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from gatepost.demo.library import FILMS, LIBRARY_KEY, LIBRARY_TITLE

server = MCPServer("plex-demo", title="Plex (sample data)", version="1.0.0", log_level="ERROR")
_pins = itertools.count(1)


@server.tool(annotations=ToolAnnotations(title="Get Libraries", read_only_hint=True, destructive_hint=False))
def get_libraries() -> dict[str, Any]:
    """List the libraries with key, title, type and number of items."""
    return {
        "libraries": [{"key": LIBRARY_KEY, "title": LIBRARY_TITLE, "type": "movie", "count": len(FILMS)}],
    }


@server.tool(annotations=ToolAnnotations(title="Export Library", read_only_hint=False, destructive_hint=False))
def export_library(
    libraryKey: Annotated[str, Field(description="The library's key, digits only.", pattern=r"^[0-9]+$")],  # noqa: N803
    type: Annotated[Literal["movie", "show"], Field(description="Export only this type.")] = "movie",
    pageSize: Annotated[int, Field(description="Rows per page.", ge=1, le=1000)] = 500,  # noqa: N803
) -> dict[str, Any]:
    """Read a whole library page by page and return every item."""
    if libraryKey != LIBRARY_KEY:
        raise ToolError(f"There is no library {libraryKey}; get_libraries lists them.")
    items = [
        {"ratingKey": film.key, "title": film.title, "year": film.year, "minutes": film.minutes}
        for film in FILMS
        if type == "movie"
    ]
    return {"library": LIBRARY_TITLE, "pages": max(1, -(-len(items) // pageSize)), "count": len(items), "items": items}


@server.tool(annotations=ToolAnnotations(title="Authenticate with Plex", read_only_hint=True, destructive_hint=False))
def authenticate_plex() -> dict[str, Any]:
    """Begin a sign-in: make a PIN and say where to enter it. Nobody is signed in by the demo."""
    number = next(_pins)
    return {"pin": f"DEMO{number:04d}", "open": "https://plex.tv/link", "note": "Sample data: this PIN opens nothing."}


if __name__ == "__main__":
    server.run("stdio")
