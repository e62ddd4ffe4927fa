"""Replies: models with a schema, a readable text beside them, both within a bound, lists with a cursor.

A tool returns an `Out`. A list that can be long is a `Page`: what does not fit is left for the next call, which the
reply's `nextCursor` asks for. Anything else that is too long is cut at its longest lists and texts, and `truncated`
says where.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field

from gatepost_media.common.errors import BadArgument

CHARACTERS_PER_TOKEN = 4

T = TypeVar("T")

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


class Out(BaseModel):
    """The base of all replies. Fields that are None are not sent."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    truncated: list[str] | None = Field(default=None, description="Fields that were cut: the reply became too long.")


class Row(BaseModel):
    """The base of what stands in a reply's lists and fields."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Page(Out, Generic[T]):
    """A part of a list. `offset` is the position of the first item in the whole list."""

    items: list[T]
    offset: int = Field(default=0, description="Position of the first item in the whole list, from 0.")
    totalSize: int | None = Field(default=None, description="Length of the whole list, where the service says it.")
    nextCursor: str | None = Field(
        default=None, description="What to give as `cursor` for what follows; absent at the end."
    )
    note: str | None = Field(default=None, description="What else should be known about this reply.")
    more: bool = Field(default=False, exclude=True)
    """Set by a tool that knows of further items without knowing how many."""


def encode_cursor(offset: int, of: str) -> str:
    """A cursor that continues at an offset, of the list that `of` (tool and arguments) names."""
    return base64.urlsafe_b64encode(f"{offset}:{_digest(of)}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str, of: str) -> int:
    """The offset in a cursor. Raises BadArgument for one that does not belong to this tool and these arguments."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        offset, _, digest = text.partition(":")
        if digest == _digest(of) and offset.isdigit() and len(offset) <= 12:
            return int(offset)
    except (binascii.Error, ValueError):
        pass
    raise BadArgument("cursor", "is not from a reply to this tool with these arguments. Leave it out to begin.")


def _digest(of: str) -> str:
    return hashlib.sha256(of.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def reply(out: Out, tokens: int, cursor_for: Callable[[int], str]) -> tuple[dict[str, Json], str]:
    """The structured content and the text of a reply; together at most `tokens` tokens of four characters.

    `cursor_for` makes the cursor that continues at an offset.
    """
    room = tokens * CHARACTERS_PER_TOKEN
    if isinstance(out, Page):
        return _page(cast("Page[object]", out), room, cursor_for)
    content = _plain(out)
    text = readable(content)
    while _size(content) + len(text) > room:
        if not _cut_longest(content):
            break
        text = readable(content)
    return content, text


def _page(page: Page[object], room: int, cursor_for: Callable[[int], str]) -> tuple[dict[str, Json], str]:
    """Keeps as many items as fit, at least one, and says where it goes on."""
    content = _plain(page)
    items = cast("list[Json]", content["items"])
    known = page.totalSize is not None
    kept, left = 0, room - 600 - 2 * len(page.note or "")
    for item in items:
        left -= _size(item) + 1 + sum(len(line) + 1 for line in _lines([item], 1))
        if left < 0 and kept:
            break
        kept += 1
    while True:
        following = page.offset + kept
        further = kept < len(items) or page.more or (known and following < cast("int", page.totalSize))
        content["items"] = items[:kept]
        if kept and further:
            content["nextCursor"] = cursor_for(following)
        text = readable(content)
        if _size(content) + len(text) <= room:
            return content, text
        if kept > 1:
            kept -= 1 + kept // 20
        elif not _cut_longest(content):
            return content, readable(content)
        else:
            items = cast("list[Json]", content["items"])


def _plain(out: Out) -> dict[str, Json]:
    return cast("dict[str, Json]", out.model_dump(mode="json", exclude_none=True))


def _size(value: Json) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _cut_longest(content: dict[str, Json]) -> bool:
    """Halves the biggest list or text; says whether there was anything left to cut."""
    best: tuple[int, str, Callable[[], None]] | None = None
    for path, size, cut in _cuttable(content, ""):
        if best is None or size > best[0]:
            best = (size, path, cut)
    if best is None or best[0] < 64:
        return False
    best[2]()
    cuts = cast("list[Json]", content.setdefault("truncated", []))
    if best[1] not in cuts:
        cuts.append(best[1])
    return True


def _cuttable(value: Json, path: str) -> Iterator[tuple[str, int, Callable[[], None]]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            where = f"{path}.{name}" if path else name
            if isinstance(inner, str) and len(inner) > 64:
                yield where, len(inner), _halver(value, name, inner)
            else:
                yield from _cuttable(inner, where)
    elif isinstance(value, list):
        if len(value) > 1:
            yield path, _size(value), _list_halver(value)
        for inner in value:
            yield from _cuttable(inner, f"{path}[]")


def _halver(holder: dict[str, Json], name: str, text: str) -> Callable[[], None]:
    def cut() -> None:
        holder[name] = text[: len(text) // 2] + "…"

    return cut


def _list_halver(items: list[Json]) -> Callable[[], None]:
    def cut() -> None:
        del items[len(items) // 2 :]

    return cut


def readable(content: Mapping[str, Json]) -> str:
    """The same content as indented lines of `name: value`; what is empty is left out, one line for a flat object."""
    return "\n".join(_lines(dict(content), 0)) or "Nothing."


def _lines(value: Json, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, dict):
        for name, inner in value.items():
            if inner is None or inner in ([], {}):
                if inner is not None:
                    yield f"{pad}{name}: none"
            elif isinstance(inner, (dict, list)) and not _flat_list(inner):
                yield f"{pad}{name}:"
                yield from _lines(inner, depth + 1)
            else:
                yield f"{pad}{name}: {_word(inner)}"
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict) and any(isinstance(v, dict) or _deep(v) for v in inner.values()):
                first, *rest = list(_lines(inner, depth + 1)) or [""]
                yield f"{pad}- {first.strip()}"
                yield from rest
            elif isinstance(inner, dict):
                yield f"{pad}- " + ", ".join(f"{name}: {_word(each)}" for name, each in inner.items())
            else:
                yield f"{pad}- {_word(inner)}"


def _deep(value: Json) -> bool:
    return isinstance(value, list) and not _flat_list(value)


def _flat_list(value: Json) -> bool:
    return isinstance(value, list) and all(not isinstance(each, (dict, list)) for each in value)


def _word(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_word(each) for each in value)
    return " ".join(str(value).split())
