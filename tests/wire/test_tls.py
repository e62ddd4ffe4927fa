"""TLS on both sides: the listener's own certificate, and upstreams that are verified, always."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from gatepost.errors import GatepostError
from gatepost.wire.listener import Limits, Request
from gatepost.wire.pool import ConnectError, Pool
from gatepost.wire.tls import client_context, server_context
from tests.wire.serving import Serving, post, run, until

LOOPS = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def roots(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("roots") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def files(certificate: trustme.LeafCert, folder: Path) -> tuple[Path, Path]:
    chain, key = folder / "cert.pem", folder / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(str(key))
    return chain, key


@pytest.fixture
def serving(authority: trustme.CA, tmp_path: Path) -> Serving:
    context = server_context(*files(authority.issue_cert("localhost", "127.0.0.1"), tmp_path))
    return Serving(tls=context, limits=Limits(linger=0.2, head_timeout=1))


@LOOPS
def test_requests_are_served_over_tls(serving: Serving, roots: Path, loop: str) -> None:
    async def main() -> None:
        async with serving:
            client = await serving.connect(client_context(roots))
            for body in (b"a", b"b" * 500_000):
                await client.send(post(body))
                assert (await client.answer()).body == body
            tls = client.writer.get_extra_info("ssl_object")
            assert tls.version() in ("TLSv1.2", "TLSv1.3")
            assert tls.selected_alpn_protocol() == "http/1.1"
            client.close()

    run(main(), loop=loop)


@LOOPS
def test_a_refusal_over_tls_reaches_the_client(serving: Serving, roots: Path, loop: str) -> None:
    async def main() -> None:
        async with serving:
            client = await serving.connect(client_context(roots))
            await client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 100_000)
            assert (await client.answer()).status == 413
            await client.rest()
            await until(lambda: serving.listener.connections == 0)

    run(main(), loop=loop)


@LOOPS
def test_a_client_that_leaves_over_tls_is_noticed(
    authority: trustme.CA, roots: Path, tmp_path: Path, loop: str
) -> None:
    told: list[str] = []

    async def wait(request: Request) -> None:
        gone = asyncio.Event()
        request.on_gone(gone.set)
        await gone.wait()
        told.append("gone")

    async def main() -> None:
        context = server_context(*files(authority.issue_cert("localhost"), tmp_path))
        async with Serving(wait, tls=context) as serving:
            client = await serving.connect(client_context(roots))
            await client.send(post())
            await until(lambda: serving.requests)
            client.close()
            await until(lambda: told)

    run(main(), loop=loop)


def test_one_who_speaks_plain_http_to_tls_gets_nothing(serving: Serving) -> None:
    async def main() -> None:
        async with serving:
            assert not (await serving.exchange(post())).startswith(b"HTTP")
            assert serving.requests == []

    run(main())


def test_a_handshake_that_is_not_finished_is_ended(serving: Serving) -> None:
    async def main() -> None:
        async with serving:
            client = await serving.connect()
            await client.send(b"\x16\x03\x01")
            await client.rest()
            assert serving.requests == []

    run(main())


def test_old_versions_of_tls_are_not_spoken(serving: Serving, roots: Path) -> None:
    async def main() -> None:
        async with serving:
            context = client_context(roots)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await serving.connect(context)

    with pytest.warns(DeprecationWarning):
        run(main())


@LOOPS
def test_the_pool_reaches_a_server_whose_authority_is_given(serving: Serving, roots: Path, loop: str) -> None:
    async def main() -> None:
        async with serving:
            pool = Pool(f"https://localhost:{serving.port}/mcp", ssl_context=client_context(roots))
            for body in (b"a", b"b" * 500_000):
                response = await pool.request("POST", (), body)
                assert await response.read(1 << 20) == body
            assert pool.connections == 1
            await pool.close()

    run(main(), loop=loop)


@LOOPS
def test_a_server_of_an_unknown_authority_is_not_spoken_to(serving: Serving, loop: str) -> None:
    async def main() -> None:
        async with serving:
            pool = Pool(f"https://localhost:{serving.port}/mcp")
            with pytest.raises(ConnectError, match="certificate is not valid") as caught:
                await pool.request("POST", (), b"secret")
            assert not caught.value.sent
            assert serving.requests == []
            await pool.close()

    run(main(), loop=loop)


@LOOPS
def test_a_server_with_a_certificate_for_another_name_is_not_spoken_to(
    authority: trustme.CA, roots: Path, tmp_path: Path, loop: str
) -> None:
    async def main() -> None:
        context = server_context(*files(authority.issue_cert("other.example"), tmp_path))
        async with Serving(tls=context) as serving:
            pool = Pool(f"https://localhost:{serving.port}/mcp", ssl_context=client_context(roots))
            with pytest.raises(ConnectError, match="certificate is not valid"):
                await pool.request("POST", (), b"secret")
            assert serving.requests == []
            await pool.close()

    run(main(), loop=loop)


def test_a_server_that_speaks_no_tls_is_a_clear_error() -> None:
    async def main() -> None:
        async with Serving() as serving:
            pool = Pool(f"https://127.0.0.1:{serving.port}/mcp")
            with pytest.raises(ConnectError) as caught:
                await pool.request("POST", (), b"secret")
            assert not caught.value.sent
            await pool.close()

    run(main())


def test_files_that_are_no_certificate_and_key_are_an_error_that_says_so(authority: trustme.CA, tmp_path: Path) -> None:
    certificate, key = files(authority.issue_cert("localhost"), tmp_path)
    (tmp_path / "other").mkdir()
    _, other_key = files(authority.issue_cert("localhost"), tmp_path / "other")
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")
    for pair in ((certificate, other_key), (empty, key), (tmp_path / "missing.pem", key), (key, certificate)):
        with pytest.raises(GatepostError, match="cannot be used") as caught:
            server_context(*pair)
        assert caught.value.code == "GP-6004"


def test_roots_that_are_none_are_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_bytes(b"")
    for path in (tmp_path / "empty.pem", tmp_path / "missing.pem"):
        with pytest.raises(GatepostError, match="cannot be used") as caught:
            client_context(path)
        assert caught.value.code == "GP-6004"
