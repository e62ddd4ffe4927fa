"""A server that is told to keep arguments has those of the calls that the gateway judged from then on."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.program import POLICY, Program
from tests.cli.serving import eventually, serving

NOTE, SECRET = {"path": "/srv/notes/a"}, {"path": "/etc/passwd"}


def test_arguments_are_kept_from_when_it_is_said_until_it_is_taken_back(ready: Program, tmp_path: Path) -> None:
    (tmp_path / "draft.yaml").write_text(POLICY.replace("[/srv/notes]", "[/srv/notes/b]"))
    token = ready.quick("grant", "add", "laptop", "--server", "files", "--policy", "files-read").out.strip()
    with serving(ready) as running:
        agent = running.session("files", token)
        agent.call("read_file", NOTE)
        assert ready("server", "set", "files", "--keep-arguments", "sealed:1h").code == 0
        agent.call("read_file", NOTE)
        agent.call("read_file", SECRET)

        def kept() -> list[object] | None:
            lines = ready.quick("server", "arguments", "files", "--json").out.splitlines()
            return [json.loads(line)["arguments"] for line in lines] if len(lines) == 2 else None

        assert eventually(kept) == [NOTE, SECRET]
        assert b"passwd" not in b"".join(path.read_bytes() for path in ready.data.rglob("*") if path.is_file())
        found = ready.read("policy", "diff", "files-read", str(tmp_path / "draft.yaml"))["log"]
        assert (found["calls"], found["kept"], found["changes"], sum(found["undecided"].values())) == (3, 2, 1, 1)
        assert ready("server", "set", "files", "--keep-arguments", "off").code == 0
        agent.call("read_file", NOTE)
    assert ready.quick("server", "arguments", "files").code == 1
