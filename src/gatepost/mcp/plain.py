"""Messages of a server that are passed on as they came, known for such without being built.

All of it has to be as sure as `message.parse`: whatever is not plainly one of these is looked at in full.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from gatepost.mcp.message import Id


class _Result(msgspec.Struct, gc=False):
    isError: bool = False  # noqa: N815 - the protocol's name
    resultType: str = "complete"  # noqa: N815


class _Answer(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    jsonrpc: Literal["2.0"]
    id: str | int
    result: _Result


_answer: Final = msgspec.json.Decoder(_Answer).decode
_ONCE: Final = (b'"id"', b'"jsonrpc"', b'"result"')
_NEVER: Final = (b'"error"', b'"method"', b'"taskId"', b'"requestState"', b'"inputRequests"')
_AT_MOST_ONCE: Final = (b'"isError"', b'"resultType"')
_LONG: Final = 4096
"""Longer answers are often a few long strings, between which there is little to look at."""
_A_STRING: Final = 256
"""So long are those on average at least."""
_LONGEST_KEY: Final = 16


def plain_answer(raw: bytes, id: Id | None) -> bool | None:
    """`isError` of a complete result for the request `id`, read without building the rest of it.

    Most answers to a call are passed on as they are, so only what is looked at has to be read: that the message is
    JSON, has each of its own keys once and unescaped, answers this request and holds nothing that is sealed.

    Returns: None for anything else.
    """
    strings = _strings(raw) if len(raw) > _LONG else None
    if strings is None:
        if raw.count(b"\\u"):  # quicker than `in`, which looks for a first place
            return None
        count: Callable[[bytes], int] = raw.count
    else:
        count = strings.count
    for key in _ONCE:
        if count(key) != 1:
            return None
    for key in _NEVER:
        if count(key):
            return None
    for key in _AT_MOST_ONCE:
        if count(key) > 1:
            return None
    try:
        if not raw.isascii():
            raw.decode("utf-8")
        answer = _answer(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if type(answer.id) is not type(id) or answer.id != id or answer.result.resultType != "complete":
        return None
    return answer.result.isError


def _strings(raw: bytes) -> list[bytes] | None:
    """All strings of a JSON text that are as short as a key, in their quotes; None where strings hold a backslash, or
    are so many that to look through the text is quicker."""
    find = raw.find
    if find(b"\\") >= 0:
        return None
    strings: list[bytes] = []
    end = -1
    for _ in range(len(raw) // _A_STRING):
        start = find(b'"', end + 1)
        if start < 0:
            return strings
        end = find(b'"', start + 1)
        if end < 0:
            return None
        if end - start <= _LONGEST_KEY:
            strings.append(raw[start : end + 1])
    return None


class _ProgressParams(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    progressToken: str | int  # noqa: N815 - the protocol's name
    progress: msgspec.Raw
    total: msgspec.Raw = msgspec.Raw(b"")
    message: str | None = None


class _Progress(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    jsonrpc: Literal["2.0"]
    method: Literal["notifications/progress"]
    params: _ProgressParams


_progress: Final = msgspec.json.Decoder(_Progress).decode
_PROGRESS: Final = b'"notifications/progress"'
_METHOD_WITHIN: Final = 64
"""So early in a message clients and servers write its method."""
_QUOTES: Final = 14
"""Around the five members that it always has, and two values of them."""
_SHORT_NUMBERS: Final = 34
_DIGITS: Final = b"0123456789.-"


def plain_progress(raw: bytes) -> bool:
    """Whether this is a notification of progress and of nothing else: no member that anything would be done with.

    A tool that streams sends many of them, and each is passed on as it is. Nothing stands twice in it where it has no
    more quotes than its members and strings have, and no backslash makes one that is none.
    """
    if raw.find(_PROGRESS, 0, _METHOD_WITHIN) < 0 or raw.find(b"\\") >= 0:
        return False
    try:
        if not raw.isascii():
            raw.decode("utf-8")
        params = _progress(raw).params
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    total, quotes = bytes(params.total), _QUOTES
    if total:
        quotes += 2
    if params.message is not None:
        quotes += 4
    if params.progressToken.__class__ is str:
        quotes += 2
    if raw.count(b'"') != quotes:
        return False
    numbers = bytes(params.progress) + total
    return len(numbers) <= _SHORT_NUMBERS and not numbers.strip(_DIGITS)
