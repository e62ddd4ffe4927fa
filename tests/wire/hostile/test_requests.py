"""What may not pass: each of these is refused with its status, told of once, and no handler ever hears of it."""

from __future__ import annotations

import json

import pytest

from gatepost.wire.listener import Limits, Refusal
from tests.wire.serving import Serving, post, run, until

GET = b"GET /mcp/s/ HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
POST = b"POST /mcp/s/ HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

SMUGGLING = {
    "length and coding": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "length zero and coding": POST + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "two equal lengths": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "length with plus": POST + b"Content-Length: +3\r\n\r\nabc",
    "length with minus": POST + b"Content-Length: -3\r\n\r\nabc",
    "length in hex": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "length with a point": POST + b"Content-Length: 3.0\r\n\r\nabc",
    "length with a space within": POST + b"Content-Length: 3 3\r\n\r\nabc",
    "length in quotes": POST + b'Content-Length: "3"\r\n\r\nabc',
    "length with a vertical tab": POST + b"Content-Length: \x0b3\r\n\r\nabc",
    "no length": POST + b"Content-Length:\r\n\r\nabc",
    "length beyond 64 bits": POST + b"Content-Length: 18446744073709551619\r\n\r\nabc",
    "length of many digits": POST + b"Content-Length: " + b"0" * 30 + b"3\r\n\r\nabc",
    "length in other digits": POST + b"Content-Length: \xd9\xa3\r\n\r\nabc",
    "coding identity": POST + b"Transfer-Encoding: identity\r\n\r\nabc",
    "coding gzip": POST + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "coding gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "coding chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two codings, one odd": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n",
    "coding xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding chunked with a parameter": POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "coding in quotes": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "coding with a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "coding with NUL": POST + b"Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n",
    "coding with a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "coding with a tab before the colon": POST + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    "coding on a folded line": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "coding behind a bare LF": POST + b"X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding behind a bare CR": POST + b"X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding of an empty value": POST + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n",
    "coding in HTTP/1.0": b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}

CHUNKS = {
    "size ended by LF": CHUNKED + b"3\nabc\r\n0\r\n\r\n",
    "data ended by LF": CHUNKED + b"3\r\nabc\n0\r\n\r\n",
    "data not ended": CHUNKED + b"3\r\nabc0\r\n\r\n",
    "data longer than said": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "space before the size": CHUNKED + b" 3\r\nabc\r\n0\r\n\r\n",
    "space behind the size": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "size with 0x": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "size with plus": CHUNKED + b"+3\r\nabc\r\n0\r\n\r\n",
    "size with minus": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "size with underscore": CHUNKED + b"0_3\r\nabc\r\n0\r\n\r\n",
    "no size": CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
    "size beyond 64 bits": CHUNKED + b"1" + b"0" * 16 + b"\r\nabc\r\n0\r\n\r\n",
    "end ended by LF": CHUNKED + b"3\r\nabc\r\n0\n\n",
    "last line ended by LF": CHUNKED + b"3\r\nabc\r\n0\r\n\n",
    "extension with LF": CHUNKED + b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "extension with CR": CHUNKED + b"3;a\rb\r\nabc\r\n0\r\n\r\n",
    "extension with a quoted line end": CHUNKED + b'3;a="\r\n"\r\nabc\r\n0\r\n\r\n',
    "extension with NUL": CHUNKED + b"3;a=\0\r\nabc\r\n0\r\n\r\n",
    "trailer with a length": CHUNKED + b"3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n",
    "trailer with a coding": CHUNKED + b"3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "trailer with a bare LF": CHUNKED + b"3\r\nabc\r\n0\r\nX: y\n\r\n",
    "trailer folded": CHUNKED + b"3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n",
}

