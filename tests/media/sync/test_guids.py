"""Plex's guids, read as the ids that Trakt knows."""

from hypothesis import example, given
from hypothesis import strategies as st

from gatepost_media.sync.guids import NO_IDS, Ids, read_guid_list, read_ids, read_old_guid


def test_a_modern_items_guid_list_gives_every_id_that_trakt_knows() -> None:
    found = read_guid_list(["imdb://tt0017136", "tmdb://19", "tvdb://155", "plex://movie/5d776824"])
    assert found == Ids("tt0017136", 19, 155)
    assert found.for_trakt() == {"imdb": "tt0017136", "tmdb": 19, "tvdb": 155}


def test_what_is_of_no_known_form_is_passed_over() -> None:
    odd = [
        "imdb://17136",
        "imdb://tt",
        "tmdb://-19",
        "tmdb://1e3",
        "tvdb://0",
        "tmdb://٣",
        "tvdb",
        "",
        "://",
        "tmdb://",
    ]
    assert read_guid_list(odd) == NO_IDS
    assert not read_guid_list(odd)


def test_of_two_ids_of_one_source_the_first_counts() -> None:
    assert read_guid_list(["tmdb://1", "tmdb://2"]) == Ids(tmdb=1)


def test_an_old_agents_guid_names_a_film() -> None:
    for guid, ids in (
        ("com.plexapp.agents.imdb://tt0017136?lang=en", Ids(imdb="tt0017136")),
        ("com.plexapp.agents.themoviedb://19?lang=de", Ids(tmdb=19)),
        ("com.plexapp.agents.themoviedb://tt0017136?lang=de", Ids(imdb="tt0017136")),
        ("com.plexapp.agents.xbmcnfo://tt0017136?lang=xn", Ids(imdb="tt0017136")),
    ):
        found = read_old_guid(guid)
        assert found is not None and found.ids == ids and found.season is None


def test_an_old_agents_guid_of_an_episode_names_the_show_and_the_place_in_it() -> None:
    found = read_old_guid("com.plexapp.agents.thetvdb://73545/4/12?lang=en")
    assert found is not None
    assert (found.ids, found.season, found.number) == (Ids(tvdb=73545), 4, 12)
    anime = read_old_guid("com.plexapp.agents.hama://tvdb4-78857/1/3?lang=en")
    assert anime is not None and anime.ids == Ids(tvdb=78857)


def test_season_0_is_a_season() -> None:
    found = read_old_guid("com.plexapp.agents.thetvdb://73545/0/3?lang=en")
    assert found is not None and (found.season, found.number) == (0, 3)


def test_guids_that_trakt_cannot_know_name_nothing() -> None:
    for guid in (
        "plex://movie/5d776824f3d2ff001fe3f1a2",
        "local://4711",
        "com.plexapp.agents.none://0f2/1?lang=xn",
        "com.plexapp.agents.hama://anidb-23",
        "com.plexapp.agents.thetvdb://73545/x/3?lang=en",
        "com.plexapp.agents.thetvdb://?lang=en",
        "",
    ):
        assert read_old_guid(guid) is None


sources = st.builds(
    Ids,
    imdb=st.none() | st.integers(1, 10**8).map(lambda n: f"tt{n:07}"),
    tmdb=st.none() | st.integers(1, 10**7),
    tvdb=st.none() | st.integers(1, 10**7),
)


@given(sources)
def test_what_trakt_is_told_is_read_back_as_the_same_ids(ids: Ids) -> None:
    assert read_ids(ids.for_trakt()) == ids
    assert read_guid_list([f"{name}://{value}" for name, value in ids.for_trakt().items()]) == ids
    assert bool(ids) == bool(ids.for_trakt())


@given(sources, sources)
def test_two_items_share_a_key_exactly_where_they_share_an_id(one: Ids, other: Ids) -> None:
    shared = set(one.for_trakt().items()) & set(other.for_trakt().items())
    assert bool(set(one.keys()) & set(other.keys())) == bool(shared)


@given(st.text())
@example("com.plexapp.agents.thetvdb://1/" + "9" * 5000 + "/1")
@example("imdb://tt" + "9" * 5000)
def test_no_text_whatever_is_an_error(guid: str) -> None:
    read_old_guid(guid)
    read_guid_list([guid, "imdb://" + guid, "tmdb://" + guid])
