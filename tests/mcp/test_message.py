"""What counts as one JSON-RPC message (PROTOCOL: Refused before any rule is read)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.mcp.message import MessageError, parse
from gatepost.policy import compile_definition
from gatepost.policy.arguments import as_plain


def call(**changes: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {}}, **changes}


def refused(body: object | bytes) -> MessageError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(MessageError) as caught:
        parse(raw)
    return caught.value


def test_a_request_is_read_with_all_its_members_and_written_again_as_it_came() -> None:
    params = '{"name":"t","arguments":{"n":1.0,"m":1e2}}'
    raw = f'{{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{params},"x-other":[1]}}'.encode()
    message = parse(raw)
    assert (message.kind, message.id, message.method, message.params["name"]) == ("request", "a", "tools/call", "t")
    assert message.encode() == raw


SPELLED = st.sampled_from(["1e2", "1.50", "-0", "1E-7", "100000000000000000000000", "13.0000000000000000001"])
NUMBERS = st.integers(-(10**25), 10**25).map(str) | st.floats(allow_nan=False, allow_infinity=False).map(repr) | SPELLED
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5).map(json.dumps)
VALUES = st.recursive(
    NUMBERS | TEXTS | st.sampled_from(["true", "false", "null"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.dictionaries(TEXTS, inner, max_size=3).map(
            lambda members: "{" + ",".join(f"{name}:{member}" for name, member in members.items()) + "}"
        )
    ),
    max_leaves=6,
)
DEFINITION = compile_definition(
    {"name": "t", "inputSchema": {"properties": {"a": {"type": ["integer", "array", "object"], "maxItems": 1}}}}
)


@given(VALUES)
def test_arguments_of_a_message_that_is_called_plain_are_judged_like_those_that_are_looked_through(value: str) -> None:
    raw = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t","arguments":{{"a":{value}}}}}}}'
    message = parse(raw.encode())
    arguments = message.params["arguments"]
    if message.plain:
        assert as_plain(arguments) is arguments
        assert DEFINITION.of_json.invalid(arguments) == DEFINITION.invalid(arguments)


@pytest.mark.parametrize(("number", "plain"), [("12.5", True), ("-3", True), ("1e2", False), ("1.50", False)])
def test_a_message_is_called_plain_where_no_number_has_a_spelling_of_its_own(number: str, plain: bool) -> None:
    raw = f'{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"n":{number}}}}}'
    assert parse(raw.encode()).plain is plain


def test_a_message_without_an_id_is_a_notification() -> None:
    assert parse(b'{"jsonrpc":"2.0","method":"notifications/initialized"}').kind == "notification"


@pytest.mark.parametrize("id", [None, 1.5, True, False, [], {}])
def test_an_id_that_is_no_string_and_no_integer_is_refused(id: object) -> None:
    assert refused(call(id=id)).rpc_code == -32600


@pytest.mark.parametrize("body", [[], [call()], "text", 1, None, True])
def test_what_is_not_an_object_is_refused_batches_among_it(body: object) -> None:
    assert refused(body).rpc_code == -32600


@pytest.mark.parametrize("extra", [{"result": {}}, {"error": {"code": 1, "message": ""}}])
def test_a_method_together_with_a_result_or_an_error_is_refused(extra: dict[str, object]) -> None:
    assert refused(call(**extra)).id == 1


def test_a_response_with_both_or_neither_of_result_and_error_is_refused() -> None:
    refused({"jsonrpc": "2.0", "id": 1})
    refused({"jsonrpc": "2.0", "id": 1, "result": {}, "error": {"code": 1, "message": ""}})


def test_a_result_without_an_id_is_refused_but_an_error_may_lack_it() -> None:
    refused({"jsonrpc": "2.0", "result": {}})
    assert parse(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}').kind == "response"


@pytest.mark.parametrize("version", [None, "1.0", 2.0, "2.0 "])
def test_another_json_rpc_version_is_refused(version: object) -> None:
    assert refused(call(jsonrpc=version)).rpc_code == -32600


@pytest.mark.parametrize("params", [[], "x", 1, None])
def test_params_that_are_no_object_are_refused(params: object) -> None:
    assert refused(call(params=params)).rpc_code == -32602


@pytest.mark.parametrize("key", ["Method", "METHOD", "method\0", "ｍethod", "ID", "Params", "re\u017fult"])
def test_a_top_level_key_that_another_parser_takes_for_a_protocol_key_is_refused(key: str) -> None:
    assert "looks like" in refused(call(**{key: "tools/list"})).message


@pytest.mark.parametrize("key", ["Name", "NAME", "name\0", "Arguments", "ａrguments", "URI", "_Meta"])
def test_a_key_of_params_that_looks_like_a_protocol_key_is_refused(key: str) -> None:
    assert "looks like" in refused(call(params={"name": "t", "arguments": {}, key: "x"})).message


def test_a_lookalike_in_meta_is_refused() -> None:
    refused(call(params={"name": "t", "_meta": {"io.modelcontextprotocol/ProtocolVersion": "x"}}))


@pytest.mark.parametrize(
    ("member", "key"),
    [
        ("ref", "Uri"),
        ("notifications", "ResourceSubscriptions"),
        ("notifications", "resource\u017fubscriptions"),
        ("notifications", "taskIds\0"),
        ("argument", "NAME"),
        ("context", "Arguments"),
        ("task", "TTL"),
    ],
)
def test_a_lookalike_in_an_object_of_the_protocol_is_refused(member: str, key: str) -> None:
    assert f"params.{member}" in refused(call(params={"name": "t", member: {key: "x"}})).message


def test_an_extension_s_own_keys_pass_in_the_protocol_s_objects() -> None:
    params = {"notifications": {"resourceSubscriptions": ["a://b"], "x-own": True}, "task": {"ttl": 1, "kind": "x"}}
    assert parse(json.dumps(call(params=params)).encode()).params == params


def test_arguments_may_use_any_key_in_any_case() -> None:
    assert parse(json.dumps(call(params={"name": "t", "arguments": {"Name": 1, "ID": 2, "uri": 3}})).encode()).id == 1


def test_a_duplicate_key_at_any_depth_is_refused_with_its_position() -> None:
    error = refused(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":1,"x":2}}}')
    assert error.rpc_code == -32700
    assert "column" in error.message


@pytest.mark.parametrize("method", ["", 1, None, "x" * 129])
def test_a_method_that_is_no_short_text_is_refused(method: object) -> None:
    assert refused(call(method=method)).rpc_code == -32600
