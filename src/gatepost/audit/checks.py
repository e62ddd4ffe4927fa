"""What must hold of each row of a chain, and of each after the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from gatepost.journal.rows import GENESIS, SIGNED, digest, signature_holds


class Bad(NamedTuple):
    """A bad record: its file, its line from 1, its sequence number where it can be told, and why."""

    file: str
    line: int
    seq: int | None
    why: str


class Fault(Exception):
    """What is wrong with a row."""

    def __init__(self, seq: int | None, why: str) -> None:
        super().__init__(why)
        self.seq = seq
        self.why = why


class Gap(Fault):
    """Rows are missing before this one, or come later; `expected` is the first of them."""

    def __init__(self, chain: str, seq: int, expected: int) -> None:
        missing = f"row {expected} is" if seq == expected + 1 else f"rows {expected} to {seq - 1} are"
        super().__init__(seq, f"{missing} missing before it")
        self.chain = chain
        self.expected = expected


class Row(msgspec.Struct):
    """The members of a row that tie it to its place."""

    chain: str
    seq: int
    prev: str
    hash: str
    kind: str


_decode = msgspec.json.Decoder(Row).decode


def read_row(line: bytes) -> Row:
    """Raises `Fault` where the line is not a record."""
    try:
        return _decode(line)
    except (ValueError, RecursionError) as error:  # the second where lists are nested by the thousand
        raise Fault(None, f"the line is not a record ({error})") from None


class ChainCheck:
    """Takes the rows of one chain one after another.

    Args:
        public_key: for the signatures; None takes the key of the first signed row.
        gaps: rows may be missing between two, as in a narrowed export.

    Attributes:
        first, before: the first row's number and its `prev`.
        seq, head: the last good row's number and hash; 0 and zeros before the first.
        checkpoints, unsigned: signed checkpoints, and rows after the last of them.
        retentions: the retention rows, whose signatures hold.
        bad: for whoever reads the files: the first bad record.
    """

    def __init__(self, name: str, public_key: bytes | None, *, gaps: bool = False) -> None:
        self.name = name
        self.public_key = public_key
        self.rows = 0
        self.first = 0
        self.before = GENESIS
        self.seq = 0
        self.head = GENESIS
        self.checkpoints = 0
        self.unsigned = 0
        self.retentions: list[dict[str, Any]] = []
        self.bad: Bad | None = None
        self._gaps = gaps

    def take(self, line: bytes, row: Row) -> None:
        """The next line and what `read_row` made of it. Raises `Fault`; the state is the one before then."""
        if digest(line, row.hash) != row.hash:
            raise Fault(row.seq, "its hash does not fit its content")
        if row.chain != self.name:
            raise Fault(row.seq, f"it is a row of the chain {row.chain}, not of {self.name}")
        if self.rows:
            self._require_order(row)
        elif row.seq < 1 or (row.seq == 1) != (row.prev == GENESIS):
            raise Fault(row.seq, "its number and its previous hash do not fit as a beginning")
        if row.kind in SIGNED:
            self._require_signature(line, row)
        if not self.rows:
            self.first, self.before = row.seq, row.prev
        self.rows += 1
        self.seq, self.head = row.seq, row.hash
        self.unsigned = 0 if row.kind == "checkpoint" else self.unsigned + 1
        self.checkpoints += row.kind == "checkpoint"

    def require_beginning(self, removed: Iterable[Mapping[str, Any]], file: str) -> None:
        """Sets `bad` where the chain does not begin with row 1 and no retention row says why."""
        if self.first <= 1:
            return
        last = self.first - 1
        for row in removed:
            if row.get("of") != self.name:
                continue
            # Beyond: the removal was cut short, and some of what it speaks of is still there.
            if row["last_seq"] > last or (row["last_seq"] == last and row["last_hash"] == self.before):
                return
        missing = "row 1 is" if last == 1 else f"rows 1 to {last} are"
        self.bad = Bad(file, 1, self.first, f"{missing} missing, and no signed retention row says they were removed")

    def _require_order(self, row: Row) -> None:
        if row.seq == self.seq:
            raise Fault(row.seq, f"row {row.seq} is there twice")
        if row.seq < self.seq:
            raise Fault(row.seq, f"it comes after row {self.seq}, out of order")
        if row.seq == self.seq + 1:
            if row.prev != self.head:
                raise Fault(row.seq, f"its previous hash is not the hash of row {self.seq}")
        elif not self._gaps:
            raise Gap(self.name, row.seq, self.seq + 1)

    def _require_signature(self, line: bytes, row: Row) -> None:
        record: dict[str, Any] = msgspec.json.decode(line)
        if self.public_key is None:
            self.public_key = _key_of(record, row.seq)
        if record.get("key") != self.public_key.hex():
            raise Fault(row.seq, f"its {row.kind} is signed with another key")
        if not signature_holds(record, self.public_key):
            raise Fault(row.seq, f"the signature of its {row.kind} does not hold")
        if row.kind == "retention":
            self.retentions.append(record)


def _key_of(record: Mapping[str, Any], seq: int) -> bytes:
    try:
        return bytes.fromhex(record["key"])
    except (KeyError, TypeError, ValueError):
        raise Fault(seq, "it names no key that signed it") from None
