"""`path_within`: whether a POSIX path lies in one of a list of folders. Text alone: no link is followed."""

from __future__ import annotations

from typing import Any

from gatepost.policy.operands import Judge, OperandError, strings
from gatepost.policy.texts import DIGITS, has_control

_HEX = DIGITS | frozenset("ABCDEFabcdef")


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
    if not path.startswith("/") or (path.startswith("//") and not path.startswith("///")):
        return None
    if "\\" in path or has_control(path) or ("%" in path and _has_escape(path)):
        return None
    names: list[str] = []
    for name in path.split("/"):
        if name == "..":
            if names:
                names.pop()
        elif name and name != ".":
            names.append(name)
    return tuple(names)


def _has_escape(path: str) -> bool:
    """Whether `%XX` stands in it."""
    return any(len(rest) >= 2 and rest[0] in _HEX and rest[1] in _HEX for rest in path.split("%")[1:])
