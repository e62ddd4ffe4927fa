"""Finding tools in the index: by words, by what they are, page by page."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final
from urllib.parse import quote, unquote

from gatepost.catalogue.classification import CATEGORIES, SEVERITIES, SIGNALS
from gatepost.catalogue.index.entries import bits_of, confidence_of, signals_of
from gatepost.catalogue.words import name_words
from gatepost.errors import GatepostError

_CANDIDATES: Final = 200
_MOST: Final = 200
_MOST_WORDS: Final = 12
_LONGEST_NUMBER: Final = 18


@dataclass(frozen=True, slots=True)
class Found:
    """A tool that was found."""

    server: str
    name: str
    description: str
    category: str
    severity: str
    confidence: str
    signals: tuple[str, ...]
    tokens: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "server": self.server,
            "tool": self.name,
            "description": self.description,
            "category": self.category,
            "severity": self.severity,
            "confidence": self.confidence,
            "signals": list(self.signals),
            "tokens": self.tokens,
        }


@dataclass(frozen=True, slots=True)
class Page:
    """Tools in order, and what to pass on as `after` for the next page; None at the end."""

    tools: tuple[Found, ...]
    after: str | None


def search(
    connection: sqlite3.Connection,
    text: str,
    category: str | None,
    severity: str | None,
    signal: str | None,
    limit: int,
    after: str | None,
) -> Page:
    """As `Index.search`."""
    for word, known in ((category, CATEGORIES), (severity, SEVERITIES), (signal, tuple(SIGNALS))):
        if word is not None and word not in known:
            raise GatepostError("GP-4005", f"{word!r} is none of them.", f"Use one of: {', '.join(known)}.")
    most = max(1, min(limit, _MOST))
    terms = _terms(text)
    if terms:
        return _matching(connection, terms, category, severity, signal, most, after)
    return _listed(connection, category, severity, signal, most, after)


def _listed(
    connection: sqlite3.Connection,
    category: str | None,
    severity: str | None,
    signal: str | None,
    most: int,
    after: str | None,
) -> Page:
    bound = "" if after is None else " AND (name, id) > (?, ?)"
    values: tuple[str | int, ...] = () if after is None else _cursor(after)
    if signal is None and _is_there(connection, "tools_by_category"):
        categories = CATEGORIES if category is None else (category,)
        severities = SEVERITIES if severity is None else (severity,)
        # Of each class its first: one index does for all, and a page's worth of each is soon sorted.
        firsts = [
            f"SELECT * FROM (SELECT name, id FROM tools WHERE {_is(one, other)}{bound} "  # noqa: S608
            f"ORDER BY name, id LIMIT {most + 1})"
            for one, other in product(categories, severities)
        ]
        found, values = f"({' UNION ALL '.join(firsts)})", values * len(firsts)
    else:
        place = bits_of([signal] if signal else ())
        index = f"tools_with_{place.bit_length() - 1}"
        hint = f"INDEXED BY {index}" if _is_there(connection, index) else ""
        having = f" AND (signals & {place}) <> 0" if signal else ""
        found = f"tools {hint} WHERE {_is(category, severity)}{having}{bound}"
    rows = connection.execute(
        f"SELECT id FROM {found} ORDER BY name, id LIMIT {most + 1}",  # noqa: S608
        values,
    ).fetchall()
    ids = [row[0] for row in rows]
    tools = _by_id(connection, ids[:most])
    more = f"{ids[most - 1]}:{quote(tools[-1].name, safe='')}" if len(ids) > most else None
    return Page(tools, more)


def _is(category: str | None, severity: str | None) -> str:
    """What a tool of a class fulfils, in SQL."""
    is_category = f"category = {CATEGORIES.index(category)}" if category in CATEGORIES else ""
    is_severity = f"severity = {SEVERITIES.index(severity)}" if severity in SEVERITIES else ""
    return " AND ".join(filter(None, (is_category, is_severity))) or "1"


def _is_there(connection: sqlite3.Connection, index: str) -> bool:
    """Whether one of SQL's indexes is; else somebody imports just now, and makes it when all is in."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (index,)).fetchone() is not None


def _matching(
    connection: sqlite3.Connection,
    terms: list[str],
    category: str | None,
    severity: str | None,
    signal: str | None,
    most: int,
    after: str | None,
) -> Page:
    """Names that hold all words first, then whatever else does; of very many the first some hundred are ranked."""
    start = 0 if after is None else _number(after, after)
    facets = [f"c{category}" if category else "", f"s{severity}" if severity else ""]
    facets.append(f"g{signal.replace('-', '')}" if signal else "")
    bound = "".join(f' AND facets : "x{facet}"' for facet in facets if facet)
    needed = " AND ".join(terms)
    ids: dict[int, None] = {}
    for scope in ("words", "{words server description}"):
        query = f"{scope} : ({needed}){bound}"
        for (id,) in connection.execute(
            "SELECT rowid FROM found WHERE found MATCH ? LIMIT ?", (query, start + _CANDIDATES)
        ):
            ids.setdefault(id, None)
        if len(ids) >= start + _CANDIDATES:
            break
    names = dict(
        connection.execute(
            f"SELECT id, name FROM tools WHERE id IN ({','.join(map(str, ids))})"  # noqa: S608
        ).fetchall()
    )
    words = [term.strip('"*') for term in terms]
    ranked = sorted(ids, key=lambda id: (*_rank(names[id], words), id))
    chosen = ranked[start : start + most]
    more = str(start + most) if len(ranked) > start + most else None
    return Page(_by_id(connection, chosen), more)


def _by_id(connection: sqlite3.Connection, ids: Sequence[int]) -> tuple[Found, ...]:
    marks = ",".join(str(id) for id in ids)
    rows = connection.execute(
        "SELECT t.id, s.name, t.name, f.description, t.category, t.severity, t.confidence, t.signals, t.tokens "  # noqa: S608
        f"FROM tools t JOIN servers s ON s.id = t.server JOIN found f ON f.rowid = t.id WHERE t.id IN ({marks})"
    ).fetchall()
    by_id = {
        row[0]: Found(
            row[1],
            row[2],
            row[3],
            CATEGORIES[row[4]],
            SEVERITIES[row[5]],
            confidence_of(row[6]),
            signals_of(row[7]),
            row[8],
        )
        for row in rows
    }
    return tuple(by_id[id] for id in ids)


def _terms(text: str) -> list[str]:
    """The words of a question as FTS terms, quoted so that nothing in them is syntax; the last also as a beginning."""
    words = ["".join(character if character.isalnum() else " " for character in part) for part in text[:400].split()]
    flat = [word.lower() for part in words for word in part.split()][:_MOST_WORDS]
    return (
        [f'"{word}"' for word in flat[:-1]] + [f'"{flat[-1]}"*' if len(flat[-1]) > 2 else f'"{flat[-1]}"']
        if flat
        else []
    )


def _rank(name: str, words: list[str]) -> tuple[int, int, str]:
    own = name_words(name)
    missing = sum(word not in own for word in words)
    return missing, len(own), name


def _cursor(after: str) -> tuple[str, int]:
    """The name and the id of the tool that a page ended with. Its name is quoted, so that a shell takes all of it."""
    id, colon, name = after.partition(":")
    return unquote(name), _number(id if colon else "", after)


def _number(text: str, after: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise GatepostError("GP-4005", f"{after!r} is not where a page ended.", "Take what the page before says.")
    return int(text)
