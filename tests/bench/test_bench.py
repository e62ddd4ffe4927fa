"""The benchmark on next to nothing: it runs, it notices what would void a figure, it says what it left out.

No figure is looked at: what this machine does while tests run says nothing.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.client import Client
from bench.load import Generator, Target
from bench.machine import Cores
from bench.procs import BenchError
from bench.rig import TINY, NothingAnswered, Rig, Upstream
from bench.talk import Talk
from bench.throughput import Row, Turn, absolute, bars, rest

from bench import installed, invented, report, traffic
from gatepost.catalogue.classification import CATEGORIES, SEVERITIES, SIGNALS

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads /proc and pins to cores")


def bench(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False, env={**os.environ, **env}
    )


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(TINY) as made:
        yield made


@pytest.fixture
def upstream(rig: Rig) -> Upstream:
    return rig.upstream


def refusing_server() -> tuple[socket.socket, int]:
    """Answers every request with a 500, and closes."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                one, _ = server.accept()
            except OSError:
                return
            with one:
                one.recv(65536)
                one.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    return server, server.getsockname()[1]


def test_help_names_every_section_and_every_contender() -> None:
    done = bench("--help")
    assert done.returncode == 0
    for word in (
        "throughput",
        "rss",
        "stream",
        "stdio",
        "list",
        "hung",
        "busy",
        "profile",
        "nginx",
        "envoy",
        "fastmcp",
        "airlock",
        "contextforge",
        "mcp-proxy",
        "supergateway",
        "index",
        "examples",
        "python -m bench --prepare",
    ):
        assert word in done.stdout


def test_an_unknown_section_is_a_usage_error_that_names_the_known_ones() -> None:
    done = bench("--only", "speed")
    assert done.returncode == 2
    assert "there is no section speed; there are throughput" in done.stderr


def test_prepare_refuses_contenders_that_it_does_not_install() -> None:
    done = bench("--prepare", "--contenders", "full,nginx")
    assert done.returncode == 2
    assert "--prepare installs contextforge, airlock, mcp-proxy and supergateway" in done.stderr


@pytest.mark.slow
def test_prepare_says_which_contender_could_not_be_installed_and_why(tmp_path: Path) -> None:
    done = bench("--prepare", "--contenders", "airlock", GATEPOST_BENCH_CONTENDERS=str(tmp_path), PIP_NO_INDEX="1")
    assert done.returncode == 1
    assert "airlock: not installed: " in done.stdout
    assert "mcp-airlock" in done.stdout.partition("not installed: ")[2]


def test_a_tiny_run_measures_the_upstream_directly_and_through_gatepost() -> None:
    done = bench("--tiny", "--only", "throughput", "--contenders", "direct,full", "--json", "-")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["skipped"] == [] or all(text.startswith("wrk") for text in found["skipped"])
    rows = found["sections"]["throughput"]
    for key in ("direct", "full"):
        assert set(rows[key]["turns"]) == {"1", "16", "64"}
        assert all(turn["rate"] > 0 for turns in rows[key]["turns"].values() for turn in turns)
    assert rows["full"]["rss_mib"] > 0