LINES = {
    "request line ended by LF": b"GET / HTTP/1.1\n" + HOST + b"\r\n",
    "header ended by LF": GET + b"Host: localhost\n\r\n",
    "head ended by LF": GET + HOST + b"\n",
    "only LF": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "CR in a value": GET + b"Host: local\rhost\r\n\r\n",
    "CR before CRLF": GET + b"Host: localhost\r\r\n\r\n",
    "folded line": GET + HOST + b"X: a\r\n b\r\n\r\n",
    "folded line with a tab": GET + HOST + b"X: a\r\n\tb\r\n\r\n",
    "fold before the first header": GET + b" X: a\r\n" + HOST + b"\r\n",
    "white line": GET + HOST + b" \r\n\r\n",
    "NUL in a value": GET + HOST + b"X: a\0b\r\n\r\n",
    "NUL in a name": GET + HOST + b"X\0: a\r\n\r\n",
    "control character in a value": GET + HOST + b"X: a\x01b\r\n\r\n",
    "DEL in a value": GET + HOST + b"X: a\x7fb\r\n\r\n",
    "space before the colon": GET + HOST + b"X : a\r\n\r\n",
    "space in a name": GET + HOST + b"X y: a\r\n\r\n",
    "bracket in a name": GET + HOST + b"X(y): a\r\n\r\n",
    "letter beyond ASCII in a name": GET + HOST + b"X\xe9: a\r\n\r\n",
    "no name": GET + HOST + b": a\r\n\r\n",
    "no colon": GET + HOST + b"X\r\n\r\n",
}

TARGETS = {
    "whole URL": b"GET http://localhost/mcp/s/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "authority": b"GET localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "relative": b"GET mcp/s/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "fragment": b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n",
    "beyond ASCII": b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n",
    "control character": b"GET /\x01 HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL": b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "tab": b"GET /a\tb HTTP/1.1\r\n" + HOST + b"\r\n",
    "space": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces before": b"GET  /a HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces behind": b"GET /a  HTTP/1.1\r\n" + HOST + b"\r\n",
    "space behind the version": b"GET /a HTTP/1.1 \r\n" + HOST + b"\r\n",
    "space before the method": b" GET /a HTTP/1.1\r\n" + HOST + b"\r\n",
    "tab for a space": b"GET\t/a HTTP/1.1\r\n" + HOST + b"\r\n",
    "no target": b"GET HTTP/1.1\r\n" + HOST + b"\r\n",
    "no version": b"GET /a\r\n" + HOST + b"\r\n",
    "small version": b"GET /a http/1.1\r\n" + HOST + b"\r\n",
    "long version": b"GET /a HTTP/1.10\r\n" + HOST + b"\r\n",
    "other protocol": b"OPTIONS /a RTSP/1.0\r\n" + HOST + b"\r\n",
    "two empty lines before": b"\r\n\r\n" + GET + HOST + b"\r\n",
    "small method": b"get /a HTTP/1.1\r\n" + HOST + b"\r\n",
    "long method": b"G" * 40 + b" /a HTTP/1.1\r\n" + HOST + b"\r\n",
    "TLS": bytes.fromhex("16030102000100"),
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "nothing of HTTP": b"\0\0\0\0",
}

HEADERS = {
    "no Host": GET + b"X: y\r\n\r\n",
    "two Hosts": GET + HOST + HOST + b"\r\n",
    "two Hosts that differ": GET + HOST + b"hOST: other\r\n\r\n",
    "two Authorizations": GET + HOST + b"Authorization: Bearer a\r\nauthorization: Bearer a\r\n\r\n",
    "two Content-Types": POST + b"Content-Type: application/json\r\nContent-Type: text/plain\r\n\r\n",
    "two Content-Encodings": POST + b"Content-Encoding: identity\r\nContent-Encoding: identity\r\n\r\n",
    "two Origins": GET + HOST + b"Origin: http://localhost\r\nOrigin: http://evil\r\n\r\n",
    "two Last-Event-IDs": GET + HOST + b"Last-Event-ID: 1\r\nLast-Event-ID: 2\r\n\r\n",
    "gzip": POST + b"Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
    "identity, gzip": POST + b"Content-Encoding: identity, gzip\r\nContent-Length: 1\r\n\r\nx",
    "Upgrade": GET + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "Upgrade without Connection": GET + HOST + b"Upgrade: websocket\r\n\r\n",
}

