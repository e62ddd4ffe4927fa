"""How a title looks in an answer: the attributes and lists that a real server gives."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

from gatepost_media.sandbox.plex.answer import Row
from gatepost_media.sandbox.plex.media import media
from gatepost_media.sandbox.plex.state import Edit, Plex, View, has_guids, plex_guid
from gatepost_media.sandbox.works import SECTIONS, Work, is_number, sort_title

TAG_TYPES = {
    "genre": 1,
    "collection": 2,
    "director": 4,
    "writer": 5,
    "role": 6,
    "country": 8,
    "mood": 300,
    "label": 11,
    "style": 301,
    "producer": 13,
    "similar": 305,
}
_NO_EDIT = Edit()
_NO_VIEW = View()
_SECTIONS = {section.key: section for section in SECTIONS}


def tag_id(kind: str, name: str) -> int:
    """The number of a tag: the same name has the same number everywhere."""
    return zlib.crc32(f"{kind}:{name}".encode()) % 1_000_000


def tags_of(plex: Plex, work: Work, kind: str) -> Sequence[str]:
    """The tags of a type on a title, edits counted."""
    edit = plex.edits.get(work.key, _NO_EDIT)
    if kind in edit.tags:
        return edit.tags[kind]
    about = work.about
    if kind == "genre":
        return about.genres
    if kind == "collection":
        return about.collections
    if kind == "mood":
        return about.moods
    if kind == "country":
        return (about.country,) if about.country and work.kind in ("movie", "artist") else ()
    if kind == "director":
        return tuple(person.name for person in about.directors)
    if kind == "writer":
        return tuple(person.name for person in about.writers)
    if kind == "role":
        return tuple(person.name for person, _ in about.cast)
    return ()


def value_of(plex: Plex, work: Work, field: str) -> str:
    """A text field of a title, edits counted: title, titleSort, summary, studio, contentRating, year…"""
    edit = plex.edits.get(work.key, _NO_EDIT)
    if field in edit.values:
        return edit.values[field]
    about = work.about
    match field:
        case "title":
            return work.title
        case "titleSort":
            return sort_title(value_of(plex, work, "title"))
        case "summary":
            return about.summary
        case "tagline":
            return about.tagline
        case "studio":
            return about.studio
        case "contentRating":
            return about.content_rating
        case "originalTitle":
            return about.original_title
        case "originallyAvailableAt":
            return work.released
        case "year":
            return str(work.year or "")
        case "rating" | "audienceRating":
            return str(about.rating or "")
        case _:
            return ""


def metadata(plex: Plex, work: Work, *, full: bool = False, guids: bool = False) -> Row:
    """A row of an answer. `full`: streams, roles and outside ids too, as when a title is asked for by its key."""
    edit = plex.edits.get(work.key, _NO_EDIT)
    view = plex.views.get(work.key, _NO_VIEW)
    section = _SECTIONS[work.section]
    children = work.kind in ("show", "season", "artist", "album")
    path = f"/library/metadata/{work.key}"
    row: Row = {
        "ratingKey": str(work.key),
        "key": f"{path}/children" if children else path,
        "guid": plex_guid(work),
        "type": work.kind,
        "title": value_of(plex, work, "title"),
        "titleSort": value_of(plex, work, "titleSort"),
        "librarySectionTitle": section.title,
        "librarySectionID": section.key,
        "librarySectionKey": f"/library/sections/{section.key}",
        "summary": value_of(plex, work, "summary"),
        "addedAt": work.added_at,
        "updatedAt": edit.at or work.added_at,
        "thumb": f"{path}/thumb/{work.added_at}",
        "art": f"{path}/art/{work.added_at}",
    }
    for field in ("studio", "contentRating", "originalTitle", "tagline", "originallyAvailableAt", "editionTitle"):
        if text := value_of(plex, work, field):
            row[field] = text
    if is_number(year := value_of(plex, work, "year")):
        row["year"] = int(year)
    for field in ("rating", "audienceRating"):
        if (rating := as_rating(value_of(plex, work, field))) is not None:
            row[field] = rating
            row["audienceRatingImage"] = "imdb://image.rating"
    if work.duration:
        row["duration"] = work.duration
    if work.kind in ("season", "episode", "album", "track"):
        row["index"] = work.index
    _parents(plex, row, work)
    if children:
        leaves = list(work.leaves())
        row["leafCount"] = len(leaves)
        row["viewedLeafCount"] = sum(plex.watched(leaf) for leaf in leaves)
        row["childCount"] = len(work.children)
    count, last = _plays(plex, work)
    if count:
        row["viewCount"] = count
    if last:
        row["lastViewedAt"] = last
    if view.offset:
        row["viewOffset"] = view.offset
    if view.rating is not None:
        row["userRating"] = view.rating
        row["lastRatedAt"] = view.rated
    if work.kind == "track":
        row["ratingCount"] = rating_count(work)
    if work.kind == "clip":
        row["subtype"], row["extraType"] = "trailer", 1
    if not children:
        row["Media"] = [media(work, section.path, full=full)]
    for element, tag in (
        ("Genre", "genre"),
        ("Country", "country"),
        ("Director", "director"),
        ("Writer", "writer"),
        ("Collection", "collection"),
        ("Mood", "mood"),
        ("Label", "label"),
        ("Style", "style"),
        ("Producer", "producer"),
        ("Similar", "similar"),
    ):
        if names := tags_of(plex, work, tag):
            row[element] = [_tag(tag, name) for name in (names if full else names[:2])]
    if names := tags_of(plex, work, "role"):
        roles = {person.name: role for person, role in work.about.cast}
        row["Role"] = [{**_tag("role", name), "role": roles.get(name, "")} for name in (names if full else names[:3])]
    if (full or guids) and has_guids(work):
        row["Guid"] = [{"id": f"{name}://{value}"} for name, value in work.ids.items()]
    if full and edit.locked:
        row["Field"] = [{"locked": True, "name": name} for name in sorted(edit.locked)]
    if full and work.about.rating:
        row["Rating"] = [{"image": "imdb://image.rating", "type": "audience", "value": work.about.rating}]
    return row


def as_rating(text: str) -> float | None:
    """A rating of ten that somebody wrote; None for what is no such number."""
    try:
        rating = float(text)
    except ValueError:
        return None
    return rating if 0 <= rating <= 10 else None


def _plays(plex: Plex, work: Work) -> tuple[int, int]:
    """How often it was seen and when last; of what holds others, all of them together."""
    views = [view for leaf in work.leaves() if (view := plex.views.get(leaf.key)) is not None]
    return sum(view.count for view in views), max((view.last for view in views), default=0)


def rows(plex: Plex, works: Iterable[Work], *, guids: bool = False) -> list[Row]:
    """Many of them, as a list shows them."""
    return [metadata(plex, work, guids=guids) for work in works]


def _tag(kind: str, name: str) -> Row:
    number = tag_id(kind, name)
    return {"id": number, "filter": f"{'actor' if kind == 'role' else kind}={number}", "tag": name}


def _parents(plex: Plex, row: Row, work: Work) -> None:
    above = work.parent
    for prefix in ("parent", "grandparent"):
        if above is None:
            return
        row[f"{prefix}RatingKey"] = str(above.key)
        row[f"{prefix}Key"] = f"/library/metadata/{above.key}"
        row[f"{prefix}Guid"] = plex_guid(above)
        row[f"{prefix}Title"] = value_of(plex, above, "title")
        row[f"{prefix}Thumb"] = f"/library/metadata/{above.key}/thumb/{above.added_at}"
        if prefix == "parent":
            row["parentIndex"] = above.index
            if above.year:
                row["parentYear"] = above.year
        above = above.parent


def rating_count(work: Work) -> int:
    """How many have rated it, out in the world: a number that stays the same."""
    return work.key * 7919 % 5000
