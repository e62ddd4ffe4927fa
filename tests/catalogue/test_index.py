"""The index: what goes in is found again, by words and by what it is, and travels as a signed file."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from gatepost.catalogue.classification import CATEGORIES, SEVERITIES, SIGNALS
from gatepost.catalogue.index import Index, ServerEntry
from gatepost.catalogue.index.entries import bits_of, entries_of, signals_of
from gatepost.catalogue.index.registry import Pace, import_registry
from gatepost.catalogue.index.signed import export_index, read_signed, verify
from gatepost.catalogue.index.sources import Problems, read_sources, servers_of
from gatepost.catalogue.listed import shown_json, shown_plain
from gatepost.errors import GatepostError
from tests.catalogue.labelled import servers
from tests.cli.program import TOOLS, Program


def _server(name: str, *, source: str = "scan") -> ServerEntry:
    listed = [
        {"name": tool.name, "description": tool.description, "inputSchema": tool.schema} for tool in servers()[name]
    ]
    return ServerEntry(name, description=f"The server {name}", source=source, tools=entries_of(listed))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "catalogue.db") as opened:
        yield opened


@pytest.fixture
def filled(index: Index) -> Index:
    index.put(_server(name) for name in ("github", "stripe", "slack", "postgres-pro"))
    return index


def test_a_tool_is_found_by_the_words_of_its_name_first(filled: Index) -> None:
    assert filled.search("delete repository").tools[0].name == "delete_repository"
    assert filled.search("sub issue").tools[0].name == "add_sub_issue"
    assert filled.search("create refun").tools[0].name == "create_refund"
    assert filled.search("nothing of the kind").tools == ()


def test_a_tool_is_found_by_its_description_and_its_server(filled: Index) -> None:
    assert "mark_all_notifications_read" in [one.name for one in filled.search("notifications").tools]
    assert {one.server for one in filled.search("stripe").tools} == {"stripe"}


def test_what_is_asked_for_is_never_syntax(filled: Index) -> None:
    for text in ('"', "NEAR(", "a OR b", "words : x", "*", "-x", "' OR 1=1 --", "\x00", "ü", "x" * 10_000):
        filled.search(text)


def test_every_filter_finds_exactly_the_tools_that_it_names(filled: Index) -> None:
    everything = _all(filled)
    assert len(everything) == filled.counts().tools
    for category in CATEGORIES:
        assert _all(filled, category=category) == [one for one in everything if one.category == category]
    for severity in SEVERITIES:
        assert _all(filled, severity=severity) == [one for one in everything if one.severity == severity]
    for signal in SIGNALS:
        wanted = [one for one in everything if signal in one.signals]
        assert _all(filled, signal=signal) == wanted
        assert _all(filled, signal=signal, category="execute") == [one for one in wanted if one.category == "execute"]
    assert {one.name for one in filled.search("issue", category="destructive").tools} == set()
    assert all(one.category == "financial" for one in filled.search("create", category="financial").tools)


def _all(index: Index, **wanted: str) -> list[Any]:
    found: list[Any] = []
    after = None
    while True:
        page = index.search("", limit=7, after=after, **wanted)  # type: ignore[arg-type]
        found += page.tools
        if page.after is None:
            return found
        after = page.after


def test_pages_of_a_search_follow_each_other_without_a_gap(filled: Index) -> None:
    whole = [one.name for one in filled.search("list", limit=200).tools]
    first = filled.search("list", limit=3)
    assert first.after is not None
    second = filled.search("list", limit=3, after=first.after)
    assert [one.name for one in (*first.tools, *second.tools)] == whole[:6]


def test_a_word_that_is_no_category_is_said(filled: Index) -> None:
    for wrong in ({"category": "harmless"}, {"severity": "none"}, {"signal": "smells"}, {"after": "x"}):
        with pytest.raises(GatepostError, match=r"none of them|not where"):
            filled.search("list" if "after" in wrong else "", **wrong)  # type: ignore[arg-type]


def test_a_server_that_is_put_in_again_is_replaced(filled: Index) -> None:
    before = filled.counts()
    filled.put([ServerEntry("stripe", source="scan", tools=entries_of([{"name": "only_one"}]))])
    assert filled.counts().servers == before.servers
    assert filled.search("refund").tools == ()
    assert filled.search("only one").tools[0].server == "stripe"
    filled.put([ServerEntry("stripe", description="From the registry", source="registry")])
    assert filled.search("only one").tools[0].server == "stripe"


def test_signals_survive_their_bits() -> None:
    assert signals_of(bits_of(SIGNALS)) == tuple(SIGNALS)


def test_an_index_of_another_version_is_refused(tmp_path: Path) -> None:
    with Index.open(tmp_path / "a.db") as opened:
        opened._connection.execute("PRAGMA user_version = 99")
    with pytest.raises(GatepostError, match="version 99"):
        Index.open(tmp_path / "a.db")
    (tmp_path / "b.db").write_text("this is no database, " * 100)
    with pytest.raises(GatepostError, match="cannot be opened"):
        Index.open(tmp_path / "b.db")


def test_a_file_that_cannot_be_made_private_is_said_and_left_alone(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    (tmp_path / "data").mkdir()
    there = tmp_path / "data" / "catalogue.db"
    there.symlink_to("/proc/self/status")  # whose mode nobody may change
    ran = program.quick("catalogue", "import", str(tmp_path))
    assert (ran.code, "GP-5003" in ran.err) == (1, True)
    there.unlink()
    there.write_bytes(b"")
    there.chmod(0o644)
    assert program.quick("catalogue", "search", "git").code == 0
    assert there.stat().st_mode & 0o777 == 0o600


LIMITED = """
import resource, sys
from pathlib import Path
from gatepost.catalogue.index import Index, ServerEntry
from gatepost.catalogue.index.entries import entries_of
from gatepost.errors import GatepostError

