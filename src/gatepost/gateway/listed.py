"""Filtered lists, remembered: an agent asks for one list again and again, and the answer is nearly always the same.

What is kept is the server's `result` to the byte and what became of it. It is used again only for exactly the same
bytes, the same policy and the same definitions, so that it can be right or unused, never stale.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from gatepost.gateway.exchange import Call
from gatepost.mcp.message import Id
from gatepost.policy import Policy

_KEPT: Final = 256
_MOST_BYTES: Final = 32 * 1024 * 1024


class _Answer(msgspec.Struct, gc=False):
    jsonrpc: Literal["2.0"]
    id: str | int
    result: msgspec.Raw


_decode: Final = msgspec.json.Decoder(_Answer).decode
_encode: Final = msgspec.json.Encoder().encode


class _Kept(msgspec.Struct, frozen=True, gc=False):
    tools: object
    policy: Policy | None
    result: bytes
    filtered: bytes


def result_of(raw: bytes, id: Id) -> bytes | None:
    """The bytes of `result` in an answer to `id` whose own members stand once, in one of the two usual orders.

    None for any other spelling, which is parsed in full.
    """
    named = _encode(id)
    for before, after in (
        (b'{"jsonrpc":"2.0","id":%b,"result":' % named, b"}"),
        (b'{"result":', b',"jsonrpc":"2.0","id":%b}' % named),
    ):
        if raw.startswith(before) and raw.endswith(after):
            break
    else:
        return None
    try:
        result = bytes(_decode(raw).result)
    except (msgspec.MsgspecError, RecursionError):
        return None
    # Nothing but these three members: the result fills all that is between.
    return result if len(before) + len(result) + len(after) == len(raw) else None


class Listed:
    """The lists of one gateway, the least recently used forgotten first."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str | None, str, str], _Kept] = {}
        self._bytes = 0

    def find(self, call: Call, result: bytes) -> bytes | None:
        """What became of exactly this result for this policy; None where that is not known."""
        key = _key(call)
        kept = self._kept.get(key)
        caller = call.caller
        if (
            kept is None
            or kept.tools is not caller.upstream.tools
            or kept.policy is not caller.policy
            or kept.result != result
        ):
            return None
        self._kept[key] = self._kept.pop(key)
        return kept.filtered

    def keep(self, call: Call, result: bytes, filtered: bytes) -> None:
        """Remember what became of a result."""
        self._forget(_key(call))
        size = len(result) + len(filtered)
        if size > _MOST_BYTES // 4:
            return
        while self._kept and (len(self._kept) >= _KEPT or self._bytes + size > _MOST_BYTES):
            self._forget(next(iter(self._kept)))
        self._bytes += size
        self._kept[_key(call)] = _Kept(call.caller.upstream.tools, call.caller.policy, result, filtered)

    def forget(self, server: str) -> None:
        """Forget every list of a server."""
        for key in [key for key in self._kept if key[0] == server]:
            self._forget(key)

    def _forget(self, key: tuple[str, str | None, str, str]) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= len(kept.result) + len(kept.filtered)


def answer(id: Id, filtered: bytes) -> bytes:
    """The answer to `id` with a filtered result."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (_encode(id), filtered)


def _key(call: Call) -> tuple[str, str | None, str, str]:
    policy = call.caller.policy
    return call.caller.server_name, None if policy is None else policy.version, call.message.method or "", call.era.NAME
