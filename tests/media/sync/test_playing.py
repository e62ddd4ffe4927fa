"""The scrobbler's rules: from sights of sessions to what Trakt is told."""

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from gatepost_media.sync.playing import Playing, Seen, Send, State, still_due


def told(playing: Playing, *sights: tuple[State, float | None], item: str = "10", session: str = "1") -> list[Send]:
    return [send for state, progress in sights for send in playing.see(Seen(session, item, state, progress))]


def words(sends: list[Send]) -> list[tuple[str, float]]:
    return [(send.action, send.progress) for send in sends]


def test_a_film_played_through_is_a_start_and_a_stop_that_is_a_play() -> None:
    sends = told(Playing(), ("playing", 0.2), ("playing", 5), ("playing", 50), ("stopped", 97))
    assert words(sends) == [("start", 5), ("stop", 97)]
    assert [send.is_play for send in sends] == [False, True]


def test_a_pause_and_a_resume_are_told_once_each() -> None:
    sights: list[tuple[State, float | None]] = [("playing", 5), ("paused", 30), ("paused", 30), ("playing", 30.1)]
    sights += [("playing", 40), ("stopped", 79.9)]
    sends = told(Playing(), *sights)
    assert words(sends) == [("start", 5), ("pause", 30), ("start", 30.1), ("stop", 79.9)]
    assert not any(send.is_play for send in sends)


def test_below_one_per_cent_nothing_is_told() -> None:
    assert told(Playing(), ("playing", 0), ("paused", 0.5), ("playing", 0.9), ("stopped", 0.99)) == []


def test_an_end_reported_at_the_beginning_counts_where_the_player_was_seen_last() -> None:
    assert words(told(Playing(), ("playing", 95), ("stopped", 0)))[-1] == ("stop", 95)
    assert words(told(Playing(), ("playing", 95), ("stopped", None)))[-1] == ("stop", 95)


def test_the_next_episode_in_the_same_session_ends_the_one_before() -> None:
    playing = Playing()
    sends = told(playing, ("playing", 5), ("playing", 98), item="1") + told(playing, ("playing", 2), item="2")
    assert [(send.item, send.action) for send in sends] == [("1", "start"), ("1", "stop"), ("2", "start")]


def test_a_late_end_of_the_episode_before_does_not_end_the_next() -> None:
    playing = Playing()
    told(playing, ("playing", 98), item="1")
    told(playing, ("playing", 2), item="2")
    assert told(playing, ("stopped", 99), item="1") == []
    assert playing.sessions["1"].item == "2"


def test_a_session_that_has_gone_without_a_word_is_ended_where_it_was_seen_last() -> None:
    playing = Playing()
    told(playing, ("playing", 85), session="1")
    told(playing, ("playing", 40), session="2")
    gone = playing.only({"2"})
    assert [(send.session, send.action, send.progress) for send in gone] == [("1", "stop", 85)]
    assert playing.only({"2"}) == []


def test_a_session_that_was_paused_or_over_before_says_nothing() -> None:
    assert told(Playing(), ("paused", 50), ("paused", 50), ("stopped", 90)) == []


def test_a_trailer_after_the_film_ends_the_film_and_a_user_who_counts_no_more_ends_nothing() -> None:
    playing = Playing()
    told(playing, ("playing", 93), item="1")
    assert words(playing.leave("1", "9")) == [("stop", 93)]
    told(playing, ("playing", 93), item="1")
    assert playing.leave("1", "1") == []
    assert playing.leave("1", "1") == [] and playing.only(set()) == []


ITEMS = st.sampled_from(["1", "2"])
STATES: st.SearchStrategy[State] = st.sampled_from(["playing", "playing", "paused", "stopped"])
PROGRESS = st.none() | st.sampled_from([0.0, 0.5, 1.0, 30.0, 79.9, 80.0, 100.0, 130.0])
SIGHTS = st.lists(st.tuples(ITEMS, STATES, PROGRESS) | st.none(), max_size=25)


def expected(sights: list[tuple[str, State, float | None] | None]) -> list[tuple[str, str, float]]:
    """The same rules over whole viewings: cut the sights of a session into viewings, then tell each as a story."""
    viewings: list[tuple[str, list[tuple[State, float]], float | None]] = []
    open_item: str | None = None
    for sight in sights:
        if sight is None:
            open_item = None
            continue
        item, state, progress = sight
        if state == "stopped":
            if open_item == item:
                viewings[-1] = (item, viewings[-1][1], progress)
                open_item = None
        elif state == "playing" or open_item is not None:
            if open_item != item:
                open_item = None
                if state != "playing":
                    continue
                viewings.append((item, [], None))
                open_item = item
            story = viewings[-1][1]
            last = story[-1][1] if story else 0.0
            story.append((state, last if progress is None else min(progress, 100.0)))
    sent: list[tuple[str, str, float]] = []
    for item, story, end in viewings:
        told = [(state, progress) for state, progress in story if progress >= 1]
        while told and told[0][0] == "paused":
            told.pop(0)
        for state, group in groupby(told, key=lambda each: each[0]):
            sent.append((item, "start" if state == "playing" else "pause", next(group)[1]))
        last = min(end, 100.0) if end else story[-1][1]
        if last >= 1:
            sent.append((item, "stop", last))
    return sent


@given(SIGHTS)
def test_every_course_of_a_session_is_told_as_the_rules_over_whole_viewings_say(
    sights: list[tuple[str, State, float | None] | None],
) -> None:
    sights = [*sights, None]  # in the end every session has gone
    playing = Playing()
    sends = []
    for sight in sights:
        if sight is None:
            sends += playing.only(set())
        else:
            item, state, progress = sight
            sends += playing.see(Seen("1", item, state, progress))
    assert [(send.item, send.action, send.progress) for send in sends] == expected(sights)


@given(st.lists(st.tuples(st.sampled_from("ab"), SIGHTS.filter(bool)), max_size=4))
def test_sessions_do_not_touch_each_other(
    courses: list[tuple[str, list[tuple[str, State, float | None] | None]]],
) -> None:
    together, apart = Playing(), {"a": Playing(), "b": Playing()}
    for session, sights in courses:
        for sight in sights:
            if sight is not None:
                seen = Seen(session, *sight)
                assert together.see(seen) == apart[session].see(seen)


SENDS = st.builds(
    Send,
    session=st.sampled_from("12"),
    item=st.sampled_from("ab"),
    action=st.sampled_from(["start", "pause", "stop"]),
    progress=st.sampled_from([1.0, 50.0, 80.0, 99.0]),
)


@given(st.lists(SENDS, max_size=12))
def test_of_what_waits_every_play_stays_and_of_the_rest_only_the_last_word_on_an_item(queue: list[Send]) -> None:
    kept = still_due(queue)
    remaining = iter(queue)
    assert all(any(send is other for other in remaining) for send in kept)  # a subsequence
    assert [send for send in kept if send.is_play] == [send for send in queue if send.is_play]
    for session, item in {(send.session, send.item) for send in queue}:
        about = [send for send in queue if (send.session, send.item) == (session, item)]
        still = [send for send in kept if (send.session, send.item) == (session, item)]
        assert still[-1] is about[-1]
        assert all(send.is_play for send in still[:-1])
