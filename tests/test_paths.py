"""Where the data folder is, and what lies in it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gatepost.errors import GatepostError
from gatepost.paths import DataFolder, data_folder


def test_the_folder_named_goes_before_the_environment_and_that_before_the_platform(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GATEPOST_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    by_platform = data_folder(None)
    assert by_platform.is_relative_to(tmp_path / "home")
    assert by_platform.name == "gatepost"
    monkeypatch.setenv("GATEPOST_DATA", str(tmp_path / "env"))
    assert data_folder(None) == tmp_path / "env"
    assert data_folder(str(tmp_path / "flag")) == tmp_path / "flag"


def test_a_relative_folder_is_made_absolute_and_the_home_sign_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert data_folder("here") == tmp_path / "here"
    assert data_folder("~/there") == tmp_path / "home" / "there"


def test_the_folders_are_made_private(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "deep" / "data")
    for path in (folder.root, folder.keys, folder.journal, folder.run):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert (folder.store, folder.index) == (folder.root / "store.db", folder.root / "index.db")


def test_without_create_nothing_is_made(tmp_path: Path) -> None:
    DataFolder(tmp_path / "data", create=False)
    assert not (tmp_path / "data").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(GatepostError) as refused:
        DataFolder(tmp_path / "data")
    assert refused.value.code == "GP-5003"


def test_a_folder_that_everybody_may_write_to_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o777)
    with pytest.raises(GatepostError) as refused:
        DataFolder(tmp_path / "data")
    assert refused.value.code == "GP-5003"
    assert refused.value.hint == f"Run: chmod o-w {tmp_path / 'data'}"


def test_a_socket_path_that_no_socket_can_have_is_refused(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / ("x" * 100))
    with pytest.raises(GatepostError, match="too long") as refused:
        folder.socket("dataplane.sock")
    assert refused.value.code == "GP-5003"
