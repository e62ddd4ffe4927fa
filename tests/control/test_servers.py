"""Adding, showing and removing servers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from gatepost.control.act import Actor
from gatepost.control.grants import add_grant, list_grants, revoke_grant
from gatepost.control.servers import add_server, list_servers, read_target, remove_server, show_server
from gatepost.control.store import Store, open_store
from gatepost.control.target import Target, check_target
from gatepost.errors import GatepostError
from gatepost.paths import DataFolder
from gatepost.upstreams.config import ServerConfig
from tests.control.helpers import ANNA, acts, grant_of, published, told, tool, with_server


def test_an_added_server_is_listed_published_and_recorded(store: Store, folder: DataFolder) -> None:
    done = add_server(
        store,
        ANNA,
        "files",
        command=["npx", "-y", "server"],
        env={"LEVEL": "info"},
        cwd="/",
        eras=["modern", "legacy"],
        versions=["2025-11-25", "2026-07-28"],
        info={"serverInfo": {"name": "x"}, "number": 1},
        tools=[tool("read", description="Reads"), tool("write")],
    )
    assert done.warnings == ()
    assert done.value == show_server(store, "files")
    assert list_servers(store) == [done.value]
    assert (done.value.tools, done.value.eras, done.value.command) == (2, ("legacy", "modern"), ("npx", "-y", "server"))
    body = published(folder, "server")["files"]
    assert list(body["tools"]) == ["read", "write"]
    assert body["tools"]["read"]["tool"] == tool("read", description="Reads")
    assert body["tools"]["read"]["hash"].startswith("sha256:")
    assert (body["cwd"], body["url"], body["headers"]) == ("/", None, [])
    assert body["versions"] == ["2025-11-25", "2026-07-28"]
    assert body["info"] == {"serverInfo": {"name": "x"}, "number": 1}
    record = acts(folder)[0]
    assert (record["actor"], record["action"], record["object"]) == ("cli:anna", "server.add", "server:files")
    assert record["after"]["env"] == ["LEVEL"]


def test_numbers_in_a_tools_definition_reach_the_data_plane_as_they_were_written(
    store: Store, folder: DataFolder
) -> None:
    from gatepost.feed import Feed
    from gatepost.wire import strictjson

    listed = strictjson.parse(b'{"name":"t","inputSchema":{"maximum":13.0000000000000000001,"minimum":1.50}}')
    add_server(store, ANNA, "files", command=["x"], tools=[listed])
    with Feed.open(folder.store) as feed:
        text = next(row.body for row in feed.since(0) if row.kind == "server")
    assert text is not None
    assert '"inputSchema":{"maximum":13.0000000000000000001,"minimum":1.50}' in text


@pytest.mark.parametrize("name", ["", "Files", "-a", "a_b", "a" * 64, "a/b", "ä", "a\n", "a b", "..", "a%2f"])
def test_a_name_that_no_address_could_have_is_refused(store: Store, name: str) -> None:
    with pytest.raises(GatepostError) as refused:
        add_server(store, ANNA, name, url="https://example.com/mcp")
    assert refused.value.code == "GP-4001"
    assert list_servers(store) == []


@pytest.mark.parametrize("name", ["a", "0", "a-b", "a" * 63, "9-", "plex"])
def test_every_name_of_the_allowed_form_is_taken(store: Store, name: str) -> None:
    assert add_server(store, ANNA, name, url="https://example.com/mcp").value.name == name


def test_a_name_in_use_is_refused_and_the_first_server_stays(store: Store, folder: DataFolder) -> None:
    add_server(store, ANNA, "files", url="https://one.example/mcp")
    with pytest.raises(GatepostError) as refused:
        add_server(store, ANNA, "files", url="https://two.example/mcp")
    assert refused.value.code == "GP-4002"
    assert show_server(store, "files").url == "https://one.example/mcp"
    assert len(acts(folder)) == 1


BAD_TARGETS: list[dict[str, Any]] = [
    {},
    {"url": "https://a.example", "command": ["x"]},
    {"command": [""]},
    {"command": ["x", "a\0b"]},
    {"command": ["x", "\udcff"]},
    {"command": ["x"] * 2000},
    {"command": ["x"], "headers": [("X-Key", "v")]},
    {"command": ["x"], "env": {"": "v"}},
    {"command": ["x"], "env": {"A=B": "v"}},
    {"command": ["x"], "env": {"A": "v\0"}},
    {"command": ["x"], "cwd": "relative"},
    {"command": ["x"], "cwd": "/nowhere/at/all"},
    {"command": ["x"], "eras": ["ancient"]},
    {"command": ["x"], "versions": ["2025 11"]},
    {"url": "https://a.example", "env": {"A": "v"}},
    {"url": "ftp://a.example"},
    {"url": "a.example/mcp"},
    {"url": "https://"},
    {"url": "https://a.example:99999/"},
    {"url": "https://a.example:0/"},
    {"url": "https://anna:secret@a.example/"},
    {"url": "https://a.example/#fragment"},
    {"url": "https://a.example/#"},
    {"url": "https://a.example/a b"},
    {"url": "https://a.example/\n"},
    {"url": "https://ä.example/"},
    {"url": "https://[::1/"},
    {"url": "https://a.example/?api_key=1"},
    {"url": "https://a.example/?x=1&access_token=2"},
    {"url": "https://a.example/" + "x" * 9000},
    {"url": "https://a.example", "headers": [("Bad Name", "v")]},
    {"url": "https://a.example", "headers": [("", "v")]},
    {"url": "https://a.example", "headers": [("X", "a\r\nb")]},
    {"url": "https://a.example", "headers": [("X", "a\0b")]},
    {"url": "https://a.example", "headers": [("X", "€")]},
    {"url": "https://a.example", "headers": [("X", " v")]},
    {"url": "https://a.example", "headers": [("Host", "v")]},
    {"url": "https://a.example", "headers": [("content-length", "1")]},
    {"url": "https://a.example", "headers": [("Mcp-Session-Id", "v")]},
    {"url": "https://a.example", "headers": [("X-Key", "1"), ("x-key", "2")]},
]


@pytest.mark.parametrize("arguments", BAD_TARGETS)
def test_a_server_that_could_not_be_reached_as_given_is_refused_with_what_to_do(
    store: Store, folder: DataFolder, arguments: dict[str, Any]
) -> None:
    with pytest.raises(GatepostError) as refused:
        add_server(store, ANNA, "files", **arguments)
    assert refused.value.code == "GP-4005"
    assert refused.value.hint
    assert list_servers(store) == []
    assert acts(folder) == []


GOOD_TARGETS = [
    Target("a", url="https://example.com"),
    Target("a", url="http://127.0.0.1:8000/mcp?tenant=1"),
    Target(
        "a",
        url="https://[::1]:8443/mcp",
        headers=(("Authorization", "Bearer x"), ("X-Key", "é")),
    ),
    Target("a", command=("npx", "-y", "pkg", "", "ä €"), env={"A": "1\n2", "b.c": ""}, cwd="/"),
]


@pytest.mark.parametrize("target", GOOD_TARGETS)
def test_whatever_is_stored_can_also_be_connected_to(target: Target) -> None:
    assert check_target(target) == []
    ServerConfig(
        name=target.name,
        url=target.url,
        headers=target.headers,
        command=target.command,
        env=target.env,
        cwd=target.cwd,
    )


@pytest.mark.parametrize("arguments", BAD_TARGETS)
def test_nothing_that_the_data_plane_refuses_is_accepted(arguments: dict[str, Any]) -> None:
    given = {
        "url": None,
        "headers": (),
        "command": (),
        "env": {},
        "cwd": None,
        **{key: value for key, value in arguments.items() if key in ("url", "env", "cwd")},
        **{key: tuple(value) for key, value in arguments.items() if key in ("headers", "command")},
    }
    try:
        ServerConfig(name="a", **given)
    except GatepostError:
        with pytest.raises(GatepostError):
            check_target(Target("a", **given))


def test_headers_over_plain_http_to_another_machine_are_warned_of(store: Store) -> None:
    away = add_server(store, ANNA, "a", url="http://example.com/mcp", headers=[("Authorization", "Bearer x")])
    assert len(away.warnings) == 1
    assert "unencrypted" in away.warnings[0]
    here = add_server(store, ANNA, "b", url="http://127.0.0.1:1/mcp", headers=[("Authorization", "Bearer x")])
    assert here.warnings == ()


def test_tools_that_cannot_be_used_are_said_and_the_rest_is_kept(store: Store) -> None:
    done = add_server(store, ANNA, "a", command=["x"], tools=[tool("ok"), {"no": "name"}, tool("b", inputSchema=7)])
    assert done.value.tools == 2
    assert len(done.warnings) == 2


def test_an_unknown_server_is_an_error_that_names_the_nearest(store: Store) -> None:
    with_server(store, "files")
    for call in (
        lambda: show_server(store, "flies"),
        lambda: read_target(store, "flies"),
        lambda: remove_server(store, ANNA, "flies"),
    ):
        with pytest.raises(GatepostError, match=r"Did you mean files\?") as refused:
            call()
        assert refused.value.code == "GP-4003"


def test_the_secrets_come_back_whole_for_a_scan_and_masked_for_people(store: Store) -> None:
    add_server(store, ANNA, "web", url="https://a.example", headers=[("Authorization", "Bearer geheim-1")])
    add_server(store, ANNA, "prog", command=["x"], env={"KEY": "geheim-2\nzwei"})
    assert read_target(store, "web").headers == (("Authorization", "Bearer geheim-1"),)
    assert read_target(store, "prog").env == {"KEY": "geheim-2\nzwei"}
    assert "geheim" not in repr(read_target(store, "web")) + repr(read_target(store, "prog"))
    shown = repr([server.as_dict() for server in list_servers(store)])
    assert "geheim" not in shown
    assert "('Authorization', '…')" in shown


def test_secrets_sealed_under_other_keys_are_an_error_that_says_so(folder: DataFolder) -> None:
    with open_store(folder) as store:
        add_server(store, ANNA, "web", url="https://a.example", headers=[("Authorization", "Bearer x")])
    other = DataFolder(folder.root.parent / "other")
    open_store(other).close()
    for key in other.keys.iterdir():
        shutil.copy(key, folder.keys)
    with open_store(folder) as store, pytest.raises(GatepostError, match="cannot be opened") as refused:
        read_target(store, "web")
    assert refused.value.code == "GP-5004"


def test_keys_that_are_gone_are_not_replaced_under_a_store_that_is_there(folder: DataFolder) -> None:
    open_store(folder).close()
    for key in folder.keys.iterdir():
        key.unlink()
    with pytest.raises(GatepostError, match="missing") as refused:
        open_store(folder)
    assert refused.value.code == "GP-5004"
    assert list(folder.keys.iterdir()) == []


def test_a_removed_server_is_gone_and_its_name_is_free(store: Store, folder: DataFolder) -> None:
    with_server(store)
    assert remove_server(store, ANNA, "files").value == ()
    assert list_servers(store) == []
    assert published(folder, "server") == {}
    with_server(store)
    assert [action for action, _ in told(folder)] == ["server.add", "server.remove", "server.add"]


def test_a_server_that_grants_use_is_not_removed(store: Store, folder: DataFolder) -> None:
    with_server(store)
    token = add_grant(store, ANNA, "ci", server="files").value.token
    with pytest.raises(GatepostError, match="used by the grants ci") as refused:
        remove_server(store, ANNA, "files")
    assert refused.value.code == "GP-4006"
    grant = grant_of(folder, token)
    assert grant is not None
    assert grant.revoked is None
    assert "files" in published(folder, "server")


def test_force_revokes_the_grants_on_a_server_and_no_others(store: Store, folder: DataFolder) -> None:
    with_server(store)
    with_server(store, "other")
    tokens = {label: add_grant(store, ANNA, label, server="files").value.token for label in ("a", "b")}
    kept = add_grant(store, ANNA, "c", server="other").value.token
    assert remove_server(store, ANNA, "files", force=True).value == ("a", "b")
    for token in tokens.values():
        grant = grant_of(folder, token)
        assert grant is not None
        assert grant.revoked is not None
    other = grant_of(folder, kept)
    assert other is not None
    assert other.revoked is None
    assert told(folder)[-3:] == [
        ("grant.revoke", "grant:a"),
        ("grant.revoke", "grant:b"),
        ("server.remove", "server:files"),
    ]


def test_a_server_of_revoked_grants_only_is_removed_and_a_new_one_does_not_revive_them(
    store: Store, folder: DataFolder
) -> None:
    with_server(store)
    token = add_grant(store, ANNA, "ci", server="files").value.token
    revoke_grant(store, ANNA, "ci")
    remove_server(store, ANNA, "files")
    with_server(store)
    grant = grant_of(folder, token)
    assert grant is not None
    assert grant.revoked is not None
    assert [grant.label for grant in list_grants(store)] == ["ci"]


def test_looking_into_a_folder_without_a_store_makes_none(tmp_path: Path) -> None:
    with pytest.raises(GatepostError) as refused:
        open_store(DataFolder(tmp_path / "data", create=False), create=False)
    assert refused.value.code == "GP-5003"
    assert not (tmp_path / "data").exists()


def test_the_local_actor_is_the_user_of_the_process() -> None:
    actor = Actor.local()
    assert actor.kind == "cli"
    assert actor.name
    assert str(actor) == f"cli:{actor.name}"
