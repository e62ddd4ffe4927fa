"""Make `Works` of the sample files; for the large profile, of filler too."""

from __future__ import annotations

import datetime as dt
import json
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from gatepost_media.sandbox.works import ELSEWHERE, About, Work, Works

Profile = Literal["small", "demo", "large"]

FILMS_OF_SMALL = 20
LARGE_FILMS = 50_000
LARGE_SHOWS = 1_000
LARGE_SEASONS = 10
LARGE_EPISODES = 20
FIRST_GENERATED_KEY = 100_000

_FILLER = About(summary="Filler, made by the sandbox. No such work exists.", genres=("Filler",), rating=5.0)


DAY = 86_400


def load(profile: Profile, now: int) -> Works:
    """The works of a profile, the newest added the day before `now` (seconds since 1970). Small ones are kept: no
    stand-in changes a work."""
    today = now // DAY * DAY
    return _load(profile, today) if profile == "large" else _kept(profile, today)


@lru_cache(maxsize=4)
def _kept(profile: Profile, now: int) -> Works:
    return _load(profile, now)


def _load(profile: Profile, now: int) -> Works:
    works = Works()
    _films(works, profile, now)
    _shows(works, now)
    _music(works, now)
    if profile == "large":
        _filler(works, now)
    _trailer(works, now)
    _to_come(works, now)
    return works


def _to_come(works: Works, now: int) -> None:
    """What calendars need and old works cannot give: a show that goes on, and a film that is not yet out."""
    today = dt.datetime.fromtimestamp(now, dt.UTC).date()
    coming = About(
        summary="Made by the sandbox. No such work exists.", genres=("Filler",), status="continuing", rating=5.0
    )
    out = today + dt.timedelta(days=10)
    works.add(Work(1900, "movie", "Generated Premiere", out.year, ELSEWHERE, 5_400_000, out.isoformat(), about=coming))
    first = today - dt.timedelta(days=15)
    show = works.add(
        Work(2900, "show", "Generated Test Card", first.year, ELSEWHERE, 1_500_000, first.isoformat(), about=coming)
    )
    season = works.add(
        Work(2901, "season", "Season 1", first.year, ELSEWHERE, released=first.isoformat(), index=1, parent=show)
    )
    for week in range(6):
        day = first + dt.timedelta(days=7 * week)
        works.add(
            Work(
                2902 + week,
                "episode",
                f"Generated Episode {week + 1}",
                day.year,
                ELSEWHERE,
                1_500_000,
                day.isoformat(),
                week + 1,
                season,
                about=coming,
            )
        )


def _trailer(works: Works, now: int) -> None:
    """One extra, which is watched and must not be taken for the film."""
    film = works.find("movie", "imdb", "tt0063350")
    assert film is not None
    clip = works.add(
        Work(9001, "clip", "Night of the Living Dead: Trailer", 1968, 1, 105_000, "1968-10-04", added_at=now)
    )
    works.extras[film.key] = [clip]


def _read(name: str) -> list[dict[str, Any]]:
    text = resources.files("gatepost_media.sandbox.sample").joinpath(name).read_text(encoding="utf-8")
    loaded: list[dict[str, Any]] = json.loads(text)
    return loaded


def _ids(entry: dict[str, Any]) -> dict[str, str]:
    return {name: entry[name] for name in ("imdb", "tmdb", "tvdb", "mbid") if entry.get(name)}


def _films(works: Works, profile: Profile, now: int) -> None:
    key = 1000
    for position, film in enumerate(_read("films.json")):
        key += 1
        elsewhere = not film["in_library"] or (profile == "small" and position >= FILMS_OF_SMALL)
        about = About(
            summary=film["summary"],
            studio=film["studio"],
            country=film["country"],
            content_rating="Not Rated",
            status="released",
            original_title=film.get("original_title", ""),
            agent=film.get("agent", ""),
            rating=film["rating"],
            genres=tuple(film["genres"]),
            collections=("Buster Keaton",) if "Buster Keaton" in film["directors"] else (),
            directors=tuple(works.person(name) for name in film["directors"]),
            writers=tuple(works.person(name) for name in film["writers"]),
            cast=tuple((works.person(name), role) for name, role in film["cast"]),
        )
        works.add(
            Work(
                key,
                "movie",
                film["title"],
                film["year"],
                ELSEWHERE if elsewhere else 1,
                duration=film["minutes"] * 60_000,
                released=film["released"],
                about=about,
                known_ids=_ids(film),
                added_at=now - 86_400 * (position + 1),
            )
        )


