"""What can be asked of a library: fields, filters, orders and operators, as `includeMeta=1` lists them."""

from __future__ import annotations

from gatepost_media.sandbox.plex.answer import Row
from gatepost_media.sandbox.works import Section

_NUMBERS = {"movie": 1, "show": 2, "season": 3, "episode": 4, "artist": 8, "album": 9, "track": 10}
_KINDS = {"movie": ("movie",), "show": ("show", "season", "episode"), "artist": ("artist", "album", "track")}
_NAMES = {
    "movie": "Movies",
    "show": "TV Shows",
    "season": "Seasons",
    "episode": "Episodes",
    "artist": "Artists",
    "album": "Albums",
    "track": "Tracks",
}
_ORDERS = (
    ("titleSort", "Title", "asc"),
    ("year", "Year", "desc"),
    ("addedAt", "Date Added", "desc"),
    ("lastViewedAt", "Date Viewed", "desc"),
    ("originallyAvailableAt", "Release Date", "desc"),
    ("rating", "Critic Rating", "desc"),
    ("userRating", "Rating", "desc"),
    ("viewCount", "Plays", "desc"),
    ("duration", "Duration", "desc"),
    ("ratingCount", "Popularity", "desc"),
    ("random", "Randomly", "desc"),
)
_TAGS = ("genre", "director", "writer", "actor", "country", "collection", "mood", "style", "label")
_TEXTS = ("title", "studio", "contentRating", "resolution")
_INTEGERS = ("year", "decade", "viewCount", "ratingCount", "userRating", "rating", "audienceRating", "duration")
_DATES = ("addedAt", "lastViewedAt", "originallyAvailableAt", "lastRatedAt")
_FLAGS = ("unwatched", "inProgress")
_MORE_FLAGS = ("hdr", "duplicate", "unmatched", "trash")
_OF_ALBUMS = ("format", "subformat")
_OPERATORS = {
    "tag": (("=", "is"), ("!=", "is not")),
    "integer": (("=", "is"), ("!=", "is not"), (">>=", "is greater than"), ("<<=", "is less than")),
    "boolean": (("=", "is true"), ("!=", "is false")),
    "string": (
        ("=", "contains"),
        ("!=", "does not contain"),
        ("==", "is"),
        ("!==", "is not"),
        ("<=", "begins with"),
        (">=", "ends with"),
    ),
    "date": (("<<=", "is before"), (">>=", "is after")),
}


def meta_of(section: Section) -> Row:
    """The Meta of a section."""
    return {
        "Type": [type_of(section, kind) for kind in _KINDS[section.kind]],
        "FieldType": [
            {"type": name, "Operator": [{"key": key, "title": title} for key, title in operators]}
            for name, operators in _OPERATORS.items()
        ],
    }


def type_of(section: Section, kind: str) -> Row:
    """What can be asked of titles of a kind."""
    return {
        "key": f"/library/sections/{section.key}/all?type={_NUMBERS[kind]}",
        "type": kind,
        "title": _NAMES[kind],
        "active": kind == section.kind,
        "Filter": filters_of(section, kind),
        "Sort": orders_of(section),
        "Field": [
            {"key": f"{kind}.{name}" if section.kind != "movie" else name, "title": name, "type": type_name}
            for names, type_name in (
                (_TEXTS, "string"),
                (_TAGS, "tag"),
                (_OF_ALBUMS if kind == "album" else (), "tag"),
                (_INTEGERS, "integer"),
                (_DATES, "date"),
                ((*_FLAGS, *_MORE_FLAGS), "boolean"),
            )
            for name in names
        ],
    }


def filters_of(section: Section, kind: str = "") -> list[Row]:
    """Filters with a list of values each, and the flags."""
    tags = (*_TAGS, *_OF_ALBUMS) if kind == "album" else _TAGS
    with_values = [(name, "string") for name in (*tags, "year", "decade", "studio", "contentRating")]
    return [
        {
            "filter": name,
            "filterType": kind,
            "key": f"/library/sections/{section.key}/{name}",
            "title": name.capitalize(),
            "type": "filter",
        }
        for name, kind in (*with_values, *((flag, "boolean") for flag in _FLAGS))
    ]


def orders_of(section: Section) -> list[Row]:
    """Orders, the default one marked."""
    found: list[Row] = []
    for key, title, way in _ORDERS:
        order: Row = {"defaultDirection": way, "descKey": f"{key}:desc", "key": key, "title": title}
        if key == "titleSort":
            order |= {"default": "asc", "firstCharacterKey": f"/library/sections/{section.key}/firstCharacter"}
        found.append(order)
    return found