def server(name, number):
    tools = [{"name": f"get_{place}", "description": f"{name} {place} " + "word " * 300} for place in range(number)]
    return ServerEntry(name, title=name, source="scan", tools=entries_of(tools))

with Index.open(Path(sys.argv[1])) as index:
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, 8 << 20))  # as a disk that is full is: a write fails
    try:
        new = [server(f"new{number}", 4_000) for number in range(9)]
        index.put([server("before", 3), *new, server("before", 4_000)])
    except GatepostError as error:
        print(error.code)
"""


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_an_import_that_the_disk_has_no_room_for_leaves_what_was_there_and_every_server_whole(
    tmp_path: Path, first: bool
) -> None:
    path = tmp_path / "catalogue.db"
    if not first:
        with Index.open(path) as index:
            index.put([ServerEntry("before", title="As it was", tools=entries_of([{"name": "get_it"}] * 1))])
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "GP-5003\n", done.stderr
    with Index.open(path) as index:
        found = {one.name: len(one.tools or ()) for one in index.servers()}
        assert sum(found.values()) == index.counts().tools < 40_000
        assert {number for name, number in found.items() if name != "before"} <= {4_000}
        if not first:
            assert found["before"] in (1, 3)
        assert len(_all(index, signal="empty-description")) == (0 if first or found["before"] == 3 else 1)
        index.put([ServerEntry("after", tools=entries_of([{"name": "get_after"}]))])
        assert index.search("after").tools[0].name == "get_after"


def test_an_index_that_somebody_else_fills_for_the_first_time_can_be_searched_meanwhile(tmp_path: Path) -> None:
    with Index.open(tmp_path / "a.db") as mine, Index.open(tmp_path / "a.db") as other:
        seen: list[int] = []

        def looked() -> Iterator[ServerEntry]:
            for number in range(5):
                tools = [{"name": f"run_{number}_{place}", "description": ""} for place in range(10_000)]
                yield ServerEntry(f"s{number}", tools=entries_of(tools))
                seen.append(len(other.search("", signal="empty-description").tools))
                seen.append(len(other.search("", category="execute").tools))

        mine.put(looked())
        assert seen[6:] == [50, 50, 50, 50]


def test_many_tools_that_come_to_a_few_are_found_by_every_filter(filled: Index, tmp_path: Path) -> None:
    verbs = ("get", "delete", "run", "pay", "add")
    tools = [{"name": f"{verbs[number % 5]}_it_{number}", "description": ""} for number in range(2_500)]
    filled.put([ServerEntry("many", tools=entries_of(tools)), _server("sentry")])
    everything = _all(filled)
    assert len(everything) == filled.counts().tools > 2_500
    for category in CATEGORIES:
        assert _all(filled, category=category) == [one for one in everything if one.category == category]
    assert len(_all(filled, signal="empty-description")) >= 2_500
    with Index.open(tmp_path / "catalogue.db") as other:
        assert _all(other, severity="critical") == [one for one in everything if one.severity == "critical"]


def test_what_is_registered_here_is_replaced_by_nothing_that_another_source_says(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    listed = tmp_path / "tools.json"
    listed.write_text(json.dumps(TOOLS))
    assert program.add_tiny("files", listed).code == 0
    assert program.quick("catalogue", "import", "--registered").code == 0
    with Index.open(tmp_path / "data" / "catalogue.db") as index:
        before = index.server("files")
    other = {"name": "files", "title": "Another", "description": "Another", "version": "9", "websiteUrl": "http://x.y"}
    told = {
        "page.json": {"servers": [{"server": other}]},
        "mcp.json": {"mcpServers": {"files": {"url": "http://x.y"}}},
        "files.json": {"tools": [{"name": "harmless"}]},
    }
    for name, content in told.items():
        (tmp_path / name).write_text(json.dumps(content))
        assert program.quick("catalogue", "import", str(tmp_path / name)).code == 0
    with Index.open(tmp_path / "data" / "catalogue.db") as index:
        assert index.server("files") == before
    file = tmp_path / "index.gpindex"
    key = program.read("catalogue", "export", str(file))["key"]
    elsewhere = Program(tmp_path / "elsewhere")
    assert elsewhere.quick("catalogue", "import", str(file), "--key", key).code == 0
    assert elsewhere.quick("catalogue", "import", str(tmp_path / "files.json")).code == 0
    assert [one["server"] for one in elsewhere.read("catalogue", "search", "harmless")["tools"]] == ["files"]


_texts = st.text(st.characters(), max_size=12) | st.sampled_from(
    ["null", "1e5", "base64encode", "x\ud800", '\x00\x7f"\\/']
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
)
_definitions = st.fixed_dictionaries(
    {"name": _texts}, optional={"title": _values, "description": _texts, "inputSchema": _values, "annotations": _values}
)


@given(_definitions)
@example({"name": "a", "inputSchema": {"default": 1e22, "minimum": -1.5e-9, "x": 10**400, "y": float("nan"), "z": 1.0}})
def test_what_the_quicker_writer_writes_is_what_the_other_one_does(definition: dict[str, Any]) -> None:
    assert shown_plain(definition) == shown_json(definition)


def test_of_a_definition_that_is_nested_without_end_both_writers_keep_the_texts() -> None:
    deep: dict[str, Any] = {"name": "a", "inputSchema": reduce(lambda inner, _: {"x": inner}, range(50_000), {})}
    assert shown_plain(deep) == shown_json(deep) == b'{"name":"a"}'


def test_plain_definitions_go_in_as_others_do() -> None:
    for server in ("github", "stripe"):
        listed = [
            {"name": tool.name, "description": tool.description, "inputSchema": tool.schema}
            for tool in servers()[server]
        ]
        assert entries_of(listed, plain=True) == entries_of(listed)


# -- sources -----------------------------------------------------------------------------------------------------------


def test_files_of_every_kind_are_read_and_what_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "weather.json").write_text(json.dumps({"result": {"tools": [{"name": "get_forecast"}]}}))
    (tmp_path / "mcp.json").write_text(
        json.dumps(
            {
                "mcpServers": {
                    "files": {"command": "/usr/bin/npx", "args": ["--key", "s3cret"], "env": {"TOKEN": "s3cret"}},
                    "web": {"url": "https://user:s3cret@example.com:8443/mcp?key=s3cret"},
                }
            }
        )
    )
    (tmp_path / "server.json").write_text(
        json.dumps({"name": "io.example/x", "description": "X", "version": "1.2", "packages": []})
    )
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "other.json").write_text('{"hello": 1}')
    problems = Problems()
    found = {one.name: one for one in read_sources(tmp_path, problems)}
    assert set(found) == {"weather", "files", "web", "io.example/x"}
    assert found["weather"].tools is not None
    assert found["weather"].tools[0].category == "read"
    assert found["web"].url == "https://example.com:8443/mcp"
    assert "s3cret" not in repr(found)
    assert problems.number == 2
    with pytest.raises(GatepostError, match="no JSON"):
        list(read_sources(tmp_path / "broken.json", Problems()))


def test_tools_of_a_file_that_are_left_out_are_said_and_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    named = [{"name": "twice"}, {"name": "twice"}, {"name": 7}, {"name": "once"}]
    (tmp_path / "odd.json").write_text(json.dumps({"tools": named}))
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    problems = Problems()
    (server,) = read_sources(tmp_path, problems)
    assert [one.name for one in server.tools or ()] == ["twice", "once"]
    assert problems.number == 3
    assert "2 of the 4 tools of odd are left out" in " ".join(problems.sentences)
    assert " ".join(problems.sentences).count("it is no file") == 2


@pytest.mark.parametrize(
    "value", [None, 1, "x", [], {}, {"servers": [1, {"server": 2}]}, {"tools": "x"}, {"mcpServers": {"a": 1}}, [[[]]]]
)
def test_whatever_a_file_holds_is_no_error(value: Any) -> None:
    assert list(servers_of(value, "name")) == []


def test_a_list_of_tools_may_hold_anything(index: Index) -> None:
    tools = [
        1,
        {},
        {"name": 5},
        {"name": "a", "description": "x" * 10_000_000, "inputSchema": "?"},
        {"name": "b"},
        {"name": "b", "x": 1},
    ]
    deep: Any = "x"
    for _ in range(900):
        deep = {"properties": {"a": deep}}
    tools.append({"name": "deep", "description": "Gets it", "inputSchema": deep})
    tools.append({"name": "exact", "inputSchema": {"properties": {"n": {"minimum": Decimal("1.50")}}}})
    index.put([ServerEntry("odd", tools=entries_of(tools))])
    assert index.counts().tools == 3
    assert index.search("a").tools[0].name == "a"


def test_half_of_a_surrogate_pair_is_stored_as_a_question_mark(index: Index) -> None:
    broken = "\ud800"
    tools = [{"name": f"get{broken}", "description": f"Gets it {broken}", "inputSchema": {"title": broken}}]
    index.put([ServerEntry(f"odd{broken}", description=broken, source="scan", tools=entries_of(tools))])
    found = index.search("get").tools[0]
    assert (found.server, found.name, found.description) == ("odd?", "get?", "Gets it ?")


# -- the signed file ---------------------------------------------------------------------------------------------------


def test_an_index_travels_as_a_signed_file(filled: Index, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    trusted = {key.public_key().public_bytes_raw().hex()}
    file = tmp_path / "index.gpindex"
    counts = export_index(filled, file, key, "2026-11-21T00:00:00Z")
    with file.open("rb") as opened, Index.open(tmp_path / "other.db") as other:
        assert verify(opened, trusted) == counts == filled.counts()
        other.put(read_signed(opened))
        assert _all(other) == _all(filled)
    again = tmp_path / "again.gpindex"
    export_index(filled, again, key, "2026-11-21T00:00:00Z")
    assert again.read_bytes() == file.read_bytes()


def test_a_signed_file_that_was_altered_cut_off_or_signed_by_another_is_refused(filled: Index, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    trusted = {key.public_key().public_bytes_raw().hex()}
    file = tmp_path / "index.gpindex"
    export_index(filled, file, key, "2026-11-21T00:00:00Z")
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    altered = {
        "one word": [lines[0], lines[1].replace(b"destructive", b"read"), *lines[2:]],
        "a line less": [lines[0], *lines[2:]],
        "cut off": lines[:-1],
        "only a header": lines[:1],
        "another key": [lines[0].replace(next(iter(trusted)).encode(), b"00" * 32), *lines[1:]],
        "two signatures": [*lines, lines[-1]],
        "nothing": [],
    }
    for what, kept in altered.items():
        file.write_bytes(gzip.compress(b"".join(kept)))
        with file.open("rb") as opened, pytest.raises(GatepostError):
            verify(opened, trusted)
            pytest.fail(what)
    for broken in (b"\x1f\x8bnot a gzip", gzip.compress(b"")[:10] + b"\x07 no block of this kind"):
        file.write_bytes(broken)
        with file.open("rb") as opened, pytest.raises(GatepostError):
            verify(opened, trusted)


# -- the registry ------------------------------------------------------------------------------------------------------


class _Registry(http.server.BaseHTTPRequestHandler):
    """A registry with seven servers in pages of two; what goes wrong is told by `faults`, one answer each."""

    faults: list[Any]
    asked: list[dict[str, str]]
    later = "7"

    def do_GET(self) -> None:
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        self.asked.append(query)
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, int):
            self.send_response(fault)
            self.send_header("retry-after", self.later)
            self.end_headers()
            return
        if fault == "noise":
            self.wfile.write(b"noise\r\n\r\n")
            return
        if fault == "cut":
            self.send_response(200)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"ffff\r\n{")
            return
        start = int(query.get("cursor", "0"))
        page: dict[str, Any] = {
            "servers": [
                {"server": {"name": f"io.example/s{number}", "description": f"Server {number}", "version": "1"}}
                for number in range(start, min(start + 2, 7))
            ],
            "metadata": {"nextCursor": str(start + 2)} if start + 2 < 7 else {},
        }
        if fault == "odd":
            page["servers"] += [None, 5, {"server": {"name": ["x"], "description": 1}}]
        if fault == "repeat":
            page["metadata"] = {"nextCursor": query.get("cursor", "0")}
        body = b'{"servers": [' if fault == "half" else json.dumps(page).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[tuple[str, type[_Registry]]]:
    handler = type("Handler", (_Registry,), {"faults": [], "asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_registry_is_read_page_by_page_and_then_only_what_changed(
    index: Index, registry: tuple[str, type[_Registry]]
) -> None:
    url, handler = registry
    waits: list[float] = []
    told: list[int] = []
    pace = Pace(sleep=waits.append)
    done = import_registry(index, url, now="2026-11-21T00:00:00Z", pace=pace, told=lambda one: told.append(one.servers))
    assert done.servers == index.counts().servers == 7
    assert told == [2, 4, 6]
    assert waits == [0.2, 0.2, 0.2]
    handler.asked.clear()
    import_registry(index, url, now="2026-11-22T00:00:00Z", pace=pace)
    assert handler.asked[0]["updated_since"] == "2026-11-21T00:00:00Z"
    assert "cursor" not in handler.asked[0]


def test_entries_of_a_registry_that_are_no_servers_are_said_and_the_rest_goes_in(
    tmp_path: Path, registry: tuple[str, type[_Registry]]
) -> None:
    url, handler = registry
    handler.faults[:] = ["odd"]
    ran = Program(tmp_path / "data").quick("catalogue", "import", "--registry", url)
    assert (ran.code, "7 servers" in ran.out) == (1, True)
    assert "left out: Entry 3 of a page of the registry is no server." in ran.err


def test_a_registry_that_refuses_or_answers_half_is_asked_again_as_late_as_it_says(
    index: Index, registry: tuple[str, type[_Registry]]
) -> None:
    url, handler = registry
    handler.faults[:] = [429, 500, "half", "cut", "noise"]
    waits: list[float] = []
    done = import_registry(index, url, now="2026-11-21T00:00:00Z", pace=Pace(between=0, sleep=waits.append))
    assert done.servers == 7
    assert waits[:5] == [7.0, 7.0, 4.0, 8.0, 16.0]


def test_an_import_that_is_cut_off_goes_on_where_it_was_and_loses_nothing(
    index: Index, registry: tuple[str, type[_Registry]]
) -> None:
    url, handler = registry
    handler.faults[:] = [None, None, *[500] * 6]
    pace = Pace(sleep=lambda _: None)
    with pytest.raises(GatepostError, match="HTTP 500"):
        import_registry(index, url, now="2026-11-21T00:00:00Z", pace=pace)
    assert index.counts().servers == 4
    handler.asked.clear()
    import_registry(index, url, now="2026-11-22T00:00:00Z", pace=pace)
    assert handler.asked[0]["cursor"] == "4"
    assert index.counts().servers == 7
    handler.asked.clear()
    import_registry(index, url, now="2026-11-23T00:00:00Z", pace=pace)
    assert handler.asked[0]["updated_since"] == "2026-11-21T00:00:00Z"  # when what was read had begun


def test_a_registry_that_repeats_a_cursor_is_left_what_was_read_is_kept_and_the_next_import_begins_anew(
    index: Index, registry: tuple[str, type[_Registry]]
) -> None:
    url, handler = registry
    handler.faults[:] = [None, "repeat"]
    pace = Pace(sleep=lambda _: None)
    with pytest.raises(GatepostError, match="go in a circle") as error:
        import_registry(index, url, now="2026-11-21T00:00:00Z", pace=pace)
    assert error.value.code == "GP-3003"
    assert len(handler.asked) == 2
    assert index.counts().servers == 4
    handler.asked.clear()
    import_registry(index, url, now="2026-11-22T00:00:00Z", pace=pace)
    assert "updated_since" not in handler.asked[0]
    assert index.counts().servers == 7


def test_a_registry_that_says_nonsense_of_when_to_come_back_is_asked_again_in_our_own_time(
    index: Index, registry: tuple[str, type[_Registry]]
) -> None:
    url, handler = registry
    handler.faults[:] = [429, 429, 429]
    said = iter(("\u00b2", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"))
    handler.later = property(lambda _: next(said))  # type: ignore[assignment]
    waits: list[float] = []
    import_registry(index, url, now="2026-11-21T00:00:00Z", pace=Pace(between=0, sleep=waits.append))
    assert waits[:3] == [1.0, 2.0, 4.0]


def test_a_registry_that_is_none_or_is_not_there_is_said(index: Index) -> None:
    pace = Pace(sleep=lambda _: None)
    for url in ("ftp://example.com", "nonsense", "https://user:pw@example.com"):
        with pytest.raises(GatepostError, match="not usable"):
            import_registry(index, url, now="", pace=pace)
    with pytest.raises(GatepostError, match="cannot be reached"):
        import_registry(index, "http://127.0.0.1:9", now="", pace=pace)


# -- the commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [["--category", "destructive"], ["delete"]], ids=["filter", "words"])
def test_the_next_page_is_asked_for_with_what_is_printed(tmp_path: Path, asked: list[str]) -> None:
    program = Program(tmp_path / "data")
    whole = program.read("catalogue", "search", *asked, "--limit", "6")["tools"]
    more: list[str] = []
    names: list[str] = []
    for _ in range(2):
        page = program("catalogue", "search", *asked, "--limit", "3", *more)
        assert page.code == 0, page.err
        assert page.out.isprintable() or page.out.replace("\n", "").isprintable()
        names += [line.split()[0] for line in page.out.splitlines()[1:4]]
        more = shlex.split(page.out.partition("There are more: ")[2])
    assert names == [one["tool"] for one in whole]


@pytest.mark.parametrize("after", ["x", "5", "-1:x", "\u00b2:x", f"{10**30}:x", ""])
def test_what_no_page_ended_with_is_refused(filled: Index, after: str) -> None:
    with pytest.raises(GatepostError, match="not where a page ended"):
        filled.search("", after=after)
    for wrong in ("x", "-1", "\u00b2", "1" * 30):
        with pytest.raises(GatepostError, match="not where a page ended"):
            filled.search("list", after=wrong)


def test_the_commands_import_search_export_and_import_elsewhere(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    listed = tmp_path / "tools.json"
    listed.write_text(json.dumps(TOOLS))
    assert program.read("catalogue", "search", "files", "delete_file")["tools"] == []
    assert not (tmp_path / "data").exists()
    assert program.add_tiny("files", listed).code == 0
    assert not (tmp_path / "data" / "catalogue.db").exists()
    assert "delete_file" in program.quick("catalogue", "search", "delete").out
    assert "1 server with 2 tools" in program.quick("catalogue", "import", "--registered").out
    reads = program.read("catalogue", "search", "read_file", "--category", "read")["tools"]
    assert "files" in [one["server"] for one in reads]
    file = tmp_path / "index.gpindex"
    key = program.read("catalogue", "export", str(file))["key"]
    other = Program(tmp_path / "other")
    refused = other.quick("catalogue", "import", str(file))
    assert refused.code == 1
    assert "not trusted" in refused.err
    assert other.quick("catalogue", "import", str(file), "--key", key).code == 0
    assert sorted(found(other, "--limit", "200")) == sorted(found(program, "--limit", "200"))
    assert other.quick("catalogue", "import").code == 2
    missing = other.quick("catalogue", "import", str(tmp_path / "nowhere"))
    assert missing.code == 1
    assert "No such file" in missing.err
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "bad.json").write_text("{")
    left = other.quick("catalogue", "import", str(tmp_path / "scans"))
    assert left.code == 1
    assert "bad.json" in left.err


def found(program: Program, *asked: str) -> list[tuple[str, str, str]]:
    """Server, name and category of the tools that a search finds, page by page."""
    tools: list[dict[str, str]] = []
    more: list[str] = []
    while True:
        page = program.read("catalogue", "search", *asked, *more)
        tools += page["tools"]
        if page["after"] is None:
            return [(one["server"], one["tool"], one["category"]) for one in tools]
        more = ["--after", page["after"]]


def test_a_registered_server_is_found_without_another_command_as_it_is_at_that_moment(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    listed = tmp_path / "tools.json"
    listed.write_text(json.dumps(TOOLS))
    assert program.add_tiny("filesystem", listed).code == 0  # of the name of a well-known one
    assert sorted(one for one in found(program, "filesystem", "--limit", "200") if one[0] == "filesystem") == [
        ("filesystem", "delete_file", "destructive"),
        ("filesystem", "read_file", "read"),
    ]
    assert (tmp_path / "data" / "registered.db").stat().st_mode & 0o777 == 0o600
    assert program.quick("server", "set-category", "filesystem", "read_file", "execute").code == 0
    assert ("filesystem", "read_file", "execute") in found(program, "read_file", "--category", "execute")
    listed.write_text(json.dumps([{**TOOLS[0], "name": "frobnicate"}]))
    program.quick("server", "scan", "filesystem")
    assert [one[:2] for one in found(program, "filesystem", "frobnicate")] == [("filesystem", "frobnicate")]
    assert program.quick("server", "remove", "filesystem").code == 0
    names = {name for server, name, _ in found(program, "filesystem") if server == "filesystem"}
    assert {"write_file", "move_file"} <= names
    assert "frobnicate" not in names


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_pages_go_on_from_ones_own_servers_to_the_others_without_a_gap(tmp_path: Path, limit: int) -> None:
    program = Program(tmp_path / "data")
    before = found(program, "screenshot", "--limit", "200")
    listed = tmp_path / "tools.json"
    listed.write_text(json.dumps([{"name": f"take_screenshot_{number}"} for number in range(2)]))
    assert program.add_tiny("mine", listed).code == 0
    pages = found(program, "screenshot", "--limit", str(limit))
    assert [one[:2] for one in pages[:2]] == [("mine", "take_screenshot_0"), ("mine", "take_screenshot_1")]
    assert pages[2:] == before


def test_a_store_that_cannot_be_read_is_said_and_the_rest_is_searched(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "store.db").write_text("no store, " * 100)
    ran = program.quick("catalogue", "search", "screenshot")
    assert (ran.code, "browser_take_screenshot" in ran.out) == (0, True)
    assert "your own servers are not searched" in ran.err
