"""From a tool's definition to what kind of act a call of it is, with the evidence. Deterministic and total.

What counts, in this order: the verb of the name with its object, the main verbs of the description, the choices and
code that the schema takes. A reading verb in the name is not believed where the description says more; what cannot
be read at all is `execute`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final, NamedTuple

from gatepost.catalogue import lexicon
from gatepost.catalogue.anatomy import AUTH, Tool, things_of
from gatepost.catalogue.classification import (
    Category,
    Classification,
    Confidence,
    Evidence,
)
from gatepost.catalogue.description import read_description
from gatepost.catalogue.leaves import bill_of, left_by
from gatepost.catalogue.lexicon import PLAIN, STRONG, VERBS, WEAK
from gatepost.catalogue.money import money_in, speaks_of_money
from gatepost.catalogue.object_rules import OBJECT_RULES
from gatepost.catalogue.schema_facts import SchemaFacts, schema_facts
from gatepost.catalogue.selects import says_it_only_selects
from gatepost.catalogue.siblings import Siblings
from gatepost.catalogue.signals import at_least, secret_of, severity_of, signals_of
from gatepost.catalogue.words import name_words, singular, vocabulary

_ALONE: Final = Siblings()
_RANK: Final[dict[Category, int]] = {"read": 0, "write": 1, "execute": 2, "destructive": 3, "financial": 4}
_GIVING: Final = vocabulary("get obtain retrieve return returns")
_GIVEN: Final = vocabulary("url link address")
_LOOKS: Final = vocabulary("explain validate format describe analyze analyse lint parse preview suggest search")
_MATHS: Final = vocabulary("mathematical math maths arithmetic")
_FIRST_OF_TWO: Final = frozenset(first for first, _ in lexicon.TWO_WORDS)
_MAYBE_CODE: Final = vocabulary("code expression statement program command cmd")
_RUNS_CODE: Final = vocabulary("run execute eval evaluate query")
_HTTP: Final = vocabulary("get head post put patch delete options trace connect")
_CHANGING: Final = vocabulary("write mutating mutation update insert delete ddl dml")
_PICTURES: Final = vocabulary("image png svg")
_LEFT_AT: Final = vocabulary("file files disk folder directory exports")
_SAVED: Final = vocabulary("file disk folder location directory path imports import local saves saved")


class _Finding(NamedTuple):
    """What one verb says; the evidence is only made of those that count in the end."""

    category: Category
    strength: int
    source: str
    quote: str
    says: str

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.source, self.quote, self.says)


def classify(
    name: str,
    description: str | None,
    input_schema: Mapping[str, Any] | None = None,
    annotations: Mapping[str, Any] | None = None,
    siblings: Siblings | Iterable[str] = (),
) -> Classification:
    """Says what kind of act a call of a tool is, and why.

    Args:
        name, description, input_schema, annotations: as the server listed them; anything else counts as absent.
        siblings: the names of all tools of the server, or better, for more than one tool, `Siblings.of` them.

    The same input gives the same answer. Never raises; of long texts only the beginning is read.
    """
    others = siblings if isinstance(siblings, Siblings) else Siblings.of(siblings) if siblings else _ALONE
    text = description if isinstance(description, str) else ""
    return classify_facts(name, text, schema_facts(input_schema), annotations, others)


def classify_facts(
    name: str, text: str, facts: SchemaFacts, annotations: Mapping[str, Any] | None, others: Siblings
) -> Classification:
    """As `classify`, of a schema that has been read."""
    tool = Tool(_own_words(name, others), read_description(text), facts, others)
    by_name = _from_name(tool)
    by_text = _from_description(tool)
    category, confidence, evidence = _weigh(tool, by_name, by_text)
    category, confidence = _from_schema(tool, category, confidence, evidence)
    if others.prefix and evidence and evidence[0].source == "name":
        evidence.append(Evidence("siblings", "_".join(others.prefix), "a prefix that the server's tools share"))
    severity = severity_of(category, annotations, evidence)
    signals = signals_of(tool, category, annotations, text)
    secret = secret_of(tool) if category == "read" else None
    if secret is not None:
        evidence.append(secret)
        severity, signals = at_least(severity, "high"), (*signals, "gives-secrets")
    return Classification(category, severity, confidence, tuple(evidence), signals)


def _own_words(name: str, siblings: Siblings) -> tuple[str, ...]:
    words = name_words(name) if isinstance(name, str) else ()
    prefix = siblings.prefix
    return words[len(prefix) :] if prefix and words[: len(prefix)] == prefix and len(words) > len(prefix) else words


# -- the name ---------------------------------------------------------------------------------------------------------


def _from_name(tool: Tool) -> _Finding | None:
    """The verb of a name: its first word, else its last, else one in the middle; joined verbs count together."""
    words = tool.words[2:] if len(tool.words) > 2 and tool.words[:2] in lexicon.THINGS else tool.words
    at = _verb_place(words)
    if at is None:
        if words and words[-1] in lexicon.SWITCHES:
            return _Finding("write", PLAIN, "name", "_".join(words), "switches something")
        return None
    two = words[at] in _FIRST_OF_TWO and at + 1 < len(words)
    verb = lexicon.TWO_WORDS.get((words[at], words[at + 1])) if two else None
    width = 2 if verb else 1
    verb = verb or words[at]
    after = words[at + width :]
    best = _judge(tool, verb, after or words[:at], not after, "name", "_".join(words[at : at + width + 2]))
    if "or" in after or "and" in after:
        for position in range(at + width, len(words) - 1):
            if words[position] in ("or", "and") and words[position + 1] in VERBS:
                other = _judge(
                    tool, words[position + 1], words[position + 2 :], True, "name", "_".join(words[at : position + 2])
                )
                if _RANK[other.category] > _RANK[best.category]:
                    best = other
    return best


def _verb_place(words: tuple[str, ...]) -> int | None:
    """Where the verb stands: first, unless that may be a noun and a verb comes last; in the middle; last."""
    if not words:
        return None
    at_end = words[-1] in lexicon.OBJECT_LAST or _is_plain_verb(words[-1])
    if words[0] in VERBS and not (words[0] in lexicon.AMBIGUOUS and len(words) > 1 and at_end):
        return 0
    if len(words) > 2 and words[1] in ("list", "search", "query") and not at_end:
        return 1
    for at in range(1, len(words) - 1):
        if _is_plain_verb(words[at]) and words[at - 1] not in lexicon.PREPOSITIONS:
            return at
    if at_end:
        return len(words) - 1
    joined = (at for at, pair in enumerate(pairwise(words)) if pair in lexicon.TWO_WORDS)
    return next(joined, 0 if words[0] in VERBS else None)


def _is_plain_verb(word: str) -> bool:
    return word in VERBS and word not in lexicon.AMBIGUOUS


# -- the description --------------------------------------------------------------------------------------------------


def _from_description(tool: Tool) -> _Finding | None:
    """The weightiest of the description's main verbs. Of several, a mere `remove` is one of the ways to edit."""
    best: _Finding | None = None
    acts = tool.reading.acts
    for act in acts:
        finding = _judge(tool, act.verb, act.objects, not act.objects, "description", act.quote)
        if len(acts) > 1 and finding.category == "destructive" and finding.strength < STRONG and best is not None:
            finding = _Finding("write", PLAIN, finding.source, finding.quote, finding.says)
        if best is None or _RANK[finding.category] > _RANK[best.category]:
            best = finding
    return best


