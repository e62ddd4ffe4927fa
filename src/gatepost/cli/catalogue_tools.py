"""What is known of a server, wherever it is known from: registered here, imported into the index, or shipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatepost.cli.command import Place

if TYPE_CHECKING:
    from gatepost.catalogue.findings import Finding
    from gatepost.catalogue.listed import ListedTool
    from gatepost.control.store import Store


@dataclass(frozen=True, slots=True)
class Known:
    """A server's tools, and where they are known from.

    Attributes:
        tools: its tools, classified.
        findings: what in its definitions is to be looked at first.
        source: `registered`, `imported` or `shipped`.
        facts: what stands at the head of its page, as (label, value); nothing for one that is registered.
    """

    tools: tuple[ListedTool, ...]
    findings: tuple[Finding, ...]
    source: str = "registered"
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def note(self) -> str:
        """A sentence that says that this is not a server of one's own; empty for one that is."""
        if self.source == "registered":
            return ""
        where = "the index that comes with Gatepost" if self.source == "shipped" else "what was imported"
        return f"It is not registered here; this is from {where}."


def known(place: Place, server: str) -> Known:
    """What is known of a server: as registered, else as imported, else as shipped.

    Raises `GatepostError` GP-4003 where it is none of them, GP-5003 where there is nothing registered at all.
    """
    from gatepost.catalogue.shipped import shipped
    from gatepost.cli.session import opened
    from gatepost.control.suggest import nearest
    from gatepost.errors import GatepostError

    if not _has_store(place):
        found = _imported(place, server) or _shipped(server)
        if found is not None:
            return found
    try:
        with opened(place) as store:
            return _registered(store, server)
    except GatepostError as error:
        found = (_imported(place, server) or _shipped(server)) if error.code == "GP-4003" else None
        if found is not None:
            return found
        hint = nearest(server, list(shipped())) or error.hint
        raise GatepostError(error.code, error.message, hint) from None


def known_as(place: Place, what: str) -> tuple[str, str, Known]:
    """(server, tool or empty, what is known) for `SERVER[/TOOL]`; a server's own name may hold slashes.

    Raises `GatepostError` as `known`, for the part before the first slash.
    """
    from gatepost.errors import GatepostError

    first, _, rest = what.partition("/")
    try:
        return first, rest, known(place, first)
    except GatepostError:
        whole = [(what, "")] if rest else []
        later = [at for at, letter in enumerate(what) if letter == "/"][1:]
        for server, tool in [*whole, *((what[:at], what[at + 1 :]) for at in later)]:
            try:
                return server, tool, known(place, server)
            except GatepostError:
                continue
        raise


def all_known(place: Place, names: Sequence[str], *, registered_only: bool = False) -> dict[str, Known]:
    """Those named, or every registered server and, unless `registered_only`, every shipped one; by name.

    Raises `GatepostError` GP-4003, GP-5003.
    """
    from gatepost.catalogue.shipped import shipped
    from gatepost.cli.session import opened
    from gatepost.control.servers import list_servers

    if names:
        return {name: known(place, name) for name in names}
    found: dict[str, Known] = {}
    if not registered_only:
        found = {name: one for name in shipped() if (one := _shipped(name)) is not None}
    if registered_only or _has_store(place):
        with opened(place) as store:
            found |= {server.name: _registered(store, server.name) for server in list_servers(store)}
    return found


def _has_store(place: Place) -> bool:
    return place.folder(create=False).store.exists()


def _registered(store: Store, server: str) -> Known:
    from gatepost.catalogue.listed import read_tools
    from gatepost.control.tools import list_tools

    listed = list_tools(store, server)
    tools = read_tools([one.tool for one in listed], {one.name: one.category for one in listed})
    return Known(tools, findings_in(store, server))


def _imported(place: Place, server: str) -> Known | None:
    """As imported into the index of the data folder; None where that knows no tools of it, or has it as shipped."""
    import json

    from gatepost.catalogue.findings import findings
    from gatepost.catalogue.index import Index
    from gatepost.catalogue.listed import read_tools
    from gatepost.catalogue.shipped import SOURCE

    path = place.folder(create=False).root / "catalogue.db"
    if not path.exists():
        return None
    with Index.open(path) as index:
        entry = index.server(server)
    if entry is None or entry.source == SOURCE or not entry.tools:
        return None
    definitions: list[Any] = [json.loads(tool.definition) for tool in entry.tools]
    told = (
        ("is", entry.description),
        ("version", entry.version),
        ("from", entry.source),
        ("changed", entry.updated_at),
    )
    facts = tuple((label, value) for label, value in told if value)
    return Known(
        read_tools(definitions, {tool.name: tool.category for tool in entry.tools}),
        findings(definitions),
        "imported",
        facts,
    )


def _shipped(server: str) -> Known | None:
    from gatepost.catalogue.shipped import shipped

    one = shipped().get(server)
    return None if one is None else Known(one.tools, one.findings, "shipped", tuple(one.facts()))


def findings_in(store: Store, server: str) -> tuple[Finding, ...]:
    """What in a server's definitions is to be looked at first. Raises `GatepostError` GP-4003."""
    from gatepost.catalogue.findings import findings
    from gatepost.control.tools import list_tools, tool_names

    return findings([one.tool for one in list_tools(store, server)], others=tool_names(store, but=server))
