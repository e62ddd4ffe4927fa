"""Servers over HTTP: what goes out, what is refused, and how failures are said."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from gatepost.upstreams.base import UpstreamFailed
from gatepost.upstreams.config import Limits, ServerConfig
from gatepost.upstreams.http import HttpUpstream
from tests.support.recording import OK, Answer, Recorder, head, json_answer, raw_answer, sse
from tests.upstreams.helpers import QUICK, answer, call, messages, post, request, run


@asynccontextmanager
async def serving(
    respond: Answer | None = None, *, limits: Limits = QUICK, headers: tuple[tuple[str, str], ...] = ()
) -> AsyncIterator[tuple[Recorder, HttpUpstream]]:
    async with Recorder(respond) as server:
        upstream = HttpUpstream(ServerConfig("web", url=server.url, headers=headers, limits=limits))
        try:
            yield server, upstream
        finally:
            await upstream.close()


async def failure(upstream: HttpUpstream) -> UpstreamFailed:
    """The failure of one call, wherever in its reply it shows."""
    with pytest.raises(UpstreamFailed) as failed:
        await messages(await post(upstream, call("echo")))
    assert upstream.status()["failures"] == 1
    assert upstream.status()["last_failure"]["code"] == failed.value.code
    return failed.value


def test_the_body_and_the_given_headers_are_sent_with_the_servers_own() -> None:
    async def test() -> None:
        own = (("Authorization", "Bearer upstream"), ("X-Tenant", "t1"))
        async with serving(headers=own) as (server, upstream):
            message = call("echo", 7, number=1)
            given = [
                (b"mcp-protocol-version", b"2025-11-25"),
                (b"authorization", b"Bearer client"),
                (b"x-tenant", b"t2"),
            ]
            reply = await upstream.post(message.encode(), message, given, "session-1")
            assert json.loads(await reply.body(1000))["id"] == 7
            (seen,) = server.seen
            assert (seen.method, seen.path, seen.body) == ("POST", "/mcp", message.encode())
            assert seen.headers == {
                "host": server.url.split("/")[2],
                "content-type": "application/json",
                "content-length": str(len(message.encode())),
                "accept": "application/json, text/event-stream",
                "accept-encoding": "identity",
                "user-agent": seen.headers["user-agent"],
                "mcp-protocol-version": "2025-11-25",
                "mcp-session-id": "session-1",
                "authorization": "Bearer upstream",
                "x-tenant": "t1",
            }

    run(test())


def test_listening_and_deleting_carry_the_session() -> None:
    async def test() -> None:
        async with serving(raw_answer(head(200, "text/event-stream") + sse(OK))) as (server, upstream):
            reply = await upstream.listen([(b"last-event-id", b"e1")], "session-1")
            assert reply.kind == "sse"
            await messages(reply)
            server.answer = raw_answer(head(204, "text/plain", length=0))
            assert (await upstream.delete([], "session-1")).status == 204
            assert [(seen.method, seen.headers["mcp-session-id"]) for seen in server.seen] == [
                ("GET", "session-1"),
                ("DELETE", "session-1"),
            ]
            assert server.seen[0].headers["last-event-id"] == "e1"

    run(test())


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        ("application/json", "json"),
        ("Application/JSON; charset=UTF-8", "json"),
        ("  application/json  ;x=y", "json"),
        ("text/event-stream", "sse"),
        ("TEXT/Event-Stream;charset=utf-8", "sse"),
        ("text/html", "other"),
        ("application/jsonx", "other"),
        ("", "other"),
    ],
)
def test_the_media_type_is_read_leniently(media: str, kind: str) -> None:
    async def test() -> None:
        async with serving(raw_answer(head(200, media, length=2) + b"{}")) as (_, upstream):
            assert (await post(upstream, call("echo"))).kind == kind

    run(test())


def test_what_has_no_body_is_empty() -> None:
    async def test() -> None:
        async with serving(raw_answer(head(202, "application/json", length=0))) as (_, upstream):
            reply = await post(upstream, call("echo"))
            assert (reply.status, reply.kind, await reply.body(10)) == (202, "empty", b"")

    run(test())


def test_events_come_one_by_one_as_they_were_sent() -> None:
    async def test() -> None:
        progress = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}}
        parts = [b": keep-alive\n\n", sse(progress), sse(OK, id_from=5)]
        async with serving(raw_answer(head(200, "text/event-stream"), *parts)) as (_, upstream):
            reply = await post(upstream, call("echo", 3))
            events = [event async for event in reply.events()]
            assert [event.data is None for event in events] == [True, False, False]
            assert b"".join(event.raw for event in events[:2]) == b"".join(parts[:2])
            assert (json.loads(events[2].data or b"")["id"], events[2].id) == (3, "e:5")

    run(test())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(status: int) -> None:
    async def test() -> None:
        location = "location: http://169.254.169.254/latest?token=hidden"
        async with serving(raw_answer(head(status, "text/plain", location, length=0))) as (server, upstream):
            failed = await failure(upstream)
            assert (failed.code, failed.sent) == ("GP-3006", True)
            assert "http://169.254.169.254/latest," in failed.message and "hidden" not in str(failed)
            assert len(server.seen) == 1

    run(test())


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x"])
def test_a_compressed_answer_is_refused(encoding: str) -> None:
    async def test() -> None:
        respond = raw_answer(head(200, "application/json", f"content-encoding: {encoding}", length=2) + b"{}")
        async with serving(respond) as (_, upstream):
            failed = await failure(upstream)
            assert failed.code == "GP-3003" and "compressed" in failed.message

    run(test())


def test_an_identity_encoding_is_not_a_compression() -> None:
    async def test() -> None:
        async with serving(json_answer(OK, 200, "content-encoding: Identity")) as (_, upstream):
            assert (await answer(upstream, call("echo", 4)))["id"] == 4

    run(test())


def test_a_body_over_the_callers_limit_is_refused() -> None:
    async def test() -> None:
        async with serving(raw_answer(head(200) + b"[" + b"1," * 100_000)) as (_, upstream):
            reply = await post(upstream, call("echo"))
            with pytest.raises(UpstreamFailed) as failed:
                await reply.body(1000)
            assert failed.value.code == "GP-3004"

    run(test())


def test_an_event_over_the_limit_is_refused() -> None:
    async def test() -> None:
        stream = raw_answer(head(200, "text/event-stream"), b"data: " + b"x" * 100_000)
        async with serving(stream, limits=replace(QUICK, message=10_000)) as (_, upstream):
            failed = await failure(upstream)
            assert failed.code == "GP-3004" and "an event of more than 10000 bytes" in failed.message

    run(test())


def test_a_server_that_is_not_there_is_said_to_be_unreachable() -> None:
    async def test() -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        upstream = HttpUpstream(ServerConfig("web", url=f"http://127.0.0.1:{port}/mcp?key=hidden", limits=QUICK))
        failed = await failure(upstream)
        assert (failed.code, failed.sent) == ("GP-3001", False)
        assert f"'web' at http://127.0.0.1:{port}/mcp cannot be reached" in failed.message
        assert "hidden" not in str(failed) and "hidden" not in json.dumps(upstream.status())

    run(test())


async def _hang(seen: Any) -> None:
    await seen.disconnected.wait()


def test_a_server_that_never_answers_fails_at_the_deadline() -> None:
    async def test() -> None:
        async with serving(raw_answer(then=_hang), limits=replace(QUICK, answer=0.3)) as (server, upstream):
            before = time.monotonic()
            failed = await failure(upstream)
            assert (failed.code, failed.sent) == ("GP-3002", True)
            assert time.monotonic() - before < 2
            assert len(server.seen) == 1

    run(test())


def test_a_json_answer_that_trickles_fails_at_the_deadline() -> None:
    async def trickle(seen: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200))
        while not seen.disconnected.is_set():
            writer.write(b" ")
            await asyncio.sleep(0.05)

    async def test() -> None:
        async with serving(trickle, limits=replace(QUICK, answer=0.5)) as (_, upstream):
            before = time.monotonic()
            failed = await failure(upstream)
            assert failed.code == "GP-3002" and "did not complete its answer within 0.5 s" in failed.message
            assert time.monotonic() - before < 2

    run(test())


def test_a_stream_that_falls_silent_fails_at_its_idle_deadline() -> None:
    async def test() -> None:
        stream = raw_answer(head(200, "text/event-stream"), b": hello\n\n", then=_hang)
        async with serving(stream, limits=replace(QUICK, stream_idle=0.3)) as (_, upstream):
            failed = await failure(upstream)
            assert failed.code == "GP-3002" and "fell silent" in failed.message

    run(test())


def test_an_endless_stream_fails_at_its_total_deadline() -> None:
    async def endless(seen: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, "text/event-stream"))
        while not seen.disconnected.is_set():
            writer.write(b": and on\n\n" * 100)
            await writer.drain()
            await asyncio.sleep(0.01)

    async def test() -> None:
        async with serving(endless, limits=replace(QUICK, stream_total=0.5)) as (_, upstream):
            failed = await failure(upstream)
            assert failed.code == "GP-3004" and "took too long" in failed.message

    run(test())


def test_a_subscription_may_be_silent_for_longer_than_an_answer() -> None:
    async def test() -> None:
        limits = replace(QUICK, answer=0.2, stream_idle=0.2, stream_total=0.2, listen_idle=5)

        async def late(seen: Any, writer: asyncio.StreamWriter) -> None:
            writer.write(head(200, "text/event-stream"))
            await asyncio.sleep(0.6)
            writer.write(sse(OK))
            writer.close()

        async with serving(late, limits=limits) as (_, upstream):
            assert len(await messages(await post(upstream, request("subscriptions/listen")))) == 1

    run(test())


def test_a_connection_cut_in_the_middle_is_an_invalid_answer() -> None:
    async def test() -> None:
        async with serving(raw_answer(head(200, length=100) + b'{"json')) as (_, upstream):
            failed = await failure(upstream)
            assert (failed.code, failed.sent) == ("GP-3003", True)

    run(test())


def test_what_is_not_http_is_an_invalid_answer() -> None:
    async def test() -> None:
        async with serving(raw_answer(b"SSH-2.0-OpenSSH_9.6\r\n")) as (_, upstream):
            assert (await failure(upstream)).code == "GP-3003"

    run(test())


@pytest.mark.parametrize("how", ["abort", "leave", "cancel"])
def test_giving_up_closes_the_connection(how: str) -> None:
    async def test() -> None:
        parts = [head(200, "text/event-stream"), b": open\n\n"] if how != "cancel" else []
        async with serving(raw_answer(*parts, then=_hang)) as (server, upstream):
            posting = asyncio.ensure_future(post(upstream, call("echo")))
            await server.arrived(1)
            if how == "cancel":
                posting.cancel()
            else:
                reply = await posting
                events = reply.events()
                await anext(events)
                reply.abort() if how == "abort" else await events.aclose()
            async with asyncio.timeout(5):
                await server.seen[0].disconnected.wait()

    run(test())


def test_a_connection_is_kept_for_the_next_call() -> None:
    async def test() -> None:
        peers = set()

        async def respond(seen: Any, writer: asyncio.StreamWriter) -> None:
            peers.add(writer.get_extra_info("peername"))
            await json_answer(OK)(seen, writer)

        async with serving(respond) as (_, upstream):
            for number in range(5):
                reply = await post(upstream, call("echo", number))
                assert json.loads(await reply.body(1000))["id"] == number
                reply.abort()  # as the gateway does at the end of every call
            assert len(peers) == 1

    run(test())
