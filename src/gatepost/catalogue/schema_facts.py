"""What an input schema says of a tool: its parameters, bounded, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gatepost.catalogue.words import name_words, singular, vocabulary

MOST_PARAMETERS = 200
MANY = 12
_MOST_CHOICES = 40

_URLS: Final = vocabulary("url uri link href endpoint webhook callback")
_PATHS: Final = vocabulary("path filepath file filename directory dir folder dirpath savepath")
_CREDENTIALS: Final = vocabulary("password passwd secret token apikey credential credentials passphrase privatekey")
_CODE: Final = vocabulary(
    "command cmd code script sql shell javascript python expression program rawsql statement bash"
)
_AMOUNTS: Final = vocabulary("amount price cost total fee quantity qty notional sum budget value")
_MONEY: Final = vocabulary("amount currency price notional wei usd eur iban fee")
_BULK: Final = vocabulary("all ids batch bulk items")
_CHOOSERS: Final = vocabulary("action method operation command mode op subcommand verb")
_CONFIRM: Final = vocabulary("confirm confirmed confirmation force")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One top-level parameter, with its words in the singular."""

    name: str
    words: tuple[str, ...]
    kind: str
    required: bool
    schema: Mapping[str, Any]

    def speaks_of(self, vocabulary: frozenset[str]) -> bool:
        """Whether one of its words, or its name without separators, is in a vocabulary."""
        return any(word in vocabulary for word in self.words) or "".join(self.words) in vocabulary


@dataclass(frozen=True, slots=True)
class SchemaFacts:
    """The parameters of a tool and what they are about; every tuple holds names of parameters."""

    parameters: tuple[Parameter, ...]
    total: int
    urls: tuple[str, ...]
    paths: tuple[str, ...]
    credentials: tuple[str, ...]
    code: tuple[str, ...]
    amounts: tuple[str, ...]
    money: tuple[str, ...]
    confirms: tuple[str, ...]
    bulk: tuple[str, ...]
    choices: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def required(self) -> int:
        """How many of the parameters must be given."""
        return sum(one.required for one in self.parameters)


_NONE: Final = SchemaFacts((), 0, (), (), (), (), (), (), (), (), ())


def schema_facts(schema: object) -> SchemaFacts:
    """Reads the top-level properties of an input schema; whatever is no usable schema has none."""
    if not isinstance(schema, Mapping):
        return _NONE
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return _NONE
    required = schema.get("required")
    needed = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
    found: list[Parameter] = []
    for name, member in properties.items():
        if len(found) >= MOST_PARAMETERS:
            break
        if isinstance(name, str):
            own = member if isinstance(member, Mapping) else {}
            found.append(Parameter(name, _words(name), kind_of(own), name in needed, own))
    return SchemaFacts(
        parameters=tuple(found),
        total=len(properties),
        urls=tuple(one.name for one in found if _takes_url(one)),
        paths=tuple(one.name for one in found if _takes_path(one)),
        credentials=tuple(one.name for one in found if _takes_credential(one)),
        code=tuple(one.name for one in found if one.kind in ("string", "array", "") and _takes_code(one)),
        amounts=tuple(one.name for one in found if one.kind in ("number", "integer", "") and one.speaks_of(_AMOUNTS)),
        money=tuple(one.name for one in found if one.kind != "array" and one.speaks_of(_MONEY)),
        confirms=tuple(one.name for one in found if one.speaks_of(_CONFIRM)),
        bulk=tuple(
            one.name for one in found if one.kind == "array" and one.name.lower().endswith(("ids", "keys", "names"))
        ),
        choices=tuple(
            (one.name, choices)
            for one in found
            if one.words[-1:] and one.words[-1] in _CHOOSERS and (choices := _choices(one))
        ),
    )


def kind_of(schema: Mapping[str, Any]) -> str:
    """The JSON type a parameter's schema names, looking through `anyOf` with null; empty where it names none."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "")
    if isinstance(kind, str):
        return kind
    for member in ("anyOf", "oneOf"):
        options = schema.get(member)
        if isinstance(options, list):
            for option in options[:8]:
                inner = option.get("type") if isinstance(option, Mapping) else None
                if isinstance(inner, str) and inner != "null":
                    return inner
    return ""


def _words(name: str) -> tuple[str, ...]:
    return tuple(singular(word) for word in name_words(name))


def _takes_url(one: Parameter) -> bool:
    return one.kind in ("string", "array", "") and (
        one.schema.get("format") in ("uri", "url", "iri")
        or (one.speaks_of(_URLS) and one.words[-1] not in ("id", "name"))
    )


def _takes_path(one: Parameter) -> bool:
    return one.kind in ("string", "array", "") and one.words[-1:] != () and one.words[-1] in _PATHS


def _takes_credential(one: Parameter) -> bool:
    if one.words[-1:] and one.words[-1] in ("id", "name", "type", "count", "limit", "max"):
        return False
    paging = {"page", "next", "continuation", "cursor", "max", "sync", "request"}
    return (
        one.kind in ("string", "")
        and (one.speaks_of(_CREDENTIALS) or one.words[-2:] in (("api", "key"), ("private", "key"), ("access", "key")))
        and not paging.intersection(one.words)
    )


def _takes_code(one: Parameter) -> bool:
    name = "".join(one.words)
    return (
        name in _CODE
        or (len(one.words) > 1 and one.words[-1] in ("sql", "command", "script", "shell"))
        or one.words[0:1] == ("sql",)
    )


def _choices(one: Parameter) -> tuple[str, ...]:
    values = one.schema.get("enum")
    if not isinstance(values, list):
        return ()
    return tuple(value for value in values[:_MOST_CHOICES] if isinstance(value, str))
