"""YAML as a way to write JSON: turned into JSON text event by event, refusing whatever could be read in two ways.

No tags, no anchors or aliases (so no bombs), no merge keys, no second document, no repeated keys. A plain scalar is a
number only where JSON would write it so, and its text is kept; words that YAML 1.1 and 1.2 read differently (`yes`,
`no`, `on`, `0o17`, `1_000`, `.5`) have to be quoted or written as in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from gatepost.control.jsontext import dumps

MAX_DEPTH = 64
_MAX_EVENTS = 500_000

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
# What YAML 1.1 or 1.2 takes for a number and JSON does not.
_ODD_NUMBER = re.compile(
    r"[-+]?(?:[0-9][0-9_,]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|0[xob][0-9a-fA-F_]+|\.(?:inf|Inf|INF)"
    r"|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?)|\.(?:nan|NaN|NAN)"
)
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), "null"),
    **dict.fromkeys(("true", "True", "TRUE"), "true"),
    **dict.fromkeys(("false", "False", "FALSE"), "false"),
}
_ODD_WORD = re.compile(r"y|Y|n|N|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF")
_Loader: Any = getattr(yaml, "CLoader", yaml.Loader)  # only its parser is used: it constructs nothing


class YamlError(ValueError):
    """The text is no YAML, or none that can be read in one way only. `str()` says what and where."""


@dataclass(slots=True)
class _Open:
    """A list or object that is being read."""

    is_object: bool
    parts: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    key: str | None = None


def to_json(text: bytes, *, repeated_keys: bool = False) -> bytes:
    """The JSON text of a YAML document.

    Args:
        repeated_keys: write a key that stands twice in one object as often as it stands there, for a reader who tells
            it together with all else that is wrong.

    Raises `YamlError`.
    """
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise YamlError(f"found a byte that is not UTF-8 at offset {error.start}") from None
    if decoded.startswith("\ufeff"):
        raise YamlError("found a byte order mark; save the file as UTF-8 without one")
    stack: list[_Open] = []
    result: str | None = None
    try:
        for event in _events(decoded):
            value = _step(event, stack, repeated_keys)
            if value is None:
                continue
            if stack:
                _place(value, stack[-1], event)
            elif result is None:
                result = value
    except yaml.YAMLError as error:
        raise YamlError(_told(error)) from None
    if result is None:
        raise YamlError("found no document")
    return result.encode("utf-8", "surrogatepass")


def _events(text: str) -> Iterator[Any]:
    """The parser's events, as many as a policy may have; a second document is refused."""
    documents = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if documents > 1:
            raise _refused(event, "found a second document, expected one")
        if count > _MAX_EVENTS:
            raise _refused(event, "found too many values")
        yield event


def _step(event: Any, stack: list[_Open], repeated_keys: bool) -> str | None:
    """The JSON text of the value that ends with this event, if one does."""
    if isinstance(event, yaml.AliasEvent):
        raise _refused(event, f"found the alias *{event.anchor}; write the value out")
    if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
        if event.anchor is not None:
            raise _refused(event, f"found the anchor &{event.anchor}; aliases are not read")
        if event.tag is not None:
            raise _refused(event, f"found the tag {event.tag}; tags are not read")
    if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
        if len(stack) >= MAX_DEPTH:
            raise _refused(event, f"found values nested deeper than {MAX_DEPTH}")
        if stack and stack[-1].is_object and stack[-1].key is None:
            raise _refused(event, "found a list or object as a key, expected a word")
        stack.append(_Open(isinstance(event, yaml.MappingStartEvent)))
    elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
        closed = stack.pop()
        inside = ",".join(closed.parts)
        return f"{{{inside}}}" if closed.is_object else f"[{inside}]"
    elif isinstance(event, yaml.ScalarEvent):
        if stack and stack[-1].is_object and stack[-1].key is None:
            _take_key(event, stack[-1], repeated_keys)
        else:
            return _scalar(event)
    return None


def _take_key(event: Any, into: _Open, repeated_keys: bool) -> None:
    key: str = event.value
    plain = event.implicit[0]
    if plain and key == "<<":
        raise _refused(event, "found the merge key <<; write the members out")
    if plain and (key in _CONSTANTS or _ODD_WORD.fullmatch(key)):
        raise _refused(event, f"found {key or 'nothing'} as a key; put it in quotes")
    if key in into.keys and not repeated_keys:
        raise _refused(event, f"found the key {dumps(key)} twice in one object")
    into.keys.add(key)
    into.key = key


def _place(value: str, into: _Open, event: Any) -> None:
    if not into.is_object:
        into.parts.append(value)
        return
    if into.key is None:
        raise _refused(event, "found a value without a key")
    into.parts.append(f"{dumps(into.key)}:{value}")
    into.key = None


def _scalar(event: Any) -> str:
    text: str = event.value
    if not event.implicit[0]:  # it is quoted, or a block
        return dumps(text)
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _NUMBER.fullmatch(text):
        return text
    if _ODD_WORD.fullmatch(text):
        raise _refused(
            event, f"found {text}, which may be a word or a truth value; write true or false, or put it in quotes"
        )
    if _ODD_NUMBER.fullmatch(text):
        raise _refused(event, f"found {text}, which is no number in JSON; write it as there, or put it in quotes")
    return dumps(text)


def _refused(event: Any, what: str) -> YamlError:
    return YamlError(f"{what} (line {event.start_mark.line + 1}, column {event.start_mark.column + 1})")


def _told(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
    return f"found no valid YAML: {problem}{where}"
