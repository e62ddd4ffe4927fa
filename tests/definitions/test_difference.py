"""What differs between two definitions, in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.definitions.definition import definition_hash
from gatepost.definitions.difference import MOST, changes


def told(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [str(change) for change in changes({"name": "t", **old}, {"name": "t", **new})]


def schema(**properties: Any) -> dict[str, Any]:
    return {"inputSchema": {"type": "object", "properties": properties}}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            {"description": "Reads a file from the disk."},
            {"description": "Reads any file from the disk."},
            ["description: Reads [-a-] {+any+} file from the disk."],
        ),
        (
            {"description": "one two three four five six seven eight nine ten end"},
            {"description": "one two three four five six seven eight nine ten END"},
            ["description: … five six seven eight nine ten [-end-] {+END+}"],
        ),
        (
            {"description": "Reads a file."},
            {"description": "Reads a  file."},
            ["description: (only white space) Reads a {+<U+0020>+} file."],
        ),
        (
            {"description": "Reads a file."},
            {"description": "Reads a\nfile."},
            ["description: (only white space) Reads a [-<U+0020>-] {+<U+000A>+} file."],
        ),
        (
            {"description": "Reads."},
            {"description": "Reads.\n\t"},
            ["description: (only white space) Reads. {+<U+000A><U+0009>+}"],
        ),
        ({}, {"title": "T"}, ['title: {+"T"+}']),
        ({"annotations": {"readOnlyHint": True}}, {"annotations": {}}, ["annotations.readOnlyHint: [-true-]"]),
        (
            schema(path={"type": "string"}),
            schema(path={"type": "number"}, url={"type": "string"}),
            [
                "inputSchema.properties.path.type: [-string-] {+number+}",
                'inputSchema.properties.url: {+{"type":"string"}+}',
            ],
        ),
        (
            {"inputSchema": {"required": ["a", "b"]}},
            {"inputSchema": {"required": ["b", "c"]}},
            ['inputSchema.required: [-"a"-] {+"c"+}'],
        ),
        (
            {"inputSchema": {"enum": [1, 2]}},
            {"inputSchema": {"enum": [2, 1]}},
            ["inputSchema.enum: [-1, 2-] {+2, 1+}"],
        ),
        ({"_meta": {"a": [{"b": 1}]}}, {"_meta": {"a": [{"b": 2}]}}, ['_meta.a: [-[{"b":1}]-] {+[{"b":2}]+}']),
        ({"_meta": {"a": 1}}, {"_meta": {"a": True}}, ["_meta.a: [-1-] {+true+}"]),
    ],
    ids=[
        "word",
        "last-word",
        "blank",
        "line-break",
        "at-its-end",
        "title",
        "annotation",
        "schema",
        "required",
        "order",
        "objects",
        "kind",
    ],
)
def test_a_difference_is_told_by_its_place_and_its_words(
    old: dict[str, Any], new: dict[str, Any], said: list[str]
) -> None:
    assert told(old, new) == said


def test_a_character_that_cannot_be_seen_is_spelled_out() -> None:
    assert told({"description": "Reads"}, {"description": "Reads\u200b \U000e0041"}) == [
        "description: [-Reads-] {+Reads<U+200B> <U+E0041>+}"
    ]


def test_a_text_of_ten_megabytes_and_a_schema_of_thousands_of_members_are_told_within_bounds() -> None:
    (change,) = told({"description": "a b " * 2_500_000}, {"description": "c d " * 2_500_000})
    assert len(change) < 10_000
    assert "(9,999,999 characters)" in change
    many = changes({"_meta": {}}, {"_meta": {str(number): number for number in range(5_000)}})
    assert (len(many), many[-1].where) == (MOST + 1, "…")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b c", "a b\tc", "\u200b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON, _JSON)
def test_something_is_told_exactly_where_the_hash_differs(old: Any, new: Any) -> None:
    one, other = {"name": "t", "_meta": old}, {"name": "t", "_meta": new}
    assert bool(changes(one, other)) == (definition_hash(one) != definition_hash(other))


def test_lists_of_very_many_names_are_compared_in_linear_time() -> None:
    before, after = [f"a{number}" for number in range(100_000)], [f"b{number}" for number in range(100_000)]
    (change,) = changes({"inputSchema": {"enum": before}}, {"inputSchema": {"enum": after}})
    assert [kind for kind, _ in change.pieces] == ["removed", "added"]


def test_words_that_repeat_without_end_take_no_time_without_end() -> None:
    before = " ".join(["a"] * 1_400)
    after = " ".join(["b", *["a", "b"] * 700, "c"])
    old, new = ({f"m{number}": text for number in range(MOST)} for text in (before, after))
    found = changes({"inputSchema": old}, {"inputSchema": new})
    assert len(found) == MOST
    assert all("removed" in [kind for kind, _ in change.pieces] for change in found)
