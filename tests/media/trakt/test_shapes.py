"""The pure parts: what ids are, how Trakt's objects are made flat, what is hidden, what is framed."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost_media.common.errors import BadArgument, Refused
from gatepost_media.common.http import join
from gatepost_media.trakt.arguments import checked, ids_of
from gatepost_media.trakt.client import Object
from gatepost_media.trakt.models import Item, Movie, item, read
from gatepost_media.trakt.tools.comments import HIDDEN, veil
from gatepost_media.trakt.tools.shapes import Video, frame

HOSTILE = ["..", ".", "", "a/b", "a?b=c", "a#b", "%2e%2e", "a b", "A", "a\n", "é", "a" * 201, "../sync/history"]


@pytest.mark.parametrize("value", HOSTILE)
def test_what_is_no_id_is_refused_by_the_name_of_its_argument(value: str) -> None:
    with pytest.raises(BadArgument, match=r"^show_id: "):
        checked("show_id", value)


@given(st.text(max_size=30))
def test_an_id_that_is_taken_is_one_segment_of_a_path_and_nothing_else(value: str) -> None:
    try:
        segment = checked("show_id", value)
    except BadArgument:
        return
    parts = urlsplit(join("https://api.example", "shows", segment, "ratings"))
    assert parts.path.split("/") == ["", "shows", value, "ratings"]
    assert not parts.query
    assert not parts.fragment


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("1390", {"trakt": 1390}),
        ("tt0306414", {"imdb": "tt0306414"}),
        ("the-wire", {"slug": "the-wire"}),
        ("tt-and-friends", {"slug": "tt-and-friends"}),
    ],
)
def test_an_id_goes_into_a_body_under_the_name_of_its_kind(value: str, ids: dict[str, str | int]) -> None:
    assert ids_of("show_id", value) == ids


def test_an_episode_keeps_its_own_ids_and_names_its_show() -> None:
    raw: Object = {
        "watched_at": "2026-11-21T20:00:00.000Z",
        "type": "episode",
        "episode": {"season": 0, "number": 3, "title": "Three", "ids": {"trakt": 73, "tvdb": 9}},
        "show": {"title": "A Show", "year": 1999, "ids": {"trakt": 1, "slug": "a-show", "imdb": "tt0000001"}},
    }
    row = read(Item, item(raw))
    assert (row.title, row.year, row.season, row.episode, row.episode_title) == ("A Show", 1999, 0, 3, "Three")
    assert (row.trakt_id, row.tvdb_id, row.slug, row.show_slug, row.show_trakt_id) == (73, 9, None, "a-show", 1)


def test_what_trakt_says_of_no_type_is_named_by_what_is_in_it() -> None:
    assert item({"movie": {"title": "A Film"}})["type"] == "movie"
    assert item({"show": {"title": "A Show"}, "episode": {"number": 1}})["type"] == "episode"
    assert item({}, "show")["type"] == "show"


def test_an_answer_of_another_form_is_an_error_that_names_the_field_and_not_its_value() -> None:
    with pytest.raises(Refused, match="year") as caught:
        read(Movie, {"title": "A Film", "year": "secret"})
    assert "secret" not in str(caught.value)


_PLAIN = st.text(st.characters(exclude_characters="[]"), max_size=20)


@given(
    st.lists(st.tuples(_PLAIN, st.text(st.characters(exclude_characters="[]"), min_size=1, max_size=20)), max_size=5)
)
def test_no_text_between_spoiler_tags_is_shown_and_all_else_is(parts: list[tuple[str, str]]) -> None:
    written = "".join(f"{shown}[spoiler]{hidden}[/SPOILER]" for shown, hidden in parts)
    assert veil(written) == "".join(f"{shown}{HIDDEN}" for shown, _ in parts)


def test_a_spoiler_that_is_not_closed_hides_the_rest() -> None:
    assert veil("Fine. [Spoiler]He was dead") == f"Fine. {HIDDEN}"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://evil.example/watch?v=abcdefghijk",
        "https://www.youtube.com.evil.example/watch?v=abcdefghijk",
        'https://youtube.com/watch?v="><script>',
        "https://youtu.be/abc/../../x",
        "https://youtube.com/watch",
        "https://[broken/watch?v=abcdefghijk",
    ],
)
def test_what_is_no_youtube_video_gets_noframe(url: str) -> None:
    assert frame(url) is None


@pytest.mark.parametrize("url", ["https://www.youtube.com/watch?v=abcdefghijk", "https://youtu.be/abcdefghijk"])
def test_a_frame_is_made_of_the_video_id_alone(url: str) -> None:
    made = frame(read(Video, {"url": url}).url)
    assert made is not None
    assert 'src="https://www.youtube-nocookie.com/embed/abcdefghijk"' in made
