"""Progress that is passed on unread is what a strict reader takes for the same, and for no more."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatepost.mcp.message import MessageError, parse
from gatepost.mcp.plain import plain_progress

KNOWN = {"progressToken", "progress", "total", "message"}
NUMBERS = st.sampled_from(("0", "3", "-1", "1.5", "1.50", "-0", "1e2", "0e99999", "1" * 400, "12345678901234567", "01"))
STRINGS = st.sampled_from(
    ('"a"', '"total"', '"progress"', '"notifications/progress"', '"naïve"', '"\\""', '"\\u0022"', '"\\ud800"', '"\t"')
)
OTHERS = st.sampled_from(("null", "true", "[]", '{"a":1,"a":2}', '{"taskId":"t"}'))
KEYS = st.sampled_from(
    ('"progressToken"', '"progress"', '"total"', '"message"', '"_meta"', '"t\\u006ftal"', '"Progress"', '"x"')
)
USUAL = st.one_of(
    st.tuples(st.just('"progressToken"'), st.one_of(NUMBERS, STRINGS)),
    st.tuples(st.sampled_from(('"progress"', '"total"')), NUMBERS),
    st.tuples(st.just('"message"'), STRINGS),
)
MEMBERS = st.lists(st.one_of(USUAL, USUAL, st.tuples(KEYS, st.one_of(NUMBERS, STRINGS, OTHERS))), max_size=5)
TOP = st.lists(
    st.sampled_from(
        (
            ('"jsonrpc"', '"2.0"'),
            ('"method"', '"notifications/progress"'),
            ('"params"', "PARAMS"),
            ('"method"', '"notifications/message"'),
            ('"id"', "1"),
        )
    ),
    min_size=3,
    max_size=4,
)


def text(members: list[tuple[str, str]], space: str = "") -> str:
    return "{" + ",".join(f"{key}:{space}{value}" for key, value in members) + "}"


WELL = [('"jsonrpc"', '"2.0"'), ('"method"', '"notifications/progress"'), ('"params"', "PARAMS")]


@given(top=st.one_of(st.permutations(WELL), TOP), members=MEMBERS, space=st.sampled_from(("", " ")))
@example(
    WELL, [('"progressToken"', "1"), ('"progress"', "1"), ('"progress"', "2"), ('"message"', '"\\u0022\\u0022"')], ""
)
@example(WELL, [('"progressToken"', "1"), ('"progress"', "1"), ('"progr\\u0065ss"', "2")], "")
def test_what_is_taken_for_plain_progress_is_strictly_valid_and_has_only_its_own_members(
    top: list[tuple[str, str]], members: list[tuple[str, str]], space: str
) -> None:
    raw = text(top, space).replace("PARAMS", text(members, space)).encode("utf-8", "surrogatepass")
    if not plain_progress(raw):
        return
    message = parse(raw)
    assert (message.kind, message.method) == ("notification", "notifications/progress")
    assert message.body.keys() == {"jsonrpc", "method", "params"}
    assert {"progressToken", "progress"} <= message.params.keys() <= KNOWN


@given(st.binary(max_size=40), st.integers(0, 120))
def test_bytes_put_into_plain_progress_do_not_pass_where_a_strict_reader_refuses_them(noise: bytes, at: int) -> None:
    usual = (
        b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":2,"message":"m"}}'
    )
    raw = usual[:at] + noise + usual[at:]
    try:
        parse(raw)
    except MessageError:
        assert not plain_progress(raw)


@pytest.mark.parametrize("token", [7, "seven"])
@pytest.mark.parametrize("more", [{}, {"total": 2.5}, {"total": 9, "message": "naïve " + "x" * 900}])
@pytest.mark.parametrize("method_first", [True, False])
def test_the_progress_that_servers_send_is_plain(token: object, more: dict[str, object], method_first: bool) -> None:
    body = {
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": {"progressToken": token, "progress": 1, **more},
    }
    if method_first:
        body["jsonrpc"] = body.pop("jsonrpc")
    assert plain_progress(json.dumps(body, ensure_ascii=False).encode())
