"""Turning entries of a client's file over to the gateway and back changes those entries and not one byte more."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.connect import jsonc
from gatepost.connect.clients import CLIENTS, Target, toml_table
from gatepost.connect.rewriting import Turn, turned_back, turned_over
from gatepost.errors import GatepostError

WHERE = Path("mcp.json")
CURSOR, CODEX = CLIENTS["cursor"], CLIENTS["codex"]

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
scalars = words | st.booleans() | st.integers(-(10**6), 10**6)
entries = st.fixed_dictionaries(
    {"command": words}, optional={"env": st.dictionaries(words, words, max_size=2), "kept": scalars, "timeout": scalars}
)
files_of_servers = st.dictionaries(words.filter(lambda name: name != ""), entries, min_size=1, max_size=4)


def turns(section: str, servers: Any) -> list[Turn]:
    return [
        Turn((section,), name, Target(f"s{number}", f"http://g/mcp/s{number}/", "gp_token"))
        for number, name in enumerate(servers)
    ]


@given(files_of_servers, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_json_over_and_back_is_the_same_text(servers: dict[str, Any], indent: Any, crlf: bool) -> None:
    text = "// c\n" + json.dumps({"a": [1.50], "mcpServers": servers, "z": None}, indent=indent) + "\n"
    text = text.replace("\n", "\r\n") if crlf else text
    over = turned_over(CURSOR, text, turns("mcpServers", servers), WHERE)
    read = jsonc.parse(over).python()
    for turn in turns("mcpServers", servers):
        entry = read["mcpServers"][turn.name]
        assert entry["url"] == turn.target.url
        assert set(entry) == {"url", "headers", *(servers[turn.name].keys() & {"kept", "timeout"})}
    back, gone = turned_back(CURSOR, over, text, [(("mcpServers",), name) for name in servers], WHERE)
    assert (back, gone) == (text, [])


@given(files_of_servers, st.text("ab\n# ", max_size=10))
def test_toml_over_and_back_is_the_same_document(servers: dict[str, Any], comment: str) -> None:
    ahead = "".join(f"# {line}\n" for line in comment.split("\n"))
    tables = [ahead + toml_table("mcp_servers", name, entry) for name, entry in servers.items()]
    text = 'model = "x"\n' + "\n".join(tables) + "\n[tools]\na = 1\n"
    over = turned_over(CODEX, text, turns("mcp_servers", servers), WHERE)
    read = tomllib.loads(over)
    assert all(entry["url"].startswith("http://g/") for entry in read["mcp_servers"].values())
    assert read["tools"] == {"a": 1}
    back, gone = turned_back(CODEX, over, text, [(("mcp_servers",), name) for name in servers], WHERE)
    assert (back, gone) == (text, [])


def test_entries_that_somebody_changed_meanwhile_are_left() -> None:
    text = '{"mcpServers": {"a": {"command": "x"}, "b": {"command": "y"}, "c": {"command": "z"}}}'
    over = turned_over(CURSOR, text, turns("mcpServers", "abc"), WHERE)
    now = json.loads(over)
    now["mcpServers"]["a"] = {"command": "other"}
    del now["mcpServers"]["b"]
    names = [(("mcpServers",), name) for name in "abc"]
    back, gone = turned_back(CURSOR, json.dumps(now), text, names, WHERE)
    assert gone == ["a", "b"]
    assert json.loads(back) == {"mcpServers": {"a": {"command": "other"}, "c": {"command": "z"}}}


@pytest.mark.parametrize(
    "text",
    [
        'mcp_servers = { a = { command = "x" } }',
        'mcp_servers.a.command = "x"',
        '[mcp_servers]\na = { command = "x" }',
    ],
)
def test_toml_in_a_form_that_cannot_be_changed_is_refused(text: str) -> None:
    with pytest.raises(GatepostError, match="left as it is"):
        turned_over(CODEX, text, turns("mcp_servers", "a"), WHERE)
