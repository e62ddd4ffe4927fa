"""`plexapi`, as it comes from PyPI, works against the sandbox: only addresses are set from outside."""

from __future__ import annotations

import datetime as dt

import pytest
from plexapi.exceptions import BadRequest, NotFound, Unauthorized
from plexapi.library import MovieSection, MusicSection, ShowSection
from plexapi.myplex import MyPlexAccount, MyPlexPinLogin
from plexapi.playqueue import PlayQueue
from plexapi.server import PlexServer

from gatepost_media.sandbox import Sandbox


@pytest.fixture
def server(box: Sandbox) -> PlexServer:
    return PlexServer(box.plex_url, box.plex_token)


@pytest.fixture
def account(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> MyPlexAccount:
    monkeypatch.setattr(MyPlexAccount, "key", f"{box.plex_tv_url}/api/v2/user")
    monkeypatch.setattr(MyPlexAccount, "DISCOVER", box.discover_url)
    monkeypatch.setattr(MyPlexAccount, "METADATA", box.discover_url)
    return MyPlexAccount(token=box.plex_token)


def test_it_signs_in_with_a_pin(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MyPlexPinLogin, "PINS", f"{box.plex_tv_url}/api/v2/pins")
    box.cloud.approve = False
    login = MyPlexPinLogin()
    assert len(login.pin) == 4
    assert not login.checkLogin()
    box.approve_pin(login.pin)
    assert login.checkLogin()
    assert login.token == box.plex_token


def test_it_finds_the_server_through_the_account(
    box: Sandbox, account: MyPlexAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plexapi.myplex import MyPlexResource

    monkeypatch.setattr(MyPlexResource, "key", f"{box.plex_tv_url}/api/v2/resources")
    (resource,) = account.resources()
    assert resource.accessToken == box.plex_token
    assert resource.connect(ssl=False).friendlyName == "Gatepost Sandbox"


def test_it_is_refused_with_a_wrong_token(box: Sandbox) -> None:
    with pytest.raises(Unauthorized):
        PlexServer(box.plex_url, "wrong")


def test_it_reads_the_server_and_its_libraries(server: PlexServer) -> None:
    films, shows, music = server.library.sections()
    assert isinstance(films, MovieSection)
    assert isinstance(shows, ShowSection)
    assert isinstance(music, MusicSection)
    assert films.totalSize == len(films.all()) == 20
    assert [film.title for film in films.all()][:2] == ["Battleship Potemkin", "The Cabinet of Dr. Caligari"]


def test_it_reads_films_with_their_ids_media_and_people(server: PlexServer) -> None:
    film = server.library.section("Films").get("The General")
    assert {guid.id for guid in film.guids} == {"imdb://tt0017925", "tmdb://961"}
    assert film.duration == 79 * 60_000
    film.reload()
    assert film.media[0].parts[0].streams[0].codec == "h264"
    assert [role.role for role in film.roles][:2] == ["Johnnie Gray", "Annabelle Lee"]
    assert film.originallyAvailableAt == dt.datetime(1927, 2, 5)
    assert film.section().title == "Films"


def test_it_walks_shows_seasons_and_episodes(server: PlexServer) -> None:
    show = server.library.section("Series").get("The Beverly Hillbillies")
    assert [season.title for season in show.seasons()] == ["Specials", "Season 1", "Season 2"]
    assert len(show.episodes()) == 15
    episode = show.episode(season=1, episode=2)
    assert episode.title == "Getting Settled"
    assert episode.seasonEpisode == "s01e02"
    assert episode.show().title == show.title
    assert episode.season().seasonNumber == 1


def test_it_walks_artists_albums_and_tracks(server: PlexServer) -> None:
    artist = server.library.section("Music").get("Johann Sebastian Bach")
    assert [album.title for album in artist.albums()] == ["Open Goldberg Variations", "Open Well-Tempered Clavier"]
    track = artist.track("Variatio 1")
    assert track.album().year == 2012
    assert track.artist().title == artist.title
    assert len(artist.album("Open Goldberg Variations").tracks()) == 32


def test_it_searches_everywhere_and_with_filters(server: PlexServer) -> None:
    assert [film.title for film in server.search("general", mediatype="movie")] == ["The General"]
    films = server.library.section("Films")
    assert {film.title for film in films.search(genre="War")} == {"The General", "Battleship Potemkin"}
    assert {film.year for film in films.search(filters={"year>>": 1950})} == {1968, 1963, 1962, 1960, 1959}
    either = films.search(filters={"or": [{"title": "kid"}, {"title": "detour"}]})
    assert {film.title for film in either} == {"The Kid", "Detour"}
    assert [film.year for film in films.search(sort="year:asc", limit=2)] == [1902, 1920]
    assert {film.title for film in films.search(unwatched=False)} == {"The Kid", "Charade"}
    assert films.search(director="Fritz Lang")[0].title == "Metropolis"
    episodes = server.library.section("Series").searchEpisodes(title="oil")
    assert [episode.title for episode in episodes] == ["The Clampetts Strike Oil"]


def test_it_lists_what_was_added_and_what_is_on_deck(server: PlexServer) -> None:
    assert server.library.section("Films").recentlyAdded(maxresults=1)[0].title == "The General"
    titles = [item.title for item in server.library.onDeck()]
    assert titles[0] == "Metropolis"
    assert "Getting Settled" in titles


def test_it_goes_on_with_what_was_begun(server: PlexServer) -> None:
    films = server.library.section("Films")
    assert "Metropolis" in [item.title for item in server.continueWatching()]
    assert [item.title for item in films.continueWatching()] == ["Metropolis"]
    films.get("Metropolis").removeFromContinueWatching()
    assert films.continueWatching() == []


def test_it_reads_hubs_whole_and_those_that_a_library_manages(server: PlexServer) -> None:
    films = server.library.section("Films")
    added = next(hub for hub in films.hubs() if hub.title == "Recently Added in Films")
    assert added.more and added.size == 10
    assert len(added.items()) == films.totalSize
    assert [hub.title for hub in films.managedHubs()] == ["Continue Watching", "Recently Added in Films"]
    assert {hub.title for hub in server.library.hubs()} >= {"Continue Watching", "Recently Added in Music"}


def test_it_reads_every_list_that_a_library_names_and_all_its_choices(server: PlexServer) -> None:
    for section in server.library.sections():
        for named in server.query(f"/library/sections/{section.key}"):
            server.query(f"/library/sections/{section.key}/{named.attrib['key']}")
        for kind in section.filterTypes():
            for offered in section.listFilters(kind.type):
                section.listFilterChoices(offered.filter, kind.type)
            for order in section.listSorts(kind.type):
                section.search(libtype=kind.type, sort=order.key, maxresults=1)
        assert section.folders() and section.settings() and section.timeline().title1 == section.title
    assert server.library.section("Music").get("Johann Sebastian Bach").popularTracks()


def test_it_finds_titles_by_outside_ids_and_by_matching(server: PlexServer) -> None:
    films = server.library.section("Films")
    assert films.getGuid("imdb://tt0017925").title == "The General"
    assert server.library.section("Series").getGuid("tvdb://71471").title == "The Beverly Hillbillies"
    with pytest.raises(NotFound):
        films.getGuid("imdb://tt9999999999")
    assert [found.name for found in films.get("The Kid").matches()] == ["The Kid"]


def test_it_plays_through_a_queue(server: PlexServer) -> None:
    episodes = server.library.section("Series").get("The Beverly Hillbillies").episodes()
    queue = server.createPlayQueue(episodes[:3], startItem=episodes[1])
    assert queue.selectedItem == episodes[1] and queue.playQueueTotalCount == 3
    queue.addItem(episodes[4])
    queue.addItem(episodes[5], playNext=True)
    assert [episodes.index(item) for item in queue.items] == [0, 1, 5, 4, 2]
    assert queue.playQueueLastAddedItemID == queue.items[3].playQueueItemID
    queue.moveItem(episodes[2], after=episodes[0])
    queue.removeItem(episodes[5])
    assert [episodes.index(item) for item in PlayQueue.get(server, queue.playQueueID).items] == [0, 2, 1, 4]
    queue.clear()
    assert queue.items == [episodes[1]]
    playlist = server.createPlaylist("Two", items=episodes[:2])
    assert len(playlist.playQueue(shuffle=1)) == 2
    assert len(server.createPlayQueue(episodes[10], continuous=True)) == 5


def test_it_makes_changes_and_deletes_playlists(server: PlexServer) -> None:
    films = server.library.section("Films")
    kid, general, detour = (films.get(title) for title in ("The Kid", "The General", "Detour"))
    playlist = server.createPlaylist("Three", items=[kid, general])
    playlist.addItems(detour)
    assert [item.title for item in playlist.items()] == ["The Kid", "The General", "Detour"]
    playlist.moveItem(detour, after=kid)
    assert [item.title for item in playlist.reload().items()] == ["The Kid", "Detour", "The General"]
    playlist.removeItems(general)
    assert [item.title for item in playlist.reload().items()] == ["The Kid", "Detour"]
    playlist.editTitle("Two").reload()
    assert server.playlist("Two").leafCount == 2
    playlist.delete()
    with pytest.raises(NotFound):
        server.playlist("Two")


def test_it_makes_smart_playlists(server: PlexServer) -> None:
    films = server.library.section("Films")
    playlist = server.createPlaylist("Old", section=films, smart=True, filters={"year<<": 1921}, sort="year:asc")
    assert [item.year for item in playlist.items()] == [1902, 1920]
    with pytest.raises(BadRequest):
        playlist.addItems(films.get("The Kid"))


def test_it_makes_collections(server: PlexServer) -> None:
    films = server.library.section("Films")
    assert "Buster Keaton" in [collection.title for collection in films.collections()]
    made = films.createCollection("Horrors", items=[films.get("Nosferatu")])
    made.addItems(films.get("Carnival of Souls"))
    assert {item.title for item in films.collection("Horrors").items()} == {"Nosferatu", "Carnival of Souls"}
    made.editTitle("Frights").editSummary("Of old.").editSortTitle("Aa").reload()
    assert (made.title, made.summary, made.titleSort) == ("Frights", "Of old.", "Aa")
    made.rate(8).reload()
    assert made.userRating == 8
    made.sortUpdate("custom").moveItem(films.get("Carnival of Souls")).reload()
    assert [item.title for item in made.items()] == ["Carnival of Souls", "Nosferatu"]
    made.sortUpdate("release").reload()
    assert [item.year for item in made.items()] == [1922, 1962]
    made.delete()
    assert "Frights" not in [collection.title for collection in films.collections()]


def test_it_makes_smart_collections(server: PlexServer) -> None:
    films = server.library.section("Films")
    made = films.createCollection("Old", smart=True, filters={"year<<": 1921}, sort="year:asc")
    assert [item.year for item in made.items()] == [1902, 1920]
    made.updateFilters(filters={"year>>": 1960}, sort="year:desc")
    assert made.reload().smart and made.items()[0].year == 1968
    with pytest.raises(BadRequest):
        made.addItems(films.get("The Kid"))


def test_it_rates_and_takes_a_rating_back(server: PlexServer) -> None:
    film = server.library.section("Films").get("Nosferatu")
    film.rate(7.0).reload()
    assert film.userRating == 7.0
    assert film.lastRatedAt is not None
    film.rate(None).reload()
    assert film.userRating is None


def test_it_marks_as_played_and_unplayed(server: PlexServer) -> None:
    film = server.library.section("Films").get("Metropolis")
    assert film.viewOffset == 41 * 60_000
    film.markPlayed().reload()
    assert (film.viewCount, film.isPlayed, film.viewOffset) == (1, True, 0)
    film.markUnplayed().reload()
    assert not film.isPlayed
    show = server.library.section("Series").get("Sherlock Holmes")
    show.markPlayed().reload()
    assert show.viewedLeafCount == show.leafCount == 11
    album = server.library.section("Music").get("Johann Sebastian Bach").albums()[0]
    assert album.markPlayed().reload().isPlayed
    assert not album.markUnplayed().reload().isPlayed


def test_it_edits_titles_and_tags_and_locks_them(server: PlexServer) -> None:
    film = server.library.section("Films").get("Detour")
    film.editTitle("The Detour").editSummary("A road.").addGenre("Noir").reload()
    assert (film.title, film.summary) == ("The Detour", "A road.")
    assert [genre.tag for genre in film.genres] == ["Crime", "Thriller", "Noir"]
    assert {field.name for field in film.fields} == {"title", "summary", "genre"}
    film.removeGenre("Crime").reload()
    assert [genre.tag for genre in film.genres] == ["Thriller", "Noir"]
    film.editAudienceRating(9).editCriticRating(4).editUserRating(5).editEditionTitle("Cut").addProducer("P.").reload()
    assert (film.audienceRating, film.rating, film.userRating, film.editionTitle) == (9, 4, 5, "Cut")
    assert [person.tag for person in film.producers] == ["P."]


def test_it_chooses_pictures(server: PlexServer) -> None:
    film = server.library.section("Films").get("Detour")
    own = film.posters()[0]
    film.uploadPoster(url="http://127.0.0.1/other.png")
    assert [poster.selected for poster in film.posters()] == [False, True]
    film.setPoster(own)
    assert [poster.ratingKey for poster in film.posters() if poster.selected] == [own.ratingKey]
    assert "thumb" in {field.name for field in film.reload().fields}
    assert film.logos() == film.themes() == film.squareArts() == []
    assert len(server.playlists()[0].posters()) == 1


def test_it_reads_the_history_with_accounts_and_devices(server: PlexServer) -> None:
    rows = server.history()
    assert rows[0].viewedAt > rows[-1].viewedAt
    assert {row.accountID for row in rows} == {1, 2, 3}
    names = {account.id: account.name for account in server.systemAccounts()}
    assert names[rows[0].accountID] == "sandbox"
    assert {device.id for device in server.systemDevices()} >= {row.deviceID for row in rows}
    mine = server.history(accountID=2)
    assert {row.title for row in mine} == {"Charade", "The Clampetts Strike Oil", "Getting Settled"}
    recent = server.history(mindate=dt.datetime.now() - dt.timedelta(days=5))
    assert 0 < len(recent) < len(rows)
    assert len(server.history(maxresults=4)) == 4


def test_it_sees_sessions_and_stops_them(server: PlexServer, account: MyPlexAccount, box: Sandbox) -> None:
    box.play(1001, speed=0, offset=60_000)
    (session,) = server.sessions()
    assert (session.title, session.usernames, session.viewOffset) == ("The General", ["sandbox"], 60_000)
    assert session.player.state == "playing"
    assert session.user.username == account.username
    session.stop("enough")
    assert server.sessions() == []


def test_it_keeps_the_watchlist(account: MyPlexAccount) -> None:
    listed = account.watchlist()
    assert {item.title for item in listed} == {"Faust", "Sherlock Holmes"}
    (film,) = account.searchDiscover("metropolis", libtype="movie")
    assert not account.onWatchlist(film)
    account.addToWatchlist(film)
    assert account.onWatchlist(film)
    assert "Metropolis" in {item.title for item in account.watchlist(libtype="movie")}
    account.removeFromWatchlist(film)
    assert not account.onWatchlist(film)
    account.markPlayed(film)
    assert account.isPlayed(film)
    account.markUnplayed(film)
    assert not account.isPlayed(film)
    assert film.streamingServices() == []


def test_it_reads_what_the_account_lets_be_known(account: MyPlexAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    base = account.key.removesuffix("/api/v2/user")
    for name in ("OPTOUTS", "VIEWSTATESYNC"):
        monkeypatch.setattr(MyPlexAccount, name, getattr(MyPlexAccount, name).replace("https://plex.tv", base))
    assert account.onlineMediaSources() == []
    account.enableViewStateSync()
    assert account.viewStateSync


def test_it_keeps_a_place_and_shows_what_the_server_does(server: PlexServer) -> None:
    film = server.library.section("Films").get("Detour")
    assert film.updateProgress(120_000).reload().viewOffset == 120_000
    film.updateTimeline(60_000, "playing", film.duration)
    assert [session.title for session in server.sessions()] == ["Detour"]
    film.updateTimeline(70_000, "stopped", film.duration)
    assert server.sessions() == server.transcodeSessions() == server.butlerTasks() == []
    assert server.isLatest()


def test_it_asks_for_a_scan(server: PlexServer, box: Sandbox) -> None:
    before = box.plex.scanned[1]
    box.advance(60)
    server.library.section("Films").update()
    assert box.plex.scanned[1] >= before + 60