OTHERS = {
    (405, "CONNECT"): b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    (405, "TRACE"): b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n",
    (405, "a method nobody knows"): b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n",
    (505, "HTTP/2"): b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    (505, "HTTP/0.9"): b"GET /a HTTP/0.9\r\n" + HOST + b"\r\n",
    (505, "HTTP/1.2"): b"GET /a HTTP/1.2\r\n" + HOST + b"\r\n",
    (505, "HTTP/3.0"): b"GET /a HTTP/3.0\r\n" + HOST + b"\r\n",
    (417, "an expectation"): POST + b"Expect: the-unexpected\r\nContent-Length: 1\r\n\r\nx",
    (421, "another Host"): GET + b"Host: evil.example\r\n\r\n",
    (421, "another Host with our port"): GET + b"Host: evil.example:7070\r\n\r\n",
    (421, "a Host that begins like ours"): GET + b"Host: localhost.evil.example\r\n\r\n",
    (421, "a Host with a user"): GET + b"Host: evil@localhost\r\n\r\n",
    (421, "a Host with a port that is none"): GET + b"Host: localhost:80@evil.example\r\n\r\n",
    (421, "an empty Host"): GET + b"Host:\r\n\r\n",
    (421, "two Hosts in one"): GET + b"Host: localhost, evil.example\r\n\r\n",
    (403, "another Origin"): GET + HOST + b"Origin: https://evil.example\r\n\r\n",
    (403, "an Origin that begins like ours"): GET + HOST + b"Origin: http://localhost.evil.example\r\n\r\n",
    (403, "an Origin with a user"): GET + HOST + b"Origin: http://localhost@evil.example\r\n\r\n",
    (403, "no Origin to speak of"): GET + HOST + b"Origin: null\r\n\r\n",
    (403, "an Origin that is none"): GET + HOST + b"Origin: http://[\r\n\r\n",
    (403, "an Origin of another scheme"): GET + HOST + b"Origin: file://localhost\r\n\r\n",
    (413, "a length over the limit"): POST + b"Content-Length: 4194305\r\n\r\n",
    (413, "chunks over the limit"): CHUNKED + b"400001\r\n" + b"x" * 0x400001 + b"\r\n0\r\n\r\n",
    (414, "a long target"): b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    (414, "a target without end"): b"GET /" + b"a" * 40_000,
    (431, "too many headers"): GET + HOST + b"X: y\r\n" * 100 + b"\r\n",
    (431, "too long a header"): GET + HOST + b"X: " + b"y" * 33_000 + b"\r\n\r\n",
    (431, "too much of headers"): GET + HOST + (b"X: " + b"y" * 1000 + b"\r\n") * 33 + b"\r\n",
    (431, "headers without end"): GET + HOST + b"X: " + b"y" * 100_000,
    (431, "too long an extension"): CHUNKED + b"3;" + b"a" * 20_000 + b"\r\nabc\r\n0\r\n\r\n",
    (431, "extensions without end"): CHUNKED + b"1;" + b"a" * 200_000,
    (431, "too much of trailers"): CHUNKED + b"3\r\nabc\r\n0\r\n" + b"X: yyyyyyyy\r\n" * 2000 + b"\r\n",
}

CORPUS = [
    pytest.param(status, raw, id=name)
    for status, name, raw in [
        *(
            (400, name, raw)
            for group in (SMUGGLING, CHUNKS, LINES, TARGETS, HEADERS)
            for name, raw in group.items()
        ),
        *((status, name, raw) for (status, name), raw in OTHERS.items()),
    ]
]  # fmt: skip


