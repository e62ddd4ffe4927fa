"""How bad a call can be, and what else is to be said of a tool beside its category."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gatepost.catalogue import lexicon
from gatepost.catalogue.anatomy import AUTH, Tool, things_of
from gatepost.catalogue.classification import SEVERITIES, SEVERITY_OF, Category, Evidence, Severity
from gatepost.catalogue.schema_facts import MANY
from gatepost.catalogue.words import singular, vocabulary

_AUTH_CODES: Final = AUTH | vocabulary("auth oauth otp 2fa mfa verify verification pairing")
_UNTOLD: Final = "is secret"
_RUNS_TEXT: Final = frozenset(("evaluate", "eval", "execute", "run"))
_PROGRAM_TEXT: Final = vocabulary("javascript js python script code shell bash")
_SENDING: Final = vocabulary("send resend post publish reply forward notify invite tweet broadcast add create")
_BULK: Final = vocabulary("all bulk batch many multiple")


def severity_of(category: Category, annotations: Mapping[str, Any] | None, evidence: list[Evidence]) -> Severity:
    """That of the category, or more where the server itself says more."""
    severity = SEVERITY_OF[category]
    if annotations is None or not isinstance(annotations, (dict, Mapping)):
        return severity
    raised = severity
    if annotations.get("destructiveHint") is True and annotations.get("readOnlyHint") is not True:
        raised = at_least(raised, "high")
        if raised != severity:
            evidence.append(Evidence("annotations", "destructiveHint: true", "its server says it may destroy"))
    elif annotations.get("readOnlyHint") is False and category == "read":
        raised = at_least(raised, "medium")
        evidence.append(Evidence("annotations", "readOnlyHint: false", "its server says it is not read-only"))
    return raised


def at_least(one: Severity, other: Severity) -> Severity:
    """The graver of two."""
    return max(one, other, key=SEVERITIES.index)


def signals_of(tool: Tool, category: Category, annotations: Mapping[str, Any] | None, text: str) -> tuple[str, ...]:
    """The signals, in the order in which pages show them."""
    facts = tool.facts
    acting = category != "read"
    found: list[str] = []
    if facts.urls:
        found.append("takes-url")
    if facts.paths:
        found.append("takes-path")
    if facts.credentials:
        found.append("takes-credentials")
    if category in ("execute", "destructive") and _takes_code(tool):
        found.append("runs-code")
    if acting and category != "destructive" and _sends(tool):
        found.append("sends-messages")
    if category == "financial":
        found.append("moves-money")
    if acting and (facts.bulk or not _BULK.isdisjoint(tool.words)):
        found.append("bulk")
    if facts.total >= MANY:
        found.append("many-parameters")
    if not text or text.isspace():
        found.append("empty-description")
    if (
        acting
        and annotations is not None
        and isinstance(annotations, (dict, Mapping))
        and annotations.get("readOnlyHint") is True
    ):
        found.append("read-only-doubtful")
    return tuple(found)


def _takes_code(tool: Tool) -> bool:
    """Whether a parameter is text that is run, or the description says that such is; a code to sign in with is none."""
    if tool.facts.code:
        return tool.facts.code != ("code",) or _AUTH_CODES.isdisjoint(tool.words)
    return any(act.verb in _RUNS_TEXT and not _PROGRAM_TEXT.isdisjoint(act.objects) for act in tool.reading.acts)


def secret_of(tool: Tool) -> Evidence | None:
    """What a reading tool gives out that is secret, as the end of what its name or a verb of its text is about."""
    words = tool.words
    spoken = []
    if words and words[0] in lexicon.SHOWS:
        spoken.append(("name", words[1:]))
    if words and words[-1] in lexicon.SHOWS:
        spoken.append(("name", words[:-1]))
    spoken += [("description", act.objects) for act in tool.reading.acts if act.verb in lexicon.SHOWS]
    for source, objects in spoken:
        things = things_of(objects)
        if things[-1:] and things[-1] in lexicon.SECRETS:
            return Evidence(source, things[-1], _UNTOLD)
        if things[-2:] in lexicon.SECRET_PAIRS:
            return Evidence(source, " ".join(things[-2:]), _UNTOLD)
    return None


def _sends(tool: Tool) -> bool:
    """Whether a verb of sending stands with something that reaches other people."""
    acts = tool.reading.acts
    if _SENDING.isdisjoint(tool.words) and not any(act.verb in _SENDING for act in acts):
        return False
    if not lexicon.CONTACT.isdisjoint(map(singular, tool.words)):
        return True
    return any(not lexicon.CONTACT.isdisjoint(map(singular, act.objects)) for act in acts)
