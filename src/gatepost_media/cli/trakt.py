"""`gatepost-media trakt`: the Trakt server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gatepost_media.cli.command import Command, serve, serving_options

if TYPE_CHECKING:
    from gatepost_media.common.tools import Toolset


@click.command(
    "trakt",
    cls=Command,
    examples="""
    gatepost-media trakt                           # stdio, reading only
    gatepost-media trakt --write                   # check-in, ratings, watchlist, history and lists as well
    gatepost-media trakt --profile discover        # fewer tools: nothing of the account
    gatepost-media trakt --http                    # streamable HTTP on port 7081 of loopback, with a bearer token
    """,
)
@serving_options(port=7081)
def trakt(**options: Any) -> None:
    """Serve Trakt's charts, titles and people, and one account's history, ratings and lists, over MCP.

    Reads TRAKT_CLIENT_ID and TRAKT_CLIENT_SECRET: make an application at https://app.trakt.tv/settings/apps. Signing in
    is done by the tools start_device_auth and check_auth_status; the tokens are kept in GATEPOST_MEDIA_HOME.
    """
    serve(_load, **options)


def _load() -> Toolset:
    from gatepost_media.trakt.server import toolset

    return toolset()
