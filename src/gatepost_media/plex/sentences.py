"""Reading a wish for music out of a sentence: words and phrases, no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

_DECADES = {
    "twenties": 1920,
    "thirties": 1930,
    "forties": 1940,
    "fifties": 1950,
    "sixties": 1960,
    "seventies": 1970,
    "eighties": 1980,
    "nineties": 1990,
    "noughties": 2000,
}
_UNHEARD = (
    "haven't heard",
    "have not heard",
    "haven't listened",
    "not yet heard",
    "never heard",
    "never played",
    "never listened",
    "unheard",
    "unplayed",
    "new to me",
    "not played",
)
_LIKE = ("similar to ", "sounds like ", "sound like ", "artists like ", "music like ", "something like ", "more like ")
_ENDS = (" that ", " which ", " i have", " i haven't", " from ", " but ", " with ", ",", ".", "!", "?")
_MOOD_WORDS = {
    "energetic": ("energetic", "rousing", "lively", "workout", "upbeat", "fast", "party"),
    "calm": ("calm", "peaceful", "relaxed", "quiet", "soothing", "relaxing", "slow", "contemplative", "sleep"),
    "aggressive": ("aggressive", "fierce", "angry"),
    "melancholic": ("melancholy", "melancholic", "sad", "bittersweet", "wistful"),
    "uplifting": ("uplifting", "happy", "cheerful", "joyous"),
    "dark": ("dark", "gloomy", "brooding", "ominous"),
    "romantic": ("romantic", "intimate", "sensual", "tender"),
    "mysterious": ("mysterious", "eerie", "enigmatic", "hypnotic"),
}
"""Words that mean about the same: a wish for one of a row takes any mood of that row which the library has."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a sentence asks for."""

    years: tuple[int, int] | None = None
    genres: list[str] = field(default_factory=list)
    moods: list[str] = field(default_factory=list)
    like: str | None = None
    unheard: bool = False

    def said(self) -> str:
        """The same in words."""
        parts = []
        if self.like:
            parts.append(f"like {self.like}")
        if self.genres:
            parts.append(f"genre {' or '.join(self.genres)}")
        if self.moods:
            parts.append(f"mood {' or '.join(self.moods)}")
        if self.years:
            first, last = self.years
            parts.append(f"of {first}" if first == last else f"from {first} to {last}")
        if self.unheard:
            parts.append("not yet heard")
        return ", ".join(parts) or "anything"


def wish(sentence: str, genres: Sequence[str], moods: Sequence[str]) -> Wish:
    """Reads a sentence. `genres` and `moods` are those that the library has, in lower case."""
    lowered = " ".join(sentence.casefold().replace("’", "'").split())
    words = [word.strip(".,!?;:()\"'") for word in lowered.split()]
    return Wish(
        years=_years(words),
        genres=_named(lowered, genres),
        moods=_moods(lowered, words, moods),
        like=_like(lowered),
        unheard=any(phrase in lowered for phrase in _UNHEARD),
    )


def _years(words: Sequence[str]) -> tuple[int, int] | None:
    for word in words:
        if word in _DECADES:
            return _DECADES[word], _DECADES[word] + 9
        number, tail = word.rstrip("s").rstrip("'"), word[-1:] == "s"
        if not (number.isascii() and number.isdigit()):
            continue
        value = int(number[:4])
        if len(number) == 4 and 1800 <= value <= 2199:
            return (value, value + 9) if tail and value % 10 == 0 else (value, value)
        if len(number) == 2 and tail and value % 10 == 0:
            century = 2000 if value < 20 else 1900
            return century + value, century + value + 9
    return None


def _named(sentence: str, names: Sequence[str]) -> list[str]:
    """The names that stand in the sentence as whole words, the longest first, none inside another."""
    found: list[str] = []
    left = f" {''.join(character if character.isalnum() or character in '&-' else ' ' for character in sentence)} "
    for name in sorted(names, key=len, reverse=True):
        if name and f" {name} " in left:
            found.append(name)
            left = left.replace(f" {name} ", "  ")
    return found


def _moods(sentence: str, words: Sequence[str], moods: Sequence[str]) -> list[str]:
    found = _named(sentence, moods)
    for row in _MOOD_WORDS.values():
        if any(word in row for word in words):
            found += [mood for mood in moods if mood in row and mood not in found]
    return found


def _like(sentence: str) -> str | None:
    for phrase in _LIKE:
        at = sentence.find(phrase)
        if at >= 0:
            rest = sentence[at + len(phrase) :]
            for end in _ENDS:
                rest = rest.split(end)[0]
            return rest.strip().removeprefix("the artist ").strip() or None
    return None
