"""Rows of Plex's as films and episodes, and what Trakt is told of them."""

from gatepost_media.sync.guids import Ids
from gatepost_media.sync.items import Item, Show, for_history, for_scrobble, from_plex, show_from_plex

FILM = {
    "type": "movie",
    "ratingKey": "101",
    "title": "Metropolis",
    "year": 1927,
    "guid": "plex://movie/5d776824f3d2ff001fe3f1a2",
    "Guid": [{"id": "imdb://tt0017136"}, {"id": "tmdb://19"}],
    "viewCount": 2,
    "lastViewedAt": 1_700_000_000,
    "duration": 9_180_000,
}
EPISODE = {
    "type": "episode",
    "ratingKey": "303",
    "title": "The Pilot",
    "grandparentRatingKey": "300",
    "grandparentTitle": "Flash Gordon",
    "parentIndex": 0,
    "index": 3,
    "guid": "plex://episode/5d9c1",
    "Guid": [{"id": "tvdb://9001"}],
}
SHOW = Show("Flash Gordon", 1954, Ids(tvdb=73545))


def read(row: dict[str, object], **shows: Show) -> Item:
    item = from_plex(row, {"300": SHOW} | shows)
    assert item is not None
    return item


def test_a_film_is_named_to_trakt_by_all_its_ids() -> None:
    film = read(FILM)
    assert film.name == "Metropolis (1927)"
    assert for_scrobble(film) == [{"movie": {"ids": {"imdb": "tt0017136", "tmdb": 19}}}]
    assert for_history([film]) == {
        "movies": [{"ids": {"imdb": "tt0017136", "tmdb": 19}, "watched_at": "2023-11-14T22:13:20.000Z"}]
    }


def test_a_special_is_an_episode_of_season_0() -> None:
    special = read(EPISODE)
    assert special.name == "Flash Gordon S00E03 The Pilot"
    assert for_scrobble(special)[0] == {"show": {"ids": {"tvdb": 73545}}, "episode": {"season": 0, "number": 3}}


def test_an_episode_that_trakt_numbers_otherwise_can_be_named_by_its_own_ids() -> None:
    assert for_scrobble(read(EPISODE))[1] == {"episode": {"ids": {"tvdb": 9001}}}


def test_an_episode_of_an_old_agent_is_placed_by_its_guid() -> None:
    old = {**EPISODE, "guid": "com.plexapp.agents.thetvdb://73545/0/3?lang=en", "Guid": [], "parentIndex": None}
    special = from_plex(old, {})
    assert special is not None and special.placed
    assert (special.season, special.number) == (0, 3)
    assert for_scrobble(special) == [{"show": {"ids": {"tvdb": 73545}}, "episode": {"season": 0, "number": 3}}]


def test_a_show_of_an_old_agent_is_known_by_its_guid() -> None:
    assert show_from_plex({"title": "X", "guid": "com.plexapp.agents.thetvdb://73545?lang=en"}).ids == Ids(tvdb=73545)


def test_an_item_without_any_id_is_not_mapped() -> None:
    film = read({**FILM, "Guid": [], "guid": "local://101"})
    assert not film.mapped and for_scrobble(film) == []


def test_trailers_music_and_rows_without_a_key_are_no_items() -> None:
    for row in (
        {**FILM, "subtype": "trailer", "extraType": "1"},
        {**FILM, "type": "clip"},
        {**FILM, "type": "track"},
        {**FILM, "ratingKey": "../1"},
        {},
    ):
        assert from_plex(row, {}) is None


def test_numbers_may_come_as_text() -> None:
    assert read({**FILM, "viewCount": "3", "year": "1927"}).views == 3


def test_the_episodes_of_one_show_stand_together_in_a_body() -> None:
    first = read({**EPISODE, "parentIndex": 1, "index": 1, "lastViewedAt": 1_700_000_000})
    second = read({**EPISODE, "parentIndex": 1, "index": 2, "lastViewedAt": 1_700_000_060})
    special = read(EPISODE)
    when = ("2023-11-14T22:13:20.000Z", "2023-11-14T22:14:20.000Z", "released")
    assert for_history([first, second, special]) == {
        "shows": [
            {
                "ids": {"tvdb": 73545},
                "seasons": [
                    {
                        "number": 1,
                        "episodes": [{"number": 1, "watched_at": when[0]}, {"number": 2, "watched_at": when[1]}],
                    },
                    {"number": 0, "episodes": [{"number": 3, "watched_at": when[2]}]},
                ],
            }
        ]
    }
