"""What docs/audit.md tells an auditor to do works."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gatepost.audit import export_jsonl
from tests.audit.using import make_journal
from tests.journal.using import KEYS, rows

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


def test_a_checkpoint_is_signed_over_what_the_page_says(tmp_path: Path) -> None:
    assert '`"gatepost row 1"`' in PAGE.read_text(encoding="utf-8")
    row = rows(make_journal(tmp_path) / "data", "checkpoint")[-1]
    signature = bytes.fromhex(row.pop("signature"))
    del row["hash"]
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    Ed25519PublicKey.from_public_bytes(KEYS.verify_key).verify(signature, b"gatepost row 1\n" + text.encode())
