"""`gatepost demo`: the official SDK's client, the bundled media servers, the sandbox."""

from __future__ import annotations

import os
import re
import signal
import tempfile

from tests.cli.program import Program


def test_the_published_policies_do_what_they_say_and_nothing_stays(gatepost: Program) -> None:
    """POLICY.md section 7; the demo itself counts, and its exit code says whether all came out so."""
    with tempfile.TemporaryDirectory(prefix="gp-") as folder:
        told = []
        with gatepost.started("demo", env={"TMPDIR": folder}) as process:
            assert process.stdout is not None
            for line in process.stdout:
                told.append(line)
                if line.startswith("It stays up"):
                    break
            process.send_signal(signal.SIGINT)
            rest, said = process.communicate()
        assert process.returncode == 130, said
        assert said.strip() == ""
        assert os.listdir(folder) == []
    out = "".join(told) + rest
    assert len(re.findall(r"call +\d+ +✓ forwarded", out)) == 10
    assert re.search(r"call 11 +✗ Limit of 10 per minute reached for trakt_start_scrobbling; it frees at \S+Z\.", out)
    assert re.search(r"get_libraries +✓ Films, Series, Music", out)
    assert re.search(r"export_library +✗ export_library is not allowed by the policy\.", out)
    assert re.search(r"fetch_history +✓ newest play: A Trip to the Moon", out)
    assert re.search(r"^ +export_library .* 32 +30 +2$", out, re.MULTILINE)
    assert re.search(r"^ +trakt_authenticate .* 12 +10 +2$", out, re.MULTILINE)
    assert re.search(r"^ +fetch_playback_progress .* 12 +12 +0$", out, re.MULTILINE)
    assert re.search(r"^ +authenticate_plex .* 12 +12 +0$", out, re.MULTILINE)
    assert re.search(r"gatepost log verify +✓", out)
    assert "claude mcp add" in out
    assert not gatepost.data.exists()
