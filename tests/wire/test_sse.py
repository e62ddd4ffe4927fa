"""Event streams are cut where the WHATWG specification cuts them (HTML, section 9.2), and no byte of them is lost."""

from __future__ import annotations

import sys
import time

import pytest

from gatepost.wire.sse import Event, Parser, TooLarge, encode, rewritten


def events(*chunks: bytes, max_event: int = 1 << 20) -> list[Event]:
    parser = Parser(max_event)
    return [event for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_end_of_the_specification_ends_lines_and_events(end: bytes) -> None:
    stream = b"".join(line + end for line in (b"event: e", b"id: 7", b"data: one", b"data: two", b"", b"data:x", b""))
    first, second = events(stream)
    assert (first.event, first.id, first.data) == ("e", "7", b"one\ntwo")
    assert second.data == b"x"
    assert first.raw + second.raw == stream


def test_line_ends_may_be_mixed() -> None:
    one, two = events(b"data:a\r\ndata:b\rdata:c\n\rdata:d\n\n")
    assert (one.data, two.data) == (b"a\nb\nc", b"d")


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_stream_split_at_any_byte_gives_the_same_events(end: bytes) -> None:
    stream = b": hello\n\nid: 1\ndata: {}\n\ndata: a\ndata: b\n\n\n\ndata\n\n".replace(b"\n", end)
    whole = [(event.data, event.id) for event in events(stream) if event.data is not None]
    for cut in range(len(stream) + 1):
        split = events(stream[:cut], stream[cut:])
        assert [(event.data, event.id) for event in split if event.data is not None] == whole
        assert b"".join(event.raw for event in split) == stream
    single = events(*(stream[i : i + 1] for i in range(len(stream))))
    assert [(event.data, event.id) for event in single if event.data is not None] == whole


def test_a_line_end_split_over_chunks_is_one_line_end() -> None:
    parser = Parser()
    (event,) = parser.feed(b"data: a\r\n\r")
    assert event.data == b"a"
    found = [*parser.feed(b"\ndata: b\r"), *parser.feed(b"\ndata: c\r\n\r\n")]
    assert [event.data for event in found if event.data is not None] == [b"b\nc"]


def test_an_event_is_given_as_soon_as_its_blank_line_is_there_even_if_that_may_be_half_a_line_end() -> None:
    assert [event.data for event in events(b"data: a\r\r")] == [b"a"]


def test_a_leading_byte_order_mark_is_no_part_of_the_first_field() -> None:
    (event,) = events(b"\xef\xbb", b"\xbfdata: a\n\n")
    assert event.data == b"a"
    assert event.raw == b"\xef\xbb\xbfdata: a\n\n"
    assert events(b"data: a\n\n", b"\xef\xbb\xbfdata: b\n\n")[1].data is None


@pytest.mark.parametrize(
    ("line", "data"),
    [
        (b"data:x", b"x"),
        (b"data: x", b"x"),
        (b"data:  x ", b" x "),
        (b"data:\tx", b"\tx"),
        (b"data", b""),
        (b"data:", b""),
        (b"data: ", b""),
        (b"data: a:b", b"a:b"),
        (b" data: x", None),
        (b"Data: x", None),
        (b"data : x", None),
        (b"datax: x", None),
        (b": data: x", None),
        (b"id: 1", None),
    ],
)
def test_a_field_is_what_stands_before_the_first_colon_and_one_space_is_dropped(
    line: bytes, data: bytes | None
) -> None:
    (event,) = events(line + b"\n\n")
    assert event.data == data


def test_the_last_of_a_field_counts_and_data_lines_add_up() -> None:
    (event,) = events(b"id: 1\nevent: a\ndata: x\nretry: 5\nid: 2\nevent: b\ndata:\ndata: y\nretry: 70\n\n")
    assert (event.id, event.event, event.retry, event.data) == ("2", "b", "70", b"x\n\ny")


def test_an_id_with_nul_and_a_retry_that_is_no_number_are_ignored() -> None:
    (event,) = events(b"id: good\nid: b\0d\nretry: 1.5\nretry: 5s\ndata: x\n\n")
    assert (event.id, event.retry) == ("good", None)


def test_an_empty_id_is_an_id() -> None:
    (event,) = events(b"id\ndata: x\n\n")
    assert event.id == ""


def test_comments_are_passed_as_they_come() -> None:
    (keep_alive, event) = events(b": ping\n\n: more\ndata: x\n\n")
    assert (keep_alive.raw, keep_alive.data) == (b": ping\n\n", None)
    assert (event.raw, event.data) == (b": more\ndata: x\n\n", b"x")


def test_a_run_of_blank_lines_is_one_event_without_data() -> None:
    (blank,) = events(b"\n" * 1000)
    assert (blank.raw, blank.data) == (b"\n" * 1000, None)


def test_an_unfinished_event_is_never_given() -> None:
    parser = Parser()
    assert parser.feed(b"data: half\n") == []
    assert parser.close() == b"data: half\n"
    assert parser.close() == b""


@pytest.mark.parametrize(
    "stream", [b"data: " + b"x" * 200, b"data: " + b"x" * 200 + b"\n\n", b"data: x\n" * 40, b":x\n" * 90]
)
def test_an_event_over_the_bound_is_refused_finished_or_not(stream: bytes) -> None:
    with pytest.raises(TooLarge):
        events(stream, max_event=100)
    with pytest.raises(TooLarge):
        events(*(stream[i : i + 7] for i in range(0, len(stream), 7)), max_event=100)


def test_many_events_in_one_chunk_are_not_together_too_large() -> None:
    assert len(events(b"data: x\n\n" * 100, max_event=20)) == 100


@pytest.mark.parametrize(
    "stream",
    [
        b"data: " + b"x" * 2_000_000,
        b"data:a\r" * 150_000,
        b"data:a\n" * 150_000,
        b"\r" * 500_000,
        b"\n" * 500_000,
        b"data:\r\n" + b":\r" * 200_000,
    ],
    ids=["one line", "lines ended by CR", "lines ended by LF", "CRs", "LFs", "comments"],
)
@pytest.mark.parametrize("size", [1 << 10, 1 << 22])
def test_no_stream_takes_long(stream: bytes, size: int) -> None:
    parser = Parser()
    began = time.process_time()
    for start in range(0, len(stream), size):
        parser.feed(stream[start : start + size])
    parser.feed(b"\n\n")
    assert time.process_time() - began < 2.0


def test_what_is_encoded_is_read_again() -> None:
    (event,) = events(encode(b'{"a":\n1}\r\nb\rc', id="7", event="message"))
    assert (event.data, event.id, event.event) == (b'{"a":\n1}\nb\nc', "7", "message")
    assert encode(b"") == b"data: \n\n"


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "1\ndata: forged"])
def test_a_field_that_would_forge_another_is_not_written(value: str) -> None:
    with pytest.raises(ValueError, match="line end"):
        encode(b"x", id=value)
    with pytest.raises(ValueError, match="line end"):
        encode(b"x", event=value)
    (event,) = events(b"id: 1\ndata: x\n\n")
    with pytest.raises(ValueError, match="line end"):
        rewritten(event, id=value)


