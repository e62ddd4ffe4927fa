"""The index of what Trakt has, against a plain model: sets of ids, shows and places."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gatepost_media.sync.aliases import Aliases
from gatepost_media.sync.guids import Ids
from gatepost_media.sync.items import Item, Show
from gatepost_media.sync.spool import Spool
from gatepost_media.sync.watched import Watched

SMALL = st.integers(1, 6)
IDS = st.builds(
    Ids,
    imdb=st.none() | SMALL.map(lambda n: f"tt{n:07}"),
    tmdb=st.none() | SMALL,
    tvdb=st.none() | SMALL,
).filter(bool)
PLACES = st.tuples(st.integers(0, 2), st.integers(1, 3))


def film(ids: Ids, key: str = "1") -> Item:
    return Item("movie", key, "Film", 1927, ids)


def episode(show: Ids, place: tuple[int, int]) -> Item:
    return Item("episode", "2", "Part", None, Ids(), Show("Show", 1954, show), *place)


@given(st.lists(IDS, max_size=6), st.lists(IDS, max_size=6))
def test_a_film_is_watched_exactly_where_it_shares_an_id_with_one_that_is(watched: list[Ids], asked: list[Ids]) -> None:
    index = Watched()
    for ids in watched:
        index.add_movie_row({"movie": {"ids": ids.for_trakt()}, "last_watched_at": "2026-01-01T00:00:00.000Z"})
    known: set[tuple[str, str | int]] = set()
    for ids in watched:
        # An entry that shares an id with one before is that one: the index keeps the ids of the first.
        if not known & set(ids.for_trakt().items()):
            known |= set(ids.for_trakt().items())
    for ids in asked:
        assert (film(ids) in index) == bool(known & set(ids.for_trakt().items()))


@given(st.dictionaries(SMALL, st.sets(PLACES, max_size=5), max_size=4), SMALL, PLACES)
def test_an_episode_is_watched_exactly_where_its_show_has_its_place(
    watched: dict[int, set[tuple[int, int]]], show: int, place: tuple[int, int]
) -> None:
    index = Watched()
    for tvdb, places in watched.items():
        seasons = [
            {"number": season, "episodes": [{"number": number} for of, number in places if of == season]}
            for season in {season for season, _ in places}
        ]
        index.add_show_row({"show": {"ids": {"tvdb": tvdb, "trakt": 99}}, "seasons": seasons})
    assert index.size == sum(len(places) for places in watched.values())
    assert (episode(Ids(tvdb=show), place) in index) == (place in watched.get(show, set()))
    assert (episode(Ids(tmdb=show), place) in index) is False


def test_what_is_about_to_be_sent_counts_as_watched_so_a_second_copy_is_not_sent() -> None:
    index = Watched()
    for item in (film(Ids(tmdb=1)), episode(Ids(tvdb=5), (0, 1)), Item("episode", "3", "x", None, Ids(tvdb=7))):
        assert item not in index
        index.add(item)
        assert item in index
    assert film(Ids(tmdb=1, imdb="tt0000002"), "8") in index


def test_what_plex_was_asked_for_is_told_from_what_only_trakt_has() -> None:
    index = Watched()
    for number in (1, 2, 3):
        index.add_movie_row({"movie": {"ids": {"tmdb": number}}, "last_watched_at": "2026-01-02T03:04:05.000Z"})
    assert index.when(film(Ids(tmdb=2))) == 1767323045
    assert (index.size, index.found) == (3, 1)


def test_rows_of_another_form_are_passed_over() -> None:
    index = Watched()
    for row in ({}, {"movie": None}, {"show": {"ids": []}, "seasons": [None, {"number": "x", "episodes": [{}, 1]}]}):
        index.add_show_row(row)
    index.add_movie_row({"movie": {"ids": {"tmdb": "abc"}}, "last_watched_at": "soon"})
    assert film(Ids(tmdb=1)) not in index


def test_a_spool_gives_back_what_it_was_given_and_leaves_no_file(tmp_path: Path) -> None:
    items = [film(Ids("tt0017136", n), str(n)) if n % 2 else episode(Ids(tvdb=n + 1), (0, n)) for n in range(50)]
    spool = Spool(tmp_path)
    for item in items:
        spool.append(item)
    assert [each for part in spool.parts(7) for each in part] == items
    assert spool.part(48, 10) == items[48:] and spool.part(50, 1) == []
    spool.append(items[0])
    assert spool.part(50, 5) == [items[0]]
    assert list(tmp_path.iterdir()) == []
    spool.close()


def test_what_trakt_lists_under_other_ids_is_remembered_by_account(tmp_path: Path) -> None:
    aliases = Aliases(tmp_path, "ada")
    item, other = episode(Ids(tvdb=5), (0, 1)), episode(Ids(tvdb=5), (1, 1))
    assert item not in aliases
    aliases.add([item, film(Ids(tmdb=3))])
    kept = Aliases(tmp_path, "ada")
    assert item in kept and film(Ids(tmdb=3)) in kept and other not in kept
    assert item not in Aliases(tmp_path, "grace")
    next(tmp_path.glob("trakt-aliases-*")).write_text("damaged")
    assert item not in Aliases(tmp_path, "ada")
