"""What the other tools of a server say of one: the service's prefix, and what the server is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gatepost.catalogue.lexicon import AMBIGUOUS, DRIVEN, VERBS
from gatepost.catalogue.words import name_words, singular, vocabulary

MOST = 2_000
_ENOUGH = 3
_SHARE = 0.6
_LONGEST_PREFIX = 3
_TRADE: Final = vocabulary(
    "payment refund invoice payout order trade position portfolio wallet balance swap crypto stock checkout price token"
)
_TRADING = 0.12
_DRIVING = 0.1


@dataclass(frozen=True, slots=True)
class Siblings:
    """What all tools of one server have in common; made once for a server with `of`.

    Attributes:
        prefix: the words that most names begin with (`("mobile",)`), none of which is a plain verb.
        trades: whether the server deals in money, orders or tokens.
        drives: whether it drives a browser, an app or a device.
    """

    prefix: tuple[str, ...] = ()
    trades: bool = False
    drives: bool = False

    @classmethod
    def of(cls, names: Iterable[str]) -> Siblings:
        """Reads at most the first `MOST` names."""
        split = [words for _, name in zip(range(MOST), names, strict=False) if (words := name_words(name))]
        trading = sum(not _TRADE.isdisjoint(map(singular, words)) for words in split)
        driving = sum(not DRIVEN.isdisjoint(words) for words in split)
        many = max(len(split), 1)
        return cls(_prefix(split), trading / many >= _TRADING, driving / many >= _DRIVING)


def _prefix(split: list[tuple[str, ...]]) -> tuple[str, ...]:
    if len(split) < _ENOUGH:
        return ()
    prefix: tuple[str, ...] = ()
    for length in range(1, _LONGEST_PREFIX + 1):
        counted = Counter(words[:length] for words in split if len(words) > length)
        if not counted:
            break
        common, times = counted.most_common(1)[0]
        if (
            times < _SHARE * len(split)
            or common[:-1] != prefix
            or (common[-1] in VERBS and common[-1] not in AMBIGUOUS)
        ):
            break
        prefix = common
    return prefix
