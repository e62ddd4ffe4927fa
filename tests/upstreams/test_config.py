"""What a server's configuration may be."""

from __future__ import annotations

from typing import Any

import pytest

from gatepost.errors import GatepostError
from gatepost.upstreams.config import ServerConfig


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "either a URL or a command"),
        ({"url": "http://h/", "command": ("x",)}, "either a URL or a command"),
        ({"url": "ftp://h/"}, "not http:// or https://"),
        ({"url": "http:///mcp"}, "not http:// or https://"),
        ({"url": "http://h:0/"}, "not http:// or https://"),
        ({"url": "http://h:99999/"}, "cannot be read"),
        ({"url": "http://user:pw@h/"}, "a user, a password"),
        ({"url": "http://h/#part"}, "a fragment"),
        ({"url": "http://h/a b"}, "percent-encoded"),
        ({"url": "http://h/\r\nX: y"}, "percent-encoded"),
        ({"url": "http://h/ä"}, "percent-encoded"),
        ({"url": "http://h/", "headers": (("A b", "c"),)}, "cannot be sent: 'A b'"),
        ({"url": "http://h/", "headers": (("A", "b\r\nX: y"),)}, "cannot be sent: 'A'"),
        ({"url": "http://h/", "headers": (("Mcp-Session-Id", "x"),)}, "cannot set the header Mcp-Session-Id"),
        ({"url": "http://h/", "headers": (("Content-Length", "1"),)}, "cannot set the header Content-Length"),
        ({"command": ("",)}, "empty or cannot be passed on"),
        ({"command": ("x", "a\0b")}, "empty or cannot be passed on"),
        ({"command": ("x", "a\ud800")}, "empty or cannot be passed on"),
        ({"command": ("x",), "env": {"A": "\ud800"}}, "cannot be set: 'A'"),
        ({"command": ("x",), "env": {"A=B": "c"}}, "cannot be set: 'A=B'"),
        ({"command": ("x",), "env": {"A": "c\0"}}, "cannot be set: 'A'"),
    ],
)
def test_what_could_not_be_used_is_refused_at_once(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(GatepostError) as failure:
        ServerConfig("name", **settings)
    assert failure.value.code == "GP-4005"
    assert why in failure.value.message


@pytest.mark.parametrize("name", ["", "-a", "A", "a_b", "a/b", "a" * 64, "a\n"])
def test_a_name_that_could_not_be_an_address_is_refused(name: str) -> None:
    with pytest.raises(GatepostError) as failure:
        ServerConfig(name, command=("x",))
    assert failure.value.code == "GP-4001"


def test_no_value_of_a_header_or_variable_is_in_a_message() -> None:
    with pytest.raises(GatepostError) as failure:
        ServerConfig("name", url="http://h/", headers=(("Authorization", "hunter2\n"),))
    assert "hunter2" not in str(failure.value)


def test_where_a_server_is_can_be_shown_without_its_query() -> None:
    assert ServerConfig("name", url="https://h/mcp?key=secret").where == "https://h/mcp"
    assert ServerConfig("name", command=("program", "--key=secret")).where == "program"
