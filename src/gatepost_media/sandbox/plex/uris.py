"""What a source URI names: titles by key, or the answer to a query."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

from gatepost_media.sandbox.plex.query import TYPES, select
from gatepost_media.sandbox.plex.state import LIBRARY, MACHINE, Plex
from gatepost_media.sandbox.works import Work, is_number


class BadUri(ValueError):
    """A URI that names nothing here."""


def path_of(uri: str) -> str:
    """The library's path in a URI (`server://…`, `library://…`), or the path that it is."""
    scheme, _, rest = uri.partition("://")
    if not rest:
        return uri
    if scheme == "server":
        machine, _, after = rest.partition("/")
        provider, _, path = after.partition("/")
        if machine != MACHINE or provider != LIBRARY:
            raise BadUri(uri)
        return f"/{path}"
    if scheme == "library":
        return unquote(rest.split("/", 2)[-1])
    raise BadUri(uri)


def works_of(plex: Plex, path: str) -> list[Work]:
    """The titles at a path: `/library/metadata/1,2`, in a collection, or `/library/sections/1/all?…`.

    Raises BadUri for another path.
    """
    parts = urlsplit(path)
    bits = parts.path.strip("/").split("/")
    if bits[:2] == ["library", "metadata"] and len(bits) >= 3:
        found = [plex.work(key) for key in unquote(bits[2]).split(",")]
        if any(work is None for work in found):
            raise BadUri(path)
        return [work for work in found if work is not None]
    if bits[:2] == ["library", "collections"] and len(bits) >= 3:
        collection = plex.collections.get(int(bits[2])) if is_number(bits[2]) else None
        if collection is None or collection.smart:
            raise BadUri(path)
        return [work for work in collection.works if work.key not in plex.gone]
    if bits[:2] == ["library", "sections"] and len(bits) == 4 and bits[3] == "all":
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        section = plex.section(bits[2])
        if section is None:
            raise BadUri(path)
        kind = TYPES.get(dict(pairs).get("type", "")) or section.kind
        return [work for work in select(plex, pairs, kind) if work.section == section.key]
    raise BadUri(path)
