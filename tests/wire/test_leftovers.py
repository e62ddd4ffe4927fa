"""A connection that has closed leaves nothing that only the garbage collector would find: memory stays flat without."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from gatepost.wire.connection import Connection
from gatepost.wire.exchange import Exchange
from gatepost.wire.incoming import Incoming
from gatepost.wire.listener import Request
from tests.wire.answering import Answering, says
from tests.wire.serving import Serving, chunked, post, run, until

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def left(*kinds: type) -> int:
    return sum(isinstance(one, kinds) for one in gc.get_objects())


def nothing_left(serving: Serving, *kinds: type) -> bool:
    serving.requests.clear()  # they hold their connections
    return left(*kinds) == 0


@pytest.mark.parametrize(
    "sent", [post(b"{}"), chunked(b"{}"), b"GET", b"nonsense\r\n\r\n", post(b"{}", "/", "Expect: x")]
)
@pytest.mark.parametrize("how", ["close", "reset"])
def test_of_a_client_that_left_nothing_stays(sent: bytes, how: str) -> None:
    async def main() -> None:
        async with Serving() as serving:
            for _ in range(3):
                client = await serving.connect()
                await client.send(sent)
                await until(lambda: left(Connection))
                if how == "reset":
                    client.reset()
                else:
                    client.close()
                del client
            await until(lambda: nothing_left(serving, Connection, Incoming))

    run(main())


@pytest.mark.parametrize(
    "answer", [CHUNKED, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"nonsense\r\n\r\n", b""]
)
def test_of_a_server_that_closed_its_connection_nothing_stays(answer: bytes) -> None:
    async def main() -> None:
        async with Answering(says(answer, close=True)) as upstream:
            pool = upstream.pool()

            async def passed_on(request: Request) -> None:
                try:
                    response = await pool.request("POST", (), request.body)
                    request.reply(200, (), await response.read(100))
                except Exception:
                    request.reply(502, ())

            async with Serving(passed_on) as serving:
                client = await serving.connect()
                for _ in range(3):
                    await client.send(post(b"{}"))
                    await client.answer()
                client.close()
                del client
                await until(lambda: nothing_left(serving, Exchange, Connection, Incoming))
            await pool.close()

    run(main())
