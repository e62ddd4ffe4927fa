"""Each error code has its page, with the words of the table, and no page stands for nothing."""

from __future__ import annotations

from pathlib import Path

from gatepost.errors import CODES

FOLDER = Path(__file__).parents[2] / "docs" / "errors"


def test_every_code_has_a_page_that_says_what_to_do() -> None:
    for code, title in CODES.items():
        text = (FOLDER / f"{code}.md").read_text()
        assert text.startswith(f"# {code}: {title}\n")
        assert "## What to do\n" in text


def test_no_page_and_no_line_of_the_index_stands_for_a_code_that_is_not_there() -> None:
    pages = {path.stem for path in FOLDER.glob("GP-*.md")}
    assert pages == set(CODES)
    index = (FOLDER / "README.md").read_text()
    for code, title in CODES.items():
        assert f"| [{code}]({code}.md) | {title} |" in index
