"""Names and descriptions as words, and verbs in the forms in which they are written."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_NAME_LONGEST = 256
_PARTED = {place: " " for place in range(128) if not chr(place).isalnum()}


def vocabulary(text: str) -> frozenset[str]:
    """The words of a text, as a set: how the rules write their lists down."""
    return frozenset(text.split())


@lru_cache(maxsize=65_536)
def name_words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: `linear_getIssueById`, `API-get-user` and `HTTPServer.start` alike."""
    text = name[:_NAME_LONGEST]
    if text.isascii() and text == text.lower():  # most are, and then only what parts them counts
        return tuple(text.translate(_PARTED).split())
    words: list[str] = []
    word = ""
    previous = ""
    for index, character in enumerate(text):
        if not character.isalnum():
            if word:
                words.append(word)
            word = ""
        elif word and character.isupper() and (not previous.isupper() or text[index + 1 : index + 2].islower()):
            words.append(word)
            word = character
        else:
            word += character
        previous = character
    if word:
        words.append(word)
    return tuple(part.lower() for part in words)


def forms(verb: str) -> tuple[str, str, str]:
    """A verb's base, third person and -ing form: `copy`, `copies`, `copying`. Of two words the first is inflected."""
    head, space, rest = verb.partition(" ")
    return tuple(form + space + rest for form in (head, _third(head), _ing(head)))  # type: ignore[return-value]


def _third(verb: str) -> str:
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "z", "o")) else "s")


def _ing(verb: str) -> str:
    if verb.endswith("e") and not verb.endswith(("ee", "ye", "oe")):
        return verb[:-1] + "ing"
    if (
        len(verb) > 2
        and verb[-1] not in "aeiouwxy"
        and verb[-2] in "aeiou"
        and verb[-3] not in "aeiou"
        and _short(verb)
    ):
        return verb + verb[-1] + "ing"
    return verb + "ing"


def _short(verb: str) -> bool:
    """Whether the last consonant doubles: one syllable, or one of those that are stressed at their end."""
    return sum(letter in "aeiou" for letter in verb) == 1 or verb in ("submit", "commit", "permit", "begin", "refer")


def inflected(verbs: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Every form of every verb: the verb, and which form it is (`base`, `third` or `ing`). A base wins over others."""
    table: dict[str, tuple[str, str]] = {}
    kept = list(verbs)
    for verb in kept:
        _, third, ing = forms(verb)
        table.setdefault(third, (verb, "third"))
        table.setdefault(ing, (verb, "ing"))
    for verb in kept:
        table[verb] = (verb, "base")
    return table


@lru_cache(maxsize=65_536)
def singular(word: str) -> str:
    """A noun without its plural ending, well enough to compare with."""
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
