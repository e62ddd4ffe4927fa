"""A registered server's tools, classified."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gatepost.cli.command import Place

if TYPE_CHECKING:
    from gatepost.catalogue.findings import Finding
    from gatepost.catalogue.listed import ListedTool
    from gatepost.control.store import Store


def tools_of(place: Place, server: str) -> tuple[ListedTool, ...]:
    """The tools of a server as the last scan found them. Raises `GatepostError` GP-4003."""
    from gatepost.catalogue.listed import read_tools
    from gatepost.cli.session import opened
    from gatepost.control.tools import list_tools

    with opened(place) as store:
        known = list_tools(store, server)
    return read_tools([one.tool for one in known], {one.name: one.category for one in known})


def all_tools(place: Place, names: tuple[str, ...]) -> dict[str, tuple[ListedTool, ...]]:
    """The tools of every registered server, or of those named. Raises `GatepostError` GP-4003."""
    from gatepost.catalogue.listed import read_tools
    from gatepost.cli.session import opened
    from gatepost.control.servers import list_servers
    from gatepost.control.tools import list_tools

    with opened(place) as store:
        chosen = names or tuple(server.name for server in list_servers(store))
        known = {name: list_tools(store, name) for name in chosen}
    return {
        name: read_tools([one.tool for one in listed], {one.name: one.category for one in listed})
        for name, listed in known.items()
    }


def findings_in(store: Store, server: str) -> tuple[Finding, ...]:
    """What in a server's definitions is to be looked at first. Raises `GatepostError` GP-4003."""
    from gatepost.catalogue.findings import findings
    from gatepost.control.tools import list_tools, tool_names

    return findings([one.tool for one in list_tools(store, server)], others=tool_names(store, but=server))


def all_findings(place: Place, servers: Iterable[str]) -> dict[str, tuple[Finding, ...]]:
    """`findings_in` for each of these servers."""
    from gatepost.cli.session import opened

    with opened(place) as store:
        return {server: findings_in(store, server) for server in servers}
