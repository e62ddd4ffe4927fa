"""A tool's definition taken apart, as the parts of the classification read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gatepost.catalogue import lexicon
from gatepost.catalogue.description import Reading
from gatepost.catalogue.schema_facts import SchemaFacts
from gatepost.catalogue.siblings import Siblings
from gatepost.catalogue.words import singular, vocabulary

AUTH: Final = vocabulary("authenticate authorize authorise login signin reauthenticate")


@dataclass(slots=True)
class Tool:
    """The definition, taken apart once."""

    words: tuple[str, ...]
    reading: Reading
    facts: SchemaFacts
    siblings: Siblings

    @property
    def trades(self) -> bool:
        """Whether amounts, prices or trades are spoken of."""
        return self.siblings.trades or bool(self.facts.money)


def things_of(objects: tuple[str, ...]) -> tuple[str, ...]:
    """The object's words up to a preposition, in the singular."""
    if lexicon.PREPOSITIONS.isdisjoint(objects):  # as mostly
        return tuple(map(singular, objects))
    things: list[str] = []
    for word in objects:
        if word in lexicon.PREPOSITIONS:
            if things:
                break
            continue
        things.append(singular(word))
    return tuple(things)
