"""A listener begins, takes so many connections, learns whom it serves, drains and ends."""

from __future__ import annotations

import asyncio
import errno
import os

import pytest

from gatepost.errors import GatepostError
from gatepost.wire.listener import Limits, Listener, Refusal, Request
from tests.wire.serving import Serving, post, run, until

LOOPS = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])


@LOOPS
def test_an_address_that_is_taken_is_an_error_that_says_so(loop: str) -> None:
    async def main() -> None:
        async with Serving() as serving:
            said = f"127.0.0.1:{serving.port} cannot be listened on: {os.strerror(errno.EADDRINUSE)}."
            with pytest.raises(GatepostError, match=said) as caught:
                await Listener(serving._handle).start("127.0.0.1", serving.port)
            assert caught.value.code == "GP-6003"

    run(main(), loop=loop)


@LOOPS
def test_draining_lets_requests_finish_closes_the_idle_and_takes_no_new_ones(loop: str) -> None:
    free = asyncio.Event()

    async def wait(request: Request) -> None:
        await free.wait()
        request.reply(200, (), b"finished")

    async def main() -> None:
        async with Serving(wait) as serving:
            busy, idle = await serving.connect(), await serving.connect()
            await busy.send(post() + post())
            await until(lambda: serving.requests)
            draining = asyncio.ensure_future(serving.listener.drain(5))
            assert await idle.rest() == b""
            with pytest.raises(OSError):
                await serving.connect()
            free.set()
            answer = await busy.answer()
            assert (answer.body, answer.headers["connection"]) == (b"finished", "close")
            assert await busy.rest() == b""
            await draining
            assert serving.listener.connections == 0
            assert len(serving.requests) == 1

    run(main(), loop=loop)


def test_draining_cuts_and_calls_off_what_does_not_finish() -> None:
    ended: list[str] = []

    async def never(request: Request) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("called off")

    async def main() -> None:
        async with Serving(never) as serving:
            client = await serving.connect()
            await client.send(post())
            await until(lambda: serving.requests)
            await serving.listener.drain(0.05)
            assert ended == ["called off"]
            assert (serving.listener.connections, serving.listener.requests_in_flight) == (0, 0)
            assert await client.rest() == b""

    run(main())


def test_draining_waits_for_what_handlers_do_behind_their_answers() -> None:
    done: list[str] = []

    async def slow_end(request: Request) -> None:
        request.reply(200, ((b"connection", b"close"),), b"")
        await asyncio.sleep(0.1)
        done.append("recorded")

    async def main() -> None:
        async with Serving(slow_end) as serving:
            client = await serving.connect()
            await client.send(post())
            await client.answer()
            client.close()
            await serving.listener.drain(5)
            assert done == ["recorded"]

    run(main())


def test_more_connections_than_allowed_are_refused_and_the_others_go_on() -> None:
    async def main() -> None:
        async with Serving(limits=Limits(max_connections=2, linger=0.2)) as serving:
            first, second = await serving.connect(), await serving.connect()
            await first.send(post(b"1"))
            await second.send(post(b"2"))
            assert [(await first.answer()).body, (await second.answer()).body] == [b"1", b"2"]
            third = await serving.connect()
            assert (await third.answer()).status == 503
            third.close()
            await first.send(post(b"3"))
            assert (await first.answer()).body == b"3"
            second.close()
            await until(lambda: serving.listener.connections == 1)
            fourth = await serving.connect()
            await fourth.send(post(b"4"))
            assert (await fourth.answer()).body == b"4"
            assert len(serving.refusals) == 1

    run(main())


def test_a_client_behind_a_trusted_proxy_is_known_by_the_address_the_proxy_gives() -> None:
    async def seen(forwarded: list[str], trusted: tuple[str, ...]) -> str:
        async with Serving(trusted_proxies=trusted) as serving:
            headers = [f"X-Forwarded-For: {value}" for value in forwarded]
            await serving.exchange(post(b"", "/", "Connection: close", *headers))
            return serving.requests[0].client

    assert run(seen(["203.0.113.9"], ())) == "127.0.0.1"
    assert run(seen(["203.0.113.9"], ("10.0.0.0/8",))) == "127.0.0.1"
    assert run(seen(["203.0.113.9"], ("127.0.0.1",))) == "203.0.113.9"
    assert run(seen(["6.6.6.6, 203.0.113.9, 10.1.2.3"], ("127.0.0.0/8", "10.0.0.0/8"))) == "203.0.113.9"
    assert run(seen(["6.6.6.6", "203.0.113.9"], ("127.0.0.1",))) == "203.0.113.9"
    assert run(seen(["nonsense, 10.1.2.3"], ("127.0.0.1", "10.0.0.0/8"))) == "10.1.2.3"
    assert run(seen(["2001:db8::1"], ("127.0.0.1",))) == "2001:db8::1"


def test_a_refusal_is_told_of_with_the_forwarded_address() -> None:
    async def main() -> None:
        refusal = Refusal(401, "GP-1001", "No.")
        async with Serving(on_head=lambda request: refusal, trusted_proxies=("127.0.0.1",)) as serving:
            await serving.exchange(post(b"", "/", "X-Forwarded-For: 203.0.113.9"))
            assert serving.refusals == [("203.0.113.9", refusal)]

    run(main())


def test_a_trusted_proxy_that_is_no_network_is_an_error() -> None:
    with pytest.raises(GatepostError, match="network"):
        Listener(Serving()._handle, trusted_proxies=("proxy.example",))