def test_rewriting_keeps_everything_else() -> None:
    (event,) = events(
        b"\xef\xbb\xbf: note\r\nevent: e\r\ndata: 1\r\nretry: 9\r\ndata: 2\r\nid: old\r\nother: z\r\n\r\n"
    )
    assert rewritten(event, data=b"one\r\ntwo", id="new") == (
        b": note\nevent: e\ndata: one\ndata: two\nretry: 9\nid: new\nother: z\n\n"
    )
    assert rewritten(event) == b": note\nevent: e\ndata: 1\nretry: 9\ndata: 2\nid: old\nother: z\n\n"


def test_an_event_of_very_many_lines_is_too_large_before_they_fill_the_memory() -> None:
    parser = Parser()
    with pytest.raises(TooLarge):
        for _ in range(300):
            parser.feed(b"a\n" * 1_000)


@pytest.mark.parametrize("ends", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize(
    "before", [b"", b"data: x\n\n", b"\n"], ids=["alone", "behind an event", "behind a blank line"]
)
def test_a_flood_of_blank_lines_is_passed_in_a_few_steps(ends: bytes, before: bytes) -> None:
    parser, steps = Parser(), 0

    def count(_frame: object, event: str, _what: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    chunk = before + ends * 30_000
    sys.setprofile(count)
    try:
        events = parser.feed(chunk)
    finally:
        sys.setprofile(None)
    assert b"".join(event.raw for event in events) == chunk
    assert steps < 1000
    assert [event.data for event in parser.feed(b"data: y\n\n") if event.data is not None] == [b"y"]