def _shows(works: Works, now: int) -> None:
    key = 2000
    for position, entry in enumerate(_read("shows.json")):
        key += 1
        section = 2 if entry["in_library"] else ELSEWHERE
        about = About(
            summary=entry["summary"],
            studio=entry["network"],
            country=entry["country"],
            content_rating=entry["content_rating"],
            status=entry["status"],
            agent=entry.get("agent", ""),
            rating=entry["rating"],
            genres=tuple(entry["genres"]),
            writers=tuple(works.person(name) for name in entry["creators"]),
            cast=tuple((works.person(name), role) for name, role in entry["cast"]),
        )
        added = now - 86_400 * (position + 2)
        first = entry["seasons"]["1"][0]["released"]
        show = works.add(
            Work(
                key,
                "show",
                entry["title"],
                entry["year"],
                section,
                entry["minutes"] * 60_000,
                first,
                about=about,
                known_ids=_ids(entry),
                added_at=added,
            )
        )
        for number, episodes in entry["seasons"].items():
            key += 1
            title = "Specials" if number == "0" else f"Season {number}"
            season = works.add(
                Work(
                    key,
                    "season",
                    title,
                    int(episodes[0]["released"][:4]),
                    section,
                    released=episodes[0]["released"],
                    index=int(number),
                    parent=show,
                    added_at=added,
                )
            )
            for index, episode in enumerate(episodes, 1):
                key += 1
                works.add(
                    Work(
                        key,
                        "episode",
                        episode["title"],
                        int(episode["released"][:4]),
                        section,
                        show.duration,
                        episode["released"],
                        index,
                        season,
                        about=About(
                            summary=f"{show.title}, {episode['title']}.",
                            rating=about.rating,
                            content_rating=about.content_rating,
                            cast=about.cast[:2],
                        ),
                        added_at=added,
                    )
                )


def _music(works: Works, now: int) -> None:
    key = 3000
    for position, entry in enumerate(_read("music.json")):
        key += 1
        added = now - 86_400 * (position + 3)
        about = About(
            summary=entry["summary"],
            country=entry["country"],
            genres=tuple(entry["genres"]),
            moods=tuple(entry["moods"]),
        )
        artist = works.add(
            Work(key, "artist", entry["title"], None, 3, about=about, known_ids=_ids(entry), added_at=added)
        )
        for record in entry["albums"]:
            key += 1
            of_album = About(genres=tuple(record["genres"]), moods=about.moods, studio="Public domain")
            album = works.add(
                Work(
                    key,
                    "album",
                    record["title"],
                    record["year"],
                    3,
                    released=record["released"],
                    parent=artist,
                    about=of_album,
                    added_at=added,
                )
            )
            for index, title in enumerate(record["tracks"], 1):
                key += 1
                of_track = About(moods=about.moods)
                works.add(
                    Work(
                        key,
                        "track",
                        title,
                        record["year"],
                        3,
                        (100 + index * 17 % 200) * 1000,
                        record["released"],
                        index,
                        album,
                        about=of_track,
                        added_at=added,
                    )
                )


def _filler(works: Works, now: int) -> None:
    """50,000 films and 200,000 episodes that say in their titles and summaries what they are."""
    key = FIRST_GENERATED_KEY
    for number in range(LARGE_FILMS - len(works.in_library("movie"))):
        key += 1
        year = 1900 + number % 100
        works.add(
            Work(
                key,
                "movie",
                f"Generated Film {number:05d}",
                year,
                1,
                5_400_000,
                f"{year}-06-01",
                about=_FILLER,
                added_at=now - number * 60,
            )
        )
    for number in range(LARGE_SHOWS):
        key += 1
        show = works.add(
            Work(
                key,
                "show",
                f"Generated Show {number:04d}",
                1950,
                2,
                1_500_000,
                "1950-01-01",
                about=_FILLER,
                added_at=now - number * 600,
            )
        )
        for index in range(1, LARGE_SEASONS + 1):
            key += 1
            season = works.add(
                Work(
                    key, "season", f"Season {index}", 1949 + index, 2, index=index, parent=show, added_at=show.added_at
                )
            )
            for episode in range(1, LARGE_EPISODES + 1):
                key += 1
                works.add(
                    Work(
                        key,
                        "episode",
                        f"Generated Episode {episode}",
                        1949 + index,
                        2,
                        1_500_000,
                        f"{1949 + index}-{1 + episode % 12:02d}-01",
                        episode,
                        season,
                        about=_FILLER,
                        added_at=show.added_at,
                    )
                )
