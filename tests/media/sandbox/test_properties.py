"""Media queries against a plain model, and any text through an edit and both forms of an answer."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost_media.sandbox import Sandbox
from gatepost_media.sandbox.plex.query import select
from tests.media.sandbox.clients import Services

PLEX = Sandbox("demo").plex
FILMS = list(PLEX.of("movie"))

YEARS = {
    "year": lambda film, n: film.year == n,
    "year!": lambda film, n: film.year != n,
    "year>>": lambda film, n: film.year > n,
    "year<<": lambda film, n: film.year < n,
    "year>": lambda film, n: film.year >= n,
    "year<": lambda film, n: film.year <= n,
}
TITLES = {
    "title": lambda film, text: text in film.title.lower(),
    "title!": lambda film, text: text not in film.title.lower(),
    "title<": lambda film, text: film.title.lower().startswith(text),
    "title>": lambda film, text: film.title.lower().endswith(text),
}

conditions = st.one_of(
    st.tuples(st.sampled_from(sorted(YEARS)), st.integers(1900, 1970)),
    st.tuples(st.sampled_from(sorted(TITLES)), st.sampled_from(["the", "a", "e", "ing", "general", "zz"])),
)
groups = st.lists(st.lists(conditions, min_size=1, max_size=3), min_size=1, max_size=3)


def _pairs(alternatives: list[list[tuple[str, Any]]]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for number, group in enumerate(alternatives):
        found += [("or", "1")] * (number > 0)
        found += [(name, str(value)) for name, value in group]
    return found


def _model(film: Any, alternatives: list[list[tuple[str, Any]]]) -> bool:
    known: dict[str, Any] = {**YEARS, **TITLES}
    return any(all(known[name](film, value) for name, value in group) for group in alternatives)


@settings(max_examples=150)
@given(groups, groups)
def test_a_media_query_finds_what_a_plain_reading_of_it_finds(
    first: list[list[tuple[str, Any]]], second: list[list[tuple[str, Any]]]
) -> None:
    bracket, end = ("push", "1"), ("pop", "1")
    query = [("type", "1"), bracket, *_pairs(first), end, bracket, *_pairs(second), end, ("sort", "year:desc")]
    found = select(PLEX, query, "movie")
    assert {film.key for film in found} == {film.key for film in FILMS if _model(film, first) and _model(film, second)}
    assert [film.year for film in found] == sorted((film.year or 0 for film in found), reverse=True)


@settings(max_examples=12)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_any_text_comes_back_as_it_was_sent_in_both_forms(texts: list[str]) -> None:
    async def body() -> None:
        async with Sandbox("small") as box, Services(box) as services:
            for text in texts:
                sent = {"type": "1", "id": "1001", "summary.value": text}
                assert (await services.plex.put("/library/sections/1/all", params=sent)).status_code == 200
                (row,) = (await services.container("/library/metadata/1001"))["Metadata"]
                assert row["summary"] == text.encode("utf-8", "replace").decode()
                answer = await services.plex.get("/library/metadata/1001", headers={"Accept": "*/*"})
                seen = ET.fromstring(answer.content)[0].get("summary", "")
                assert seen == "".join(letter for letter in row["summary"] if letter in "\t\n\r" or letter >= " ")

    asyncio.run(body())
