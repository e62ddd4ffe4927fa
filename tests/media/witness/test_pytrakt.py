"""`pytrakt`, as it comes from PyPI, works against the sandbox: only addresses and keys are set from outside."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import trakt.core
from trakt.auth.device import DeviceAuthAdapter
from trakt.calendar import MyShowCalendar
from trakt.errors import BadRequestException, ConflictException, OAuthRefreshException, RateLimitException
from trakt.movies import Movie, dismiss_recommendation, get_recommended_movies, trending_movies
from trakt.people import Person
from trakt.sync import (
    add_to_collection,
    add_to_history,
    get_collection,
    get_playback,
    get_watched,
    get_watchlist,
    search,
    search_by_id,
)
from trakt.tv import TVEpisode, TVShow
from trakt.users import User, UserList

from gatepost_media.sandbox import Sandbox


@pytest.fixture
def program(box: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """pytrakt with its settings, not signed in."""
    trakt.core.api.cache_clear()
    trakt.core.config.cache_clear()
    monkeypatch.setattr(trakt.core, "BASE_URL", f"{box.trakt_api_url}/")
    monkeypatch.setattr(trakt.core, "CLIENT_ID", box.trakt_client_id)
    monkeypatch.setattr(trakt.core, "CLIENT_SECRET", box.trakt_client_secret)
    monkeypatch.setattr(trakt.core, "CONFIG_PATH", str(tmp_path / "pytrakt.json"))
    yield
    trakt.core.session.close()
    trakt.core.api.cache_clear()
    trakt.core.config.cache_clear()


@pytest.fixture
def signed_in(program: None) -> None:
    """pytrakt after the device flow."""
    adapter = DeviceAuthAdapter(trakt.core.api(), trakt.core.config())
    adapter.get_device_token(adapter.get_device_code()["device_code"])


def test_it_signs_in_with_a_device_code(program: None, box: Sandbox) -> None:
    box.trakt.approve = False
    adapter = DeviceAuthAdapter(trakt.core.api(), trakt.core.config())
    code = adapter.get_device_code()
    with pytest.raises(BadRequestException):
        adapter.get_device_token(code["device_code"])
    with pytest.raises(RateLimitException):
        adapter.get_device_token(code["device_code"])
    box.approve_device(code["user_code"])
    assert adapter.get_device_token(code["device_code"])["expires_in"] == 7 * 86_400
    with pytest.raises(ConflictException):
        adapter.get_device_token(code["device_code"])
    assert User("me").username == "sandbox"


def test_it_renews_its_tokens_once_each(signed_in: None, box: Sandbox) -> None:
    config, auth = trakt.core.config(), trakt.core.api().auth
    before, refresh = config.OAUTH_TOKEN, config.OAUTH_REFRESH
    auth.refresh_token()
    assert before != config.OAUTH_TOKEN
    assert not box.trakt.signed_in(before)
    config.update(OAUTH_REFRESH=refresh)
    with pytest.raises(OAuthRefreshException, match="invalid_grant"):
        auth.refresh_token()


def test_it_reads_titles_by_slug_and_finds_them(signed_in: None) -> None:
    film = Movie("The General", year=1926)
    assert (film.imdb, film.tmdb, film.year) == ("tt0017925", 961, 1926)
    assert "Buster Keaton" in [person.name for person in film.people]
    assert search("general", "movie")[0].imdb == "tt0017925"
    assert search_by_id("71471", "tvdb", "show")[0].title == "The Beverly Hillbillies"
    show = TVShow("The Beverly Hillbillies")
    assert [season.season for season in show.seasons] == [0, 1, 2]
    assert TVEpisode("The Beverly Hillbillies", 1, 2).title == "Getting Settled"
    assert Person("Buster Keaton").name == "Buster Keaton"
    assert len(film.related) == 10
    assert film.ratings["votes"] > 0


def test_it_scrobbles_a_film_and_an_episode(signed_in: None, box: Sandbox) -> None:
    film = Movie("Metropolis", year=1927)
    scrobbler = film.scrobble(2.0, "1.0", "2026-01-01")
    assert User("me").watching.title == "Metropolis"
    assert scrobbler.pause(40.0)["action"] == "pause"
    (place,) = get_playback("movies")
    assert (place.progress, place.imdb) == (40.0, "tt0017136")
    assert scrobbler.start(41.0)["action"] == "start"
    assert scrobbler.stop(95.0)["action"] == "scrobble"
    assert get_playback() == []
    with pytest.raises(ConflictException):
        scrobbler.stop(96.0)
    TVEpisode("The Beverly Hillbillies", 1, 2).scrobble(1.0, "1.0", "2026-01-01").finish()
    assert [row.work.title for row in box.trakt.history()[:2]] == ["Getting Settled", "Metropolis"]


def test_it_syncs_history_and_collection(signed_in: None, box: Sandbox) -> None:
    when = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert add_to_history(Movie("Nosferatu", year=1922), when)["added"] == {"movies": 1, "episodes": 0}
    assert "Nosferatu" in [film.title for film in get_watched("movies")]
    assert "The Beverly Hillbillies" in [show.title for show in get_watched("shows", extended="progress")]
    assert "Nosferatu" in [film.title for film in User("me").watched_movies]
    Movie("Nosferatu", year=1922).mark_as_unseen()
    assert "Nosferatu" not in [film.title for film in get_watched("movies")]
    add_to_collection(TVEpisode("The Beverly Hillbillies", 2, 1))
    assert [show.title for show in get_collection("shows")] == ["The Beverly Hillbillies"]


def test_it_rates(signed_in: None, box: Sandbox) -> None:
    Movie("Metropolis", year=1927).rate(10)
    TVShow("The Beverly Hillbillies").rate(8)
    rated = {row["movie"]["title"]: row["rating"] for row in User("me").get_ratings("movies")}
    assert rated["Metropolis"] == 10
    assert [row["rating"] for row in User("me").get_ratings("shows")] == [8]
    assert [row["movie"]["title"] for row in User("me").get_ratings("movies", 9)] == ["The Kid"]


def test_it_keeps_a_watchlist_and_lists(signed_in: None) -> None:
    film = Movie("Metropolis", year=1927)
    film.add_to_watchlist()
    assert [item.title for item in get_watchlist("movies")] == ["Faust", "Metropolis"]
    film.remove_from_watchlist()
    assert [item.title for item in User("me").watchlist_movies] == ["Faust"]
    made = UserList.create("Trains", "sandbox", description="With engines.")
    made.add_items(Movie("The General", year=1926))
    assert [item.title for item in User("me").get_list("Trains")] == ["The General"]
    made.delete_list()
    assert [one.name for one in User("me").lists] == ["Expressionists"]


def test_it_likes_lists_and_follows_people(signed_in: None) -> None:
    made = UserList.create("Trains", "sandbox")
    made.like()
    assert [liked["list"]["name"] for liked in User("me").get_liked_lists("lists")] == ["Trains"]
    made.unlike()
    assert User("me").get_liked_lists("lists") == []
    User("ada").follow()
    assert [one.username for one in User("me").following] == ["ada"]
    with pytest.raises(ConflictException):
        User("ada").follow()
    User("ada").unfollow()
    assert User("me").get_follower_requests() == []


def test_it_checks_in_once_at_a_time(signed_in: None, box: Sandbox) -> None:
    film = Movie("A Trip to the Moon", year=1902)
    film.checkin("1.0", "2026-01-01")
    with pytest.raises(ConflictException):
        film.checkin("1.0", "2026-01-01")
    box.advance(15 * 60)
    assert [row.action for row in box.trakt.history()[:1]] == ["checkin"]


def test_it_reads_charts_recommendations_and_the_calendar(signed_in: None) -> None:
    assert len(trending_movies()) == 10
    first = get_recommended_movies()[0]
    dismiss_recommendation(first.slug)
    assert first.title not in [film.title for film in get_recommended_movies()]
    assert {episode.show for episode in MyShowCalendar(days=7)} == {"Generated Test Card"}
