"""Event streams against a second parser, written straight from the specification: slow, and on the whole stream."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.wire.sse import Parser, encode

_PIECES = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\r\n", b"data", b"id", b"event", b"retry", b":", b" ", b"x", b"7", b"\0", b"\xef\xbb\xbf"]
    ),
    max_size=40,
)


def reference(stream: bytes) -> list[tuple[bytes, str | None, str | None]]:
    """(data, id, event) of each event that is dispatched. Ids and types are those of the event's own lines."""
    if stream.startswith(b"\xef\xbb\xbf"):
        stream = stream[3:]
    lines: list[bytes] = []
    line = b""
    index = 0
    while index < len(stream):
        byte = stream[index : index + 1]
        index += 1
        if byte == b"\r":
            if stream[index : index + 1] == b"\n":
                index += 1
        elif byte != b"\n":
            line += byte
            continue
        lines.append(line)
        line = b""
    found = []
    buffer: bytes | None = None
    id = event = None
    for line in lines:
        if not line:
            if buffer is not None:
                found.append((buffer[:-1], id, event))
            buffer = id = event = None
            continue
        if line.startswith(b":"):
            continue
        if b":" in line:
            field, value = line.split(b":", 1)
            value = value[1:] if value[:1] == b" " else value
        else:
            field, value = line, b""
        if field == b"data":
            buffer = (buffer or b"") + value + b"\n"
        elif field == b"id" and b"\0" not in value:
            id = value.decode("utf-8", "replace")
        elif field == b"event":
            event = value.decode("utf-8", "replace")
    return found


@settings(max_examples=500)
@given(_PIECES, st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_any_stream_split_anyhow_gives_what_the_specification_says(pieces: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(pieces)
    parser = Parser()
    events = []
    start = turn = 0
    while start < len(stream):
        size = sizes[turn % len(sizes)]
        events += parser.feed(stream[start : start + size])
        start, turn = start + size, turn + 1
    assert [(event.data, event.id, event.event) for event in events if event.data is not None] == reference(stream)
    assert b"".join(event.raw for event in events) + parser.close() == stream


@settings(max_examples=100)
@given(st.binary(max_size=60), st.none() | st.text("abc é日", max_size=5))
def test_what_is_encoded_is_read_again(data: bytes, id: str | None) -> None:
    (event,) = Parser().feed(encode(data, id=id))
    assert event.data == data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert event.id == id
