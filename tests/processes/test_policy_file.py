"""The policy file of a `gatepost run`, when something else takes its place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gatepost.processes import policy_file
from gatepost.processes.policy_file import PolicyFile

POLICY = json.dumps({"version": "1", "default": "deny"})


@pytest.mark.parametrize("becomes", [os.mkfifo, Path.mkdir])
def test_what_takes_the_file_s_place_between_two_looks_is_not_waited_for(
    tmp_path: Path, becomes: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policy.json"
    file.write_text(POLICY)
    policy = PolicyFile(file)
    look = policy_file._mark

    def replaced_meanwhile(path: Path) -> object:
        file.unlink()
        mark = look(path)
        becomes(file)  # type: ignore[operator]
        return mark

    monkeypatch.setattr(policy_file, "_mark", replaced_meanwhile)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert not policy.changed()
    assert "it is not a file" in capsys.readouterr().err
    assert not before or len(os.listdir("/proc/self/fd")) == before
    assert policy.policy.decide(tool="any").effect == "deny"
