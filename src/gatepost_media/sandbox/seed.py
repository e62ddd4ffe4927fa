"""What happened before the sandbox was started: some plays, places, ratings, playlists and lists; always the same."""

from __future__ import annotations

from gatepost_media.sandbox.plex.cloud import Cloud
from gatepost_media.sandbox.plex.state import Collection, Playlist, Plex
from gatepost_media.sandbox.sample.loading import Profile
from gatepost_media.sandbox.trakt.state import Comment, Entry, Trakt, UserList
from gatepost_media.sandbox.works import SECTIONS, Work

DAY = 86_400
LARGE_HISTORY = 100_000
LARGE_ON_TRAKT = 5_000


def seed_plex(plex: Plex, profile: Profile) -> None:
    """Three people watched and listened; the owner rated, made playlists and a collection."""
    now, works = plex.started, plex.works
    general, kid, charade, night = (works.by_key[key] for key in (1001, 1010, 1008, 1006))
    pilot, first, second = (works.by_key[key] for key in (2003, 2005, 2006))
    bach = list(works.by_key[3001].leaves())
    for work, account, device, days in (
        (kid, 1, 1, 40),
        (charade, 2, 2, 35),
        (night, 3, 3, 30),
        (charade, 1, 1, 20),
        (pilot, 1, 1, 12),
        (first, 1, 1, 10),
        (first, 2, 2, 9),
        (general, 3, 3, 6),
        (second, 2, 2, 4),
        (bach[0], 1, 3, 3),
        (bach[1], 1, 3, 3),
        (bach[2], 1, 3, 3),
        (bach[0], 1, 3, 2),
    ):
        plex.played(work, account, device, now - days * DAY)
    place = plex.view(works.by_key[1003])
    place.offset, place.last = 41 * 60_000, now - DAY
    plex.view(kid).rating, plex.view(kid).rated = 9.0, now - 39 * DAY
    films = [work for work in plex.of("movie") if "Buster Keaton" in work.about.collections]
    collection = Collection(plex.number(), "Buster Keaton", SECTIONS[0], films, now - 50 * DAY)
    plex.collections[collection.key] = collection
    _playlist(plex, "Silent Evening", "video", [general, kid, works.by_key[1013]])
    _playlist(plex, "Morning Piano", "audio", bach[:5])
    smart = _playlist(plex, "Before Sound", "video", [])
    smart.query = "/library/sections/1/all?type=1&year<<=1928&sort=year"
    if profile == "demo":
        _half_a_year(plex, now)
    if profile == "large":
        _long_history(plex, now)


def _playlist(plex: Plex, title: str, kind: str, works: list[Work]) -> Playlist:
    playlist = Playlist(plex.number(), title, kind, plex.started - 45 * DAY, plex.started - 45 * DAY)
    playlist.entries = [(plex.number(), work) for work in works]
    plex.playlists[playlist.key] = playlist
    return playlist


def _half_a_year(plex: Plex, now: int) -> None:
    """Something every evening for half a year, so that there is something to count; not all of it by the owner."""
    evenings = 180
    titles = [*plex.of("movie"), *plex.of("episode"), *plex.of("track")]
    for evening in range(evenings):
        who = (1, 1, 2, 1, 3)[evening % 5]
        plex.played(titles[evening * 37 % len(titles)], who, who, now - (evenings - evening) * DAY - evening % 4 * 3600)


def _long_history(plex: Plex, now: int) -> None:
    """100,000 plays in five years, films and episodes, by all three."""
    films = [work for work in plex.of("movie") if not work.known_ids]
    episodes = [work for work in plex.of("episode") if not work.known_ids]
    missing = LARGE_HISTORY - len(plex.history)
    step = 5 * 365 * DAY // missing
    for number in range(missing):
        chosen = films if number % 3 == 0 else episodes
        plex.played(chosen[number * 7 % len(chosen)], 1 + number % 3, 1 + number % 3, now - (missing - number) * step)


def seed_cloud(cloud: Cloud) -> None:
    """Two titles on the watchlist."""
    works, now = cloud.plex.works, cloud.plex.started
    cloud.watchlist += [(now - 5 * DAY, works.by_key[1046]), (now - 2 * DAY, works.by_key[2020])]


def seed_trakt(trakt: Trakt, profile: Profile) -> None:
    """Some plays that Plex has too and one that it has not, ratings, a watchlist, a list, comments."""
    works, now = trakt.works, trakt.clock.second()
    kid, trip, faust = (works.by_key[key] for key in (1010, 1004, 1046))
    for work, days in ((kid, 40), (trip, 25), (works.by_key[2005], 10)):
        trakt.watch(work, now - days * DAY)
    trakt.ratings[kid] = (9, now - 39 * DAY)
    trakt.ratings[trip] = (8, now - 24 * DAY)
    trakt.ratings[works.by_key[2001]] = (7, now - 8 * DAY)
    trakt.watchlist += [
        Entry(trakt.number(), faust, now - 5 * DAY),
        Entry(trakt.number(), works.by_key[2020], now - 2 * DAY),
    ]
    trakt.collection[kid] = now - 60 * DAY
    trakt.lists.append(
        UserList(
            trakt.number(),
            "sandbox",
            "Expressionists",
            "German, and afraid.",
            "private",
            now - 30 * DAY,
            [Entry(trakt.number(), works.by_key[key], now - 30 * DAY) for key in (1002, 1003, 1005)],
        )
    )
    trakt.lists.append(
        UserList(
            trakt.number(),
            "ada",
            "Comedies Without Words",
            "They did not need any.",
            "public",
            now - 90 * DAY,
            [Entry(trakt.number(), works.by_key[key], now - 90 * DAY) for key in (1001, 1009, 1010, 1013)],
            likes=12,
        )
    )
    first = Comment(
        trakt.number(),
        works.by_key[1001],
        "The bridge still holds up, which is more than the bridge did.",
        "ada",
        now - 70 * DAY,
        likes=5,
        rating=10,
    )
    trakt.comments += [
        first,
        Comment(
            trakt.number(),
            works.by_key[1001],
            "He gets the engine back in the end.",
            "grace",
            now - 60 * DAY,
            spoiler=True,
        ),
        Comment(trakt.number(), works.by_key[1001], "Agreed.", "grace", now - 65 * DAY, parent=first.id),
        Comment(trakt.number(), works.by_key[2001], "Granny is the best thing in it.", "ada", now - 50 * DAY, likes=2),
        Comment(trakt.number(), works.by_key[2004], "A fine first season.", "grace", now - 49 * DAY),
        Comment(
            trakt.number(),
            works.by_key[2005],
            "They strike oil, and nobody wants to move.",
            "ada",
            now - 48 * DAY,
            spoiler=True,
        ),
    ]
    if profile == "large":
        films = [work for work in works.by_kind["movie"] if not work.known_ids]
        for number in range(LARGE_ON_TRAKT):
            trakt.watch(films[number * 3], now - number * 3600)


__all__ = ["seed_cloud", "seed_plex", "seed_trakt"]
