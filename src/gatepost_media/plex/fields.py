"""What of an item can be edited: the arguments of update_metadata, and what Plex calls them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Simple:
    """A field with one value: the attribute that Plex shows it in, and the name it is edited by."""

    read: str
    write: str


@dataclass(frozen=True, slots=True)
class Family:
    """A family of tags: the list that Plex shows it in, and the name it is edited by."""

    element: str
    tag: str


SIMPLE = {
    "title": Simple("title", "title"),
    "sortTitle": Simple("titleSort", "titleSort"),
    "originalTitle": Simple("originalTitle", "originalTitle"),
    "summary": Simple("summary", "summary"),
    "year": Simple("year", "year"),
    "contentRating": Simple("contentRating", "contentRating"),
    "rating": Simple("rating", "rating"),
    "tagline": Simple("tagline", "tagline"),
    "studio": Simple("studio", "studio"),
}
FAMILIES = {
    "genres": Family("Genre", "genre"),
    "collections": Family("Collection", "collection"),
    "roles": Family("Role", "actor"),
    "directors": Family("Director", "director"),
}
_WITHOUT_PEOPLE = ("genres", "collections")


def families_of(kind: str) -> tuple[str, ...]:
    """The tag families that an item of a type has."""
    if kind == "movie":
        return ("genres", "collections", "roles", "directors")
    if kind == "episode":
        return ("roles", "directors")
    if kind == "show":
        return ("genres", "collections", "roles")
    return _WITHOUT_PEOPLE if kind in ("artist", "album", "track", "season", "photo", "clip") else ()
