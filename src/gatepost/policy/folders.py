"""`path_within`: whether a POSIX path lies in one of a list of folders. Text alone: no link is followed."""

from __future__ import annotations

import re
from typing import Any

from gatepost.policy.operands import Judge, OperandError, strings

# %XX, a backslash, a control character (C0, DEL, C1)
_ODD = re.compile(r"%[0-9A-Fa-f]{2}|[\\\x00-\x1f\x7f-\x9f]")


def build_path_within(operand: Any) -> Judge:
    """The judge for a list of absolute folders; a folder lies in itself."""
    folders: list[tuple[str, ...]] = []
    for index, item in enumerate(strings(operand, "a list of absolute folders, not empty")):
        folder = resolve(item)
        if folder is None or {".", ".."} & set(item.split("/")):
            expected = "an absolute POSIX folder, without . or .., %XX, backslash or control character"
            raise OperandError(expected, item, f"/{index}")
        folders.append(folder)

    def judge(value: Any) -> bool | None:
        if not isinstance(value, str):
            return None
        path = resolve(value)
        if path is None:
            return None
        return any(path[: len(folder)] == folder for folder in folders)

    return judge


def resolve(path: str) -> tuple[str, ...] | None:
    """The names on the way from the root, `.` and `..` resolved; None where a reader may see another path.

    Exactly two leading slashes are left to each system by POSIX (4.16), so what they mean is unknown.
    """
    if not path.startswith("/") or (path.startswith("//") and not path.startswith("///")) or _ODD.search(path):
        return None
    names: list[str] = []
    for name in path.split("/"):
        if name == "..":
            if names:
                names.pop()
        elif name and name != ".":
            names.append(name)
    return tuple(names)
