"""`gatepost-media plex`: the Plex server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gatepost_media.cli.command import Command, serve, serving_options

if TYPE_CHECKING:
    from gatepost_media.common.tools import Toolset


@click.command(
    "plex",
    cls=Command,
    examples="""
    gatepost-media plex                            # stdio, reading only
    gatepost-media plex --write                    # tools that change something as well
    gatepost-media plex --profile plex-read        # fewer tools: nothing of Trakt, Sonarr, Radarr
    gatepost-media plex --http                     # streamable HTTP on port 7080 of loopback, with a bearer token
    """,
)
@serving_options(port=7080)
def plex(**options: Any) -> None:
    """Serve Plex, Sonarr, Radarr and Plex-to-Trakt tools over MCP.

    Reads PLEX_URL and PLEX_TOKEN (or the token of authenticate_plex), and for the other services TRAKT_CLIENT_ID,
    TRAKT_CLIENT_SECRET, SONARR_URL, SONARR_API_KEY, RADARR_URL, RADARR_API_KEY.
    """
    serve(_load, **options)


def _load() -> Toolset:
    from gatepost_media.plex.server import toolset

    return toolset()
