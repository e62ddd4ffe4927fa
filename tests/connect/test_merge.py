"""An entry goes into a client's file, and nothing else in that file changes."""

from __future__ import annotations

import json
import stat
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.connect import jsonc
from gatepost.connect.clients import CLIENTS, Client, Target
from gatepost.connect.merge import merged, store
from gatepost.errors import GatepostError
from gatepost.grants.token import new_token

CURSOR, CODEX, VSCODE = CLIENTS["cursor"], CLIENTS["codex"], CLIENTS["vscode"]
TARGET = Target("files", "http://127.0.0.1:7070/mcp/files/", "gp_secret")
NOW = datetime(2026, 11, 21, 5, 31, 7, tzinfo=UTC)
WHERE = Path("mcp.json")


def merge(text: str, client: Client = CURSOR, target: Target = TARGET) -> str:
    return merged(client, target, text, WHERE)


def test_a_new_file_holds_only_the_entry_and_is_private(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "mcp.json"
    stored = store(CURSOR, TARGET, file, now=NOW)
    assert json.loads(file.read_text()) == {"mcpServers": {"files": CURSOR.entry(TARGET)}}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (stored.changed, stored.backup) == (True, None)


def test_other_servers_settings_and_the_mode_stay(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    before = '{\n    "theme": "dark",\n    "mcpServers": {\n        "git": {"command": "git-mcp"}\n    }\n}\n'
    file.write_text(before)
    file.chmod(0o640)
    stored = store(CURSOR, TARGET, file, now=NOW)
    after = json.loads(file.read_text())
    assert after["theme"] == "dark"
    assert after["mcpServers"]["git"] == {"command": "git-mcp"}
    assert after["mcpServers"]["files"] == CURSOR.entry(TARGET)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert stored.backup == tmp_path / "mcp.json.gatepost-backup-20261121053107"
    assert stored.backup.read_text() == before
    assert stat.S_IMODE(stored.backup.stat().st_mode) == 0o640


def test_merging_twice_changes_nothing_the_second_time(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text('{"mcpServers": {}}')
    store(CURSOR, TARGET, file, now=NOW)
    before = file.read_bytes()
    again = store(CURSOR, TARGET, file, now=NOW.replace(second=9))
    assert (again.changed, again.backup) == (False, None)
    assert file.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_a_rotated_token_replaces_the_old_one() -> None:
    first = merge('{"mcpServers": {"other": {"url": "https://example.com"}}}')
    second = merge(first, target=Target("files", TARGET.url, "gp_new"))
    assert "gp_secret" not in second
    assert json.loads(second)["mcpServers"]["files"]["headers"] == {"Authorization": "Bearer gp_new"}


@pytest.mark.parametrize("client", [CURSOR, CODEX, CLIENTS["claude-desktop"]], ids=lambda client: client.id)
def test_an_entry_that_led_to_the_gateway_at_another_address_is_replaced(client: Client) -> None:
    moved = Target("files", "https://gate.example:8443/mcp/files/", new_token())
    before = merge("", client, moved)
    assert merge(before, client) == merge("", client)
    for other in (before.replace("/mcp/files/", "/mcp/git/"), before.replace(moved.token, "another")):
        with pytest.raises(GatepostError, match="another server called files"):
            merge(other, client)


def test_another_server_of_that_name_is_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    before = '{"mcpServers": {"files": {"command": "npx"}}}'
    file.write_text(before)
    with pytest.raises(GatepostError) as refused:
        store(CURSOR, TARGET, file, now=NOW)
    assert refused.value.code == "GP-4005"
    assert "another server called files" in refused.value.message
    assert file.read_text() == before
    assert list(tmp_path.iterdir()) == [file]


def test_comments_trailing_commas_and_line_ends_stay() -> None:
    text = (
        '// servers of mine\r\n{\r\n\t/* first */\r\n\t"servers": {\r\n\t\t"git": {"command": "git-mcp",}, '
        '// trusted\r\n\t},\r\n\t"inputs": [], // none\r\n}\r\n'
    )
    after = merge(text, VSCODE)
    for kept in ("// servers of mine\r\n", "/* first */", "// trusted\r\n", "// none\r\n", '{"command": "git-mcp",}'):
        assert kept in after
    assert "\n" not in after.replace("\r\n", "")
    read = jsonc.parse(after).python()
    assert read["servers"]["files"]["url"] == TARGET.url
    assert read["servers"]["git"] == {"command": "git-mcp"}


def test_a_comment_in_an_empty_object_does_not_swallow_the_entry() -> None:
    after = merge('{"mcpServers": { // nothing yet\n}}')
    assert "// nothing yet\n" in after
    assert jsonc.parse(after).python() == {
        "mcpServers": {"files": jsonc.parse(json.dumps(CURSOR.entry(TARGET))).python()}
    }


def test_indentation_follows_the_file() -> None:
    after = merge('{\n\t"mcpServers": {\n\t\t"a": {}\n\t}\n}\n')
    assert '\n\t\t"files": {\n\t\t\t"url"' in after
    assert after.endswith("\n\t}\n}\n")


def test_an_empty_file_and_a_byte_order_mark_are_taken() -> None:
    assert json.loads(merge("  \n")) == {"mcpServers": {"files": CURSOR.entry(TARGET)}}
    after = merge('\ufeff{"a": 1}')
    assert after.startswith('\ufeff{"a": 1,')


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"mcpServers": []}',
        '{"mcpServers": {}, "mcpServers": {}}',
        '{"mcpServers": {"a": 1, "a": 2}}',
        '{"a": 1} x',
        "{'a': 1}",
        '{"a": 01}',
        "{/* ",
        "[" * 500,
    ],
)
def test_what_cannot_be_changed_safely_is_refused(text: str) -> None:
    with pytest.raises(GatepostError) as refused:
        merge(text)
    assert refused.value.code == "GP-4005"
    assert "left as it is" in refused.value.message


