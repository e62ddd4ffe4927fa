"""Programs that do not behave: a clear error within the deadline, bounded memory, and nobody else the worse for it."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gatepost.upstreams.base import UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from tests.upstreams.helpers import (
    QUICK,
    alive,
    answer,
    call,
    eventually,
    initialize,
    messages,
    post,
    run,
    running,
    said,
    scripted,
    session,
)


def test_a_call_that_is_never_answered_fails_at_its_deadline_and_is_cancelled() -> None:
    async def test() -> None:
        async with running(scripted("--modern", limits=replace(QUICK, answer=0.3))) as upstream:
            before = time.monotonic()
            with pytest.raises(UpstreamFailed, match=r"did not answer within 0\.3 s") as failure:
                await post(upstream, call("never", modern=True))
            assert (failure.value.code, failure.value.sent) == ("GP-3002", True)
            assert time.monotonic() - before < 2
            (cancelled,) = said(await answer(upstream, call("seen", modern=True)))
            assert cancelled["method"] == "notifications/cancelled"

    run(test())


def test_a_stream_that_falls_silent_fails_at_its_idle_deadline() -> None:
    async def test() -> None:
        async with running(scripted("--modern", limits=replace(QUICK, stream_idle=0.3))) as upstream:
            reply = await post(upstream, call("stall", modern=True, token=1))
            assert reply.kind == "sse"
            with pytest.raises(UpstreamFailed, match=r"sent nothing for 0\.3 s in the middle of its answer") as failure:
                await messages(reply)
            assert failure.value.code == "GP-3002"
            assert said(await answer(upstream, call("seen", modern=True)))[0]["method"] == "notifications/cancelled"

    run(test())


def test_garbage_is_skipped_and_counted_with_its_reason() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            assert (await answer(upstream, call("garbage"), "s"))["id"] == 1
            dropped = upstream.status()["dropped"]
            assert dropped["count"] == 2
            assert dropped["last"].startswith("a line on standard output that is not a message")

    run(test())


def test_an_answer_that_is_not_strict_json_fails_its_call_at_once() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            with pytest.raises(UpstreamFailed, match="is not valid") as failure:
                await post(upstream, call("nan"), "s")
            assert (failure.value.code, failure.value.sent) == ("GP-3003", True)
            assert (await answer(upstream, call("echo"), "s"))["id"] == 1

    run(test())


def test_answers_with_a_wrong_id_are_dropped() -> None:
    async def test() -> None:
        drops: list[str] = []
        async with session(scripted(), on_dropped=lambda _, why: drops.append(why)) as upstream:
            assert said(await answer(upstream, call("wrong-id"), "s")) == {}
            assert drops == ["an answer with an id that no request had"] * 2

    run(test())


def test_of_two_answers_the_first_counts() -> None:
    async def test() -> None:
        drops: list[str] = []
        async with session(scripted(), on_dropped=lambda _, why: drops.append(why)) as upstream:
            assert said(await answer(upstream, call("twice"), "s")) == {"first": True}
            await eventually(lambda: drops == ["a second answer to the same request"])
            assert said(await answer(upstream, call("echo"), "s"))["arguments"] == {}

    run(test())


def test_an_endless_line_ends_the_program_and_everything_in_flight() -> None:
    async def test() -> None:
        async with running(scripted("--modern", limits=replace(QUICK, message=1_000_000))) as upstream:
            other = asyncio.ensure_future(post(upstream, call("hold", modern=True)))
            await eventually(lambda: upstream.status()["programs"] and upstream.status()["programs"][0]["in_flight"])
            results = await asyncio.gather(
                other, post(upstream, call("endless-line", modern=True)), return_exceptions=True
            )
            for failure in results:
                assert isinstance(failure, UpstreamFailed)
                assert failure.code == "GP-3005"
                assert "a line of more than 1000000 bytes" in str(failure)
            assert said(await answer(upstream, call("echo", modern=True)))["arguments"] == {}

    run(test())


def test_an_endless_stream_ends_at_its_total_deadline() -> None:
    async def test() -> None:
        async with session(scripted(limits=replace(QUICK, stream_total=0.5))) as upstream:
            reply = await post(upstream, call("endless-stream", token=1), "s")
            with pytest.raises(UpstreamFailed, match=r"lasted longer than 0\.5 s") as failure:
                await messages(reply)
            assert failure.value.code == "GP-3004"

    run(test())


@pytest.mark.parametrize("uv", [False, True], ids=["asyncio", "uvloop"])
def test_a_program_that_floods_its_output_leaves_others_alone(uv: bool) -> None:
    async def test() -> None:
        async with session(scripted(), "flood") as upstream, session(scripted(), "quiet") as other:
            flood = asyncio.ensure_future(post(upstream, call("flood-garbage"), "flood"))
            await eventually(lambda: upstream.status()["dropped"]["count"] > 1000)
            before = time.monotonic()
            for number in range(50):
                await answer(other, call("echo", number), "quiet")
            assert time.monotonic() - before < 2
            flood.cancel()

    run(test(), uv=uv)


def test_standard_error_is_always_read_and_its_end_kept() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            await answer(upstream, call("flood-stderr", lines=20_000), "s")
            await eventually(lambda: "line 19999 " in upstream.status()["stderr"])
            assert len(upstream.status()["stderr"]) <= 64 * 1024

    run(test())


def test_a_program_that_ends_in_the_middle_of_a_call_says_how_and_its_last_words() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            with pytest.raises(UpstreamFailed) as failure:
                await post(upstream, call("exit"), "s")
            assert (failure.value.code, failure.value.sent) == ("GP-3005", True)
            assert "has ended with exit code 7 before it answered" in failure.value.message
            assert failure.value.hint == "Its last line on standard error: no space left on device"
            assert (await post(upstream, call("echo"), "s")).status == 404, "its session went with it"
            assert upstream.status()["last_end"]["how"] == "has ended with exit code 7"

    run(test())


def test_a_shared_program_that_ended_is_started_again_for_the_next_call() -> None:
    async def test() -> None:
        async with running(scripted("--modern")) as upstream:
            with pytest.raises(UpstreamFailed, match="exit code 7"):
                await post(upstream, call("exit", modern=True))
            assert said(await answer(upstream, call("echo", modern=True)))["arguments"] == {}
            status = upstream.status()
            assert (status["starts"], status["unexpected_ends"]) == (2, 1)

    run(test())


def test_a_program_that_keeps_ending_is_started_ever_more_rarely() -> None:
    async def test() -> None:
        limits = replace(QUICK, restart_first=0.05, restart_most=30, connect=0.2)
        async with running(scripted("--modern", "--exit", "1", limits=limits)) as upstream:
            failures = []
            while "is started again in" not in (failures or [""])[-1]:
                with pytest.raises(UpstreamFailed) as failure:
                    await post(upstream, call("echo", modern=True))
                assert failure.value.code == "GP-3005"
                failures.append(str(failure.value))
                await eventually(lambda: upstream.status()["unexpected_ends"] == upstream.status()["starts"])
            assert upstream.status()["starts"] == 4  # 0.05, 0.1, 0.2 are waited for; 0.4 is longer than a caller waits
            assert "has failed 4 times in a row (it has ended with exit code 1)" in failures[-1]
            assert "Its last line on standard error: cannot go on: 1" in failures[-1]

    run(test())


def test_a_caller_that_crashes_its_own_session_does_not_keep_others_waiting() -> None:
    async def test() -> None:
        async with running(scripted(limits=replace(QUICK, restart_first=30, restart_most=60))) as upstream:
            for number in range(3):
                await answer(upstream, initialize(), f"s{number}")
                with pytest.raises(UpstreamFailed, match="exit code 7"):
                    await post(upstream, call("exit"), f"s{number}")
            assert upstream.status()["unexpected_ends"] == 3

    run(test())


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.touch(mode=0o644)

    async def test() -> None:
        async with running(ServerConfig("lost", command=("no-such-program", "x"), limits=QUICK)) as upstream:
            with pytest.raises(UpstreamFailed, match="'no-such-program' was not found") as failure:
                await post(upstream, initialize(), "s")
            assert (failure.value.code, failure.value.sent) == ("GP-3005", False)
        async with running(scripted(cwd="/no/such/folder")) as upstream:
            with pytest.raises(UpstreamFailed, match="there is no such folder"):
                await post(upstream, initialize(), "s")
        async with running(ServerConfig("data", command=(str(data),), limits=QUICK)) as upstream:
            with pytest.raises(UpstreamFailed, match="Permission denied"):
                await post(upstream, initialize(), "s")

    run(test())


def test_a_program_that_closes_its_output_is_ended() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            pid = upstream.status()["programs"][0]["pid"]
            with pytest.raises(UpstreamFailed, match="has closed its standard output"):
                await post(upstream, call("close-output"), "s")
            await eventually(lambda: not alive(pid))

    run(test())


def test_a_program_that_stops_reading_holds_up_its_callers_only_until_their_deadline() -> None:
    async def test() -> None:
        async with running(scripted("--modern", limits=replace(QUICK, answer=0.5))) as upstream:
            await answer(upstream, call("deaf", modern=True))
            calls = [post(upstream, call("echo", n, modern=True, text="x" * 100_000)) for n in range(20)]
            failures = await asyncio.gather(*calls, return_exceptions=True)
            sent = [failure.sent for failure in failures if isinstance(failure, UpstreamFailed)]
            assert len(sent) == 20
            assert True in sent and False in sent, "what was never written is known not to have been sent"

    run(test())


def test_a_program_gets_a_minimal_environment_and_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_GATEWAY", "x")
    monkeypatch.setenv("LC_TIME", "C")

    async def test() -> None:
        config = scripted(env={"TOKEN": "t", "LC_TIME": "POSIX"}, cwd="/")
        async with session(config) as upstream:
            found = said(await answer(upstream, call("environment"), "s"))
            assert found["folder"] == "/"
            names = set(found["variables"])
            assert "SECRET_OF_THE_GATEWAY" not in names
            allowed = {"HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER", "TOKEN"}
            assert {name for name in names if not name.startswith("LC_")} <= allowed
            assert (found["variables"]["TOKEN"], found["variables"]["LC_TIME"]) == ("t", "POSIX")

    run(test())


def test_closing_ends_even_a_program_that_ignores_everything() -> None:
    async def test() -> None:
        async with session(scripted("--ignore-term", "--ignore-eof")) as upstream:
            spawned = said(await answer(upstream, call("spawn"), "s"))
            assert all(alive(pid) for pid in spawned.values())
        await eventually(lambda: not any(alive(pid) for pid in spawned.values()))

    run(test())


def test_what_a_program_leaves_behind_ends_with_it() -> None:
    async def test() -> None:
        async with session(scripted()) as upstream:
            spawned = said(await answer(upstream, call("spawn"), "s"))
            with pytest.raises(UpstreamFailed, match="exit code 7"):
                await post(upstream, call("exit"), "s")
            await eventually(lambda: not any(alive(pid) for pid in spawned.values()))

    run(test())


def test_calls_in_flight_fail_when_the_gateway_stops() -> None:
    async def test() -> None:
        upstream_context = running(scripted("--modern"))
        upstream = await upstream_context.__aenter__()
        waiting = asyncio.ensure_future(post(upstream, call("never", modern=True)))
        await eventually(lambda: upstream.status()["programs"] and upstream.status()["programs"][0]["in_flight"])
        await upstream_context.__aexit__(None, None, None)
        with pytest.raises(UpstreamFailed, match="was stopped before it answered"):
            await waiting
        with pytest.raises(UpstreamFailed):
            await post(upstream, call("echo", modern=True))

    run(test())


def test_the_status_shows_no_secret() -> None:
    async def test() -> None:
        config = scripted(env={"TOKEN": "hunter2"})
        async with session(config) as upstream:
            text = json.dumps(upstream.status())
            assert "hunter2" not in text

    run(test())
