"""What docs/audit.md tells an auditor to do works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from gatepost.audit import export_jsonl
from tests.audit.using import make_journal
from tests.journal.using import KEYS

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"


def run_script(folder: Path) -> int:
    (script,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, timeout=60).returncode


def test_the_script_accepts_an_export_and_refuses_one_that_was_changed(tmp_path: Path) -> None:
    export = tmp_path / "log.jsonl"
    with export.open("wb") as out:
        export_jsonl(make_journal(tmp_path), out, signer=KEYS)
    whole = export.read_bytes()
    assert run_script(tmp_path) == 0
    export.write_bytes(whole.replace(b'"tool":"t1"', b'"tool":"t2"', 1))
    assert run_script(tmp_path) != 0
    lines = whole.splitlines(keepends=True)
    export.write_bytes(b"".join(lines[:20] + lines[21:]))
    assert run_script(tmp_path) != 0
