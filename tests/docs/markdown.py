"""What the tests of the documents read: Markdown files, their links, shell lines and code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r" *(`{3,}|~{3,}) *([\w-]*)")
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE)
_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_HERE = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
_SEPARATORS = frozenset({"|", "||", "&&", ";", "&", "(", ")"})
_REDIRECTIONS = frozenset({"<", ">", ">>", "<<", "<<<", ">&", "&>"})


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file: the text outside its code blocks, and its shell blocks."""

    path: Path
    prose: str
    shell: tuple[str, ...]

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    def links(self) -> list[str]:
        """The targets of links and images, code left out."""
        text = _CODE.sub("", self.prose)
        return [*_LINK.findall(text), *_REFERENCE.findall(text)]

    def inline_code(self) -> list[str]:
        return [" ".join(code.split()) for _, code in _CODE.findall(self.prose)]

    def anchors(self) -> set[str]:
        """What `#…` may name: each heading as GitHub spells it."""
        return {_slug(heading) for heading in _HEADING.findall(self.prose)}

    def commands(self) -> Iterator[list[str]]:
        """Every simple command of the shell blocks, as its words; what a here-document holds is no command."""
        for block in self.shell:
            for line in _whole_lines(block):
                yield from _simple_commands(line)


def pages() -> list[Page]:
    """Every Markdown file of the project."""
    found = [*ROOT.glob("*.md")]
    for folder in ("docs", "bench", "src", "tests"):
        found += (ROOT / folder).rglob("*.md")
    return [read(path) for path in sorted(found)]


def read(path: Path) -> Page:
    prose: list[str] = []
    shell: list[str] = []
    block: list[str] = []
    fence, language = "", ""
    for line in path.read_text(encoding="utf-8").splitlines():
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2]:
                if language in ("sh", "bash", "shell", "console"):
                    shell.append("\n".join(block))
                fence = ""
            else:
                block.append(line)
        elif mark:
            fence, language, block = mark[1], mark[2], []
        else:
            prose.append(line)
    return Page(path, "\n".join(prose), tuple(shell))


def _slug(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def _whole_lines(block: str) -> Iterator[str]:
    """Lines with their continuations, and quotations over several lines, put together."""
    pending, ending = "", ""
    for line in block.splitlines():
        if ending:
            ending = "" if line.strip() == ending else ending
            continue
        pending += line
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        try:
            shlex.split(pending, comments=True)
        except ValueError:
            pending += "\n"
            continue
        here = _HERE.search(pending)
        ending = here[2] if here else ""
        yield pending
        pending = ""
    assert not pending.strip(), f"a quotation does not end: {pending}"


def _simple_commands(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    skip = False
    for token in lexer:
        if skip:
            skip = False
        elif token in _SEPARATORS:
            yield words
            words = []
        elif token in _REDIRECTIONS:
            skip = True
        else:
            words.append(token)
    yield words
