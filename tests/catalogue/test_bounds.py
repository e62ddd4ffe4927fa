"""Whatever a server lists is classified: without an error, the same each time, and only its beginning read."""

from __future__ import annotations

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.catalogue import Siblings, classify, lexicon
from gatepost.catalogue.classification import CATEGORIES, SEVERITIES, SIGNALS
from gatepost.catalogue.words import forms

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_SCHEMA = st.fixed_dictionaries(
    {"properties": st.dictionaries(st.text(max_size=10), _JSON, max_size=4)}, optional={"required": _JSON}
)


@settings(max_examples=150)
@given(st.text(max_size=40), st.text(max_size=80) | st.none(), _SCHEMA | _JSON, _JSON, st.lists(st.text(max_size=12)))
def test_any_definition_has_a_class_and_always_the_same(
    name: str, description: str | None, schema: object, annotations: object, siblings: list[str]
) -> None:
    first = classify(name, description, schema, annotations, siblings)  # type: ignore[arg-type]
    assert first.category in CATEGORIES
    assert first.severity in SEVERITIES
    assert set(first.signals) <= set(SIGNALS)
    assert first == classify(name, description, schema, annotations, siblings)  # type: ignore[arg-type]


_KNOWN = sorted(
    {form for verb in (*lexicon.VERBS, *lexicon.LIGHT) for form in forms(verb)}
    | {f"re-{form}" for verb in ("build", "run", "index", "issue") for form in forms(verb)}
    | lexicon.PREPOSITIONS
    | lexicon.LEAD_INS
    | lexicon.READ_HEADS
    | lexicon.MONEY
    | set(lexicon.NOMINAL)
    | {",", ":", "/", "&", "and", "or", "a", "the", "this"}
)
_SENTENCES = st.lists(st.sampled_from(_KNOWN), max_size=14).map(" ".join)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(_KNOWN), max_size=4).map("_".join), _SENTENCES)
def test_sentences_of_the_words_that_the_rules_know_have_a_class_that_quotes_the_definition(
    name: str, description: str
) -> None:
    got = classify(name, description)
    assert got.category in CATEGORIES
    assert all(one.source in ("name", "description") for one in got.evidence)
    assert (got.category == "read") <= bool(got.evidence)


def test_a_verb_that_is_spelt_with_a_hyphen_is_the_verb() -> None:
    assert classify("x", "Re-building the index").category == "execute"


def test_of_ten_million_characters_only_the_beginning_counts() -> None:
    assert classify("a" * 10_000_000, "Lists things. " + "deletes everything " * 500_000).category == "read"


def test_of_a_hundred_thousand_parameters_and_siblings_only_the_first_are_read() -> None:
    schema = {"properties": {f"p{number}": {"type": "string"} for number in range(100_000)}}
    siblings = Siblings.of(f"acme_thing_{number}" for number in range(100_000))
    assert "many-parameters" in classify("get_it", "Gets it", schema, None, siblings).signals


def test_a_reference_to_elsewhere_is_never_followed() -> None:
    schema = {"$ref": "https://example.invalid/schema", "properties": {"x": {"$ref": "file:///etc/passwd"}}}
    assert classify("get_it", "Gets it", schema).category == "read"


def test_of_long_descriptions_no_more_is_remembered_than_is_read() -> None:
    tracemalloc.start()
    try:
        for number in range(64):
            classify(f"tool_{number}", f"Reads file {number}. " + "x" * 1_000_000, {})
        remembered, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert remembered < 16_000_000
