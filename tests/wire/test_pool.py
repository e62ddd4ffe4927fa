"""The pool of connections to an upstream: what is kept, what is waited for, and that nothing is ever sent twice."""

from __future__ import annotations

import asyncio
import errno
import os
import socket

import pytest

from gatepost.wire.errors import ConnectError, Cut, TimedOut, UpstreamError
from gatepost.wire.pool import Pool, Timeouts
from tests.wire.upstream import Connection, Upstream, always, answer, once, run, until

QUICK = Timeouts(connect=0.2, first_byte=0.2, total=None, idle=0.2)


async def post(pool: Pool, body: bytes = b"{}") -> bytes:
    response = await pool.request("POST", [(b"content-type", b"application/json")], body)
    return await response.read(1 << 20)


def test_a_request_is_sent_as_it_was_given() -> None:
    async def test() -> None:
        async with Upstream(always(answer(b"yes", b"X-One: 1", b"X-Two:  2\t"))) as server:
            pool = Pool(server.url)
            response = await pool.request("POST", [(b"accept", b"text/plain"), (b"x-a", b"1"), (b"x-a", b"2")], b"{}")
            assert response.status == 200
            assert response.headers == [(b"x-one", b"1"), (b"x-two", b"2"), (b"content-length", b"3")]
            assert response.header(b"x-two") == b"2"
            assert response.header(b"absent") is None
            assert await response.read(3) == b"yes"
            host = b"127.0.0.1:%d" % server.port
            headers = b"accept: text/plain\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 2"
            assert server.requests == [b"POST /mcp HTTP/1.1\r\nhost: %b\r\n%b\r\n\r\n{}" % (host, headers)]
            await (await pool.request("GET", [], path="/other?x=1")).read(10)
            assert server.requests[1] == b"GET /other?x=1 HTTP/1.1\r\nhost: %b\r\n\r\n" % host
            await pool.close()

    run(test())


def test_a_connection_is_kept_and_used_again() -> None:
    async def test() -> None:
        async with Upstream(always(answer())) as server:
            pool = Pool(server.url)
            for _ in range(5):
                assert await post(pool) == b"ok"
            assert (server.accepted, len(server.requests), pool.connections) == (1, 5, 1)
            await pool.close()

    run(test())


def test_concurrent_requests_have_connections_of_their_own() -> None:
    async def test() -> None:
        everybody = asyncio.Event()

        async def script(connection: Connection) -> None:
            while True:
                await connection.request()
                if len(server.requests) == 3:
                    everybody.set()
                await everybody.wait()
                await connection.send(answer())

        async with Upstream(script) as server:
            pool = Pool(server.url)
            assert await asyncio.gather(*(post(pool) for _ in range(3))) == [b"ok"] * 3
            assert server.accepted == 3
            await asyncio.gather(*(post(pool) for _ in range(3)))
            assert server.accepted == 3
            await pool.close()

    run(test())


def test_more_connections_than_max_idle_are_not_kept() -> None:
    async def test() -> None:
        everybody = asyncio.Event()

        async def script(connection: Connection) -> None:
            await connection.request()
            if len(server.requests) == 4:
                everybody.set()
            await everybody.wait()
            await connection.send(answer())
            await connection.closed()

        async with Upstream(script) as server:
            pool = Pool(server.url, max_idle=1)
            await asyncio.gather(*(post(pool) for _ in range(4)))
            await until(lambda: server.closed_by_client == 3)
            assert pool.connections == 1
            await pool.close()

    run(test())


def test_a_connection_idle_for_long_is_closed() -> None:
    async def test() -> None:
        async with Upstream(once(answer())) as server:
            pool = Pool(server.url, idle_seconds=0.05)
            await post(pool)
            await until(lambda: server.closed_by_client == 1)
            assert pool.connections == 0
            await pool.close()

    run(test())


def test_a_connection_that_the_server_closed_while_idle_is_not_used() -> None:
    async def test() -> None:
        async def script(connection: Connection) -> None:
            await connection.request()
            await connection.send(answer())

        async with Upstream(script) as server:
            pool = Pool(server.url)
            for _ in range(3):
                assert await post(pool) == b"ok"
                await until(lambda: pool.connections == 0)
            assert (server.accepted, len(server.requests)) == (3, 3)
            await pool.close()

    run(test())


