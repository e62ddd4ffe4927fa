"""export_library: below ./exports only, whole or not at all, never over a file unless told."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from pathlib import Path

import pytest

from gatepost_media.common.errors import BadArgument, Refused
from gatepost_media.plex.exportfile import ExportFile, parts
from tests.media.plex.support import serving

pytestmark = pytest.mark.anyio


def _files(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if not each.is_dir())


async def test_every_item_is_in_the_file_with_all_its_fields_one_request_a_page(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        heard: list[tuple[float, float | None]] = []

        async def hear(done: float, total: float | None, _message: str | None) -> None:
            heard.append((done, total))

        asked = {"libraryKey": "1", "pageSize": 6}
        result = await at.client.call_tool("export_library", asked, progress_callback=hear)
        assert result.structured_content == {
            "path": "exports/library-1-movie.json",
            "items": 20,
            "bytes": (at.exports / "library-1-movie.json").stat().st_size,
            "type": "movie",
            "requests": 4,
        }
        items = json.loads((at.exports / "library-1-movie.json").read_text())
        assert len({each["ratingKey"] for each in items}) == 20
        general = next(each for each in items if each["ratingKey"] == "1001")
        assert general["Guid"] == [{"id": "imdb://tt0017925"}, {"id": "tmdb://961"}]
        assert {"summary", "Media", "Genre", "Director", "duration", "addedAt"} <= general.keys()
        assert heard == [(6, 20), (12, 20), (18, 20), (20, 20)]
        pages = [each for each in at.sent() if each.path == "/library/sections/1/all"]
        starts = [each.headers["x-plex-container-start"] for each in pages]
        assert starts == ["0", "6", "12", "18"]
        assert (at.exports / "library-1-movie.json").stat().st_mode & 0o777 == 0o600


async def test_a_file_that_is_there_is_kept_unless_told(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        at.exports.mkdir()
        (at.exports / "mine.json").write_text("mine")
        said = await at.refusal("export_library", libraryKey="1", outputPath="mine.json")
        assert said.startswith("exports/mine.json exists.")
        assert (at.exports / "mine.json").read_text() == "mine"
        await at.call("export_library", libraryKey="1", outputPath="mine.json", overwrite=True)
        assert len(json.loads((at.exports / "mine.json").read_text())) == 20
        assert _files(at.exports) == ["mine.json"]


@pytest.mark.parametrize(
    "path", ["../x.json", "/tmp/x.json", "a/../x.json", "a//x.json", ".x.json", ".", "x", "a\\x.json", "a\x00.json", ""]
)
async def test_a_path_that_leads_elsewhere_is_refused_before_anything_is_asked(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path) as at:
        said = await at.refusal("export_library", libraryKey="1", outputPath=path)
        assert said.startswith("outputPath")
        assert at.box.requests == []
        assert _files(tmp_path) == []


async def test_no_link_is_followed_neither_the_folder_nor_the_file(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "theirs.json").write_text("theirs")
    async with serving(tmp_path) as at:
        at.exports.symlink_to(outside)
        assert "not a folder" in await at.refusal("export_library", libraryKey="1")
        at.exports.unlink()
        at.exports.mkdir()
        (at.exports / "a").symlink_to(outside)
        assert "not a folder" in await at.refusal("export_library", libraryKey="1", outputPath="a/x.json")
        (at.exports / "b.json").symlink_to(outside / "theirs.json")
        for overwrite in (False, True):
            said = await at.refusal("export_library", libraryKey="1", outputPath="b.json", overwrite=overwrite)
            assert "not an ordinary file" in said
        assert (outside / "theirs.json").read_text() == "theirs"
        assert _files(outside) == ["theirs.json"]


@pytest.mark.parametrize("kind", ["500", "cut"])
async def test_a_page_that_fails_leaves_nothing_behind_and_the_old_file_as_it_was(tmp_path: Path, kind: str) -> None:
    async with serving(tmp_path) as at:
        at.exports.mkdir()
        (at.exports / "old.json").write_text("old")
        fault = at.box.fault("plex", kind, 100, path="/library/sections/1/all")
        asked = {"libraryKey": "1", "outputPath": "old.json", "overwrite": True, "pageSize": 5}
        assert "Plex" in await at.refusal("export_library", **asked)
        assert "Plex" in await at.refusal("export_library", **{**asked, "outputPath": "new/newer/x.json"})
        assert [each.name for each in at.exports.rglob("*")] == ["old.json"]
        assert (at.exports / "old.json").read_text() == "old"
        fault.times = 0
        assert (await at.call("export_library", **asked))["items"] == 20


async def test_a_page_that_fails_once_is_asked_for_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        at.box.fault("plex", "503", 1, path="/library/sections/1/all")
        assert (await at.call("export_library", libraryKey="1"))["items"] == 20


async def test_an_export_that_is_cancelled_leaves_nothing_and_can_be_run_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        first = asyncio.Event()

        async def hear(_done: float, _total: float | None, _message: str | None) -> None:
            first.set()
            await asyncio.Event().wait()

        work = asyncio.create_task(
            at.client.call_tool("export_library", {"libraryKey": "1", "pageSize": 5}, progress_callback=hear)
        )
        await first.wait()
        assert len(_files(at.exports)) == 1
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert _files(at.exports) == []
        assert (await at.call("export_library", libraryKey="1"))["items"] == 20


async def test_a_type_that_the_library_does_not_hold_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as at:
        said = await at.refusal("export_library", libraryKey="1", type="episode")
        assert said == "type: library 1 holds movie, clip, not episode."
        assert (await at.call("export_library", libraryKey="2", type="episode"))["type"] == "episode"
        said = await at.refusal("export_library", libraryKey="9")
        assert said == "libraryKey: there is no library 9. There are: 1 (Films), 2 (Series), 3 (Music)."


def test_a_name_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    with (
        pytest.raises(Refused, match="made by someone else"),
        ExportFile(tmp_path, ["x.json"], overwrite=False) as file,
    ):
        file.write(b"ours")
        (tmp_path / "x.json").write_text("theirs")
        file.finish()
    assert (tmp_path / "x.json").read_text() == "theirs"
    assert os.listdir(tmp_path) == ["x.json"]


def test_a_file_system_without_hard_links_is_written_to_all_the_same_and_nothing_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with ExportFile(tmp_path, ["x.json"], overwrite=False) as file:
        file.write(b"ours")
        assert file.finish() == 4
    with (
        pytest.raises(Refused, match="made by someone else"),
        ExportFile(tmp_path, ["y.json"], overwrite=False) as file,
    ):
        (tmp_path / "y.json").write_text("theirs")
        file.finish()
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"x.json": "ours", "y.json": "theirs"}


def test_a_folder_that_cannot_be_written_to_is_said_and_nothing_left_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def read_only(path: str, flags: int, *rest: int, **more: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, "Read-only file system")
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(Refused, match=r"a/x\.json cannot be written: Read-only file system\. Nothing was left"):
        ExportFile(tmp_path, ["a", "x.json"], overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_more_than_a_few_folders_are_refused() -> None:
    assert parts("outputPath", "a/b/c.json") == ["a", "b", "c.json"]
    with pytest.raises(BadArgument):
        parts("outputPath", "a/" * 8 + "c.json")