class _Verb(NamedTuple):
    """What is known of a verb before it is met.

    Attributes:
        category, strength, says: as `_Finding`.
        in_name, at_end: its strength in a name, and where nothing follows it there.
        rules: what its objects change.
        acts: whether it can move money.
        minds_object: whether its object says anything at all.
        minds_tool: whether the rest of the tool may say otherwise.
    """

    category: Category
    strength: int
    says: str
    in_name: int
    at_end: int
    rules: Mapping[str, tuple[Category, int, str]]
    acts: bool
    minds_object: bool
    minds_tool: bool


_WHAT: Final[dict[Category, str]] = {
    "read": "looks and leaves all as it was",
    "write": "makes or changes something",
    "execute": "sets something going",
    "destructive": "takes something away",
    "financial": "moves money",
}
_RUNS: Final = frozenset(("run", "execute", "perform"))
_CARRIES: Final = frozenset(("download", "import", "export", "convert"))
_BY_HEAD: Final = frozenset(("read", "financial"))
_NO_RULES: Final[Mapping[str, tuple[Category, int, str]]] = {}


def _verb(verb: str) -> _Verb:
    category, strength = VERBS.get(verb, ("execute", WEAK))
    ambiguous = verb in lexicon.AMBIGUOUS
    doubtful = ambiguous and category not in ("read", "financial")
    acts = category not in ("read", "destructive")
    return _Verb(
        category,
        strength,
        f"{verb}: {_WHAT[category]}",
        WEAK if doubtful else strength,
        WEAK if ambiguous or category == "write" else strength,
        OBJECT_RULES.get(verb, _NO_RULES),
        acts,
        acts or verb in OBJECT_RULES or verb in _RUNS,
        verb in lexicon.DRIVES or verb in _CARRIES or verb in lexicon.MONEY_ONLY_WITH_MONEY,
    )


_KNOWN: Final = {verb: _verb(verb) for verb in (*VERBS, *OBJECT_RULES)}


