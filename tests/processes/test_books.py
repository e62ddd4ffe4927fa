"""The books of a data folder: one process keeps journal and ledger, others take part over a socket."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.errors import GatepostError
from gatepost.gateway import records
from gatepost.journal import Journal, JournalUnavailable
from gatepost.journal.calls import OPEN, Decided, Settled
from gatepost.keys import Keyring
from gatepost.paths import DataFolder
from gatepost.processes.books import SOCKET, Keeper, Shelf, shelf, taken_over, words
from gatepost.processes.books.guest import GuestJournal, GuestLedger, Link
from gatepost.quota import Exhausted, MemoryLedger, Reservation
from tests.quota.using import NOON, Caller, Clock, Use


@pytest.fixture
def folder() -> Iterator[DataFolder]:
    # Not tmp_path: the address of a unix socket may have no more than 103 bytes.
    with tempfile.TemporaryDirectory(prefix="gp-") as path:
        yield DataFolder(Path(path) / "data")


class Books:
    """A keeper, and links to it."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self.ledger = MemoryLedger(Clock())
        keyring = Keyring.open(folder.keys)
        self.journal = Journal.open(folder.journal / "data", "data", keyring, ledger=self.ledger)
        self.keeper = Keeper(self.journal, self.ledger)

    async def link(self) -> Link:
        link = Link(asyncio.get_running_loop(), lambda: None)
        await asyncio.get_running_loop().create_unix_connection(lambda: link, str(self.folder.socket(SOCKET)))
        assert await link.greeted
        return link

    def rows(self) -> list[dict[str, Any]]:
        """The calls' rows in the journal."""
        lines = [line for file in sorted((self.folder.journal / "data").glob("*.jsonl")) for line in file.open()]
        return [row for row in map(json.loads, lines) if row["kind"] in ("decided", "settled", "session")]


@asynccontextmanager
async def kept(folder: DataFolder) -> AsyncIterator[Books]:
    books = Books(folder)
    await books.keeper.listen(folder.socket(SOCKET))
    try:
        yield books
    finally:
        books.keeper.close()
        books.journal.close()


def decided(id: str = "d1", **changes: Any) -> Decided:
    row: dict[str, Any] = {
        name: None for name in Decided.__struct_fields__ if name not in ("arguments", "limits", "shadowed", "hash")
    }
    text = dict.fromkeys(("chain", "client", "grant", "grant_id", "identity", "message", "prev", "rule", "server"), "x")
    row |= text | {"decision": "allow", "decision_id": id, "enforced": True, "id": id + ".d", "kind": "decided"}
    row |= {"protocol": "2025-11-25", "seq": 0, "time": records.timestamp(), "v": 1}
    return Decided(arguments=["a"], limits=[], shadowed=[], hash=OPEN, **{**row, **changes})


def settled(id: str = "d1") -> Settled:
    now = records.timestamp()
    return Settled(1, 2, True, "", id, None, OPEN, id + ".s", False, "settled", 3, "", 0, now, 200, 4, 1)


async def until(true: Any) -> None:
    async with asyncio.timeout(30):
        while True:
            if true():
                return
            await asyncio.sleep(0.001)


def test_the_socket_is_private_and_goes_with_its_keeper(folder: DataFolder) -> None:
    async def look() -> None:
        path = folder.socket(SOCKET)
        async with kept(folder):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not path.exists()

    asyncio.run(look())


def test_a_guests_rows_are_in_the_keepers_chain(folder: DataFolder) -> None:
    async def write() -> list[dict[str, Any]]:
        async with kept(folder) as books:
            journal = GuestJournal(await books.link())
            await journal.append(decided())
            assert [row["kind"] for row in books.rows()] == ["decided"]
            journal.post(settled())
            journal.post(records.event("session", action="began", grant_id="g", server="s"))
            await journal.append(decided("d2", decision="deny"))
            return books.rows()

    rows = asyncio.run(write())
    assert [row["kind"] for row in rows] == ["decided", "settled", "session", "decided"]
    assert rows[1]["carried_out"] is True
    assert [row["decision_id"] for row in rows if "decision_id" in row] == ["d1", "d1", "d2"]