@pytest.mark.parametrize(("status", "raw"), CORPUS)
@pytest.mark.parametrize("pieces", ["whole", "in pieces"])
def test_it_is_refused_told_of_once_and_never_handled(status: int, raw: bytes, pieces: str) -> None:
    async def main() -> None:
        async with Serving(limits=Limits(linger=0.2, head_timeout=5)) as serving:
            size = len(raw) if pieces == "whole" else max(1, len(raw) // 23)
            answer = await serving.exchange(*(raw[at : at + size] for at in range(0, len(raw), size)))
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 %d " % status), answer[:200]
            assert b"\r\nconnection: close" in head
            said = json.loads(body)
            assert sorted(said) == ["code", "message"]
            assert said["code"] == ("GP-1009" if status in (403, 421) else "GP-1008")
            assert serving.requests == []
            assert [(client, refusal.status, refusal.reason) for client, refusal in serving.refusals] == [
                ("127.0.0.1", status, said["message"])
            ]

    run(main())


@pytest.mark.parametrize(("status", "raw"), CORPUS)
def test_it_is_refused_by_a_listener_that_knows_each_of_its_lines(status: int, raw: bytes) -> None:
    async def main() -> None:
        async with Serving(limits=Limits(linger=0.2)) as serving:
            head = raw.partition(b"\r\n\r\n")[0]
            for line in set(head.split(b"\r\n")[1:][:200]) - {HOST[:-2]}:
                client = await serving.connect()
                await client.send(GET + HOST + line + b"\r\n\r\n")
                client.writer.write_eof()
                await client.rest()
                client.close()
            handled, told = len(serving.requests), len(serving.refusals)
            answer = await serving.exchange(raw)
            assert answer.startswith(b"HTTP/1.1 %d " % status)
            assert len(serving.requests) == handled
            assert len(serving.refusals) == told + 1

    run(main())


@pytest.mark.parametrize(
    "raw",
    [*SMUGGLING.values(), *CHUNKS.values()],
    ids=[*SMUGGLING, *CHUNKS],
)
def test_a_request_hidden_behind_it_is_never_handled(raw: bytes) -> None:
    async def main() -> None:
        async with Serving() as serving:
            await serving.exchange(raw + post(b"hidden", "/hidden"))
            assert serving.requests == []

    run(main())


@pytest.mark.parametrize(
    "raw",
    [
        POST + b"Content-Length:    3  \r\n\r\nabc",
        POST + b"Content-Length: 0003\r\n\r\nabc",
        POST + b"Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3;name=value;other\r\nabc\r\n0;x\r\n\r\n",
        CHUNKED + b'3;name="quoted \\" text"\r\nabc\r\n0\r\n\r\n',
        CHUNKED + b"0000000003\r\nabc\r\n000\r\n\r\n",
        CHUNKED + b"3\r\nabc\r\n0\r\nAuthorization: Bearer forged\r\nX-Trailer: y\r\n\r\n",
        POST + b"Content-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc",
        POST + b"X: caf\xe9\tand\xff\r\nContent-Length: 3\r\n\r\nabc",
        POST.replace(b"localhost", b"LOCALHOST:7070") + b"Content-Length: 3\r\n\r\nabc",
        POST.replace(b"localhost", b"[::1]:7070") + b"Content-Length: 3\r\n\r\nabc",
        POST + b"Origin: http://localhost:5173\r\nContent-Length: 3\r\n\r\nabc",
        POST + b"Origin: https://127.0.0.1\r\nContent-Length: 3\r\n\r\nabc",
        POST.replace(b"/mcp/s/", b"//evil.example/%2e%2e/") + b"Content-Length: 3\r\n\r\nabc",
    ],
)
def test_what_is_odd_but_clear_is_served_and_trailers_are_dropped(raw: bytes) -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            await client.send(raw)
            assert (await client.answer()).body == b"abc"
            (request,) = serving.requests
            assert request.header(b"authorization") is None
            assert request.header(b"x-trailer") is None
            assert request.path in ("/mcp/s/", "//evil.example/%2e%2e/")
            assert serving.refusals == []

    run(main())


@pytest.mark.parametrize(
    "whole", [post(b"0123456789"), CHUNKED + b"5\r\nabcde\r\n0\r\n\r\n"], ids=["length", "chunked"]
)
def test_a_request_that_breaks_off_is_told_of_and_never_handled(whole: bytes) -> None:
    async def main() -> None:
        async with Serving() as serving:
            for number, cut in enumerate(range(1, len(whole)), start=1):
                assert await serving.exchange(whole[:cut], half_close=True) == b""
                await until(lambda number=number: len(serving.refusals) == number)
            assert serving.requests == []
            assert {refusal.reason for _, refusal in serving.refusals} == {
                "The connection closed in the middle of the request."
            }

    run(main())


def test_a_connection_that_closes_between_requests_is_nothing_to_tell_of() -> None:
    async def main() -> None:
        async with Serving() as serving:
            assert await serving.exchange(half_close=True) == b""
            client = await serving.connect()
            await client.send(post())
            await client.answer()
            client.close()
            await until(lambda: serving.listener.connections == 0)
            assert serving.refusals == []

    run(main())


def test_a_refusal_reaches_a_client_that_is_still_sending() -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            await client.send(POST + b"Content-Length: 9000000\r\n\r\n")
            for _ in range(100):
                await client.send(b"x" * 65_536)
            assert (await client.answer()).status == 413
            assert len(serving.refusals) == 1

    run(main())


def test_a_refused_client_that_does_not_leave_is_cut_off() -> None:
    async def main() -> None:
        async with Serving(limits=Limits(linger=0.05)) as serving:
            client = await serving.connect()
            await client.send(b"nonsense\r\n\r\n")
            await until(lambda: serving.listener.connections == 0)
            await client.rest()

    run(main())


def test_one_who_tells_of_refusals_and_fails_does_not_stop_the_refusing() -> None:
    def fail(client: str, refusal: Refusal) -> None:
        raise OSError("no room")

    async def main() -> None:
        async with Serving(on_refused=fail) as serving:
            assert (await serving.exchange(b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")

    run(main())