def _judge(tool: Tool, verb: str, objects: tuple[str, ...], is_last: bool, source: str, quote: str) -> _Finding:
    """What a verb says with its object."""
    known = _KNOWN.get(verb) or _verb(verb)
    category, strength, says, in_name, at_end, rules, acts, minds_object, minds_tool = known
    if source == "name":
        strength = at_end if is_last else in_name
    if minds_object:
        things = things_of(objects)
        if acts and (paid := money_in(tool, verb, things)):
            return _Finding("financial", STRONG, source, quote, f"{verb} {paid}: moves money or promises it")
        if source == "description" and verb in _RUNS and _only_selects(tool, things):
            return _Finding("read", WEAK, source, quote, f"{verb} query: only looks")
        if not rules.keys().isdisjoint(things):
            is_head = True
            for thing in reversed(things):
                rule = rules.get(thing)
                if rule is not None and (is_head or (source == "description" and rule[0] not in _BY_HEAD)):
                    category, strength, why = rule
                    return _Finding(category, strength, source, quote, f"{verb} {thing}: {why}")
                # a word before one that stands for it (`payment link`) counts as the head too
                is_head = is_head and (thing in lexicon.MONEY_PAPERWORK or thing in lexicon.NEUTRAL)
    if minds_tool and (other := _otherwise(tool, verb, category, objects, source, quote)) is not None:
        return other
    return _Finding(category, strength, source, quote, says)


def _otherwise(
    tool: Tool, verb: str, category: Category, objects: tuple[str, ...], source: str, quote: str
) -> _Finding | None:
    """What the rest of a tool makes of some verbs; None where they stay what they are."""
    if tool.siblings.drives and verb in lexicon.DRIVES:
        return _Finding("execute", PLAIN, source, quote, f"{verb}: drives a program, as the server's other tools do")
    if verb == "export" and _gives_back(tool, objects):
        return _Finding("read", PLAIN, source, quote, "export: gives the thing back")
    if verb in _CARRIES and _saves(tool, verb):
        return _Finding("write", PLAIN, source, quote, f"{verb}: leaves a file")
    perhaps_paid = category == "financial" and verb in lexicon.MONEY_ONLY_WITH_MONEY
    if perhaps_paid and not (tool.trades or speaks_of_money(tool)):
        return _Finding("write", PLAIN, source, quote, f"{verb}: changes a record; nothing speaks of money")
    return None


def _gives_back(tool: Tool, objects: tuple[str, ...]) -> bool:
    if not (_PICTURES.isdisjoint(objects) and _PICTURES.isdisjoint(tool.words)):
        return True
    spoken = tool.reading.words
    return "base64" in spoken or ("returns" in spoken and _LEFT_AT.isdisjoint(spoken) and not tool.facts.paths)


def _only_selects(tool: Tool, things: tuple[str, ...]) -> bool:
    """Whether what is run cannot change anything: said so, or a query not in a language that could."""
    if not _CHANGING.isdisjoint(things):
        return False
    if "query" in things or "statement" in things:
        can_change = tool.facts.code or {"sql", "insert", "ddl"} & tool.reading.words
        return not can_change or says_it_only_selects(tool)
    return "command" in things and bool({"read-only", "readonly"} & set(things))


def _saves(tool: Tool, verb: str) -> bool:
    if verb == "import":
        return True
    if any(
        name_words(path)[:1] in (("save",), ("output",), ("dest",), ("destination",), ("target",), ("local",))
        for path in tool.facts.paths
    ):
        return True
    if verb == "convert":  # which mostly gives the result back
        return False
    if verb == "export":
        return bool({"file", "disk", "folder", "exports"} & tool.reading.words)
    return bool(_SAVED & tool.reading.words) and not tool.reading.words & {"returns", "base64"}


# -- weighing ---------------------------------------------------------------------------------------------------------


def _weigh(
    tool: Tool, by_name: _Finding | None, by_text: _Finding | None
) -> tuple[Category, Confidence, list[Evidence]]:
    if by_name is not None and by_text is not None:
        return _both(tool, by_name, by_text)
    one = by_name or by_text
    if tool.reading.warns_of and (one is None or _RANK[one.category] < _RANK["destructive"]):
        verb = tool.reading.warns_of
        category = VERBS[verb][0]
        return category, "low", [Evidence("description", tool.reading.head, f"speaks of {verb}: {_WHAT[category]}")]
    if one is None:
        return _neither(tool)
    if tool.reading.names_a_thing and one.strength == WEAK and not _repeats_name(tool):
        return "read", "medium", [Evidence("description", tool.reading.head, "names what it gives")]
    confidence: Confidence = "low" if one.strength == WEAK else "medium"
    if tool.reading.names_a_thing and one.category == "read":
        confidence = "high"
    return one.category, confidence, [one.evidence]


def _repeats_name(tool: Tool) -> bool:
    """Whether the description begins with the name's own verb: `type_text`, `Type text …`; then it names no thing."""
    return tool.words[:1] == tuple(word.lower() for word in tool.reading.head.split()[:1])