@pytest.mark.parametrize(
    "unasked",
    [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", b"HTTP/1.1 200 OK\r\n", b"\r\n"],
    ids=["a byte", "a response", "half a response", "an empty line"],
)
def test_a_connection_on_which_the_server_speaks_unasked_is_not_used(unasked: bytes) -> None:
    async def test() -> None:
        async def script(connection: Connection) -> None:
            await connection.request()
            await connection.send(answer())
            if server.accepted == 1:
                await asked.wait()
                await connection.send(unasked)
                await connection.closed()
                return
            await connection.closed()

        asked = asyncio.Event()
        async with Upstream(script) as server:
            pool = Pool(server.url)
            assert await post(pool) == b"ok"
            asked.set()
            await until(lambda: server.closed_by_client == 1)
            assert await post(pool) == b"ok"
            assert (server.accepted, len(server.requests)) == (2, 2)
            await pool.close()

    run(test())


@pytest.mark.parametrize(
    "behind",
    [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", b"HTTP/1.1 200 OK\r\n", b"H"],
    ids=["a byte", "a response", "half a response", "the beginning of one"],
)
def test_what_stands_behind_a_response_never_answers_the_next_request(behind: bytes) -> None:
    async def test() -> None:
        async def script(connection: Connection) -> None:
            await connection.request()
            await connection.send(answer() + behind if len(server.requests) == 1 else answer(b"second"))
            await connection.closed()

        async with Upstream(script) as server:
            pool = Pool(server.url)
            assert await post(pool) == b"ok"
            assert await post(pool) == b"second"
            assert server.accepted == 2
            await pool.close()

    run(test())


@pytest.mark.parametrize("header", [b"Connection: close", b"connection: Close", b"Connection: x, close"])
def test_a_connection_that_the_server_means_to_close_is_not_kept(header: bytes) -> None:
    async def test() -> None:
        async with Upstream(once(answer(b"ok", header))) as server:
            pool = Pool(server.url)
            assert await post(pool) == b"ok"
            await until(lambda: server.closed_by_client == 1)
            assert await post(pool) == b"ok"
            assert server.accepted == 2
            await pool.close()

    run(test())


def test_an_http_1_0_response_ends_its_connection() -> None:
    async def test() -> None:
        async with Upstream(once(answer().replace(b"HTTP/1.1", b"HTTP/1.0"))) as server:
            pool = Pool(server.url)
            assert await post(pool) == b"ok"
            assert await post(pool) == b"ok"
            assert server.accepted == 2
            await pool.close()

    run(test())


def test_a_request_whose_connection_breaks_is_not_sent_again() -> None:
    async def test() -> None:
        async def script(connection: Connection) -> None:
            await connection.request()
            if len(server.requests) == 1:
                await connection.send(answer())
                await connection.request()

        async with Upstream(script) as server:
            pool = Pool(server.url)
            await post(pool, b"[1]")
            with pytest.raises(Cut) as caught:
                await post(pool, b"[2]")
            assert caught.value.sent
            assert [request[-3:] for request in server.requests] == [b"[1]", b"[2]"]
            assert server.accepted == 1
            await pool.close()

    run(test())


def test_a_request_whose_connection_is_reset_is_not_sent_again() -> None:
    async def test() -> None:
        async def script(connection: Connection) -> None:
            await connection.request()
            connection.reset()

        async with Upstream(script) as server:
            pool = Pool(server.url)
            with pytest.raises(Cut) as caught:
                await post(pool)
            assert caught.value.sent
            assert (server.accepted, len(server.requests), pool.connections) == (1, 1, 0)
            await pool.close()

    run(test())


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_where_nobody_listens_nothing_was_sent_and_the_reason_is_the_systems(loop: str) -> None:
    async def test() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
            pool = Pool(f"http://127.0.0.1:{taken.getsockname()[1]}/")
            with pytest.raises(ConnectError) as caught:
                await post(pool)
            assert not caught.value.sent
            assert str(caught.value) == os.strerror(errno.ECONNREFUSED)
            await pool.close()

    run(test(), loop=loop)


def test_a_response_before_the_whole_request_was_sent_is_given_and_ends_the_connection() -> None:
    async def test() -> None:
        async def script(connection: Connection) -> None:
            await connection.reader.readuntil(b"\r\n\r\n")
            server.requests.append(b"")
            await connection.send(answer(b"too much", status=b"413 Content Too Large"))
            await connection.closed()

        async with Upstream(script) as server:
            pool = Pool(server.url)
            response = await pool.request("POST", [], b"x" * (64 << 20))
            assert response.status == 413
            assert await response.read(100) == b"too much"
            await until(lambda: pool.connections == 0)
            assert (await pool.request("POST", [], b"{}")).status == 413
            assert server.accepted == 2
            await pool.close()

    run(test())


@pytest.mark.parametrize(
    ("method", "headers", "path"),
    [
        ("POST", [(b"x", b"1\r\nauthorization: Bearer stolen")], None),
        ("POST", [(b"x", b"1\nx: y")], None),
        ("POST", [(b"x", b"1\ry")], None),
        ("POST", [(b"x", b"1\0y")], None),
        ("POST", [(b"x\r\ny", b"1")], None),
        ("POST", [(b"x: y", b"1")], None),
        ("POST", [(b"x y", b"1")], None),
        ("POST", [(b"", b"1")], None),
        ("POST", [(b"\xff", b"1")], None),
        ("POST /forged HTTP/1.1\r\nx: y\r\n\r\nPOST", [], None),
        ("HEAD", [], None),
        ("CONNECT", [], None),
        ("POST", [], "/a b"),
        ("POST", [], "/a\r\nx: y"),
        ("POST", [], "http://elsewhere/"),
        ("POST", [], "/é"),
    ],
)
def test_a_request_that_would_say_something_else_is_not_sent(
    method: str, headers: list[tuple[bytes, bytes]], path: str | None
) -> None:
    async def test() -> None:
        async with Upstream(always(answer())) as server:
            pool = Pool(server.url, max_connections=1)
            await post(pool)
            with pytest.raises(ValueError):
                await pool.request(method, headers, b"{}", path=path)
            assert await post(pool) == b"ok"  # and the connection is still there to be used
            assert (server.accepted, len(server.requests)) == (1, 2)
            await pool.close()

    run(test())


@pytest.mark.parametrize(
    "url", ["ftp://h/", "http://", "http:///x", "//h/x", "h:80", "http://h:99999/", "http://h/a b"]
)
def test_what_is_no_url_is_no_pool(url: str) -> None:
    with pytest.raises(ValueError):
        Pool(url)


def test_the_base_path_is_the_urls_path_and_query() -> None:
    assert Pool("http://h").base_path == "/"
    assert Pool("http://user:secret@h:8080/mcp?key=1").base_path == "/mcp?key=1"


def test_an_error_of_the_pool_is_an_upstream_error() -> None:
    assert issubclass(TimedOut, UpstreamError)
    assert "connect" in str(TimedOut("connect", 5.0, sent=False))
