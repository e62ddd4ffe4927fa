"""Documents that are damaged somewhere: refused with pointers into them, or understood; never anything else."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

from gatepost.policy import PolicyError, compile_policy

from . import generate

ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**400,
    float("nan"),
    "",
    "x",
    "\ud800",
    [],
    [None],
    {},
    {"x": {}},
    "args.",
    "args.a[*][*][*]",
    object(),
    (),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a document."""
    found = [path]
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        found += places(member, (*path, key))
    return found


def damaged(random: Random, document: dict[str, Any]) -> dict[str, Any]:
    """A copy with one to three values replaced, removed, renamed or added."""
    result = copy.deepcopy(document)
    for _ in range(random.randrange(1, 4)):
        path = random.choice([place for place in places(result) if place])
        holder: Any = result
        for key in path[:-1]:
            holder = holder[key]
        kind = random.randrange(4)
        if kind == 0 and isinstance(holder, dict):
            holder[random.choice(["unknown", "mode", "name", "a/b~c", "é"])] = holder.pop(path[-1])
        elif kind == 1:
            del holder[path[-1]]
        elif kind == 2 and isinstance(holder, dict):
            holder[random.choice(["extra", "value", "limits", "tools", 5])] = random.choice(ODD)
        else:
            holder[path[-1]] = random.choice(ODD)
    return result


def points_into(pointer: str, document: Any) -> bool:
    """Whether a JSON pointer leads to something in the document."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return False
    return pointer == "" or pointer.startswith("/")


def test_a_damaged_document_is_understood_or_refused_with_pointers_into_it() -> None:
    random = Random(11)
    refused = understood = 0
    for _ in range(3000):
        document = damaged(random, generate.document(random))
        try:
            policy = compile_policy(document)
        except PolicyError as error:
            refused += 1
            assert error.errors
            for pointer, message in error.errors:
                assert points_into(pointer, document), (pointer, message)
                assert message.startswith("found "), message
                assert "expected " in message, message
        else:
            understood += 1
            policy.decide(tool="a", arguments={"n": 1})
    assert refused > 1000
    assert understood > 100


def test_a_document_means_the_same_as_value_as_text_and_in_canonical_form() -> None:
    random = Random(12)
    for _ in range(150):
        document = generate.document(random)
        try:
            text = json.dumps(document)
        except TypeError:  # it holds a number that needs more than a float
            continue
        forms = [compile_policy(document), compile_policy(text), compile_policy(text.encode())]
        forms.append(compile_policy(forms[0].canonical))
        forms.append(compile_policy(forms[0].document))
        assert len({form.version for form in forms}) == 1
        for _ in range(5):
            arguments = generate.arguments(random)
            call = {"tool": random.choice(generate.TOOLS), "arguments": arguments, "category": "read"}
            assert len({repr(form.decide(**call)) for form in forms}) == 1