def test_a_link_is_followed_and_kept(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "mcp.json"
    real.parent.mkdir()
    real.write_text("{}")
    link = tmp_path / "mcp.json"
    link.symlink_to(real)
    store(CURSOR, TARGET, link, now=NOW)
    assert link.is_symlink()
    assert "files" in json.loads(real.read_text())["mcpServers"]


def test_toml_gets_a_table_at_its_end() -> None:
    text = '# mine\nmodel = "gpt"\n\n[mcp_servers.git]\ncommand = "git-mcp" # stays\n'
    after = merge(text, CODEX)
    assert after.startswith(text)
    assert tomllib.loads(after)["mcp_servers"] == {"git": {"command": "git-mcp"}, "files": CODEX.entry(TARGET)}
    assert merge(after, CODEX) == after


def test_a_rotated_token_replaces_the_toml_table_and_nothing_else() -> None:
    text = merge('model = "gpt"\n', CODEX) + '\n[tui]\ntheme = "x" # stays\n'
    after = merge(text, CODEX, Target("files", TARGET.url, "gp_new"))
    assert after == text.replace("gp_secret", "gp_new")


@pytest.mark.parametrize(
    "text",
    [
        '[mcp_servers.files]\ncommand = "npx"\n',
        f'[mcp_servers.files]\nurl = "{TARGET.url}"\nbearer_token_env_var = "TOKEN"\n',
        "mcp_servers = { git = { command = 'git-mcp' } }\n",
        "mcp_servers = 1\n",
        "[broken\n",
    ],
)
def test_toml_that_stands_otherwise_is_refused(text: str) -> None:
    with pytest.raises(GatepostError) as refused:
        merge(text, CODEX)
    assert refused.value.code == "GP-4005"


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_bytes(b"\xff\xfe{}")
    with pytest.raises(GatepostError, match="not UTF-8"):
        store(CURSOR, TARGET, file, now=NOW)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    document=st.dictionaries(st.text(), PLAIN, max_size=4),
    servers=st.none() | st.dictionaries(st.text(), PLAIN, max_size=3),
    indent=st.sampled_from([None, 2, 4, "\t"]),
)
def test_any_document_keeps_all_it_held(
    document: dict[str, object], servers: dict[str, object] | None, indent: int
) -> None:
    document.pop("mcpServers", None)
    if servers is not None:
        servers.pop("files", None)
        document = {**document, "mcpServers": servers}
    after = json.loads(merge(json.dumps(document, indent=indent)))
    assert after.pop("mcpServers") == {**(servers or {}), "files": CURSOR.entry(TARGET)}
    document.pop("mcpServers", None)
    assert after == document
