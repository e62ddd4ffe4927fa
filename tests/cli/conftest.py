"""Data folders for the tests of the command line."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import POLICY, TOOLS, Program


@pytest.fixture
def gatepost() -> Iterator[Program]:
    """The program on a folder that does not exist yet. Its path is short, as the addresses of unix sockets must be."""
    with tempfile.TemporaryDirectory(prefix="gp-") as folder:
        yield Program(Path(folder) / "data")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """The file that a tiny server's tools are in."""
    file = tmp_path / "tools.json"
    file.write_text(json.dumps(TOOLS))
    return file


@pytest.fixture(scope="session")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the server `files` and the policy `files-read`, made once and copied by `ready`."""
    folder = tmp_path_factory.mktemp("configured")
    program = Program(folder / "data")
    (folder / "tools.json").write_text(json.dumps(TOOLS))
    (folder / "policy.yaml").write_text(POLICY)
    assert program.add_tiny("files", folder / "tools.json").code == 0
    assert program("policy", "add", "files-read", str(folder / "policy.yaml"), "--server", "files").code == 0
    return folder / "data"


@pytest.fixture
def ready(configured: Path, gatepost: Program) -> Program:
    """The program on a folder of its own with the server `files` and the policy `files-read`."""
    shutil.copytree(configured, gatepost.data)
    return gatepost
