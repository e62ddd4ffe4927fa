"""A store in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepost.control.store import Store, open_store
from gatepost.paths import DataFolder


@pytest.fixture(scope="session")
def _new_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as a first start leaves it; making one takes longer than most tests."""
    root = tmp_path_factory.mktemp("new") / "data"
    open_store(DataFolder(root)).close()
    return root


@pytest.fixture
def folder(tmp_path: Path, _new_folder: Path) -> DataFolder:
    shutil.copytree(_new_folder, tmp_path / "data")
    return DataFolder(tmp_path / "data")


@pytest.fixture
def store(folder: DataFolder) -> Iterator[Store]:
    with open_store(folder) as opened:
        yield opened
