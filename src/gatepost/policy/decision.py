"""What the engine answers: an immutable decision, with the limits and the approval that go with it."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

Effect = Literal["allow", "deny", "approve"]

NO_POLICY = "(no policy)"
HIDDEN = "(hidden)"
DEFAULT_DENY = "(default deny)"
INVALID_ARGUMENTS = "(invalid arguments)"
INVALID_URI = "(invalid uri)"


class Use(msgspec.Struct, frozen=True, gc=False):
    """What one limit takes from its counter when the call is let through.

    Attributes:
        counter: the counter's name.
        window: "second", "minute", "hour", "day", "week", "month", or another number of seconds.
        scope: "grant", "identity" or "server".
        max: most that may be used in one window.
        amount: what this call uses, 0 or more.
        algorithm: "fixed" or "sliding".
        rule: the limit's name in the log.
        on_deny: the author's text for when it is exhausted, or None.
        enforced: False for a limit in shadow mode, which counts and never blocks.
    """

    counter: str
    window: str | int
    scope: str
    max: Decimal
    amount: Decimal
    algorithm: str
    rule: str
    on_deny: str | None
    enforced: bool


class Approval(msgspec.Struct, frozen=True, gc=False):
    """How a person is asked: `timeout` in whole seconds, who may answer, and what they are told."""

    timeout: int
    approvers: tuple[str, ...]
    message: str


class Decision(msgspec.Struct, frozen=True, gc=False):
    """The answer for one call.

    Attributes:
        effect: "allow", "deny" or "approve" (a person must say yes first).
        rule: the rule that decided, as in the log; empty for a plain allow; the first that would have applied where
            shadow mode let the call through.
        message: text for the agent, without a prefix; empty for an allow.
        limits: one use for each limit that applies, when the effect is "allow" or "approve"; else empty.
        enforced: False where only shadow mode let the call through.
        shadowed: (rule, effect) of each shadow result, in the order of evaluation.
        approval: how to ask, when the effect is "approve"; else None.
    """

    effect: Effect
    rule: str = ""
    message: str = ""
    limits: tuple[Use, ...] = ()
    enforced: bool = True
    shadowed: tuple[tuple[str, str], ...] = ()
    approval: Approval | None = None
