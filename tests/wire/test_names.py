"""Which names a listener answers to, where it may listen, and whom it believes."""

from __future__ import annotations

import pytest

from gatepost.errors import GatepostError
from gatepost.wire.listen_policy import check_listen
from gatepost.wire.names import Names, is_loopback
from tests.wire.serving import Serving, run

NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"])
def test_loopback_addresses_are_reached_from_this_machine_only(host: str) -> None:
    assert is_loopback(host)
    check_listen(host, tls=False, behind_proxy=False, public_url=None)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.2", "gateway.example", "", "localhost.example", "::ffff:1.2.3.4"]
)
def test_an_open_address_needs_tls_or_a_proxy_in_front(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(GatepostError, match="without TLS") as caught:
        check_listen(host, tls=False, behind_proxy=False, public_url=None)
    assert caught.value.code == "GP-6001"
    for option in ("--tls-cert", "--behind-proxy", "--public-url", "127.0.0.1"):
        assert option in caught.value.hint
    check_listen(host, tls=True, behind_proxy=False, public_url=None)
    check_listen(host, tls=False, behind_proxy=True, public_url="https://gateway.example")


def test_behind_a_proxy_the_public_address_has_to_be_known() -> None:
    with pytest.raises(GatepostError, match="address that clients use") as caught:
        check_listen("0.0.0.0", tls=False, behind_proxy=True, public_url=None)
    assert (caught.value.code, "--public-url" in caught.value.hint) == ("GP-6001", True)


@pytest.mark.parametrize(
    "url",
    [
        "gateway.example",
        "ftp://gateway.example",
        "https://",
        "https:///path",
        "https://a b",
        "https://[::1",
        "https://user@a",
        "https://a/?b",
        "https://a:x",
    ],
)
def test_a_public_url_that_is_none_is_an_error(url: str) -> None:
    with pytest.raises(GatepostError) as caught:
        check_listen("127.0.0.1", tls=False, behind_proxy=False, public_url=url)
    assert caught.value.code == "GP-6004"


def test_a_proxy_without_tls_in_front_is_no_better_unless_it_is_on_this_machine() -> None:
    with pytest.raises(GatepostError, match="cross the network open"):
        check_listen("0.0.0.0", tls=False, behind_proxy=True, public_url="http://gateway.example")
    for url in ("http://localhost:7070", "http://127.0.0.1:7070/", "http://[::1]"):
        check_listen("0.0.0.0", tls=False, behind_proxy=True, public_url=url)
    check_listen("127.0.0.1", tls=False, behind_proxy=True, public_url="http://gateway.example/below")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        (b"localhost", True),
        (b"localhost:7070", True),
        (b"LocalHost:1", True),
        (b"127.0.0.1:7070", True),
        (b"[::1]", True),
        (b"[::1]:7070", True),
        (b"", False),
        (b":7070", False),
        (b"localhost:", False),
        (b"localhost:x", False),
        (b"localhost:-1", False),
        (b"localhost:123456", False),
        (b"localhost.", False),
        (b"localhost.evil.example", False),
        (b"evil.example", False),
        (b"127.0.0.1.evil.example", False),
        (b"127.0.0.2", False),
        (b"0.0.0.0", False),
        (b"::1", False),
        (b"[::1", False),
        (b"[::1]x", False),
        (b"\xff", False),
    ],
)
def test_a_loopback_listener_answers_to_loopback_names_with_any_port(host: bytes, allowed: bool) -> None:
    names = Names("127.0.0.1", None, NONE)
    assert names.allows_host(host) is allowed
    assert names.allows_host(host) is allowed  # remembered


def test_names_that_are_given_are_answered_to_with_their_port_or_any() -> None:
    names = Names("127.0.0.1", frozenset({"gateway.example", "other.example:8443"}), NONE)
    for host in (b"gateway.example", b"GATEWAY.example:99", b"other.example:8443", b"localhost:7070"):
        assert names.allows_host(host)
    for host in (b"other.example", b"other.example:99", b"x.gateway.example"):
        assert not names.allows_host(host)


def test_an_open_listener_answers_to_any_name_unless_names_are_given() -> None:
    assert Names("0.0.0.0", None, NONE).allows_host(b"whatever.example:1")
    assert not Names("0.0.0.0", None, NONE).allows_host(b":1")
    names = Names("0.0.0.0", frozenset({"gateway.example"}), NONE)
    assert names.allows_host(b"gateway.example")
    for host in (b"whatever.example", b"localhost", b"127.0.0.1:7070"):
        assert not names.allows_host(host)


def test_no_number_of_different_hosts_fills_the_memory() -> None:
    names = Names("0.0.0.0", None, NONE)
    for number in range(5000):
        assert names.allows_host(b"h%d.example" % number)
    assert len(names._known) <= 256


def test_origins_are_those_that_are_given_and_pages_of_this_machine_on_loopback() -> None:
    loopback = Names("127.0.0.1", None, frozenset({"https://app.example"}))
    for origin in (b"https://app.example", b"HTTPS://APP.example", b"http://localhost:3000", b"http://[::1]:80"):
        assert loopback.allows_origin(origin)
    for origin in (
        b"https://app.example:8443",
        b"http://app.example",
        b"null",
        b"",
        b"http://localhost:3000/",
        b"//localhost",
    ):
        assert not loopback.allows_origin(origin)
    proxied = Names("0.0.0.0", frozenset({"gateway.example"}), frozenset({"https://gateway.example"}))
    assert proxied.allows_origin(b"https://gateway.example")
    assert not proxied.allows_origin(b"http://localhost:3000")


def test_a_listener_uses_the_names_it_is_given() -> None:
    async def main() -> None:
        async with Serving(
            allowed_hosts=frozenset({"gateway.example"}), allowed_origins=frozenset({"https://a.example"})
        ) as s:
            head = b"GET / HTTP/1.1\r\nConnection: close\r\nHost: "
            assert (await s.exchange(head + b"gateway.example\r\nOrigin: https://a.example\r\n\r\n")).startswith(
                b"HTTP/1.1 200"
            )
            assert (await s.exchange(head + b"gateway.example\r\nOrigin: https://b.example\r\n\r\n")).startswith(
                b"HTTP/1.1 403"
            )
            assert (await s.exchange(head + b"other.example\r\n\r\n")).startswith(b"HTTP/1.1 421")

    run(main())
