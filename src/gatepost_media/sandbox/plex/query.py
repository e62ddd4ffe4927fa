"""Media queries: the filters and orders of `/all`, of smart playlists, and of nothing else."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from gatepost_media.sandbox.plex.media import resolution
from gatepost_media.sandbox.plex.render import rating_count, tag_id, tags_of, value_of
from gatepost_media.sandbox.plex.state import Plex, plex_guid
from gatepost_media.sandbox.works import Kind, Work, day_to_seconds, is_number, sort_title

TYPES: dict[str, Kind] = {
    "1": "movie",
    "2": "show",
    "3": "season",
    "4": "episode",
    "8": "artist",
    "9": "album",
    "10": "track",
    "12": "clip",
}

_TAGS = {
    "genre": "genre",
    "director": "director",
    "writer": "writer",
    "actor": "role",
    "role": "role",
    "country": "country",
    "collection": "collection",
    "mood": "mood",
    "label": "label",
    "style": "style",
    "producer": "producer",
    "format": "format",
    "subformat": "subformat",
}
_TEXTS = ("title", "titleSort", "summary", "studio", "contentRating", "originalTitle", "tagline", "resolution", "guid")
_EXACT = ("studio", "contentRating", "resolution", "guid")
_NUMBERS = (
    "year",
    "decade",
    "rating",
    "audienceRating",
    "userRating",
    "viewCount",
    "ratingCount",
    "index",
    "duration",
    "id",
    "viewOffset",
)
_DATES = ("addedAt", "lastViewedAt", "updatedAt", "lastRatedAt", "originallyAvailableAt")
_FLAGS = ("unwatched", "unwatchedLeaves", "unplayed", "inProgress", "duplicate", "trash", "unmatched", "hdr")
_STATIC = ("titleSort", "title", "addedAt", "year", "originallyAvailableAt", "duration", "rating", "audienceRating")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mon": 2_592_000, "y": 31_536_000}

Test = Callable[[Work], bool]


@dataclass(frozen=True, slots=True)
class _Condition:
    field: str
    operator: str
    value: str


def select(plex: Plex, pairs: Sequence[tuple[str, str]], kind: Kind) -> list[Work]:
    """The titles that a query string asks for, filtered, ordered and limited. Fields that nobody knows are ignored."""
    parser = _Parser(plex, pairs, kind)
    test = parser.expression()
    order = next((value for name, value in pairs if name == "sort"), "") or _default_order(kind)
    found = _ordered(plex, kind, order, test)
    limit = next((value for name, value in pairs if name == "limit"), "")
    return found[: int(limit)] if is_number(limit) else found


def _default_order(kind: Kind) -> str:
    return {"season": "show", "episode": "show", "album": "artist", "track": "artist"}.get(kind, "titleSort")


def _ordered(plex: Plex, kind: Kind, order: str, test: Test | None) -> list[Work]:
    fields = [part.partition(":") for part in order.split(",")]
    names = [name.rpartition(".")[2] for name, _, _ in fields]
    kept = plex.orders.get((kind, order))
    if kept is None:
        kept = list(plex.of(kind))
        for (_, _, how), name in reversed(list(zip(fields, names, strict=True))):
            if name == "random":
                random.shuffle(kept)  # for variety, not for secrets
            else:
                kept.sort(key=partial(_order_key, plex, name), reverse="desc" in how)
        if all(name in _STATIC or name in ("show", "artist") for name in names):
            plex.orders[kind, order] = kept
    return list(kept) if test is None else [work for work in kept if test(work)]


def _order_key(plex: Plex, field: str, work: Work) -> tuple[float, str, int, int]:
    if field in ("show", "artist"):
        above = work.parent.index if work.parent is not None else 0
        return (0, sort_title(value_of(plex, work.show, "title")), above or work.index, work.index)
    if field in ("titleSort", "title", "studio", "contentRating"):
        return (0, value_of(plex, work, field).lower(), 0, 0)
    return (_number(plex, work, field), "", 0, 0)


class _Parser:
    """`push`, `pop` and `or` make brackets and alternatives of what stands between the ampersands."""

    def __init__(self, plex: Plex, pairs: Sequence[tuple[str, str]], kind: Kind) -> None:
        self.plex, self.kind = plex, kind
        source = next((TYPES.get(value) for name, value in pairs if name == "sourceType"), None)
        self.level: Kind = source or kind
        self.tokens: list[str | _Condition] = [token for pair in pairs if (token := _token(*pair)) is not None]

    def expression(self) -> Test | None:
        """What is left of the tokens, up to a closing bracket."""
        alternatives: list[list[Test]] = [[]]
        while self.tokens:
            word = self.tokens.pop(0)
            if word == "pop":
                break
            if word == "or":
                alternatives.append([])
            elif word == "push":
                inner = self.expression()
                if inner is not None:
                    alternatives[-1].append(inner)
            elif isinstance(word, _Condition):
                alternatives[-1].append(self._test(word))
        groups = [group for group in alternatives if group]
        if not groups:
            return None
        return lambda work: any(all(test(work) for test in group) for group in groups)

    def _test(self, condition: _Condition) -> Test:
        scope, _, field = condition.field.rpartition(".")
        level = scope or self.level
        return lambda work: any(_holds(self.plex, at, field, condition) for at in _levels(work, level))


def _token(name: str, value: str) -> str | _Condition | None:
    if name in ("push", "pop", "or"):
        return name
    field = name.rstrip("!=<>")
    operator = name[len(field) :]
    if value.startswith("=") and operator in ("", "!"):  # the second sign of == and !==
        operator, value = f"{operator}=", value[1:]
    bare = field.rpartition(".")[2]
    if bare in _TAGS or bare in _TEXTS or bare in _NUMBERS or bare in _DATES or bare in _FLAGS:
        return _Condition(field, operator, value)
    return None


def _levels(work: Work, level: str) -> Iterable[Work]:
    """The work itself, or what stands above or below it, on the level that a field is scoped to."""
    at: Work | None = work
    while at is not None:
        if at.kind == level:
            return (at,)
        at = at.parent
    below = [child for child in work.children if child.kind == level]
    return below or [leaf for leaf in work.leaves() if leaf.kind == level]


def _holds(plex: Plex, work: Work, field: str, condition: _Condition) -> bool:
    values, operator = condition.value.split(","), condition.operator
    negated = operator.startswith("!")
    bare = operator.removeprefix("!")
    return negated != any(_one(plex, work, field, bare, value) for value in values)


def _one(plex: Plex, work: Work, field: str, operator: str, value: str) -> bool:
    if field in _FLAGS:
        return _flag(plex, work, field) == (value not in ("0", "false"))
    if field in _TAGS:
        kind = _TAGS[field]
        return any(
            value == str(tag_id(kind, name)) or value.lower() == name.lower() for name in tags_of(plex, work, kind)
        )
    if field in _TEXTS:
        match field:
            case "resolution":
                have = resolution(work)
            case "guid":
                have = plex_guid(work)
            case _:
                have = value_of(plex, work, field)
        return _text(have.lower(), operator, value.lower(), exact=field in _EXACT)
    want = _moment(plex, value) if field in _DATES else _float(value)
    if want is None:
        return False
    have_number = _number(plex, work, field)
    match operator:
        case ">>":
            return have_number > want
        case "<<":
            return have_number < want
        case ">":
            return have_number >= want
        case "<":
            return have_number <= want
        case _ if field in _DATES:
            return have_number // 86_400 == want // 86_400
        case _:
            return have_number == want


def _text(have: str, operator: str, want: str, *, exact: bool) -> bool:
    match operator:
        case "=":
            return have == want
        case "<":
            return have.startswith(want)
        case ">":
            return have.endswith(want)
        case _:
            return have == want if exact else want in have


def _flag(plex: Plex, work: Work, field: str) -> bool:
    if field in ("unwatched", "unplayed", "unwatchedLeaves"):
        return not plex.watched(work)
    if field == "inProgress":
        return any(plex.views[leaf.key].offset > 0 for leaf in work.leaves() if leaf.key in plex.views)
    return False


def _number(plex: Plex, work: Work, field: str) -> float:
    view = plex.views.get(work.key)
    match field:
        case "year":
            return _float(value_of(plex, work, "year")) or 0
        case "decade":
            return (_float(value_of(plex, work, "year")) or 0) // 10 * 10
        case "rating" | "audienceRating":
            return _float(value_of(plex, work, field)) or 0
        case "ratingCount":
            return rating_count(work)
        case "duration":
            return work.duration
        case "index":
            return work.index
        case "id":
            return work.key
        case "addedAt":
            return work.added_at
        case "updatedAt":
            return plex.edits[work.key].at if work.key in plex.edits else work.added_at
        case "originallyAvailableAt":
            return day_to_seconds(work.released) if work.released else 0
        case "userRating":
            return (view.rating or 0) if view else 0
        case "lastRatedAt":
            return view.rated if view else 0
        case "viewOffset":
            return view.offset if view else 0
        case "viewCount":
            return (
                view.count
                if view
                else sum(plex.views[leaf.key].count for leaf in work.leaves() if leaf.key in plex.views)
            )
        case "lastViewedAt":
            return (
                view.last
                if view
                else max((plex.views[leaf.key].last for leaf in work.leaves() if leaf.key in plex.views), default=0)
            )
        case _:
            return 0


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _moment(plex: Plex, text: str) -> float | None:
    """Seconds since 1970, a day "YYYY-MM-DD", or so long ago: "-30d"."""
    if text[:1] in "+-" and text[1:]:
        digits = text[1:].rstrip("smhdwony")
        unit = text[1 + len(digits) :] or "s"
        if is_number(digits) and unit in _UNITS:
            return plex.clock.now() + (1 if text[0] == "+" else -1) * int(digits) * _UNITS[unit]
    try:
        return float(day_to_seconds(dt.date.fromisoformat(text).isoformat()))
    except ValueError:
        return _float(text)
