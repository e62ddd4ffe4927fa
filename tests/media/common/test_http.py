"""The HTTP client: what is tried again and what never, how long is waited, what an error says and never says."""

from __future__ import annotations

import asyncio
import datetime
import email.utils
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from gatepost_media.common import http
from gatepost_media.common.errors import NotFound, NotSignedIn, RateLimited, Refused, Unreachable
from gatepost_media.common.http import Answer, Http, join, retry_after

pytestmark = pytest.mark.anyio

Script = Callable[[int], bytes]


def answer(status: int, body: bytes = b"{}", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@asynccontextmanager
async def server(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers the n-th request with what `script(n)` says; nothing closes the connection."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                heads.append(head)
                said = script(len(heads))
                if not said:
                    return
                writer.write(said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", heads


@asynccontextmanager
async def client() -> AsyncIterator[Http]:
    made = Http(first_pause=0.0)
    try:
        yield made
    finally:
        await made.aclose()


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_get_is_tried_again_until_it_works(status: int) -> None:
    async with server(lambda n: answer(status if n < 3 else 200, b'{"n":1}')) as (url, heads), client() as made:
        assert (await made.request("GET", url)).json() == {"n": 1}
        assert len(heads) == 3


async def test_a_broken_connection_is_tried_again_for_a_get(caplog: pytest.LogCaptureFixture) -> None:
    async with server(lambda n: b"" if n < 3 else answer(200)) as (url, heads), client() as made:
        assert (await made.request("GET", url)).status == 200
        assert len(heads) == 3


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("said", [answer(503), b""])
async def test_a_write_is_sent_once_whatever_happens(method: str, said: bytes) -> None:
    async with server(lambda _: said) as (url, heads), client() as made:
        with pytest.raises(Unreachable):
            await made.request(method, url)
        assert len(heads) == 1


@pytest.mark.parametrize("said", [answer(503), answer(500), b""])
async def test_a_write_of_whose_end_nothing_is_known_is_not_said_to_be_undone(said: bytes) -> None:
    async with server(lambda _: said) as (url, _), client() as made:
        with pytest.raises(Unreachable, match="may have been done all the same: look before you try again"):
            await made.request("POST", url)
        with pytest.raises(Unreachable, match=r"[Tt]ry again") as raised:
            await made.request("GET", url)
        assert "may have been done" not in str(raised.value)


async def test_a_write_that_was_never_sent_is_not_said_to_be_done_perhaps() -> None:
    async with server(lambda _: b"") as (url, _):
        pass
    async with client() as made:
        with pytest.raises(Unreachable, match=r"cannot be reached at .* Check that it runs\. Check PLEX_URL\.$"):
            await made.request("POST", url)


async def test_tls_that_fails_is_told_apart_from_a_service_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, authority = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), trustme.CA()
    authority.issue_cert("plex.example").configure_cert(context)
    async with server(lambda _: answer(200), context) as (url, heads):
        secure = url.replace("http:", "https:")
        async with client() as made:
            with pytest.raises(Unreachable, match=r"certificate of Plex at https://.* is not accepted: .* its issuer"):
                await made.request("GET", secure)
        authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        async with client() as made:
            with pytest.raises(Unreachable, match=r"made for another name\. Put that name into PLEX_URL\."):
                await made.request("GET", secure)
        assert heads == []
    async with server(lambda _: answer(400)) as (url, _), client() as made:
        with pytest.raises(Unreachable, match=r"does not speak TLS\. Should PLEX_URL begin with http://\?"):
            await made.request("GET", url.replace("http:", "https:"))


async def test_after_the_last_try_the_error_says_what_is_wrong() -> None:
    async with server(lambda _: answer(503)) as (url, heads), client() as made:
        with pytest.raises(Unreachable, match=r"Sonarr is out of order at the moment \(503\)"):
            await made.request("GET", url, service="Sonarr")
        assert len(heads) == http.TRIES


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_429_is_waited_for_because_nothing_was_done(method: str) -> None:
    first = answer(429, b"", "retry-after: 0")
    async with server(lambda n: first if n == 1 else answer(201)) as (url, heads), client() as made:
        assert (await made.request(method, url)).status == 201
        assert len(heads) == 2


async def test_429_that_asks_for_more_patience_than_there_is_says_how_long() -> None:
    async with server(lambda _: answer(429, b"", "retry-after: 3600")) as (url, heads), client() as made:
        with pytest.raises(RateLimited, match="Try again in 3600 seconds") as raised:
            await made.request("GET", url, service="Trakt")
        assert raised.value.retry_after == 3600
        assert len(heads) == 1


@pytest.mark.parametrize(
    ("status", "kind", "sentence"),
    [
        (401, NotSignedIn, "Set PLEX_TOKEN, or sign in with authenticate_plex."),
        (403, Refused, "does not allow this account"),
        (404, NotFound, "knows no such thing"),
        (400, Refused, r"refused the request \(400\)"),
        (500, Unreachable, "out of order"),
        (302, Refused, "is not followed. Check PLEX_URL."),
    ],
)
async def test_a_status_becomes_an_error_of_its_kind(status: int, kind: type[Exception], sentence: str) -> None:
    said = answer(status, b"secret body", "location: http://elsewhere/")
    async with server(lambda _: said) as (url, heads), client() as made:
        query, headers = {"q": "secret query"}, {"x-plex-token": "secret token"}
        with pytest.raises(kind, match=sentence) as raised:
            await made.request("GET", f"{url}/path", query=query, headers=headers)
        assert "secret" not in str(raised.value)
        assert len(heads) == 1


async def test_a_status_that_the_caller_expects_is_an_answer() -> None:
    async with server(lambda _: answer(409, b"")) as (url, _), client() as made:
        assert (await made.request("POST", url, ok=(200, 409))).status == 409


async def test_query_and_path_are_encoded_and_lists_repeated() -> None:
    async with server(lambda _: answer(200)) as (url, heads), client() as made:
        await made.request("GET", join(url, "a/b?c#d", "é"), query={"year>": 1990, "x": ["1", "2&3"]})
        assert heads[0].startswith(b"GET /a%2Fb%3Fc%23d/%C3%A9?year%3E=1990&x=1&x=2%263 HTTP/1.1\r\n")


async def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_LIMIT", 1000)
    async with server(lambda _: answer(200, b"x" * 2000)) as (url, _), client() as made:
        with pytest.raises(Refused, match="Ask for less at once"):
            await made.request("GET", url)


async def test_what_is_no_json_is_said_to_be_none() -> None:
    for body in (b"<html>", b"[" * 100_000, b"\xff"):
        with pytest.raises(Refused, match="not JSON"):
            Answer(200, {}, body, "Plex").json()


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_a_segment_that_would_climb_is_no_segment(segment: str) -> None:
    with pytest.raises(ValueError, match="not a path segment"):
        join("http://x", "a", segment)


def test_retry_after_is_seconds_or_a_date() -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=100)
    assert retry_after({"retry-after": "7"}) == 7
    assert 90 < (retry_after({"retry-after": email.utils.format_datetime(soon, usegmt=True)}) or 0) <= 100
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    for nothing in ("", "soon", "-1", "1e9", "9" * 400):
        assert retry_after({"retry-after": nothing}) in (None, float("9" * 9))
