"""JSON read strictly: every refusal with its place, every number with its text, and no text that takes long."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from gatepost.wire.strictjson import NumberText, StrictJSONError, canonical, parse, write

MAX_BODY = 4 * 1024 * 1024


def refused(text: bytes) -> StrictJSONError:
    with pytest.raises(StrictJSONError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        # a key twice, at any depth, however it is spelled
        (b'{"a":1,"a":2}', 7, "The key 'a' stands twice"),
        (b'{"a":1,"a":1}', 7, "The key 'a' stands twice"),
        (b'{"a":{"b":1,"\\u0062":2}}', 12, "The key 'b' stands twice"),
        (b'[0,{"x":[{"k":1,"k":1}]}]', 16, "The key 'k' stands twice"),
        (b'{"a":1' + b" " * 100 + b',"a"' + b" " * 100 + b":1}", 107, "The key 'a' stands twice"),
        ('{"é":1,"é":2}'.encode(), 8, "The key 'é' stands twice"),
        (b'{"":1,"":2}', 6, "The key '' stands twice"),
        # anything after the value
        (b"{}{}", 2, "after the value"),
        (b"1 2", 2, "after the value"),
        (b'{"a":1}\n\n]', 9, "after the value"),
        (b"{}\0", 2, "after the value"),
        (b"{}\xef\xbb\xbf", 2, "after the value"),
        (b"01", 1, "after the value"),
        (b"1.", 1, "after the value"),
        # encodings
        (b"\xef\xbb\xbf{}", 0, "byte-order mark"),
        ('{"a":1}'.encode("utf-16"), 0, "not UTF-8"),
        ('{"a":1}'.encode("utf-16-le"), 1, "not JSON"),
        ('{"a":1}'.encode("utf-16-be"), 0, "value is expected"),
        ('{"a":1}'.encode("utf-32"), 0, "not UTF-8"),
        ('{"a":1}'.encode("utf-32-be"), 0, "value is expected"),
        (b'{"a":"\xff"}', 6, "not UTF-8"),
        (b'{"a":"\xc0\x80"}', 6, "not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', 6, "not UTF-8"),
        ('{"é":"'.encode() + b'\xff"}', 7, "not UTF-8"),
        # half a surrogate pair
        (b'["\\ud800"]', 1, "surrogate"),
        (b'["ok","\\uDC00"]', 6, "surrogate"),
        (b'{"\\ud83dx":1}', 1, "surrogate"),
        (b'["\\ude00\\ud83d"]', 1, "surrogate"),
        (b'["\\ud83dA\\ude00",123456789012345678901234567890]', 1, "surrogate"),
        # numbers
        (b"[NaN]", 1, "NaN is not"),
        (b"[1,Infinity]", 3, "Infinity is not"),
        (b'{"a":-Infinity}', 5, "-Infinity is not"),
        (b"[-NaN]", 1, "value is expected"),
        (b"[1e400]", 1, "beyond what binary64"),
        (b"[-1e400]", 1, "beyond what binary64"),
        (b"[1.7976931348623159e308]", 1, "beyond what binary64"),
        (b"[0," + b"9" * 309 + b"]", 3, "beyond what binary64"),
        (b"[0," + b"1" * 400 + b"]", 3, "beyond what binary64"),
        (b"[0.5,1e-10000]", 5, "exponent beyond 9999"),
        (b"[0e10000]", 1, "exponent beyond 9999"),
        (b"[1e-99999999999999999999999]", 1, "exponent beyond 9999"),
        (b"[0." + b"1" * 4300 + b"]", 1, "more than 4300"),
        (b"[+1]", 1, "value is expected"),
        (b"[.5]", 1, "value is expected"),
        (b"[0x10]", 2, "not JSON"),
        # depth
        (b"[" * 65 + b"]" * 65, 64, "More than 64 levels"),
        (b'{"a":[' * 32 + b"[]" + b"]}" * 32, 192, "More than 64 levels"),
        (b"[[0]," + b"[" * 64 + b"]" * 64 + b"]", 68, "More than 64 levels"),
        # strings
        (b'["a\nb"]', 3, "control character"),
        (b'["\\x41"]', 2, "escape"),
        (b'["\\u12"]', 3, "escape"),
        (b'{"a":"b', 5, "Unterminated string"),
        # what is no JSON at all
        (b"", 0, "ends where a value"),
        (b" \n ", 3, "ends where a value"),
        (b'{"a":', 5, "ends where a value"),
        (b"{a:1}", 1, "not JSON"),
        (b"{'a':1}", 1, "not JSON"),
        (b"[1 2]", 3, "not JSON"),
        (b"[1}", 2, "not JSON"),
        (b"nul", 0, "value is expected"),
        (b"// text\n{}", 0, "value is expected"),
        (b"[1,\xc2\xa02]", 3, "value is expected"),
    ],
)
def test_a_text_is_refused_with_the_place_of_its_fault(text: bytes, position: int, says: str) -> None:
    error = refused(text)
    assert says in error.message
    assert error.position == position


def test_the_place_is_told_as_line_and_column_too() -> None:
    error = refused('{"é":1,\n  "b":2,\n  "b":3}'.encode())
    assert (error.line, error.column) == (3, 3)
    assert error.position == len('{"é":1,\n  "b":2,\n  '.encode())


def test_the_first_of_several_faults_is_told() -> None:
    assert "'a' stands twice" in refused(b'{"a":1,"a":NaN}').message
    assert "NaN" in refused(b'{"a":NaN,"a":1}').message
    assert "'b'" in refused(b'[{"b":1,"b":2},{"c":1,"c":2}]').message


def test_a_long_key_is_not_repeated_whole_in_the_message() -> None:
    key = b"k" * 100_000
    assert len(refused(b'{"%b":1,"%b":2}' % (key, key)).message) < 200


def test_equal_keys_in_different_objects_are_no_duplicates() -> None:
    text = b'{"a":{"a":[{"a":1},{"a":2}]},"b":{"a":3}}'
    assert parse(text) == json.loads(text)


def test_white_space_may_stand_around_the_value() -> None:
    assert parse(b" \t\r\n[ 1 ]\n\r\t ") == [1]


@pytest.mark.parametrize(("text", "comma"), [(b"[1,]", 2), (b'{"a":1,}', 6)])
def test_a_trailing_comma_is_refused_at_the_comma_or_behind_it(text: bytes, comma: int) -> None:
    assert refused(text).position in (comma, comma + 1)  # Python 3.13 says it more exactly


@pytest.mark.parametrize(
    "text",
    [
        "0", "-0", "1", "-1", "100", "1e2", "1E2", "1e+2", "1e-2", "1.0", "1.00", "1.5", "1.50", "0.1", "0.10", "-0.0",
        "0.0", "0e0", "1e22", "1e23", "123456789012345678901234567890", "18446744073709551616", "-9223372036854775809",
        "9007199254740993", "9007199254740993.0", "13.0000000000000000001", "0.1000000000000000055511151231257827",
        "1e-400", "5e-324", "2.2250738585072014e-308", "1.7976931348623157e308", "0.00001", "1e-5", "1e16", "1e15",
        "999999999999999.9", "1000000000000000.1", "123456789012345680", "0.30000000000000004", "1e308", "1E+308",
    ],
)  # fmt: skip
def test_a_number_is_written_as_it_was_spelled_and_is_worth_what_it_says(text: str) -> None:
    value = parse(text.encode())
    assert write(value) == text.encode()
    assert write([value, {"n": value}]) == f'[{text},{{"n":{text}}}]'.encode()
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    assert exact == Decimal(text)


def test_ordinary_numbers_are_ordinary_values() -> None:
    values = parse(b"[1, 1.5, -7, 12345678901234567890]")
    assert [type(value) for value in values] == [int, float, int, int]


def test_a_copied_number_keeps_its_text() -> None:
    value = parse(b'{"a":[1e2]}')
    assert write(copy.deepcopy(value)) == write(copy.copy(value)) == b'{"a":[1e2]}'


def test_strings_come_back_as_the_same_strings() -> None:
    text = '{"a":"\\u00e9 \\ud83d\\ude00 \\\\ud800 \\u0000 \\/ \x7f 日本"}'.encode()
    assert parse(write(parse(text))) == json.loads(text)
    assert write(parse(b'"\\u00e9\\/"')) == '"é/"'.encode()


def test_depth_is_counted_in_containers_that_stand_in_each_other() -> None:
    assert parse(b"[" * 64 + b"]" * 64)
    assert parse(b"[" + b"[]," * 1000 + b"[]]")
    assert parse(b'"' + b"[" * 1000 + b'"') == "[" * 1000
    with pytest.raises(StrictJSONError):
        parse(b"[[]]", max_depth=1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": 2}, b'{"a":2,"b":1}'),
        # RFC 8785, section 3.2.3: sorted by UTF-16 code units, so U+1F600 comes before U+FB33
        (
            {"\ufb33": 1, "😀": 2, "€": 3, "ö": 4, "1": 5, "\r": 6},
            '{"\\r":6,"1":5,"ö":4,"€":3,"😀":2,"\ufb33":1}'.encode(),
        ),
        ('\x00\x1f"\\/\b\f\n\r\t\x7f\u2028', '"\\u0000\\u001f\\"\\\\/\\b\\f\\n\\r\\t\x7f\u2028"'.encode()),
        ([], b"[]"),
        ({}, b"{}"),
        ([None, True, False], b"[null,true,false]"),
    ],
)
def test_the_canonical_form_is_that_of_rfc_8785(value: Any, text: bytes) -> None:
    assert canonical(value) == text


@pytest.mark.parametrize(
    ("spellings", "text"),
    [
        ("1 1.0 1e0 10e-1 0.1e1 1.000", "1"),
        ("100 1e2 1E+2 100.0 0.1e3", "100"),
        ("0 -0 0.0 -0.0 0e5 0.000e-9", "0"),
        ("0.5 5e-1 0.50", "0.5"),
        ("-12.5 -125e-1 -1.25e1", "-12.5"),
        ("0.000001 1e-6", "0.000001"),
        ("0.0000001 1e-7", "1e-7"),
        ("1e20 100000000000000000000", "100000000000000000000"),
        ("1e21 1000000000000000000000", "1e+21"),
        ("1.5e300 15e299", "1.5e+300"),
        ("123456789012345678901234567890", "1.2345678901234567890123456789e+29"),
        ("13.0000000000000000001", "13.0000000000000000001"),
        ("9007199254740993 9007199254740993.0", "9007199254740993"),
    ],
)
def test_equal_numbers_have_one_canonical_form(spellings: str, text: str) -> None:
    assert {canonical(parse(spelling.encode())) for spelling in spellings.split()} == {text.encode()}


def test_nearly_equal_numbers_have_different_canonical_forms() -> None:
    numbers = parse(
        b"[9007199254740992, 9007199254740993, 9007199254740992.1, 13, 13.0000000000000000001, 1e-400, 0, 1e-401]"
    )
    assert len(set(map(canonical, numbers))) == len(numbers)


def test_a_number_is_not_equal_to_its_text_nor_to_true() -> None:
    assert len({canonical(parse(text)) for text in (b"1", b'"1"', b"true", b"[1]", b"null")}) == 5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity"), b"x", {1}])
def test_what_is_no_json_value_has_no_canonical_form(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize("spelled", [b"1e1", b"1.50", b"-0", b"1E-7"])
def test_a_large_text_costs_one_number_for_each_odd_spelling_however_often_it_stands(spelled: bytes) -> None:
    text = b"[" + b",".join([spelled] * 100_000) + b"]"
    numbers = parse(text)
    assert write(numbers) == text
    assert len({id(number) for number in numbers}) == 1


def test_a_large_text_keeps_more_odd_spellings_than_are_remembered() -> None:
    text = b"[" + b",".join(b"%d.%d0" % divmod(number, 100) for number in range(60_000)) + b"]"
    assert write(parse(text)) == text


def test_an_odd_spelling_in_a_large_text_is_refused_where_no_number_can_be() -> None:
    text = b"[" + b"1e1," * 50_000
    assert refused(text + b"1e400]").position == len(text)


def test_numbers_made_by_parse_alone_carry_their_text() -> None:
    value = parse(b"1e2")
    assert isinstance(value, NumberText)
    assert value.text == "1e2"
    assert value == 100


@pytest.mark.parametrize(
    "text",
    [
        b"[" * MAX_BODY,
        b'{"a":' * (MAX_BODY // 5),
        b"1" * MAX_BODY,
        b"[0." + b"1" * (MAX_BODY - 3),
        b"[1e" + b"1" * (MAX_BODY - 3),
        b"[-" + b"9" * (MAX_BODY - 2),
        b'"' + b"\\" * (MAX_BODY - 1),
        b'"' + b"a" * (MAX_BODY - 1),
        b'["' + b"\\ud800" * (MAX_BODY // 6) + b'"]',
        b'["' + "é".encode() * (MAX_BODY // 2) + b'\\ud800"]',
        b" " * MAX_BODY,
    ],
    ids=["arrays", "objects", "digits", "fraction", "exponent", "negative", "escapes", "string", "surrogates",
         "half a surrogate behind much text", "spaces"],
)  # fmt: skip
def test_a_hostile_text_of_four_mebibytes_is_refused_at_once(text: bytes) -> None:
    began = time.process_time()
    refused(text)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("last", [b'{"a":1,"a":2}', b"NaN", b"1e400", b'"\\ud800"', b"[" * 70 + b"]" * 70])
def test_a_fault_behind_a_million_values_is_refused_without_looking_through_them_all(last: bytes) -> None:
    values = b"{}," * (MAX_BODY // 3 - 100)
    parse(b"[" + values + b"1]")
    error = refused(b"[" + values + last + b"]")
    assert "behind this place" in error.message
    assert 100_000 < error.position < len(values) // 2


def _array(member: bytes, *, last: bytes = b"1") -> Callable[[int], bytes]:
    return lambda count: b"[" + (member + b",") * count + last + b"]"


@pytest.mark.parametrize(
    "make",
    [
        _array(b"{}"),
        _array(b"1.5"),
        _array(b"1e5"),
        _array(b'"\\ud83d\\ude00"'),
        _array(b"1", last=b"NaN"),
        _array(b'"\\\\"', last=b"NaN"),
        _array(b'{"a":1}', last=b'{"a":1,"a":2}'),
        lambda count: b"{" + b",".join(b'"%d":1' % i for i in range(count)) + b',"1":1}',
    ],
    ids=["objects", "floats", "spelled numbers", "surrogate pairs", "NaN", "strings and NaN", "late key", "keys"],
)
def test_the_time_it_takes_grows_with_the_length_and_no_faster(make: Callable[[int], bytes]) -> None:
    def seconds(text: bytes) -> float:
        began = time.process_time()
        try:
            parse(text)
        except StrictJSONError:
            pass
        return time.process_time() - began

    short, long = make(4_000), make(64_000)
    least = min(seconds(short) for _ in range(3))
    assert min(seconds(long) for _ in range(2)) < 16 * least * 4 + 0.05
