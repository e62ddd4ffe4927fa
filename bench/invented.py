"""Servers and tools that nobody wrote: seeded, of as many words, shapes and sizes as lists of public servers have.

Names are in the styles that are met (snake, camel, kebab, dotted, with the service before them); descriptions have one
to four sentences; schemas have none to nine parameters. No two servers have the same list.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


READS = words("get list search find read fetch query describe count show lookup check inspect download preview")
WRITES = words("create add update edit set rename move upload publish post assign tag merge import comment save")
ACTS = words("run execute start stop deploy send trigger invoke restart render call schedule click navigate approve")
ENDS = words("delete remove drop purge revoke archive cancel destroy wipe terminate pay refund transfer charge")
VERBS = (*READS, *READS, *READS, *WRITES, *WRITES, *ACTS, *ENDS)

OBJECTS = words(
    "issue branch file folder page document user account message channel thread comment label invoice payment customer "
    "order product ticket project task board card sprint release build pipeline job workflow secret variable cluster "
    "node pod service deployment namespace container image volume bucket object table row column schema index database "
    "query dashboard alert metric log trace incident event calendar meeting contact lead deal campaign email template "
    "note tag record form field report chart sheet cell slide video playlist track album artist movie episode library "
    "device sensor scene light route place booking flight hotel wallet balance token portfolio stock quote model "
    "dataset experiment run artifact notebook prompt agent memory session webhook repository commit review release"
)
SERVICES = words(
    "acme north delta orbit linden harbor quartz maple cobalt ember falcon granite helix indigo juniper kestrel lumen "
    "meadow nimbus onyx pioneer quill raven summit tundra umber vertex willow xenon yarrow zephyr atlas breeze cedar"
)
ADJECTIVES = words("open closed recent archived shared private pending failed active default current linked public own")
TAILS = (
    "Returns at most a hundred of them, newest first.",
    "The caller needs the right to do so in the workspace.",
    "Use this before you change anything, so that ids are right.",
    "Fails when there is none of that name.",
    "Times are in UTC and follow ISO 8601.",
    "Large results come in pages; pass the cursor of the page before.",
    "This cannot be undone.",
    "Markdown is understood in texts.",
)
PARAMETERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("id", {"type": "string", "description": "The id"}),
    ("name", {"type": "string", "maxLength": 200}),
    ("query", {"type": "string", "description": "What to look for"}),
    ("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
    ("cursor", {"type": "string"}),
    ("since", {"type": "string", "format": "date-time"}),
    ("path", {"type": "string", "description": "Path below the root"}),
    ("url", {"type": "string", "format": "uri"}),
    ("body", {"type": "string", "description": "Text in Markdown"}),
    ("labels", {"type": "array", "items": {"type": "string"}}),
    ("amount", {"type": "number", "exclusiveMinimum": 0}),
    ("currency", {"type": "string", "enum": ["eur", "usd", "gbp"]}),
    ("sql", {"type": "string", "description": "A statement in SQL"}),
    ("command", {"type": "string"}),
    ("recipients", {"type": "array", "items": {"type": "string", "format": "email"}}),
    ("api_key", {"type": "string", "description": "Key of the account"}),
    ("force", {"type": "boolean", "default": False}),
    ("dry_run", {"type": "boolean", "default": True}),
    ("order", {"type": "string", "enum": ["asc", "desc"]}),
    ("options", {"type": "object", "properties": {"deep": {"type": "boolean"}, "depth": {"type": "integer"}}}),
)


def servers(number: int, tools: int, seed: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """`number` servers with `tools` tools in all, as (name, definitions), the same for the same seed."""
    chance = random.Random(seed)
    left = tools
    for place in range(number):
        service = chance.choice(SERVICES)
        wanted = left - (number - place - 1) if place == number - 1 else _some(chance, left, number - place)
        left -= wanted
        yield f"io.example.{service}/{chance.choice(OBJECTS)}-{place}", _tools(chance, service, wanted)


def _some(chance: random.Random, left: int, servers_left: int) -> int:
    """A size around the mean of what is left: most servers are small, a few have many tools."""
    mean = left / servers_left
    return max(1, min(left - (servers_left - 1), round(chance.expovariate(1 / mean) * 0.7 + mean * 0.3)))


def _tools(chance: random.Random, service: str, number: int) -> list[dict[str, Any]]:
    style = chance.randrange(5)
    made: dict[str, dict[str, Any]] = {}
    while len(made) < number:
        verb, thing = chance.choice(VERBS), chance.choice(OBJECTS)
        words = [verb, thing] if chance.random() < 0.6 else [verb, chance.choice(ADJECTIVES), thing]
        if chance.random() < 0.15:
            words.append(f"v{chance.randrange(2, 40)}")
        name = _name(words, style, service)
        made[name] = {
            "name": name,
            "description": _description(chance, words, service),
            "inputSchema": _schema(chance),
            **({"annotations": {"readOnlyHint": verb in READS}} if chance.random() < 0.3 else {}),
        }
    return list(made.values())


def _name(words: list[str], style: int, service: str) -> str:
    if style == 0:
        return words[0] + "".join(word.capitalize() for word in words[1:])
    if style == 1:
        return "-".join(words)
    if style == 2:
        return f"{service}_{'_'.join(words)}"
    return f"{service}.{'.'.join(words[1:])}.{words[0]}" if style == 3 else "_".join(words)


def _description(chance: random.Random, words: list[str], service: str) -> str:
    if chance.random() < 0.03:
        return ""
    first = f"{words[0].capitalize()} {' '.join(words[1:])} in {service.capitalize()} {chance.choice(OBJECTS)}s."
    return " ".join([first, *chance.sample(TAILS, chance.randrange(4))])


def _schema(chance: random.Random) -> dict[str, Any]:
    chosen = dict(chance.sample(PARAMETERS, chance.randrange(10)))
    return {"type": "object", "properties": chosen, "required": sorted(chosen)[: chance.randrange(3)]}
