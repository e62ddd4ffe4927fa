"""Whether money is what a tool's verb is about."""

from __future__ import annotations

from typing import Final

from gatepost.catalogue import lexicon
from gatepost.catalogue.anatomy import Tool
from gatepost.catalogue.words import vocabulary

_EDITS: Final = vocabulary("update edit modify set patch")
_MAKES: Final = _EDITS | vocabulary("create add")
_PAPER: Final = vocabulary("note notes metadata description label labels reference")
_MAYBE_MONEY: Final = (
    lexicon.MONEY | lexicon.MONEY_IF_TRADING | {"subscription"} | {thing for _, thing in lexicon.MONEY_IN_TWO_WORDS}
)
_PROMISE_NOTHING: Final = vocabulary("generate draft subscribe watch follow notify resend remind email")
_REMINDERS: Final = vocabulary("reminder notification")
_MONEY_WORDS: Final = vocabulary(
    "payment payments money currency price amount wallet token tokens buy sell billing paid customer crypto funds "
    "usd fiat card"
)
_SIGN_IN: Final = vocabulary("auth oauth code login session access refresh credentials password api")


def money_in(tool: Tool, verb: str, things: tuple[str, ...]) -> str:
    """The thing of money that an acting verb has for its object, or empty."""
    if _MAYBE_MONEY.isdisjoint(things) or verb in _PROMISE_NOTHING or not _REMINDERS.isdisjoint(things):
        return ""
    for at, thing in enumerate(things):
        counts = thing in lexicon.MONEY or (thing in lexicon.MONEY_IF_TRADING and tool.trades and verb in lexicon.DEALS)
        if thing == "subscription":
            counts = not lexicon.NOT_PAID.intersection((*things, *tool.words)) and (
                tool.trades or speaks_of_money(tool) or verb in ("cancel", "upgrade", "downgrade", "renew")
            )
        counts = counts or (at > 0 and (things[at - 1], thing) in lexicon.MONEY_IN_TWO_WORDS)
        if not counts or (thing in lexicon.CHOICES and verb in _MAKES):
            continue
        if any(later not in lexicon.MONEY_PAPERWORK and later not in lexicon.MONEY for later in things[at + 1 :]):
            continue
        edits_paper = verb in _EDITS and _PAPER & tool.reading.words and not tool.facts.amounts
        return "" if edits_paper else thing
    return ""


def speaks_of_money(tool: Tool) -> bool:
    """Whether anything in the definition does, whatever its verb is about."""
    words = tool.reading.words | set(tool.words)
    spoken = _MONEY_WORDS & words
    if _SIGN_IN & words:  # a token is then a credential
        spoken -= {"token", "tokens"}
    return bool(tool.facts.money) or bool(spoken)
