"""The modern era's headers against the body (2026-07-28, Streamable HTTP, Request Metadata)."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.mcp import headers, modern
from gatepost.mcp.message import Message, parse
from gatepost.mcp.refused import Refused

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
SPOKEN = ("2025-11-25", "2026-07-28")


def message(method: str = "tools/call", **params: object) -> Message:
    return parse(
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": META, **params}}).encode()
    )


def good(**changes: str | None) -> dict[bytes, bytes]:
    found = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "echo", **changes}
    return headers.mcp_headers([(k.replace("_", "-").encode(), v.encode()) for k, v in found.items() if v is not None])


def refused(found: dict[bytes, bytes], m: Message) -> Refused:
    with pytest.raises(Refused) as caught:
        modern.check(m, found, SPOKEN)
    return caught.value


def test_headers_that_agree_with_the_body_pass() -> None:
    assert modern.check(message(name="echo"), good(), SPOKEN)[0] == "2026-07-28"


@pytest.mark.parametrize(
    "changes",
    [
        {"mcp-protocol-version": None},
        {"mcp-method": None},
        {"mcp-name": None},
        {"mcp-method": "tools/list"},
        {"mcp-method": "TOOLS/CALL"},
        {"mcp-name": "other"},
        {"mcp-name": "ECHO"},
        {"mcp-name": "=?base64?!!!?="},
        {"mcp-protocol-version": "2025-11-25"},
    ],
)
def test_a_missing_or_different_header_is_refused_with_the_specified_code(changes: dict[str, str | None]) -> None:
    error = refused(good(**changes), message(name="echo"))
    assert (error.status, error.rpc_code) == (400, -32020)


def test_a_header_that_stands_twice_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        headers.mcp_headers([(b"mcp-name", b"a"), (b"mcp-name", b"a")])
    assert caught.value.rpc_code == -32020


def test_a_name_in_the_base64_form_is_decoded_before_it_is_compared() -> None:
    encoded = "=?base64?" + base64.b64encode("größe".encode()).decode() + "?="
    found = good(**{"mcp-method": "prompts/get", "mcp-name": encoded})
    assert modern.check(message("prompts/get", name="größe"), found, SPOKEN)


def test_a_name_that_is_literally_the_sentinel_form_must_be_encoded() -> None:
    literal = "=?base64?ZWNobw==?="
    found = good(**{"mcp-method": "prompts/get", "mcp-name": literal})
    assert refused(found, message("prompts/get", name=literal)).rpc_code == -32020
    assert modern.check(message("prompts/get", name="echo"), found, SPOKEN)


def test_missing_envelope_members_are_invalid_params() -> None:
    bare = parse(b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}')
    assert refused(good(), bare).rpc_code == -32602


def test_an_unknown_version_names_what_is_spoken() -> None:
    meta = {**META, "io.modelcontextprotocol/protocolVersion": "2031-01-01"}
    m = parse(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}).encode())
    found = {b"mcp-protocol-version": b"2031-01-01", b"mcp-method": b"tools/list"}
    error = refused(found, m)
    assert (error.status, error.rpc_code) == (400, -32022)
    assert error.data == {"supported": list(SPOKEN), "requested": "2031-01-01"}


def test_an_unknown_method_is_404() -> None:
    found = good(**{"mcp-method": "tools/uninstall", "mcp-name": None})
    error = refused(found, message("tools/uninstall"))
    assert (error.status, error.rpc_code) == (404, -32601)


SCHEMA = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "dry": {"type": "boolean", "x-mcp-header": "Dry"},
        "deep": {"type": "object", "properties": {"k": {"type": "string", "x-mcp-header": "Deep"}}},
        "ratio": {"type": "number", "x-mcp-header": "Ratio"},
        "list": {"type": "array", "items": {"type": "string", "x-mcp-header": "Item"}},
        "maybe": {"type": ["string", "null"], "x-mcp-header": "Maybe"},
        "spaced": {"type": "string", "x-mcp-header": "My Param"},
        "coloned": {"type": "string", "x-mcp-header": "a:b"},
        "nameless": {"type": "string", "x-mcp-header": ""},
        "one": {"type": "string", "x-mcp-header": "Same"},
        "other": {"type": "string", "x-mcp-header": "same"},
    },
}
DECLARED = headers.declared_params(SCHEMA)


def test_only_annotations_that_the_specification_allows_count() -> None:
    assert set(DECLARED) == {b"mcp-param-region", b"mcp-param-count", b"mcp-param-dry", b"mcp-param-deep"}


@pytest.mark.parametrize(
    ("found", "arguments"),
    [
        ({}, {}),
        ({}, {"region": None}),
        ({b"mcp-param-region": b"eu"}, {"region": "eu"}),
        ({b"mcp-param-count": b"42.0"}, {"count": 42}),
        ({b"mcp-param-dry": b"true"}, {"dry": True}),
        ({b"mcp-param-deep": b"v"}, {"deep": {"k": "v"}}),
        ({b"mcp-param-count": b"4.2e1"}, {"count": 42}),
        ({b"mcp-param-other": b"anything"}, {}),
        ({}, {"spaced": "x", "coloned": "x", "maybe": "x", "nameless": "x", "one": "x"}),
    ],
)
def test_parameter_headers_that_mirror_the_arguments_pass(found: dict[bytes, bytes], arguments: object) -> None:
    headers.check_params(found, DECLARED, arguments)


@pytest.mark.parametrize(
    ("found", "arguments"),
    [
        ({}, {"region": "eu"}),
        ({b"mcp-param-region": b"us"}, {"region": "eu"}),
        ({b"mcp-param-region": b"eu"}, {}),
        ({b"mcp-param-count": b"43"}, {"count": 42}),
        ({b"mcp-param-count": b"4_2"}, {"count": 42}),
        ({b"mcp-param-count": b" 42"}, {"count": 42}),
        ({b"mcp-param-count": b"+42"}, {"count": 42}),
        ({b"mcp-param-count": b"042"}, {"count": 42}),
        ({b"mcp-param-count": headers.encode("\N{FULLWIDTH DIGIT FOUR}2")}, {"count": 42}),
        ({b"mcp-param-dry": b"True"}, {"dry": True}),
        ({b"mcp-param-dry": b"1"}, {"dry": True}),
        ({b"mcp-param-region": b"=?base64?%%?="}, {"region": "eu"}),
        ({b"mcp-param-region": "eü".encode()}, {"region": "eü"}),
    ],
)
def test_parameter_headers_that_differ_are_refused(found: dict[bytes, bytes], arguments: object) -> None:
    with pytest.raises(Refused) as caught:
        headers.check_params(found, DECLARED, arguments)
    assert caught.value.rpc_code == -32020


@given(st.text())
def test_every_text_survives_the_header_form(text: str) -> None:
    if "\ud800" <= max(text, default="") <= "\udfff":
        return
    assert headers.decode(headers.encode(text)) == text


def test_the_era_is_read_from_the_body_or_the_version_header() -> None:
    legacy = parse(b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}')
    assert modern.is_modern(message(), None)
    assert modern.is_modern(legacy, b"2026-07-28")
    assert not modern.is_modern(legacy, b"2025-11-25")
    assert not modern.is_modern(legacy, None)


@pytest.mark.parametrize("name", [None, 5, ["echo"]])
def test_a_name_that_is_no_text_agrees_with_no_header_and_with_none(name: object) -> None:
    sent = [(key, value) for key, value in good().items() if key != b"mcp-name"]
    for found in (headers.mcp_headers(sent), headers.mcp_headers([*sent, (b"mcp-name", b"5")])):
        with pytest.raises(Refused):
            modern.check(message(name=name), found, SPOKEN)
