"""The page on running it names what there is to watch."""

from __future__ import annotations

import re

from tests.docs.markdown import ROOT, read


def test_every_metric_is_explained() -> None:
    gateway = ROOT / "src" / "gatepost" / "gateway"
    source = "".join((gateway / name).read_text(encoding="utf-8") for name in ("metrics.py", "core.py"))
    shown = set(re.findall(r'"(gatepost_[a-z_]+)"', source))
    assert len(shown) > 8
    page = read(ROOT / "docs" / "operations.md")
    assert shown <= set(page.inline_code())


def test_every_variable_that_serve_reads_is_explained() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "gatepost").rglob("*.py"))
    read_there = set(re.findall(r'environ\.get\("(GATEPOST_[A-Z_]+)"\)', source))
    explained = {code.partition("=")[0] for code in read(ROOT / "docs" / "operations.md").inline_code()}
    assert read_there and read_there <= explained


def test_no_command_needs_a_program_that_a_plain_installation_has_not() -> None:
    plain = {"chmod", "gatepost", "install", "mv", "pip", "python3", "systemctl", "useradd"}
    used = set()
    for words in read(ROOT / "docs" / "operations.md").commands():
        while words and words[0] in ("sudo", "-u"):
            words = words[2:] if words[0] == "-u" else words[1:]
        used |= {words[0].rpartition("/")[2]} if words else set()
    assert "gatepost" in used and used <= plain
