"""The journal of a process that serves: rows of one turn of the event loop go out in one write, in one chain.

A call is forwarded only after the signal of its row is set; by then the row survives the end of the process
(`sync="full"`: and of the machine).
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from gatepost.journal.calls import Record
from gatepost.journal.chain import LOOK_SECONDS, SEGMENT_BYTES, SEGMENT_SECONDS, Chain, Sync, locked
from gatepost.journal.errors import JournalUnavailable
from gatepost.journal.in_flight import InFlight
from gatepost.journal.recovery import Recovery, recover
from gatepost.journal.rows import Signer, event, timestamp
from gatepost.journal.snapshots import Snapshots
from gatepost.journal.state import NoLedger, Recoverable
from gatepost.wire.running import Signal

_RETRY_SECONDS: Final = 1.0
_MOST_WAITING: Final = 10_000
_LATER_SECONDS: Final = 0.005
UNKNOWN: Final[dict[str, Any]] = {
    "carried_out": "unknown",
    "upstream_status": None,
    "is_error": None,
    "error_class": "crash",
    "latency_us": None,
    "upstream_us": None,
    "bytes_in": None,
    "bytes_out": None,
}
"""The outcome of a call whose process ended in the middle of it."""
_log: Final = logging.getLogger("gatepost.journal")


class Journal:
    """The writing end of one chain on one event loop. Make it with `Journal.open`.

    Attributes:
        healthy: whether the last write went through. While it is False every append fails at once, and the journal
            tries again by itself each second.
        unhealthy_because: why not, as a phrase, or empty.
        recovered: what `open` found.
    """

    def __init__(
        self,
        chain: Chain,
        ledger: Recoverable,
        signer: Signer,
        recovered: Recovery,
        lock: int,
        *,
        checkpoint_rows: int,
        checkpoint_seconds: float,
        snapshot_rows: int,
        snapshot_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self.healthy = True
        self.unhealthy_because = ""
        self.recovered = recovered
        self._chain = chain
        self._lock = lock
        self._clock = clock
        self._checkpoint_rows = checkpoint_rows
        self._checkpoint_seconds = checkpoint_seconds
        self._in_flight = InFlight(recovered.in_flight, ledger)
        self._records: list[Record] = []
        self._signals: list[Signal[None] | None] = []  # for each record whose row is waited for
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None  # for the next checkpoint
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False
        self._scheduled = False
        self._unsigned = 0  # rows since the last checkpoint
        self._waiting: list[Record] = []  # rows that nobody waits for, while the journal is unhealthy
        self._failed = 0  # rows that could not be written since the journal became unhealthy
        self._failing_since = 0.0
        self._snapshots = Snapshots(
            chain,
            ledger,
            self._in_flight,
            signer,
            rows=snapshot_rows,
            seconds=snapshot_seconds,
            unsaved=recovered.rows,
            clock=clock,
        )

    @classmethod
    def open(
        cls,
        folder: Path,
        chain: str,
        keyring: Signer,
        *,
        ledger: Recoverable | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        segment_seconds: float = SEGMENT_SECONDS,
        checkpoint_rows: int = 10_000,
        checkpoint_seconds: float = 60.0,
        snapshot_rows: int = 100_000,
        snapshot_seconds: float = 3600.0,
        look_seconds: float = LOOK_SECONDS,
        sync: Sync = "os",
        clock: Callable[[], float] = time.time,
    ) -> Journal:
        """Recover the chain in `folder` (made if missing) and go on in it.

        The ledger is brought to what the rows say; calls that were in flight at a crash get a `settled` row with
        `carried_out` "unknown"; a last line that is not complete is cut off. Both are told in a `recovered` row.

        Args:
            folder: the chain's own folder, `DATA/journal/<chain>`.
            keyring: who signs checkpoints and snapshots.
            checkpoint_rows, checkpoint_seconds: a signed checkpoint follows whichever comes first.
            segment_bytes, segment_seconds: a new file is begun when the current one has this size or age.
            look_seconds: how often a batch looks whether its file is still in its place.
            snapshot_rows, snapshot_seconds: a snapshot follows whichever comes first; the first is about how many
                rows a start has to read at most.

        Raises `ChainBroken` (GP-5002) where rows that are needed do not follow from one another, `GatepostError`
        GP-6002 where another process writes this chain, GP-5003 or `JournalUnavailable` where the folder is unusable.
        """
        counted: Recoverable = NoLedger() if ledger is None else ledger
        lock = locked(folder, seconds=0)
        try:
            found = recover(folder, chain, keyring.verify_key, counted)
            writer = Chain(
                folder,
                chain,
                keyring,
                found.head,
                found.segment,
                segment_bytes=segment_bytes,
                segment_seconds=segment_seconds,
                look_seconds=look_seconds,
                sync=sync,
                clock=clock,
            )
            journal = cls(
                writer,
                counted,
                keyring,
                found,
                lock,
                checkpoint_rows=checkpoint_rows,
                checkpoint_seconds=checkpoint_seconds,
                snapshot_rows=snapshot_rows,
                snapshot_seconds=snapshot_seconds,
                clock=clock,
            )
            journal._tell_recovery()
        except BaseException:
            os.close(lock)
            raise
        return journal

    @property
    def pending(self) -> int:
        """How many rows wait for the end of this turn."""
        return len(self._records)

    @property
    def seq(self) -> int:
        """The sequence number of the last row."""
        return self._chain.head.seq

    def append(self, record: Record) -> Signal[None]:
        """Queue a record, which the journal takes over, for the one write at the end of this turn.

        The record is a dict with `kind`, and `v`, `id` and `time` unless the journal shall fill them in; or one of
        `journal.calls`. The signal is set when its row is written; it fails with `JournalUnavailable` when it is not
        and will not be. A failure that nobody waits for is not reported elsewhere. To wait no longer does not take the
        row back.
        """
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        signal: Signal[None] = Signal()
        if not self.healthy:
            self._failed += 1
            signal.set_exception(JournalUnavailable(self.unhealthy_because))
            return signal
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._flush)
        self._queue(record, signal)
        return signal

    def post(self, record: Record) -> None:
        """Queue a record that nothing waits for: it is written with the next batch, or by itself a few milliseconds
        later, so that an outcome costs no write of its own. While the journal is unhealthy it waits for better times;
        what is more than can wait is lost, and counted.
        """
        if not self.healthy:
            self._put_off(record)
            return
        if not self._records:
            loop = self._loop
            if loop is None:
                loop = self._loop = asyncio.get_running_loop()
            loop.call_later(_LATER_SECONDS, self._flush)
        self._queue(record, None)

    def _put_off(self, record: Record) -> None:
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(record)
        else:
            self._failed += 1

    def _queue(self, record: Record, signal: Signal[None] | None) -> None:
        if isinstance(record, dict) and ("id" not in record or "time" not in record or "v" not in record):
            for key, value in event(record["kind"], self._clock()).items():
                record.setdefault(key, value)
        self._records.append(record)
        self._signals.append(signal)

    async def flush(self) -> None:
        """Write what is queued now."""
        self._flush()

    def write_now(self) -> None:
        """Write what is queued, for a caller who knows that nothing else comes in this turn. Whoever waits for a row
        goes on before this returns."""
        self._flush()

    async def probe(self) -> bool:
        """Try again, if the journal is unhealthy; returns whether it is healthy now."""
        if not self.healthy and not self._closed:
            self._resume()
        return self.healthy

    def close(self) -> None:
        """Write what is queued and a checkpoint, if it is worth it a snapshot, and let go of the folder."""
        self._flush()
        if self._closed:
            return
        self._closed = True
        for timer in (self._timer, self._retry):
            if timer is not None:
                timer.cancel()
        try:
            if self.healthy and self._unsigned:
                self._write_own([self._checkpoint(0)])
            self._snapshots.close(last=self.healthy)
        except (JournalUnavailable, OSError) as error:
            _log.warning("the journal was closed without its last checkpoint or snapshot: %s", error)
        finally:
            self.healthy, self.unhealthy_because = False, "the journal is closed"
            self._chain.close()
            os.close(self._lock)

    # -- writing ----------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        self._scheduled = False
        records, signals = self._records, self._signals
        if not records:
            return
        self._records, self._signals = [], []
        if self._unsigned + len(records) >= self._checkpoint_rows:
            records.append(self._checkpoint(len(records)))
        try:
            faults = self._chain.write(records)
        except Exception as error:
            # Whatever it is: who waits must be told, and nothing may be forwarded.
            failure = error if isinstance(error, JournalUnavailable) else JournalUnavailable(repr(error))
            self._turn_unhealthy(failure.reason)
            for record, signal in zip(records, signals, strict=False):  # a checkpoint may stand behind them
                if signal is None:
                    self._put_off(record)
                else:
                    self._failed += 1
                    signal.set_exception(failure)
            return
        self._note([one for index, one in enumerate(records) if index not in faults] if faults else records)
        if self._timer is None and self._loop is not None:
            self._timer = self._loop.call_later(self._checkpoint_seconds, self._sign)
        self._snapshots.after_rows()
        for index, signal in enumerate(signals):  # who waits goes on in here: everything is settled by now
            if signal is None:
                continue
            if faults and index in faults:
                signal.set_exception(JournalUnavailable(f"the record has no JSON form ({faults[index]})"))
            else:
                signal.set_result(None)

    def _write_own(self, records: list[Record]) -> None:
        """Write rows of the journal's own at once. Raises `JournalUnavailable`."""
        self._chain.write(records)
        self._note(records)

    def _note(self, records: list[Record]) -> None:
        """Keep count of rows that were written. A checkpoint is the last of its batch."""
        if not records:
            return
        last = records[-1]
        signed = isinstance(last, dict) and last["kind"] == "checkpoint"
        self._unsigned = 0 if signed else self._unsigned + len(records)
        self._snapshots.unsaved += len(records)
        self._in_flight.note(records)

    def _checkpoint(self, more: int) -> dict[str, Any]:
        """A checkpoint after the rows that have none yet and `more` that are about to be written."""
        return event("checkpoint", self._clock(), rows=self._unsigned + more)

    def _sign(self) -> None:
        """The timer: a checkpoint over the rows that have none yet."""
        self._timer = None
        self._flush()
        if self.healthy and self._unsigned:
            try:
                self._write_own([self._checkpoint(0)])
            except JournalUnavailable as error:
                self._turn_unhealthy(error.reason)
        self._snapshots.after_a_while()

    # -- failing and going on ---------------------------------------------------------------------------------------

    def _turn_unhealthy(self, why: str) -> None:
        if self.healthy:
            self.healthy = False
            self._failing_since = self._clock()
        self.unhealthy_because = why
        if self._retry is None and self._loop is not None:
            self._retry = self._loop.call_later(_RETRY_SECONDS, self._resume)

    def _resume(self) -> None:
        """Write a row that tells of the failure; where that works, so will others."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        row = event(
            "recovered",
            self._clock(),
            cause="unavailable",
            reason=self.unhealthy_because,
            since=timestamp(self._failing_since),
            rows_failed=self._failed,
        )
        try:
            self._write_own([row])
        except JournalUnavailable as error:
            self._turn_unhealthy(error.reason)
            return
        self.healthy, self.unhealthy_because, self._failed = True, "", 0
        waiting, self._waiting = self._waiting, []
        for record in waiting:
            self.post(record)

    def _tell_recovery(self) -> None:
        """Settle what was in flight, and say what was found."""
        found = self.recovered
        if not (found.bytes_cut or found.in_flight):
            return
        now = self._clock()
        rows: list[Record] = [
            event("recovered", now, cause="start", bytes_cut=found.bytes_cut, in_flight=len(found.in_flight)),
            *(event("settled", now, decision_id=id, **UNKNOWN) for id in found.in_flight),
        ]
        self._write_own(rows)