def test_a_guests_outcome_goes_with_its_next_row_or_by_itself_and_wakes_the_keeper_no_more_than_that(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write() -> None:
        chunks: list[bytes] = []
        feed = words.Frames.feed

        def seen(frames: words.Frames, data: bytes) -> Iterator[bytes]:
            chunks.append(data)
            return feed(frames, data)

        monkeypatch.setattr(words.Frames, "feed", seen)
        async with kept(folder) as books:
            journal = GuestJournal(await books.link())
            await journal.append(decided("d1"))
            chunks.clear()
            journal.post(settled("d1"))
            await journal.append(decided("d2"))
            assert len(chunks) == 2  # what came to the keeper, and its answer
            journal.post(settled("d2"))
            await until(lambda: len(books.rows()) == 4)
        assert [row["decision_id"] for row in books.rows()] == ["d1", "d1", "d2", "d2"]

    asyncio.run(write())


def test_what_a_guest_left_in_flight_is_unknown_and_what_it_only_reserved_is_given_back(folder: DataFolder) -> None:
    async def leave() -> None:
        async with kept(folder) as books:
            link = await books.link()
            journal, ledger = GuestJournal(link), GuestLedger(link)
            use = Use(max=3)
            await ledger.reserve(Caller(), [use], "r1")
            await journal.append(decided("d1", reservation="r1"))
            await ledger.reserve(Caller(), [use], "r2")
            link.close()
            await until(lambda: not books.keeper.guests)
            await books.journal.flush()
            outcome = [row for row in books.rows() if row["kind"] == "settled"]
            assert [(row["decision_id"], row["carried_out"]) for row in outcome] == [("d1", "unknown")]
            left = await books.ledger.reserve(Caller(), [use], "r3")
            assert isinstance(left, Reservation)
            assert left.counts[0].before == 1

    asyncio.run(leave())


def test_a_call_that_a_guest_settles_before_its_row_is_written_stays_settled_when_the_guest_goes(
    folder: DataFolder,
) -> None:
    async def leave() -> None:
        async with kept(folder) as books:
            link = await books.link()
            journal = GuestJournal(link)
            written = journal.append(decided("d1"))
            journal.post(settled("d1"))
            taken_along = journal.append(decided("d2", decision="deny"))
            await written
            await taken_along
            link.close()
            await until(lambda: not books.keeper.guests)
            await books.journal.flush()
            rows = [row for row in books.rows() if row["decision_id"] == "d1"]
            assert [(row["kind"], row.get("carried_out")) for row in rows] == [("decided", None), ("settled", True)]

    asyncio.run(leave())


def test_a_guest_that_goes_before_its_row_is_written_leaves_counters_as_the_rows_say(folder: DataFolder) -> None:
    async def leave() -> None:
        async with kept(folder) as books:
            link, use = await books.link(), Use(max=3)
            await GuestLedger(link).reserve(Caller(), [use], "r1")
            assert link._transport is not None
            row = words.Append(link.number(), words.packed(decided("d1", reservation="r1")))
            link._transport.write(words.frame(row) + b"nonsense ends the connection" * 100)
            await until(lambda: not books.keeper.guests)
            await books.journal.flush()
            assert [(row["kind"], row.get("carried_out")) for row in books.rows()] == [
                ("decided", None),
                ("settled", "unknown"),
            ]
            left = await books.ledger.reserve(Caller(), [use], "r2")
            assert isinstance(left, Reservation)
            assert left.counts[0].before == 1

    asyncio.run(leave())


def granted(id: str) -> Decided:
    """The row of a call that is let through for what it takes under its own id."""
    return decided(id, reservation=id)


def test_a_granted_call_takes_one_message_and_its_answer_and_is_in_the_journal_with_what_was_counted(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def admit() -> None:
        chunks: list[bytes] = []
        feed = words.Frames.feed

        def seen(frames: words.Frames, data: bytes) -> Iterator[bytes]:
            chunks.append(data)
            return feed(frames, data)

        async with kept(folder) as books:
            ledger = GuestLedger(await books.link())
            monkeypatch.setattr(words.Frames, "feed", seen)
            outcome, recorded = await ledger.admit(Caller(), [Use(max=3)], granted("d1"))
            assert recorded
            assert isinstance(outcome, Reservation)
            (row,) = books.rows()
            assert (row["decision_id"], row["reservation"]) == ("d1", "d1")
            (limit,) = row["limits"]
            assert (limit["before"], limit["after"]) == ("0", "1")
            assert outcome.counts[0].after == 1
            assert len(chunks) == 2  # what came to the keeper, and its answer

    asyncio.run(admit())


def test_an_exhausted_call_and_one_that_shadow_mode_lets_pass_a_limit_are_for_the_guest_to_record(
    folder: DataFolder,
) -> None:
    async def admit() -> None:
        async with kept(folder) as books:
            ledger = GuestLedger(await books.link())
            outcome, recorded = await ledger.admit(Caller(), [Use(max=0)], granted("d1"))
            assert (isinstance(outcome, Exhausted), recorded) == (True, False)
            shadow = Use(max=0, enforced=False)
            outcome, recorded = await ledger.admit(Caller(), [shadow], granted("d2"))
            assert (isinstance(outcome, Reservation), recorded) == (True, False)
            assert books.rows() == []
            assert await ledger.release("d2")

    asyncio.run(admit())


def test_a_granted_call_whose_row_cannot_be_written_is_for_the_guest_to_give_back(folder: DataFolder) -> None:
    async def admit() -> None:
        async with kept(folder) as books:
            link, use = await books.link(), Use(max=3)
            row = decided("d1", reservation="d1", tool=msgspec.msgpack.Ext(5, b"no JSON form"))
            outcome, recorded = await GuestLedger(link).admit(Caller(), [use], row)
            assert (isinstance(outcome, Reservation), recorded) == (True, False)
            assert await GuestLedger(link).release("d1")
            await GuestLedger(link).admit(Caller(), [use], row)
            link.close()
            await until(lambda: not books.keeper.guests)
            assert await used(books, use) == 0

    asyncio.run(admit())


async def used(books: Books, use: Use) -> int:
    """What a counter holds."""
    await books.journal.flush()
    found = await books.ledger.reserve(Caller(), [use], "to look")
    await books.ledger.release("to look")
    return int(found.counts[0].before)


@pytest.mark.parametrize("recorded", [False, True], ids=["reserved", "admitted"])
def test_a_call_that_its_client_calls_off_while_it_is_being_counted_takes_nothing(
    folder: DataFolder, recorded: bool
) -> None:
    async def leave() -> None:
        async with kept(folder) as books:
            ledger, use = GuestLedger(await books.link()), Use(max=3)
            asked = ledger.admit(Caller(), [use], granted("d1")) if recorded else ledger.reserve(Caller(), [use], "d1")
            calling = asyncio.ensure_future(asked)
            await asyncio.sleep(0)
            calling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await calling
            # A question behind it: by its answer, the keeper has heard of both.
            await ledger.look(Caller(), [use])
            assert await used(books, use) == 0
            rows = [(row["kind"], row.get("carried_out"), row.get("error_class")) for row in books.rows()]
            assert rows == ([("decided", None, None), ("settled", False, "client_gone")] if recorded else [])

    asyncio.run(leave())


def test_a_guest_that_goes_while_its_call_is_being_admitted_leaves_counters_as_the_rows_say(folder: DataFolder) -> None:
    async def leave() -> None:
        async with kept(folder) as books:
            link, use = await books.link(), Use(max=3)
            assert link._transport is not None
            asked = GuestLedger(link)._question(Caller(), [use], "d1")
            admit = words.frame(words.Admit(asked.n, asked, words.packed(granted("d1"))))
            link._transport.write(admit + b"nonsense ends the connection" * 100)
            await until(lambda: not books.keeper.guests)
            assert await used(books, use) == 1
            outcome = [(row["kind"], row.get("carried_out")) for row in books.rows()]
            assert outcome == [("decided", None), ("settled", "unknown")]

    asyncio.run(leave())


def test_a_guest_whose_keeper_is_gone_is_refused(folder: DataFolder) -> None:
    async def lose() -> None:
        async with kept(folder) as books:
            link = await books.link()
        journal, ledger = GuestJournal(link), GuestLedger(link)
        await until(lambda: link.lost)
        with pytest.raises(JournalUnavailable):
            await journal.append(decided())
        with pytest.raises(Exception, match="gone"):
            await ledger.reserve(Caller(), [Use()], "r1")
        assert await ledger.release("r1") is False
        assert not journal.healthy

    asyncio.run(lose())


HOSTILE = [
    b"\xff\xff\xff\xff",
    words.frame(words.Append(1, ["decided"])),
    words.frame(words.Hello(words.VERSION, 1)) + words.frame(words.Append(1, {"kind": "checkpoint", "rows": 1})),
    words.frame(words.Hello(words.VERSION, 1)) + words.frame(words.Append(1, ["x"] * 32)),
    words.frame(words.Hello(words.VERSION, 1)) + words.frame(words.Post(7)),
    words.frame(words.Hello(words.VERSION, 1))
    + words.frame(words.Admit(1, words.Reserve(1, "g", "i", "s", [], "d2"), words.packed(decided("d1")))),
    words.frame(words.Hello(words.VERSION + 1, 1)),
    b"\0\0\0\1\xc1",
]


@pytest.mark.parametrize("sent", HOSTILE, ids=range(len(HOSTILE)))
def test_nonsense_ends_the_connection_and_nothing_else(folder: DataFolder, sent: bytes) -> None:
    async def speak() -> None:
        async with kept(folder) as books:
            reader, writer = await asyncio.open_unix_connection(folder.socket(SOCKET))
            writer.write(sent)
            async with asyncio.timeout(30):
                await reader.read()
            writer.close()
            assert books.rows() == []
            await GuestJournal(await books.link()).append(decided())

    asyncio.run(speak())


def test_a_guest_is_told_that_its_row_cannot_be_written(folder: DataFolder) -> None:
    async def write() -> None:
        async with kept(folder) as books:
            journal = GuestJournal(await books.link())
            with pytest.raises(JournalUnavailable, match="no JSON form"):
                await journal.append({"kind": "session", "server": msgspec.msgpack.Ext(5, b"x")})

    asyncio.run(write())


uses = st.lists(
    st.builds(
        Use,
        counter=st.sampled_from("ab"),
        window=st.sampled_from(["minute", 7, "month"]),
        scope=st.sampled_from(["grant", "identity", "server"]),
        max=st.integers(0, 4),
        amount=st.just("0.5"),
        enforced=st.booleans(),
    ),
    max_size=3,
)


@given(st.lists(st.tuples(uses, st.sampled_from(["ann", "bob"]), st.booleans()), max_size=8))
def test_a_guest_counts_as_the_ledger_itself_does(calls: list[tuple[list[Use], str, bool]]) -> None:
    async def compare(folder: DataFolder) -> None:
        alone = MemoryLedger(Clock(NOON))
        async with kept(folder) as books:
            ledger = GuestLedger(await books.link())
            for number, (asked, who, back) in enumerate(calls):
                caller, id = Caller(identity=who), f"r{number}"
                assert plain(await ledger.look(caller, asked)) == plain(await alone.look(caller, asked))
                there, here = await ledger.reserve(caller, asked, id), await alone.reserve(caller, asked, id)
                assert plain(there) == plain(here)
                if isinstance(there, Exhausted):
                    assert any(there.use is use for use in asked)
                if back:
                    assert await ledger.release(id) == await alone.release(id)

    def plain(outcome: Any) -> Any:
        if isinstance(outcome, Exhausted):
            return outcome.use, outcome.remaining, outcome.retry_at, outcome.counts
        return outcome

    with tempfile.TemporaryDirectory(prefix="gp-") as path:
        asyncio.run(compare(DataFolder(Path(path) / "data")))


def test_a_shelf_holds_the_books_itself_then_joins_then_takes_over(folder: DataFolder) -> None:
    async def live() -> None:
        used: dict[str, list[Any]] = {"first": [], "second": []}
        keyring = Keyring.open(folder.keys)
        first = Shelf(folder, keyring, SOCKET, lambda journal, _: used["first"].append(journal))
        second = Shelf(folder, keyring, SOCKET, lambda journal, _: used["second"].append(journal))
        await first.open()
        await second.open()
        assert isinstance(used["first"][-1], Journal)
        assert isinstance(used["second"][-1], GuestJournal)
        await used["second"][-1].append(decided())
        await first.close()
        await until(lambda: isinstance(used["second"][-1], Journal))
        await used["second"][-1].append(decided("d2"))
        await second.close()

    asyncio.run(live())


def test_a_keeper_that_says_nothing_is_left(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "_GREETING", 0.01)

    async def run() -> None:
        left = asyncio.Event()

        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            left.set()
            writer.close()

        async with await asyncio.start_unix_server(mute, folder.socket(SOCKET)):
            one = Shelf(folder, Keyring.open(folder.keys), SOCKET, lambda *_: None)
            await one.open()
            async with asyncio.timeout(10):
                await left.wait()
        await one.close()

    asyncio.run(run())


def test_who_serves_takes_the_books_from_a_run_and_not_from_another_serve(folder: DataFolder) -> None:
    def opened() -> Journal:
        keyring = Keyring.open(folder.keys)
        return taken_over(lambda: Journal.open(folder.journal / "data", "data", keyring), folder.socket(SOCKET))

    async def live() -> None:
        used: list[Any] = []
        run = Shelf(folder, Keyring.open(folder.keys), SOCKET, lambda journal, _: used.append(journal))
        await run.open()
        served = await asyncio.to_thread(opened)
        keeper = Keeper(served, MemoryLedger(Clock()))
        await keeper.listen(folder.socket(SOCKET))
        await until(lambda: isinstance(used[-1], GuestJournal))
        await used[-1].append(decided())
        with pytest.raises(GatepostError, match="Another process writes the journal"):
            await asyncio.to_thread(opened)
        await run.close()
        keeper.close()
        served.close()

    asyncio.run(live())
    assert os.listdir(folder.run) == []