def _both(tool: Tool, name: _Finding, text: _Finding) -> tuple[Category, Confidence, list[Evidence]]:
    if _only_gives_address(tool, name):
        quote = Evidence("description", tool.reading.head, "only gives an address that a person opens")
        return "read", "medium", [quote, name.evidence]
    if name.category == text.category:
        return name.category, "high", [name.evidence, text.evidence]
    text_says_more = _RANK[text.category] > _RANK[name.category]
    if name.strength == WEAK and (text.strength > WEAK or text_says_more):
        return text.category, "medium", [text.evidence, name.evidence]
    if text_says_more and (
        (name.category == "read" and text.strength >= PLAIN) or (text.strength >= STRONG and name.strength < STRONG)
    ):
        return text.category, "medium", [text.evidence, name.evidence]
    return name.category, "medium", [name.evidence, text.evidence]


def _only_gives_address(tool: Tool, name: _Finding) -> bool:
    """Signing in whose stated purpose is the address at which a person does it."""
    if name.category != "execute" or AUTH.isdisjoint(tool.words):
        return False
    return not (_GIVING.isdisjoint(tool.reading.words) or _GIVEN.isdisjoint(tool.reading.words))


def _neither(tool: Tool) -> tuple[Category, Confidence, list[Evidence]]:
    words = tool.words
    heavy = next((word for word in words if VERBS.get(word, ("read", 0))[0] in ("destructive", "financial")), None)
    if heavy is not None:
        return VERBS[heavy][0], "low", [Evidence("name", heavy, _WHAT[VERBS[heavy][0]])]
    if tool.reading.names_a_thing:
        return "read", "medium", [Evidence("description", tool.reading.head, "names what it gives")]
    named = words and (words[-1] in lexicon.READ_HEADS or singular(words[-1]) in lexicon.READ_HEADS)
    if named and lexicon.SCOPES.isdisjoint(tool.reading.head.lower().split()):
        return "read", "low", [Evidence("name", words[-1], "names what it gives")]
    return "execute", "low", []


# -- the schema -------------------------------------------------------------------------------------------------------


def _from_schema(
    tool: Tool, category: Category, confidence: Confidence, evidence: list[Evidence]
) -> tuple[Category, Confidence]:
    """What the schema adds: choices that delete or set something going, code that is run, a file that is left."""
    facts = tool.facts
    for name, choices in facts.choices:
        if category == "write" and _HTTP.issuperset(map(str.lower, choices)):
            continue  # how a request is made that is written down
        for choice in choices:
            words = name_words(choice)
            found, strength = VERBS.get(words[0] if words else "", ("read", WEAK))
            if found == "destructive" and strength == STRONG and _RANK[category] < _RANK[found]:
                evidence.insert(0, Evidence("schema", f"{name}: {choice}", "one of its choices takes something away"))
                return found, "medium"
    if category == "write" and facts.choices and _says_little(tool) and (runs := _choice_that_runs(facts)) is not None:
        evidence.insert(0, runs)
        return "execute", "medium"
    if facts.code and category in ("read", "write") and _runs_code(tool):
        evidence.insert(0, Evidence("schema", facts.code[0], "takes text that is run"))
        return "execute", "medium"
    if category == "read" and (bill := bill_of(tool)) is not None:
        evidence.insert(0, bill)
        return "execute", "medium"
    if category == "read" and (left := left_by(tool)) is not None:
        evidence.insert(0, left)
        return "write", "medium"
    return category, confidence


def _says_little(tool: Tool) -> bool:
    """Whether no verb says what is done, but `manage` and the like: then the choices do."""
    at = _verb_place(tool.words)
    spoken = {act.verb for act in tool.reading.acts}
    return (at is None or tool.words[at] in lexicon.MANAGES) and spoken <= lexicon.MANAGES


def _choice_that_runs(facts: SchemaFacts) -> Evidence | None:
    for name, choices in facts.choices:
        for choice in choices:
            verb = next(iter(name_words(choice)), "")
            if _is_plain_verb(verb) and VERBS[verb][0] == "execute":
                return Evidence("schema", f"{name}: {choice}", "one of its choices sets something going")
    return None


def _runs_code(tool: Tool) -> bool:
    verbs = [act.verb for act in tool.reading.acts]
    if not (_LOOKS.isdisjoint(tool.words) and _LOOKS.isdisjoint(verbs)):
        return False
    code = {"".join(name_words(name)) for name in tool.facts.code}
    if not _MAYBE_CODE.isdisjoint(code) and _RUNS_CODE.isdisjoint(verbs) and _RUNS_CODE.isdisjoint(tool.words):
        return False
    return _MATHS.isdisjoint(tool.reading.words) and not says_it_only_selects(tool)
