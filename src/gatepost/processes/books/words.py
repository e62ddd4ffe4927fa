"""What goes over the socket of the books: frames of MessagePack, each behind its length in four bytes.

A question carries a number, its answer the same. Questions are answered as they are done, in any order. The other side
is a process of the same user; what it sends is typed all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from gatepost.journal.calls import OPEN, Decided, Record, Settled
from gatepost.quota import Count

VERSION: Final = 2
MOST: Final = 16 * 1024 * 1024
"""Bytes of a frame."""
_LENGTH: Final = 4


class Use(msgspec.Struct, frozen=True, array_like=True):
    """A limit, as `quota.Use` wants it."""

    counter: str
    window: str | int
    scope: str
    max: Decimal
    amount: Decimal
    algorithm: str
    rule: str
    on_deny: str | None
    enforced: bool


class Hello(msgspec.Struct, tag=True, array_like=True):
    """The first frame of either side."""

    version: int
    pid: int


class Append(msgspec.Struct, tag=True, array_like=True):
    """A row to be written, and who waits for it."""

    n: int
    row: Any


class Post(msgspec.Struct, tag=True, array_like=True):
    """A row that nobody waits for."""

    row: Any


class Reserve(msgspec.Struct, tag=True, array_like=True):
    """`Ledger.reserve`; with an empty id `Ledger.look`. It is the `quota.Subject` itself."""

    n: int
    grant_id: str
    identity: str
    server: str
    uses: list[Use]
    id: str


class Admit(msgspec.Struct, tag=True, array_like=True):
    """A `Reserve`, and the row of its call for where all is granted: it stands for what was asked for, and the keeper
    puts in what was counted. The answer comes when the row is written; where it says `recorded=False`, it is not."""

    n: int
    asked: Reserve
    row: Any


class Undo(msgspec.Struct, tag=True, array_like=True):
    """The call of a `Reserve` or `Admit` was called off before its answer came, so it never left. Not answered."""

    id: str


class Release(msgspec.Struct, tag=True, array_like=True):
    """`Ledger.release`."""

    n: int
    id: str


class Flush(msgspec.Struct, tag=True, array_like=True):
    """Answered when all that came before is written."""

    n: int


class Yield(msgspec.Struct, tag=True, array_like=True):
    """`serve` starts, and wants to hold the books itself. A `run` lets go and closes; a `serve` refuses."""

    n: int


class Done(msgspec.Struct, tag=True, array_like=True):
    """It is done; `given` is what `release` says."""

    n: int
    given: bool = False


class Failed(msgspec.Struct, tag=True, array_like=True):
    """It is not done, and why not, as a phrase."""

    n: int
    why: str


class Reserved(msgspec.Struct, tag=True, array_like=True):
    """`quota.Reservation`; `recorded`: the row that came along is written."""

    n: int
    counts: tuple[Count, ...]
    recorded: bool = False


class Exceeded(msgspec.Struct, tag=True, array_like=True):
    """`quota.Exhausted`; `use` is the place of the limit that blocks among those that were asked for."""

    n: int
    use: int
    remaining: Decimal
    retry_at: float | None
    counts: tuple[Count, ...]


Asked = Hello | Append | Post | Reserve | Admit | Undo | Release | Flush | Yield
Answered = Hello | Done | Failed | Reserved | Exceeded

read_asked: Final = msgspec.msgpack.Decoder(Asked).decode
read_answered: Final = msgspec.msgpack.Decoder(Answered).decode
_encode: Final = msgspec.msgpack.Encoder(decimal_format="string").encode
_HASHES: Final = (Decided.__struct_fields__.index("hash"), Settled.__struct_fields__.index("hash"))
_NOT_FOR_GUESTS: Final = frozenset({"checkpoint", "recovered"})


def frame(message: msgspec.Struct) -> bytes:
    """A message with its length in front."""
    body = _encode(message)
    return len(body).to_bytes(_LENGTH, "big") + body


class Frames:
    """Cuts a byte stream into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The frames that a chunk completes. Raises `ValueError` for one that is too long."""
        data = self._rest + chunk if self._rest else chunk
        at, size = 0, len(data)
        while size - at >= _LENGTH:
            end = at + _LENGTH + int.from_bytes(data[at : at + _LENGTH], "big")
            if end - at > MOST:
                raise ValueError("a frame is too long")
            if end > size:
                break
            yield data[at + _LENGTH : end]
            at = end
        self._rest = data[at:]


def packed(record: Record) -> Any:
    """A row as it goes over the socket: the values of a call's rows by place, without the hash, which is not known."""
    if isinstance(record, dict):
        return record
    values = list(msgspec.structs.astuple(record))
    values[_HASHES[isinstance(record, Settled)]] = None
    return values


def unpacked(row: Any) -> Record:
    """The row again. Raises `ValueError` where it is none that a guest may write."""
    if isinstance(row, dict):
        if not isinstance(row.get("kind"), str) or row["kind"] in _NOT_FOR_GUESTS:
            raise ValueError("not a row that a guest may write")
        return row
    if not isinstance(row, list):
        raise ValueError("not a row")
    kind: type[Decided] | type[Settled] = Decided if len(row) == len(Decided.__struct_fields__) else Settled
    if len(row) != len(kind.__struct_fields__):
        raise ValueError("not a row")
    row[_HASHES[kind is Settled]] = OPEN
    record = kind(*row)
    if record.kind != ("decided" if kind is Decided else "settled"):
        raise ValueError("not a row")
    return record


def admitted(message: Admit) -> Decided:
    """The row of an `Admit`. Raises `ValueError` where it is not of a call that is let through for what is asked."""
    row, id = unpacked(message.row), message.asked.id
    if not isinstance(row, Decided) or row.decision != "allow" or row.decision_id != id or row.reservation != id:
        raise ValueError("not the row of this reservation")
    return row