def test_a_tiny_run_measures_gatepost_in_front_of_a_program_and_says_which_bridges_are_not_installed(
    tmp_path: Path,
) -> None:
    out = tmp_path / "page.md"
    done = bench(
        *("--tiny", "--only", "throughput", "--contenders", "full-program,mcp-proxy,supergateway", "--json", "-"),
        *("--out", str(out)),
        GATEPOST_BENCH_CONTENDERS=str(tmp_path / "none"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["sections"]["throughput"]
    assert all(turn["rate"] > 0 for turns in found["full-program"]["turns"].values() for turn in turns)
    assert found["full-program"]["calls"] > 0
    page = out.read_text()
    for title in ("mcp-proxy", "supergateway"):
        said = f"| {title}, in front of a program | skipped: not installed, install with: python -m bench --prepare |"
        assert said in page
    assert "0 of 6 met, 0 not met, 6 not measured." in page


def test_a_contender_that_does_not_start_is_left_out_with_the_end_of_its_log(tmp_path: Path) -> None:
    fake = tmp_path / "airlock" / "bin" / "mcp-airlock"
    fake.parent.mkdir(parents=True)
    fake.write_text("#!/bin/sh\necho the policy cannot be read; exit 3\n")
    fake.chmod(0o755)
    done = bench("--tiny", "--only", "throughput", "--contenders", "airlock", GATEPOST_BENCH_CONTENDERS=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "skipped: mcp-airlock: ended with status 3: the policy cannot be read" in done.stdout


def test_a_tiny_run_measures_the_index_and_the_classifier() -> None:
    done = bench("--tiny", "--only", "index", "--json", "-")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["sections"]["index"]
    assert (found["servers"], found["tools"], found["classified"]) == (60, 800, 500)
    assert found["queries"] == 300
    assert found["filters"] == (len(CATEGORIES) + 1) * (len(SEVERITIES) + 1) * (len(SIGNALS) + 1)
    assert all(found[key] > 0 for key in ("import_tools_per_s", "import_folder_tools_per_s", "filter_slowest_ms"))
    assert [bar["met"] is not None for bar in found["bars"]] == [True] * 5


def test_invented_servers_are_the_same_for_the_same_seed_and_as_many_as_asked() -> None:
    made = list(invented.servers(40, 500, seed=3))
    assert made == list(invented.servers(40, 500, seed=3))
    assert made != list(invented.servers(40, 500, seed=4))
    assert len({name for name, _ in made}) == 40
    assert sum(len(tools) for _, tools in made) == 500
    assert all(len({tool["name"] for tool in tools}) == len(tools) > 0 for _, tools in made)
    assert len({json.dumps(tools) for _, tools in made}) == 40


def test_versions_of_contenders_are_read_from_where_they_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEPOST_BENCH_CONTENDERS", str(tmp_path))
    about = tmp_path / "airlock" / "lib" / "python3.11" / "site-packages" / "mcp_airlock-0.4.1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mcp-airlock\nVersion: 0.4.1\n")
    package = tmp_path / "supergateway" / "node_modules" / "supergateway"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "4.0.0"}')
    assert installed.versions() == {"mcp-airlock": "0.4.1", "supergateway": "4.0.0"}
    assert installed.program("airlock", "mcp-airlock") is None


def test_a_tiny_run_measures_what_run_adds_to_a_relay_and_what_it_takes_to_a_server_over_http(tmp_path: Path) -> None:
    out = tmp_path / "page.md"
    done = bench(
        *("--tiny", "--only", "stdio", "--json", "-", "--out", str(out)),
        GATEPOST_BENCH_CONTENDERS=str(tmp_path / "none"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["sections"]["stdio"]
    assert set(found["median_us"]) == {"direct", "poll", "asyncio", "pass", "full", "guest"}
    assert set(found["added_us"]) == {"pass", "full", "guest"}
    assert set(found["http_median_us"]) == {"http-full"}
    assert min(*found["median_us"].values(), *found["http_median_us"].values()) > 0
    assert "| mcp-proxy | skipped: not installed, install with: python -m bench --prepare |" in out.read_text()


def test_a_call_that_the_program_did_not_answer_voids_the_measurement_on_stdio(tmp_path: Path) -> None:
    talk = Talk(["cat"], min(os.sched_getaffinity(0)), tmp_path / "cat.log")
    try:
        with pytest.raises(BenchError, match="not the program's answer"):
            talk.timed(0)
    finally:
        talk.stop()


def test_the_upstream_counts_the_calls_it_answers(upstream: Upstream) -> None:
    before = upstream.count()
    with Client(Target(upstream.port, "/mcp")) as client:
        _, body = client.timed(client.request("tools/call", traffic.TOOL, traffic.call(traffic.CALLS[0], 7)))
        assert json.loads(body)["id"] == 7
        _, listed = client.timed(client.request("tools/list", None, traffic.body("tools/list", {}, 8)))
        assert {tool["name"] for tool in json.loads(listed)["result"]["tools"]} >= {traffic.TOOL, traffic.STREAMED}
    assert upstream.count() == before + 1


def test_the_streamed_result_has_about_100_kilobytes_in_many_events(upstream: Upstream) -> None:
    with Client(Target(upstream.port, "/mcp")) as client:
        call = traffic.call({}, 9, traffic.STREAMED, progressToken="p")
        _, body = client.timed(client.request("tools/call", traffic.STREAMED, call))
    assert 95_000 < len(body) < 120_000
    assert body.count(b"data: ") == 51
    assert body.count(b'"progressToken":"p"') == 50


def test_every_call_of_the_load_is_250_to_620_bytes_with_an_id_of_its_own_width() -> None:
    for before, after in traffic.templates(80, "/mcp", "gp_token"):
        whole = before + b"1" * traffic.ID_DIGITS + after
        head, _, content = whole.partition(b"\r\n\r\n")
        assert 250 <= len(content) <= 620
        assert f"Content-Length: {len(content)}".encode() in head
        assert json.loads(content)["id"] == int("1" * traffic.ID_DIGITS)


def test_calls_of_earlier_revisions_carry_the_session_and_nothing_of_the_later_revision() -> None:
    for before, after in traffic.templates(80, "/mcp", "token", "up-create-refund", "a-session"):
        head, _, content = (before + b"1" * traffic.ID_DIGITS + after).partition(b"\r\n\r\n")
        assert b"Mcp-Session-Id: a-session\r\n" in head
        assert b"MCP-Protocol-Version: 2025-11-25\r\n" in head
        assert b"Mcp-Method" not in head
        assert f"Content-Length: {len(content)}".encode() in head
        params = json.loads(content)["params"]
        assert set(params) == {"name", "arguments"}
        assert params["name"] == "up-create-refund"


def test_the_generator_of_our_own_answers_like_wrk(rig: Rig, upstream: Upstream) -> None:
    generator = Generator(rig.folder, Cores.choose().load)
    generator.wrk = None
    before = upstream.count()
    done = generator.run(Target(upstream.port, "/mcp"), 4, 0.3)
    assert done.errors == {}
    assert 0 < done.requests <= upstream.count() - before
    assert 0 < done.p50 <= done.p99


@pytest.mark.parametrize("own", [False, True], ids=["the installed generator", "our own generator"])
def test_a_run_with_refused_calls_is_void(rig: Rig, own: bool) -> None:
    server, port = refusing_server()
    if own:
        rig.generator.wrk = None
    with server, pytest.raises(BenchError, match="void"):
        rig.load(Target(port, "/mcp"), 1, 1)


def test_a_run_whose_calls_did_not_reach_the_upstream_is_void(rig: Rig) -> None:
    other = rig.new_upstream()
    with pytest.raises(BenchError, match="never reached the upstream"):
        rig.load(Target(other.port, "/mcp"), 1, 1)


def test_what_a_contender_goes_on_with_is_waited_for_and_not_for_ever() -> None:
    class Behind:
        def __init__(self, answered: Iterator[int]) -> None:
            self.answered = answered

        def count(self) -> int:
            return next(self.answered)

    left = iter([5, 6, 7, 7])
    rest(Behind(left), 60, quiet=0)
    assert list(left) == []  # not before two looks found the same
    rest(Behind(itertools.count()), 0.01, quiet=0)


def test_a_bar_is_not_measured_where_the_rival_is_missing_and_not_met_where_it_is_missed() -> None:
    full, envoy = row("full", rate=900, p50=90), row("envoy", rate=1000, p50=100)
    made = {(bar.what, bar.wanted): bar for bar in bars({"full": full, "envoy": envoy})}
    assert made[("full against Envoy", "≥ 1 × requests/s at c=64")].met is False
    assert made[("full against Envoy", "≤ 1 × p50 at c=1")].met is True
    assert made[("full against nginx", "≥ 0.2 × requests/s at c=64")].met is None


def test_the_page_lists_bars_skipped_contenders_and_how_to_run_it() -> None:
    section = report.Section("rss", "Memory", ["Text."], [report.Bar("RSS", "≤ 80 MiB", "81 MiB", False)])
    facts = {
        "scale": "full",
        "command": "python -m bench",
        "machine": {"cores": "2"},
        "versions": {"nginx": "1.22.1"},
        "skipped": ["Envoy: envoy is not installed"],
        "left_out": ["media", "profile"],
    }
    text = report.page(facts, [section])
    assert "| RSS | ≤ 80 MiB | 81 MiB | **not met** |" in text
    assert "Skipped in this run: Envoy: envoy is not installed." in text
    assert "0 of 1 met, 1 not met, 0 not measured.\nSections that were not run: media, profile." in text
    assert "Run it yourself" in text


def test_a_concurrency_at_which_nothing_was_answered_is_said_in_its_table_and_judges_no_bar() -> None:
    full, envoy = row("full", rate=900, p50=90), row("envoy", rate=1000, p50=100)
    envoy.silent[64] = 4
    page = report.Section("throughput", "Throughput")
    absolute(page, [full, envoy], {})
    text = "\n".join(page.lines)
    assert "not one call of 64 was answered within 4 s" in text
    assert text.count("| 1,000 |") == 2
    made = {(bar.what, bar.wanted): bar for bar in bars({"full": full, "envoy": envoy})}
    assert made[("full against Envoy", "≥ 1 × requests/s at c=64")].met is None


def test_a_run_in_which_nothing_was_answered_is_void(rig: Rig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(NothingAnswered, match="void"):
        rig.load(Target(silent.getsockname()[1], "/mcp"), 1, 1)


def row(key: str, *, rate: float, p50: float) -> Row:
    from bench.contenders.base import Contender

    contender = Contender()
    contender.key = key
    made = Row(contender)
    for turns in made.turns.values():
        turns.append(Turn(rate, p50, 2 * p50, 50.0, 1.0))
    return made
