"""Writes a static site into a folder: whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from gatepost.errors import GatepostError

MARK = ".gatepost-catalogue"
"""A file that says that a folder was made by a build, and may be replaced by one."""


def write_site(out: Path, pages: Iterable[tuple[str, str]]) -> int:
    """Writes every page below `out` and returns how many there are.

    The site is written beside the folder and put in its place at the end, so that a failure leaves what was there.

    Raises `GatepostError` GP-4005 where the folder holds what no build made, or cannot be written.
    """
    if out.exists() and not _ours(out):
        raise GatepostError(
            "GP-4005",
            f"{out} exists and was not made by a build.",
            "Name a folder that is empty or not there, or remove it yourself.",
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as beside:
            fresh = Path(beside) / "fresh"
            number = 0
            for path, text in pages:
                file = fresh / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, "utf-8")
                number += 1
            (fresh / MARK).write_text("Made by `gatepost catalogue build`; replaced whole by the next one.\n", "utf-8")
            if out.exists():
                out.rename(Path(beside) / "old")
            fresh.rename(out)
    except OSError as error:
        raise GatepostError("GP-4005", f"{out} cannot be written: {error.strerror}.") from None
    return number


def _ours(out: Path) -> bool:
    return out.is_dir() and not out.is_symlink() and ((out / MARK).is_file() or not any(out.iterdir()))
