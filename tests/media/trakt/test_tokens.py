"""The files of a sign-in, and the turns of writers: pure parts and real files."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost_media.common.errors import MediaError
from gatepost_media.trakt.tokens import PendingCode, Tokens, TokenStore
from gatepost_media.trakt.waiting import Pace, held

PAIR = Tokens("access-secret", "refresh-secret", 2_000_000_000.0, "client-secret")


def test_a_saved_pair_is_read_back_by_another_store_and_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    TokenStore(tmp_path / "new").save(PAIR)
    assert TokenStore(tmp_path / "new").load() == PAIR
    files = [each for each in (tmp_path / "new").iterdir() if each.is_file()]
    assert [stat.S_IMODE(each.stat().st_mode) for each in files] == [0o600]
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_closed_to_them_when_it_is_read(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    store.save(PAIR)
    file = tmp_path / "trakt-tokens.json"
    file.chmod(0o644)
    assert store.load() == PAIR
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        json.dumps({"access_token": 1, "refresh_token": "", "expires_at": 1, "client_id": ""}),
    ],
)
def test_a_file_that_holds_no_pair_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "trakt-tokens.json").write_text(content)
    assert TokenStore(tmp_path).load() is None


def test_no_secret_of_a_pair_or_a_code_shows_in_its_repr() -> None:
    code = PendingCode("device-secret", "ABCD", "https://trakt.tv/activate", 1.0, 5.0, 2.0, "client-secret")
    assert "secret" not in repr(PAIR) + repr(code)


def test_a_folder_that_cannot_be_written_is_said_before_a_refresh_token_is_spent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = TokenStore(tmp_path / "file" / "folder")
    with pytest.raises(MediaError, match="GATEPOST_MEDIA_HOME"):
        store.check_writable()
    with pytest.raises(MediaError, match="GATEPOST_MEDIA_HOME"):
        store.save(PAIR)


def test_forgetting_removes_pair_and_code_and_says_whether_there_was_a_pair(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    store.save(PAIR)
    store.save_pending(PendingCode("d", "u", "v", 1.0, 5.0, 2.0, "c"))
    assert store.forget() is True
    assert store.forget() is False
    assert store.load() is None
    assert store.load_pending() is None


@given(access=st.text(), refresh=st.text(), client=st.text(), ends=st.floats(allow_nan=False, allow_infinity=False))
def test_any_pair_comes_back_as_it_was_saved(access: str, refresh: str, client: str, ends: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = TokenStore(Path(folder))
        pair = Tokens(access, refresh, ends, client)
        store.save(pair)
        assert store.load() == pair


@given(st.lists(st.floats(min_value=0, max_value=5), max_size=30))
def test_writers_get_turns_a_second_apart_whenever_they_come(gaps: list[float]) -> None:
    async def turns() -> list[tuple[float, float]]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "writes"
            now, taken = 1_000_000.0, []
            for gap in gaps:
                now += gap
                taken.append((now, now + await Pace(file).take(now)))  # each as another process would
            return taken

    free = 0.0
    for came, at in asyncio.run(turns()):
        assert at == pytest.approx(max(came, free), abs=0.002)
        free = max(came, free) + 1.0


def test_a_clock_that_was_set_back_holds_nobody_for_longer_than_the_queue(tmp_path: Path) -> None:
    async def waits() -> float:
        await Pace(tmp_path / "writes").take(2_000_000_000.0)
        return await Pace(tmp_path / "writes", queue=120).take(1_000_000_000.0)

    assert asyncio.run(waits()) == pytest.approx(120.0)


@pytest.mark.parametrize("content", [b"", b"soon", b"nan", b"inf", b"\xff"])
def test_a_damaged_pace_file_lets_the_next_writer_through_at_once(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "writes").write_bytes(content)
    assert asyncio.run(Pace(tmp_path / "writes").take(1000.0)) == 0.0


def test_a_lock_is_given_back_by_a_process_that_was_killed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    holder = (
        "import asyncio, pathlib\n"
        "from gatepost_media.trakt.waiting import held\n"
        "async def hold():\n"
        f"    async with held(pathlib.Path({str(lock)!r})):\n"
        "        print('held', flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(hold())\n"
    )

    async def run() -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", holder, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        assert await process.stdout.readline() == b"held\n"
        with pytest.raises(TimeoutError):
            async with held(lock, patience=0.0):
                pass
        process.kill()
        await process.wait()
        async with held(lock, patience=5.0):
            pass

    asyncio.run(run())
