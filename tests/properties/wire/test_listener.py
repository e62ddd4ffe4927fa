"""Random streams of requests, cut anywhere, and random damage to them."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.serving import Serving, run

from gatepost.wire.listener import Limits

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE = re.compile(rb"([!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_BODIES = st.binary(max_size=40)


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """(the bytes of a valid request, its body)."""
    body = draw(_BODIES)
    lines = [draw(st.sampled_from([b"POST /mcp/s/ HTTP/1.1", b"PUT /x?y=%20 HTTP/1.1"])), b"Host: localhost"]
    lines += draw(st.lists(st.sampled_from([b"X-A: b", b"Accept:text/plain", b"X-Empty:", b"X-B: \tc \t"]), max_size=4))
    if draw(st.booleans()):
        lines.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join([*lines, b"", body]), body
    lines.append(b"Transfer-Encoding: chunked")
    raw = b"\r\n".join([*lines, b"", b""])
    rest = body
    while rest:
        size = draw(st.integers(1, len(rest)))
        raw += b"%x%b\r\n%b\r\n" % (size, draw(st.sampled_from([b"", b";a=b"])), rest[:size])
        rest = rest[size:]
    return raw + b"0\r\n" + draw(st.sampled_from([b"", b"Host: evil\r\n", b"X-T: y\r\n"])) + b"\r\n", body


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    bounds = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    return [stream[a:b] for a, b in itertools.pairwise(bounds)]


@settings(max_examples=120)
@given(st.lists(requests(), min_size=1, max_size=5), st.lists(st.integers(0, 2000), max_size=8))
def test_requests_cut_anywhere_reach_the_handler_whole_and_in_order(
    sent: list[tuple[bytes, bytes]], places: list[int]
) -> None:
    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            for raw, body in sent:  # one after the other: what is behind a chunked body may have to be sent again
                for piece in cut(raw, places):
                    await client.send(piece)
                    await asyncio.sleep(0)
                assert (await client.answer()).body == body
            assert [request.body for request in serving.requests] == [body for _, body in sent]
            assert all(request.header(b"host") == b"localhost" for request in serving.requests)
            assert serving.refusals == []
            client.close()

    run(main())


@settings(max_examples=80)
@given(st.lists(_BODIES, min_size=1, max_size=6), st.lists(st.integers(0, 2000), max_size=8))
def test_pipelined_requests_cut_anywhere_are_answered_in_order(bodies: list[bytes], places: list[int]) -> None:
    stream = b"".join(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(b), b) for b in bodies
    )

    async def main() -> None:
        async with Serving() as serving:
            client = await serving.connect()
            for piece in cut(stream, places):
                await client.send(piece)
                await asyncio.sleep(0)
            assert [(await client.answer()).body for _ in bodies] == bodies
            assert [request.body for request in serving.requests] == bodies
            client.close()

    run(main())


@settings(max_examples=250)
@given(
    requests(),
    st.lists(
        st.tuples(
            st.integers(0, 300),
            st.sampled_from(["replace", "insert", "delete", "double"]),
            st.sampled_from(b'\r\n\t\0 :;,0123456789abcdefx+-"\x0b\x80\xff'),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_whatever_is_damaged_is_refused_or_is_a_request_that_holds(
    sent: tuple[bytes, bytes], damage: list[Any]
) -> None:
    raw = bytearray(sent[0])
    for place, how, byte in damage:
        at = place % len(raw)
        if how == "replace":
            raw[at] = byte
        elif how == "insert":
            raw.insert(at, byte)
        elif how == "delete" and len(raw) > 1:
            del raw[at]
        else:
            raw[at:at] = raw[at : at + 20]
    troubles: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
        async with Serving(limits=Limits(linger=0.05, max_body=100_000)) as serving:
            answer = await serving.exchange(bytes(raw), half_close=True)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
            for request in serving.requests:
                assert request.path.startswith("/")
                assert request.path.isascii()
                assert request.header(b"host")
                names = [name for name, _ in request.headers]
                assert names.count(b"host") == 1
                assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
                for name, value in request.headers:
                    assert _NAME.fullmatch(name)
                    assert _VALUE.fullmatch(value)
                length = request.header(b"content-length")
                assert length is None or int(length) == len(request.body)
            assert len(serving.refusals) <= 1
        assert troubles == []

    run(main())


@settings(max_examples=100)
@given(
    requests(),
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from(b"\r\n\t\0 :,0123456789abcx+-")), min_size=1, max_size=3),
)
def test_a_listener_that_knows_the_lines_reads_as_one_that_has_never_seen_them(
    sent: tuple[bytes, bytes], damage: list[tuple[int, int]]
) -> None:
    raw = bytearray(sent[0])
    for place, byte in damage:
        raw.insert(place % len(raw), byte)

    async def main() -> None:
        seen = []
        for warm in (False, True):
            async with Serving(limits=Limits(linger=0.05, max_body=100_000)) as serving:
                if warm:
                    client = await serving.connect()
                    for _ in range(2):
                        await client.send(sent[0])
                        await client.answer()
                    client.close()
                known = len(serving.requests)
                await serving.exchange(bytes(raw), half_close=True)
                seen.append(
                    (
                        [(request.method, request.headers, request.body) for request in serving.requests[known:]],
                        [refusal.status for _, refusal in serving.refusals],
                    )
                )
        assert seen[0] == seen[1]

    run(main())
