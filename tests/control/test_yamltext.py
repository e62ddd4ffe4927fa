"""YAML as a way to write a policy: what it becomes, and what is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gatepost.control.yamltext import MAX_DEPTH, YamlError, to_json


@pytest.fixture(params=["CLoader", "Loader"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast parser, and the one that is there where the fast one was not built."""
    monkeypatch.setattr("gatepost.control.yamltext._Loader", getattr(yaml, request.param))


def read(text: str) -> Any:
    return json.loads(to_json(text.encode("utf-8", "surrogatepass")))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1", {"a": 1}),
        ("a:\n  - x\n  - 'y'\n  - \"z\\n\"\n", {"a": ["x", "y", "z\n"]}),
        ("{a: [1, -2.5, 1e3, true, False, null, ~]}", {"a": [1, -2.5, 1000.0, True, False, None, None]}),
        ("a:", {"a": None}),
        ("a: '5'\nb: \"true\"\nc: 'no'", {"a": "5", "b": "true", "c": "no"}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("a: >\n  two\n  lines\n", {"a": "two lines\n"}),
        ("a: 2026-11-21", {"a": "2026-11-21"}),
        ("a: plex://library/*", {"a": "plex://library/*"}),
        ("\"@write\": {}\n'delete_*': {action: deny}", {"@write": {}, "delete_*": {"action": "deny"}}),
        ("'yes': 1\n'null': 2", {"yes": 1, "null": 2}),
        ("60: x", {"60": "x"}),
        ("--- # one\na: {}\n...\n", {"a": {}}),
        ("[]", []),
        ("just words", "just words"),
        ("a: é😀", {"a": "é😀"}),
        ("a: 1.2.3", {"a": "1.2.3"}),
        ("a: 5d", {"a": "5d"}),
    ],
)
@pytest.mark.usefixtures("_parser")
def test_yaml_becomes_the_json_that_one_would_expect(text: str, value: Any) -> None:
    assert read(text) == value


@pytest.mark.parametrize("number", ["13.0000000000000000001", "9007199254740993", "1.50", "-0", "1E+2", "0.1"])
def test_a_numbers_text_is_kept(number: str) -> None:
    assert to_json(f"a: {number}".encode()) == f'{{"a":{number}}}'.encode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: &x 1", "anchor"),
        ("a: *x", "alias"),
        ("a: !!python/object/apply:os.system ['true']", "tag"),
        ("a: !!str 5", "tag"),
        ("!local {a: 1}", "tag"),
        ("a: {<<: {b: 1}}", "merge key"),
        ("a: 1\na: 2", "twice"),
        ("{b: {a: 1, 'a': 2}}", "twice"),
        ("a: 1\n---\nb: 2", "second document"),
        ("[a]: 1", "as a key"),
        ("? {a: 1}\n: 2", "as a key"),
        ("a: yes", "truth value"),
        ("a: [NO]", "truth value"),
        ("a: off", "truth value"),
        ("on: 1", "quotes"),
        ("null: 1", "quotes"),
        ("a: 0o17", "no number in JSON"),
        ("a: 017", "no number in JSON"),
        ("a: 0x1F", "no number in JSON"),
        ("a: 1_000", "no number in JSON"),
        ("a: .5", "no number in JSON"),
        ("a: 5.", "no number in JSON"),
        ("a: +1", "no number in JSON"),
        ("a: 12:30:45", "no number in JSON"),
        ("a: .inf", "no number in JSON"),
        ("a: .NaN", "no number in JSON"),
        ("a: b: c", "no valid YAML"),
        ("a: [1", "no valid YAML"),
        ("\ta: 1", "no valid YAML"),
        ("a: \x01", "no valid YAML"),
        ("\ufeffa: 1", "byte order mark"),
        ("%YAML 9.9\n---\na: 1", "no valid YAML"),
        ("", "no document"),
        ("# nothing", "no document"),
    ],
)
@pytest.mark.usefixtures("_parser")
def test_what_could_be_read_in_two_ways_or_does_more_than_json_is_refused(text: str, why: str) -> None:
    with pytest.raises(YamlError, match=why):
        read(text)


@pytest.mark.usefixtures("_parser")
def test_a_refusal_says_where() -> None:
    with pytest.raises(YamlError, match=r"line 3, column 6"):
        read("a: 1\nb: 2\nbad: yes\n")


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(YamlError, match="offset 3"):
        to_json(b"a: \xff")


@pytest.mark.usefixtures("_parser")
def test_depth_is_bounded() -> None:
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(YamlError, match="nested deeper"):
        read("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    with pytest.raises(YamlError, match="nested deeper"):
        read("[" * 500_000)


def test_a_billion_laughs_cost_nothing() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + level)}: &{chr(98 + level)} [{','.join(['*' + chr(97 + level)] * 9)}]\n" for level in range(20)
    )
    began = time.monotonic()
    with pytest.raises(YamlError, match="anchor"):
        read(bomb)
    assert time.monotonic() - began < 1


# Beyond the basic plane JSON escapes a character in two halves, and YAML in one.
TEXT = st.text(st.characters(max_codepoint=0xD7FF), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=15,
)


@given(JSON)
def test_json_text_is_yaml_that_means_the_same(value: Any) -> None:
    text = json.dumps(value)
    assert json.loads(to_json(("--- " + text).encode())) == json.loads(text)


@given(st.text(max_size=60))
def test_any_text_is_either_json_afterwards_or_refused(text: str) -> None:
    try:
        result = to_json(text.encode("utf-8", "surrogatepass"))
    except YamlError:
        return
    json.loads(result)


@given(st.text(alphabet="01_.:eExob+-fINnaA", min_size=1, max_size=8))
def test_what_yaml_1_1_reads_as_a_number_is_json_or_refused_and_never_text(scalar: str) -> None:
    try:
        old = yaml.safe_load(f"a: {scalar}")["a"]
    except (yaml.YAMLError, ValueError, TypeError):
        return
    if not isinstance(old, (int, float)) or isinstance(old, bool):
        return
    try:
        new = read(f"a: {scalar}")["a"]
    except YamlError:
        return
    assert isinstance(new, (int, float))
    assert new == old
