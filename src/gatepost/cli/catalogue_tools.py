"""A registered server's tools, classified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.cli.command import Place

if TYPE_CHECKING:
    from gatepost.catalogue.listed import ListedTool


def tools_of(place: Place, server: str) -> tuple[ListedTool, ...]:
    """The tools of a server as the last scan found them. Raises `GatepostError` GP-4003."""
    from gatepost.catalogue.listed import read_tools
    from gatepost.cli.session import opened
    from gatepost.control.tools import list_tools

    with opened(place) as store:
        known = list_tools(store, server)
    return read_tools([one.tool for one in known], {one.name: one.category for one in known})
