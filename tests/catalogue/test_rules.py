"""The rules as data: whole, free of contradictions, and no tool's own name among them."""

from __future__ import annotations

from gatepost.catalogue import lexicon, object_rules
from gatepost.catalogue.words import forms, inflected, name_words, singular
from tests.catalogue.labelled import servers


def test_no_labelled_tools_own_name_stands_in_a_rule() -> None:
    words = set(lexicon.VERBS) | {
        f"{verb}_{thing}" for verb, rules in object_rules.OBJECT_RULES.items() for thing in rules
    }
    names = {tool.name for folder in ("servers", "media") for tools in servers(folder).values() for tool in tools}
    compound = {name for name in names if len(name_words(name)) > 2}
    assert not compound & words
    assert all("_" not in verb for verb in lexicon.VERBS)


def test_every_verb_that_an_object_rule_speaks_of_is_known_by_itself() -> None:
    unknown = set(object_rules.OBJECT_RULES) - set(lexicon.VERBS) - lexicon.LIGHT
    assert unknown == set()


def test_no_verb_stands_in_two_categories() -> None:
    seen: dict[str, str] = {}
    for category, _, verbs in lexicon.VERB_ROWS:
        for verb in verbs:
            assert seen.setdefault(verb, category) == category, verb


def test_two_words_that_are_one_verb_mean_a_known_one() -> None:
    assert set(lexicon.TWO_WORDS.values()) <= set(lexicon.VERBS) | lexicon.LIGHT


def test_verbs_are_known_in_all_their_forms() -> None:
    assert forms("copy") == ("copy", "copies", "copying")
    assert forms("delete") == ("delete", "deletes", "deleting")
    assert forms("run") == ("run", "runs", "running")
    assert forms("push") == ("push", "pushes", "pushing")
    assert forms("edit") == ("edit", "edits", "editing")
    assert inflected(["stop"])["stopping"] == ("stop", "ing")


def test_names_split_where_words_do() -> None:
    assert name_words("linear_getIssueByID2") == ("linear", "get", "issue", "by", "id2")
    assert name_words("HTTPServer.start-now") == ("http", "server", "start", "now")
    assert name_words("") == ()


def test_plurals_lose_their_ending() -> None:
    assert [singular(word) for word in ("queries", "boxes", "refunds", "status", "address", "ids")] == [
        "query",
        "box",
        "refund",
        "status",
        "address",
        "id",
    ]
