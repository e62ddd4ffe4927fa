"""How Trakt shows a work: title, year and ids; with `extended=full` all there is."""

from __future__ import annotations

from starlette.requests import Request

from gatepost_media.sandbox.trakt.reply import Row
from gatepost_media.sandbox.trakt.state import stamp
from gatepost_media.sandbox.works import Person, Work, slugify

UPDATED = stamp(1_760_000_000)


def full(request: Request) -> bool:
    """Whether all there is is asked for."""
    return "full" in request.query_params.get("extended", "")


def ids(work: Work) -> Row:
    """Its ids everywhere; null where it has none."""
    known = work.ids
    row: Row = {"trakt": work.trakt}
    if work.kind in ("movie", "show"):
        row["slug"] = work.slug
    if work.kind != "movie":
        row["tvdb"] = int(known["tvdb"]) if "tvdb" in known else None
    if work.kind != "season":
        row["imdb"] = known.get("imdb")
    row["tmdb"] = int(known["tmdb"]) if "tmdb" in known else None
    return row


def media(work: Work, *, full: bool = False) -> Row:
    """A work without its name in front."""
    match work.kind:
        case "season":
            row: Row = {"number": work.index, "ids": ids(work)}
        case "episode":
            row = {
                "season": work.parent.index if work.parent else 0,
                "number": work.index,
                "title": work.title,
                "ids": ids(work),
            }
        case _:
            row = {"title": work.title, "year": work.year, "ids": ids(work)}
    if full:
        row |= _more(work)
    return row


def named(work: Work, *, full: bool = False) -> Row:
    """A work under the name of its kind; a season or an episode with its show."""
    row: Row = {work.kind: media(work, full=full)}
    if work.kind in ("season", "episode"):
        row["show"] = media(work.show, full=full)
    return row


def _more(work: Work) -> Row:
    about = work.about
    common: Row = {
        "overview": about.summary,
        "rating": about.rating or 7.0,
        "votes": 100 + work.key % 900,
        "comment_count": 0,
        "updated_at": UPDATED,
        "available_translations": ["en", "de"],
    }
    minutes = work.duration // 60_000
    if work.kind == "movie":
        return common | {
            "tagline": about.tagline,
            "released": work.released,
            "country": "us",
            "runtime": minutes,
            "trailer": None,
            "homepage": None,
            "status": about.status or "released",
            "language": "en",
            "languages": ["en"],
            "certification": about.content_rating or None,
            "genres": [slugify(genre) for genre in about.genres],
            "original_title": about.original_title or work.title,
        }
    first_aired = f"{work.released}T20:00:00.000Z" if work.released else None
    if work.kind == "show":
        return common | {
            "tagline": about.tagline,
            "first_aired": first_aired,
            "airs": {"day": "Wednesday", "time": "20:00", "timezone": "America/New_York"},
            "runtime": minutes,
            "certification": about.content_rating or None,
            "network": about.studio,
            "country": about.country or "us",
            "trailer": None,
            "homepage": None,
            "status": about.status or "ended",
            "language": "en",
            "languages": ["en"],
            "genres": [slugify(genre) for genre in about.genres],
            "aired_episodes": sum(1 for season in work.children if season.index for _ in season.children),
        }
    if work.kind == "season":
        return common | {
            "title": work.title,
            "episode_count": len(work.children),
            "aired_episodes": len(work.children),
            "first_aired": first_aired,
            "network": work.show.about.studio,
        }
    return common | {"number_abs": None, "first_aired": first_aired, "runtime": minutes, "episode_type": "standard"}


def person(somebody: Person, *, full: bool = False) -> Row:
    """Somebody, by name and ids."""
    row: Row = {
        "name": somebody.name,
        "ids": {"trakt": somebody.trakt, "slug": slugify(somebody.name), "imdb": None, "tmdb": None},
    }
    if full:
        row |= {
            "biography": f"{somebody.name}, as the sandbox knows them.",
            "birthday": None,
            "death": None,
            "birthplace": None,
            "homepage": None,
            "gender": None,
            "known_for_department": "acting",
            "social_ids": {"twitter": None, "facebook": None, "instagram": None, "wikipedia": None},
            "updated_at": UPDATED,
        }
    return row


def user(name: str, *, full: bool = False) -> Row:
    """A user, by name."""
    row: Row = {
        "username": name,
        "private": False,
        "deleted": False,
        "name": name.capitalize(),
        "vip": False,
        "vip_ep": False,
        "ids": {"slug": name, "trakt": None},
    }
    if full:
        row |= {"joined_at": UPDATED, "location": "", "about": "", "gender": "", "age": None}
    return row
