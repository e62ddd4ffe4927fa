"""What an input schema says of a tool: its parameters, bounded, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple

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
_CHOOSERS: Final = vocabulary("action method operation command mode op subcommand verb")
_PAGING: Final = vocabulary("page next continuation cursor max sync request")
_CONFIRM: Final = vocabulary("confirm confirmed confirmation force")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One top-level parameter, with its words in the singular."""

    name: str
    words: tuple[str, ...]
    kind: str
    required: bool
    schema: Mapping[str, Any]


class SchemaFacts(NamedTuple):
    """What the parameters of a tool are about; every tuple holds names of parameters.

    Attributes:
        schema: what they were read from.
        total: how many parameters there are, also where only the first `MOST_PARAMETERS` were read.
    """

    schema: Mapping[str, Any]
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
    def parameters(self) -> tuple[Parameter, ...]:
        """The first `MOST_PARAMETERS`, in their order."""
        if not self.total:
            return ()
        required = self.schema.get("required")
        needed = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
        named = ((name, member) for name, member in self.schema["properties"].items() if isinstance(name, str))
        own = (
            (name, member if isinstance(member, Mapping) else _EMPTY) for name, member in islice(named, MOST_PARAMETERS)
        )
        return tuple(Parameter(name, _topics(name)[0], kind_of(one), name in needed, one) for name, one in own)

    @property
    def required(self) -> int:
        """How many of the parameters must be given."""
        return sum(one.required for one in self.parameters)


_EMPTY: Final[Mapping[str, Any]] = {}
_NONE: Final = SchemaFacts(_EMPTY, 0, (), (), (), (), (), (), (), (), ())


def schema_facts(schema: object) -> SchemaFacts:
    """Reads the top-level properties of an input schema; whatever is no usable schema has none."""
    if not isinstance(schema, (dict, Mapping)):
        return _NONE
    properties = schema.get("properties")
    if not isinstance(properties, (dict, Mapping)) or not properties:
        return _NONE
    about: dict[str, tuple[str, ...]] = {}
    choices: list[tuple[str, tuple[str, ...]]] = []
    read = 0
    for name, member in properties.items():
        if read >= MOST_PARAMETERS:
            break
        if not isinstance(name, str):
            continue
        read += 1
        words, topics = _topics(name)
        own = member if isinstance(member, (dict, Mapping)) else _EMPTY
        if "format" in own and own["format"] in ("uri", "url", "iri"):
            topics |= {"urls"}
        if words[-1:] == ("query",) and _is_sql(own):
            topics |= {"code"}
        if topics:
            kind = kind_of(own)
            if "enum" in own:  # one of a few words leads nowhere and runs nothing
                topics -= _FREE
            for topic in topics:
                if kind in _KINDS[topic]:
                    about[topic] = (*about[topic], name) if topic in about else (name,)
        if "enum" in own and words and words[-1] in _CHOOSERS and (offered := _choices(own)):
            choices.append((name, offered))
    if not about and not choices:
        return SchemaFacts(schema, len(properties), (), (), (), (), (), (), (), (), ())
    of = about.get
    return SchemaFacts(
        schema,
        len(properties),
        of("urls", ()),
        of("paths", ()),
        of("credentials", ()),
        of("code", ()),
        of("amounts", ()),
        of("money", ()),
        of("confirms", ()),
        of("bulk", ()),
        tuple(choices),
    )


# What a parameter must be, besides being called so; a schema that names no type may be anything.
_KINDS: Final = {
    "urls": ("string", "array", ""),
    "paths": ("string", "array", ""),
    "credentials": ("string", ""),
    "code": ("string", "array", ""),
    "amounts": ("number", "integer", ""),
    "money": ("string", "number", "integer", "boolean", "object", ""),
    "confirms": ("string", "number", "integer", "boolean", "object", "array", ""),
    "bulk": ("array",),
}


def _is_sql(schema: Mapping[str, Any]) -> bool:
    """Whether a parameter's own words say that it is SQL."""
    told = schema.get("description")
    return isinstance(told, str) and "sql" in name_words(told)


_FREE: Final = frozenset(("urls", "paths", "credentials", "code"))
_SELECTS: Final = vocabulary("include exclude select allow deny filter ignore skip")
"""Words before paths that are patterns of what is looked at: `exclude_paths`."""


@lru_cache(maxsize=16_384)
def _topics(name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """A parameter's words in the singular, and what they are about."""
    words = tuple(singular(word) for word in name_words(name))
    last = words[-1] if words else ""

    def speaks_of(terms: frozenset[str]) -> bool:
        return any(word in terms for word in words) or "".join(words) in terms

    found = {
        "urls": speaks_of(_URLS) and last not in ("id", "name", "type", "kind", "title", "text"),
        "paths": last in _PATHS and not (words[0] in _SELECTS and name.lower().endswith("s")),
        "credentials": _names_credential(words, speaks_of(_CREDENTIALS)),
        "code": _names_code(words),
        "amounts": speaks_of(_AMOUNTS),
        "money": speaks_of(_MONEY),
        "confirms": speaks_of(_CONFIRM),
        "bulk": name.lower().endswith(("ids", "keys", "names")),
    }
    return words, frozenset(topic for topic, holds in found.items() if holds)


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
                inner = option.get("type") if isinstance(option, (dict, Mapping)) else None
                if isinstance(inner, str) and inner != "null":
                    return inner
    return ""


def _names_credential(words: tuple[str, ...], speaks: bool) -> bool:
    if words[-1:] and words[-1] in ("id", "name", "type", "count", "limit", "max"):
        return False
    named = speaks or words[-2:] in (("api", "key"), ("private", "key"), ("access", "key"))
    return named and not _PAGING.intersection(words)


def _names_code(words: tuple[str, ...]) -> bool:
    if "".join(words) in _CODE or words[:1] == ("sql",):
        return True
    return len(words) > 1 and words[-1] in ("sql", "command", "script", "shell")


def _choices(schema: Mapping[str, Any]) -> tuple[str, ...]:
    values = schema.get("enum")
    if not isinstance(values, list):
        return ()
    return tuple(value for value in values[:_MOST_CHOICES] if isinstance(value, str))
