"""Scanning programs: which eras they really speak, and every tool they offer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gatepost.definitions.listing import read_listing
from gatepost.upstreams.base import UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.scan import ServerInfo, list_tools, probe
from tests.upstreams.helpers import QUICK, run, scripted

LEGACY = frozenset({"legacy"})
MODERN = frozenset({"modern"})


@pytest.mark.parametrize("uv", [False, True], ids=["asyncio", "uvloop"])
def test_a_legacy_server_is_recognised(uv: bool) -> None:
    async def test() -> None:
        info = await probe(scripted())
        assert (info.eras, info.versions) == (LEGACY, ("2025-11-25",))
        assert info.server_info == {"name": "scripted", "version": "1"}
        assert info.capabilities == {"tools": {}}

    run(test(), uv=uv)


def test_a_modern_server_is_recognised() -> None:
    async def test() -> None:
        info = await probe(scripted("--modern"))
        assert (info.eras, info.versions) == (MODERN, ("2026-07-28",))
        assert info.server_info == {"name": "scripted", "version": "2"}
        assert info.instructions == "Ask."

    run(test())


def test_a_server_of_both_eras_is_recognised_as_both() -> None:
    async def test() -> None:
        info = await probe(scripted("--modern", "--legacy"))
        assert (info.eras, info.versions) == (LEGACY | MODERN, ("2025-11-25", "2026-07-28"))

    run(test())


def test_each_era_is_tried_on_a_program_of_its_own(tmp_path: Path) -> None:
    async def test() -> None:
        mark = tmp_path / "starts"
        await probe(scripted("--modern", "--legacy", "--mark", str(mark)))
        assert len(mark.read_text().splitlines()) == 2

    run(test())


def test_a_legacy_server_that_is_silent_about_what_it_does_not_know_is_recognised(tmp_path: Path) -> None:
    async def test() -> None:
        mark = tmp_path / "starts"
        limits = replace(QUICK, silence=0.3)
        info = await probe(scripted("--silent", "--mark", str(mark), limits=limits))
        assert info.eras == LEGACY
        assert len(mark.read_text().splitlines()) == 1

    run(test())


def test_every_page_of_tools_is_read_in_order() -> None:
    async def test() -> None:
        for flags in ((), ("--modern",)):
            config = scripted("--pages", "30", *flags)
            tools = await list_tools(config, await probe(config))
            assert [tool["name"] for tool in tools] == [f"tool-{page}" for page in range(30)]

    run(test())


def test_pages_that_go_in_a_circle_are_noticed() -> None:
    async def test() -> None:
        config = scripted("--pages", "3", "--circle")
        with pytest.raises(UpstreamFailed, match="goes in a circle") as failure:
            await list_tools(config, await probe(config))
        assert failure.value.code == "GP-3003"

    run(test())


def test_more_pages_than_the_bound_are_refused() -> None:
    async def test() -> None:
        config = scripted("--pages", "2000")
        with pytest.raises(UpstreamFailed, match="more than 1000 pages") as failure:
            await list_tools(config, await probe(config))
        assert failure.value.code == "GP-3004"

    run(test())


def test_two_different_tools_of_one_name_are_both_told_of() -> None:
    async def test() -> None:
        tools = await list_tools(scripted("--twins"), ServerInfo(LEGACY, (), {}, {}, None))
        assert [tool["name"] for tool in tools] == ["tool-0", "tool-0"]
        assert read_listing(tools, now=0).definitions == ()

    run(test())


@pytest.mark.parametrize(
    ("flags", "pages", "why"),
    [(("--pages", "3", "--circle"), 3, "goes in a circle"), (("--pages", "2000"), 1000, "more than 1000 pages")],
    ids=["circle", "endless"],
)
def test_of_a_list_without_an_end_as_much_is_used_as_was_read_where_that_is_asked(
    flags: tuple[str, ...], pages: int, why: str
) -> None:
    async def test() -> None:
        config = scripted(*flags)
        problems: list[str] = []
        tools = await list_tools(config, await probe(config), problems)
        assert [tool["name"] for tool in tools] == [f"tool-{page}" for page in range(pages)]
        (problem,) = problems
        assert why in problem

    run(test())


def test_a_program_that_says_nothing_has_one_deadline_for_all_that_it_is_asked() -> None:
    async def test() -> None:
        # a second step of its own would run into the deadline of the whole scan
        limits = replace(QUICK, silence=0.1, probe=0.5, scan=0.9)
        with pytest.raises(UpstreamFailed, match=r"said nothing within 0\.5 s: .*started again") as failure:
            await probe(ServerConfig("cat", command=("sleep", "60"), limits=limits))
        assert failure.value.code == "GP-3002"

    run(test())


def test_a_program_that_an_unknown_request_silences_for_good_is_recognised_on_a_fresh_start(tmp_path: Path) -> None:
    async def test() -> None:
        mark = tmp_path / "starts"
        limits = replace(QUICK, silence=1, probe=2)
        info = await probe(scripted("--stubborn", "--mark", str(mark), limits=limits))
        assert info.eras == LEGACY
        assert len(mark.read_text().splitlines()) == 2

    run(test())


def test_a_program_that_is_no_mcp_server_is_said_to_be_none() -> None:
    async def test() -> None:
        with pytest.raises(UpstreamFailed) as failure:
            await probe(ServerConfig("echo", command=("cat",), limits=replace(QUICK, silence=0.2, probe=0.5)))
        assert failure.value.code in ("GP-3002", "GP-3003")

    run(test())


def test_a_program_that_ends_at_once_is_quoted() -> None:
    async def test() -> None:
        with pytest.raises(UpstreamFailed, match="exit code 1") as failure:
            await probe(scripted("--exit", "1"))
        assert failure.value.code == "GP-3005"
        assert "cannot go on: 1" in failure.value.hint

    run(test())


def test_a_program_that_does_not_exist_is_said_to_be_missing() -> None:
    async def test() -> None:
        with pytest.raises(UpstreamFailed, match="'no-such-program' was not found"):
            await probe(ServerConfig("none", command=("no-such-program",), limits=QUICK))

    run(test())
