"""What is passed on without being read in full holds nothing that would have been changed or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.mcp.message import parse
from gatepost.mcp.plain import plain_answer

SEALED = ("taskId", "requestState", "inputRequests", "error", "method")
KEYS = st.sampled_from(("text", "content", "isError", "resultType", "id", "result", *SEALED, "x" * 300, 'a"b', "ü"))
TEXTS = st.one_of(KEYS, st.sampled_from(("y" * 3000, 'said "error"', "\\u0069d", "naïve", "")))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
RESULTS = st.dictionaries(st.sampled_from(("content", "isError", "resultType", "structuredContent")), VALUES)


@given(result=RESULTS, filler=st.sampled_from((0, 5000, 60_000)), escaped=st.booleans())
def test_an_answer_that_is_passed_on_unread_is_whole_and_holds_no_key_that_matters(
    result: dict[str, Any], filler: int, escaped: bool
) -> None:
    if filler:
        result["filler"] = "z" * filler
    body = {"jsonrpc": "2.0", "id": 7, "result": result}
    raw = json.dumps(body, ensure_ascii=escaped, separators=(",", ":")).encode()
    plain = plain_answer(raw, 7)
    if plain is None:
        return
    message = parse(raw)
    assert (message.kind, message.id) == ("response", 7)
    assert result.get("resultType", "complete") == "complete"
    assert plain is (result.get("isError") is True)
    assert not keys(result) & {*SEALED, "id", "result"}


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(keys(member) for member in value.values()))
    return set().union(*(keys(element) for element in value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("filler", [10, 50_000])
def test_the_usual_answers_are_passed_on_unread_long_ones_too(filler: int) -> None:
    text = json.dumps({"content": [{"type": "text", "text": "y" * filler}], "isError": True}, separators=(",", ":"))
    raw = b'{"jsonrpc":"2.0","id":7,"result":%b}' % text.encode()
    assert plain_answer(raw, 7) is True


@pytest.mark.parametrize("filler", [10, 50_000])
@pytest.mark.parametrize(
    "odd",
    [
        '"id":8,"id":7,"result":{"t":"FILLER"}',
        '"id":7,"result":{"t":"FILLER"},"Result":{"content":[]}',
        '"id":7,"result":{"t":"FILLER"},"extra":1',
        '"id":7,"result":{"t":"FILLER","task\\u0049d":"x"}',
        '"id":7,"result":{"t":"FILLER","isError":false,"isError":true}',
        '"id":7,"result":{"t":"FILLER","resultType":"input_required"}',
        '"id":7,"result":{"t":"FILLER"',
        '"id":"7","result":{"t":"FILLER"}',
        '"id":7,"result":{"t":"FILLER","nested":{"taskId":"t1"}}',
    ],
)
def test_an_odd_answer_is_read_in_full(odd: str, filler: int) -> None:
    raw = '{"jsonrpc":"2.0",%s}' % odd.replace("FILLER", "y" * filler)  # noqa: UP031 - braces
    assert plain_answer(raw.encode(), 7) is None
