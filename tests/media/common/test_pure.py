"""Ids, files, settings, the bound of a reply: the parts without a network."""

from __future__ import annotations

import json
import os
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost_media.common import ids
from gatepost_media.common.errors import BadArgument, NotConfigured
from gatepost_media.common.files import locked, read_private, write_private
from gatepost_media.common.output import Out, Page, Row, decode_cursor, encode_cursor, readable, reply
from gatepost_media.common.settings import Settings

WORDS = st.text(max_size=40)


@given(st.one_of(WORDS, st.from_regex(r"[0-9]{1,20}", fullmatch=True)))
def test_digits_are_ascii_digits_and_nothing_else(value: str) -> None:
    fits = 1 <= len(value) <= 18 and all(each in string.digits for each in value)
    try:
        assert (ids.digits("key", value), fits) == (value, True)
    except BadArgument as error:
        assert not fits
        assert str(error).startswith("key: ")


@given(WORDS)
def test_a_slug_an_imdb_id_and_a_guid_hold_no_character_with_a_meaning_in_a_path(value: str) -> None:
    for check in (ids.slug, ids.imdb, ids.hexadecimal):
        try:
            passed = check("x", value)
        except BadArgument:
            continue
        assert not set(passed) & set("/\\?#%&.:; \r\n\0")


@pytest.mark.parametrize(
    ("text", "fits"), [("2026-11-21", True), ("2026-02-30", False), ("20261121", False), ("", False)]
)
def test_a_date_is_a_day_of_the_calendar(text: str, fits: bool) -> None:
    if fits:
        assert ids.date("day", text).isoformat() == text
    else:
        with pytest.raises(BadArgument, match="day: must be a date"):
            ids.date("day", text)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-02-30", "0000-01-01", "0001-01-01", "9999-12-31", "1799-12-31", "2200-01-01", "2026-W05-1", "2026-046"),
        *("20260101", "２０２６-01-01", "2026-01-01x00:00", "2026-12-31T23:59:60Z", "0001-01-01T00:00:00+14:00"),
        *("2026-01-01T00:00:00+25:00", "9999-12-31T23:59:59-14:00", "", "yesterday", "2026-01-01T00:00:00Z\n"),
    ],
)
def test_a_time_that_no_service_understands_or_no_clock_reaches_is_refused(text: str) -> None:
    for read in (ids.date, ids.moment, ids.utc):
        with pytest.raises(BadArgument, match="day: must be a date"):
            read("day", text)


def test_a_moment_has_a_zone() -> None:
    assert ids.moment("x", "2026-11-21").isoformat() == "2026-11-21T00:00:00+00:00"
    assert ids.moment("x", "2026-11-21T18:00:00+02:00").utcoffset() is not None
    with pytest.raises(BadArgument):
        ids.moment("x", "yesterday")


@given(st.integers(0, 10**11), WORDS, WORDS)
def test_a_cursor_goes_on_in_its_own_list_only(offset: int, of: str, other: str) -> None:
    cursor = encode_cursor(offset, of)
    assert decode_cursor(cursor, of) == offset
    if other != of:
        with pytest.raises(BadArgument):
            decode_cursor(cursor, other)


@given(WORDS)
def test_anything_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        decode_cursor(text, "a list")


class Thing(Row):
    name: str
    tags: list[str]


class Things(Page[Thing]):
    pass


class One(Out):
    text: str
    rows: list[Thing]


things = st.lists(
    st.builds(Thing, name=st.text(max_size=300), tags=st.lists(st.text(max_size=50), max_size=5)), max_size=60
)


def _size(content: dict[str, Any], text: str) -> int:
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":"))) + len(text)


@given(things, st.integers(500, 3000), st.integers(0, 50))
def test_the_parts_of_a_list_are_within_the_bound_and_put_together_the_whole(
    rows: list[Thing], tokens: int, start: int
) -> None:
    seen: list[object] = []
    offset = start
    while True:
        content, text = reply(
            Things(items=rows[offset - start :], offset=offset, totalSize=start + len(rows)), tokens, str
        )
        assert _size(content, text) <= tokens * 4
        part = content["items"]
        assert isinstance(part, list)
        seen += part
        if "nextCursor" not in content:
            break
        assert part
        offset = int(str(content["nextCursor"]))
    assert seen == [each.model_dump() for each in rows]


@given(things, st.text(max_size=5000), st.integers(500, 2000))
def test_any_other_reply_is_cut_at_its_longest_until_it_fits_and_says_so(
    rows: list[Thing], words: str, tokens: int
) -> None:
    whole = One(text=words, rows=rows)
    content, text = reply(whole, tokens, str)
    assert _size(content, text) <= tokens * 4 or not rows
    if content != whole.model_dump(exclude_none=True):
        assert content["truncated"]
    One.model_validate(content)


def test_text_beside_a_reply_says_the_same() -> None:
    content, text = reply(One(text="two\nlines", rows=[Thing(name="a", tags=["x", "y"])]), 1000, str)
    assert content == {"text": "two\nlines", "rows": [{"name": "a", "tags": ["x", "y"]}]}
    assert text == "text: two lines\nrows:\n  - name: a, tags: x, y"
    assert readable({}) == "Nothing."


def test_a_private_file_is_private_replaced_whole_and_put_right(tmp_path: Path) -> None:
    file = tmp_path / "new" / "secret"
    assert read_private(file) is None
    write_private(file, b"one")
    write_private(file, b"two")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    file.chmod(0o644)
    assert read_private(file) == b"two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(file.parent) == ["secret"]


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path / "lock") as first:
        assert first
        with locked(tmp_path / "lock", wait=False) as second:
            assert not second
    with locked(tmp_path / "lock", wait=False) as third:
        assert third


def test_settings_hide_what_is_secret_and_an_empty_variable_is_none(tmp_path: Path) -> None:
    secret = "s3cret-value"
    names = ("PLEX_TOKEN", "TRAKT_CLIENT_ID", "TRAKT_CLIENT_SECRET", "SONARR_API_KEY", "RADARR_API_KEY")
    given_names = dict.fromkeys(names, secret)
    settings = Settings.from_environment({**given_names, "GATEPOST_MEDIA_HOME": str(tmp_path), "PLEX_URL": " "})
    assert secret not in repr(settings)
    assert settings.plex_token == secret
    assert settings.plex_url is None
    assert settings.trakt_api_url == "https://api.trakt.tv"
    first = settings.client_identifier()
    assert settings.client_identifier() == first
    with pytest.raises(NotConfigured, match="PLEX_URL must hold the address alone"):
        Settings.from_environment({"PLEX_URL": "http://127.0.0.1:32400/?X-Plex-Token=x"})
