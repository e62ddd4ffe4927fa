"""What a description says a tool does: the main verbs of its first sentence, or that it names a thing."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from gatepost.catalogue.lexicon import (
    AMBIGUOUS,
    CONDITIONS,
    LEAD_INS,
    LIGHT,
    MANAGES,
    NEEDS_OBJECT,
    NOMINAL,
    PREPOSITIONS,
    READ_HEADS,
    SCOPES,
    STRONG,
    TIDIES,
    TWO_WORDS,
    VERBS,
    WEAK,
)
from gatepost.catalogue.words import inflected, singular, vocabulary

READ_OF_IT = 1_200
"""Characters of a description that are looked at: what it is about stands at its beginning."""

_SENTENCE = 320
_LEAD = 10
_CHAIN = 48
_NO_VERBS: Final = vocabulary("new sum hash help info is has end")
_FORMS: Final = inflected(verb for verb in (*VERBS, *LIGHT) if verb not in _NO_VERBS)
_JOINS: Final = frozenset((",", "or", "and", "then", "also", "which", "/", ":", "&"))
_DETERMINERS: Final = vocabulary("a an the it its them their this that these those all any one each every new existing")
# In the third person these read as plurals: `lists workflows, runs and jobs`.
_NOUNS_TOO: Final = vocabulary(
    "runs builds jobs labels orders lists views stars tests schedules comments posts updates changes records "
    "reports copies charges transfers trades matches filters links tags forks exports imports uploads downloads "
    "commits deploys releases calls queries searches requests watches drafts tracks marks books plans locks starts "
    "stops forms notes messages emails branches reviews checks logs maps groups profiles indexes quotes prices "
    "reads writes likes votes answers patches pushes pulls merges issues attaches streams plays records answers "
    "texts samples questions results reports stages caches queues tips bills swaps rings rates scores ranks types "
    "uses times shares stores pins flags notices triggers controls supports processes blocks prompts hooks "
    "estimates documents alerts backups"
)
_BEFORE_OBJECTS: Final = _DETERMINERS | {"on", "your", "multiple", "some"}
_OBJECTS: Final = _DETERMINERS | frozenset(("everything", "data", "your", "files", "money", "on", "one"))
_STOPS_IN_A_LINE: Final = (". ", "! ", "; ")
_STOPS: Final = (*_STOPS_IN_A_LINE, ".\n", "\n\n")


class Act(NamedTuple):
    """A verb of a description, the words after it up to a preposition, and how it stands in the text."""

    verb: str
    objects: tuple[str, ...]
    quote: str


class Reading:
    """What the first sentence says.

    Attributes:
        text: what was read, without the marks at its beginning, up to `READ_OF_IT` characters.
        acts: its main verb, then those joined to it; empty where it has none.
        names_a_thing: it begins with what the tool gives (`Details of an issue`), not with what it does.
        warns_of: where it has no main verb, a verb of destruction or payment that stands further on.
    """

    __slots__ = ("_words", "acts", "names_a_thing", "text", "warns_of")

    def __init__(self, text: str, acts: tuple[Act, ...], names_a_thing: bool, warns_of: str = "") -> None:
        self.text = text
        self.acts = acts
        self.names_a_thing = names_a_thing
        self.warns_of = warns_of
        self._words: frozenset[str] | None = None

    @property
    def words(self) -> frozenset[str]:
        """Every word of the text in lower case. Few tools need them, so they are made when asked for."""
        if self._words is None:
            self._words = frozenset(_tokens(self.text))
        return self._words

    @property
    def head(self) -> str:
        """The first words, to quote."""
        return " ".join(self.text.split(None, 9)[:9])


def read_description(description: str) -> Reading:
    """Reads a description, at most the first `READ_OF_IT` characters. Empty gives an empty reading."""
    return _read(description[:READ_OF_IT])


@lru_cache(maxsize=4_096)
def _read(beginning: str) -> Reading:
    text = _without_marks(beginning)
    tokens = _tokens(_first_sentence(text))
    start = _main(tokens)
    if start is None:
        return Reading(text, (), _names_a_thing(tokens), _warning(tokens))
    first, form = _form(tokens, start)
    acts = [_act(tokens, position, _form(tokens, position)[0]) for position in _chain(tokens, start, first, form)]
    if (
        first in READ_HEADS
        and len(acts) == 1
        and start + 1 < len(tokens)
        and tokens[start + 1] in READ_HEADS
        and tokens[start + 1] not in ("url", "link")  # which are opened
        and form == "base"
    ):
        return Reading(text, (), True)
    return Reading(text, tuple(acts), False)


def _without_marks(text: str) -> str:
    """Without tags, brackets and emphasis at its beginning."""
    text = text.replace("**", "").replace("`", "").replace("’", "'").lstrip()
    while text[:1] in ("<", "["):
        end = text.find(">" if text[0] == "<" else "]")
        if end < 0 or end > 200:
            break
        text = text[end + 1 :].lstrip(" :-–—")
    return text


def _first_sentence(text: str) -> str:
    beginning = text[: _SENTENCE + 2]
    end = _SENTENCE
    for stop in _STOPS if "\n" in beginning else _STOPS_IN_A_LINE:
        at = beginning.find(stop)
        if 12 < at < end:
            end = at
    return beginning[:end]


def _tokens(text: str) -> list[str]:
    text = (
        text.replace(" | ", " : ")
        .replace(",", " , ")
        .replace("/", " / ")
        .replace(":", " : ")
        .replace("&", " & ")
        .lower()
    )
    return [stripped for word in text.split() if (stripped := word if word.isalnum() else word.strip(_AROUND))]


_AROUND: Final = "().;!?\"'“”*_#<>[]{}|-–—⚠️"
_FIRST_OF_TWO: Final = frozenset(first for first, _ in TWO_WORDS)
_NO_FORM: Final = ("", "")


def _form(tokens: list[str], at: int) -> tuple[str, str]:
    """The verb at a place and its form; ("", "") where there is none."""
    token = tokens[at]
    if token in _FIRST_OF_TWO and at + 1 < len(tokens):
        joined = TWO_WORDS.get((token, tokens[at + 1]))
        if joined is not None:
            return joined, "third" if token.endswith("s") else "base"
    found = _FORMS.get(token)
    if found is not None:
        return found
    if token in NOMINAL:
        return NOMINAL[token], "base"
    if token.startswith("re-"):
        token = "re" + token[3:]
        return (NOMINAL[token], "base") if token in NOMINAL else _FORMS.get(token, _NO_FORM)
    return (token[:3], "base") if token.startswith(("get_", "set_")) else _NO_FORM


def _main(tokens: list[str]) -> int | None:
    """Where the main verb stands: after words that say nothing, before anything that says something."""
    skip = tokens.index(",") + 1 if tokens[:1] and tokens[0] in CONDITIONS and "," in tokens else 0
    for at, token in enumerate(tokens[: _LEAD + 4 + skip]):
        if at < skip or token in (",", "/", "&", ":"):
            continue
        verb, form = _form(tokens, at)
        if token in ("use", "using", "call", "start") and _addresses_reader(tokens, at):
            purpose = next((to for to in range(at + 1, min(at + 7, len(tokens))) if tokens[to] == "to"), at)
            skip = purpose + 1
            continue
        if verb and not _is_noun_here(tokens, at, form):
            return at
        if token in LEAD_INS or token.endswith(("ly", "'s")):
            continue
        if ":" in tokens[at : at + 5]:  # a label before the sentence
            colon = tokens.index(":", at)
            rest = _main(tokens[colon + 1 :])
            return None if rest is None else colon + 1 + rest
        return _after_that(tokens)
    return None


def _after_that(tokens: list[str]) -> int | None:
    """The verb of `a … tool that provides …`, where nothing before it is one."""
    for at in range(1, min(len(tokens) - 1, _LEAD + 4)):
        of_tool = tokens[at] in ("that", "which", "to") and tokens[at - 1] in ("tool", "function", "utility", "command")
        if of_tool or (at < 3 and tokens[at] in ("that", "which") and _form(tokens, at + 1)[1] == "third"):
            return at + 1 if _form(tokens, at + 1)[0] else None
    return None


def _addresses_reader(tokens: list[str], at: int) -> bool:
    """`use this to`, `call this first`, `start here`: words to the model, not what the tool does."""
    after = tokens[at + 1] if at + 1 < len(tokens) else ""
    return tokens[at] in ("use", "using") or after in ("this", "here", "with", "after", "before", "first")


def _is_noun_here(tokens: list[str], at: int, form: str) -> bool:
    token = tokens[at]
    after = tokens[at + 1] if at + 1 < len(tokens) else ""
    if token in LEAD_INS and token not in VERBS:
        return True
    if at > 0 and tokens[at - 1] in ("a", "an", "the", "your", "our", "its", "one") and form != "ing":
        return True
    if form == "base" and token in NEEDS_OBJECT and after not in _BEFORE_OBJECTS:
        joined = after in _JOINS and at + 2 < len(tokens) and _form(tokens, at + 2)[1] == "base"
        return not joined
    if form == "ing" and _form(tokens, at)[0] in AMBIGUOUS and after not in _DETERMINERS:
        return True
    if form == "third" and token in _NOUNS_TOO and (after in PREPOSITIONS or not after or after == "are"):
        return True
    return (
        form == "base"
        and token in READ_HEADS
        and after in ("of", "about", "for", ":")
        and token not in ("list", "query")
    )


def _warning(tokens: list[str]) -> str:
    """`irreversibly destroys all data`: the first strong verb in a form that is no noun, with an object."""
    for token, after in zip(tokens, [*tokens[1:], ""], strict=False):
        verb, form = _FORMS.get(token, ("", ""))
        if form in ("third", "ing") and after in _OBJECTS and VERBS.get(verb, ("read", 0))[1] == STRONG:
            return verb
    return ""


def _names_a_thing(tokens: list[str]) -> bool:
    """Whether a text without a main verb begins with what the tool gives: `the latest X`, `X of Y`."""
    if SCOPES.intersection(tokens[:12]):
        return False
    if tokens[0:1] and tokens[0].endswith("s") and tokens[1:2] and tokens[1] in _DETERMINERS:
        return False  # a verb that is not known
    if tokens[1:2] and tokens[1] in ("is", "are"):
        return False  # it says what a thing is, not that it is given
    if tokens[:1] and tokens[0] in ("a", "an", "the", "all", "your", "my"):
        return True
    if any(token in ("of", "about", "around") for token in tokens[1:4]):
        return True
    return any(token in READ_HEADS or singular(token) in READ_HEADS for token in _opening(tokens))


def _opening(tokens: list[str]) -> list[str]:
    opening: list[str] = []
    for token in tokens[:8]:
        if token in PREPOSITIONS and opening:
            break
        opening.append(token)
    return opening


def _chain(tokens: list[str], start: int, first: str, form: str) -> list[int]:
    """The main verb and those joined to it in the same form: `stops and removes`, `list, create or close`.

    After a verb that says little (`manage nodes: cordon, drain`) every verb that follows in a list counts.
    """
    places = [start]
    says_little = first in MANAGES
    if not says_little and _JOINS.isdisjoint(tokens):
        return places
    reads = VERBS.get(first, ("read", WEAK))[0] == "read"
    joined = False
    for at in range(start + 1, min(len(tokens), start + _CHAIN)):
        token = tokens[at]
        if token in _JOINS or (says_little and token in ("with", "via", "by")):
            joined = True
            continue
        if not joined:
            continue
        joined = False
        verb, its = _form(tokens, at)
        if verb and not (verb == "drop" and _form(tokens, places[-1])[0] == "drag"):
            follows = tokens[at + 1] if at + 1 < len(tokens) else ""
            adjacent = all(between in _JOINS for between in tokens[places[-1] + 1 : at])
            if says_little:
                counts = its == form or (its == "base" and token not in AMBIGUOUS) or its == "ing"
            elif its != form or (reads and verb in TIDIES):
                counts = False
            else:
                counts = (
                    adjacent or follows in _DETERMINERS or (its == "third" and token not in _NOUNS_TOO and not reads)
                )
            if counts:
                places.append(at)
    return places


def _act(tokens: list[str], at: int, verb: str) -> Act:
    objects: list[str] = []
    for token in tokens[at + 1 : at + 9]:
        if token in _DETERMINERS and not objects:
            continue
        if token in PREPOSITIONS or token in _JOINS:
            if objects or token in _JOINS:
                break
            continue
        objects.append(token)
    if verb in LIGHT and objects:
        for word in reversed(objects):
            inner = NOMINAL.get(word) or _FORMS.get(word, ("", ""))[0]
            if inner and inner not in LIGHT and VERBS.get(inner, ("write", 0))[0] != "write":
                return Act(inner, tuple(objects), " ".join(tokens[at : at + 4]))
    return Act(verb, tuple(objects), " ".join(tokens[at : at + 4]))
