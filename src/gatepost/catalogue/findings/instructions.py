"""Words to the model that reads a definition, in the place of words about the tool.

The forms are those of documented attacks. A description that says in passing what else to call first is a form too, at
a low severity: most of those are harmless, and the others look just like them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

import re2

from gatepost.catalogue.classification import Severity
from gatepost.catalogue.findings.finding import quoted
from gatepost.policy.regex import searcher

_FILES = (
    r"(?:~/\.\w+|\.(?:ssh|aws|gnupg|kube|netrc|npmrc|pgpass)\b|(?:^|[\s/\"'`])\.env\b|\bid_(?:rsa|ed25519|ecdsa)\b|"
    r"/etc/(?:passwd|shadow)\b|\bmcp\.json\b|\bauthorized_keys\b|\bcredentials\.json\b|private keys?\b)"
)
_MODEL = r"(?:assistant|model|llm|ai|agent|claude|gpt|chatgpt|gemini|copilot|cursor)"
_FORMS: Final[tuple[tuple[Severity, str, str], ...]] = (
    (
        "critical",
        "tells whoever reads it to leave earlier instructions aside",
        r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|preceding|"
        r"existing|all|any|other|system|safety|security|your)\b[^.\n]{0,30}\b(?:instructions?|prompts?|rules?|"
        r"guidelines?|directives?|polic(?:y|ies)|restrictions?|guardrails?)\b",
    ),
    (
        "critical",
        "tells whoever reads it to keep something from the user",
        r"\b(?:do not|don['’]?t|never|must not|without|avoid)\b[^.\n]{0,30}\b(?:tell|telling|mention|mentioning|inform|"
        r"informing|reveal|revealing|notify|notifying|alert|alerting|disclose|disclosing|let)\b[^.\n]{0,40}\b(?:the )?"
        r"(?:user|users|human|person|operator|anyone|anybody)\b",
    ),
    (
        "critical",
        "has whoever reads it fetch or send files that hold secrets",
        r"\b(?:read|open|cat|load|get|fetch|include|send|pass|attach|upload|copy|access|provide)\b[^\n]{0,80}" + _FILES,
    ),
    (
        "high",
        "has whoever reads it hand over what it was told or knows",
        r"\b(?:send|forward|pass|include|append|attach|put|insert|copy|upload|post|output|reveal|repeat|print)\b[^.\n]"
        r"{0,60}\b(?:system prompt|(?:chat|conversation|message) history|(?:entire|whole|full|previous|prior) "
        r"(?:conversation|context|chat|messages?)|your (?:instructions|context|memory|prompt|api key|credentials))\b",
    ),
    (
        "high",
        "speaks in the marks of a prompt",
        r"<\s*/?\s*(?:important|system|instructions?|secret|critical|assistant|admin|hidden|s_?prompt)\s*>|"
        r"\[/?(?:INST|SYSTEM|IMPORTANT)\]|<\|(?:im_start|im_end|system|user|assistant|endoftext)\|>|"
        r"(?:^|\n)\s*#{1,4}\s*system\b|(?:^|\n)\s*(?:system|assistant|human)\s*:\s*\S",
    ),
    (
        "high",
        "gives the model another part to play",
        r"\b(?:you are now|from now on,? you|act as if you|pretend (?:to be|that you)|your new (?:role|task|goal|"
        r"instructions))\b",
    ),
    (
        "high",
        "threatens that the tool fails unless what it says is done",
        r"\b(?:otherwise|or else|if you do(?: not|n['’]?t))\b[^.\n]{0,40}\b(?:tool|application|app|system|server|"
        r"function)\b[^.\n]{0,20}\b(?:will|won['’]?t|cannot|can['’]?t)\b[^.\n]{0,25}\b(?:work|function|fail|crash|break|"
        r"locked?|blocked|deleted|shut)\b",
    ),
    (
        "medium",
        "gives orders for the use of other tools",
        r"\b(?:when(?:ever)?|before|after|each time|every time|always|prior to)\b[^.\n]{0,50}\b(?:us(?:e|ing)|"
        r"call(?:ing)?|invok(?:e|ing)|runn?(?:ing)?|execut(?:e|ing))\b[^.\n]{0,20}\b(?:any|every|all|an)\b ?"
        r"(?:of the )?(?:other |another )?tools?\b",
    ),
    (
        "medium",
        "wants to be used in the place of other tools",
        r"\b(?:instead of|rather than|in place of|do not use|don['’]?t use|never use)\b[^.\n]{0,25}\b(?:any|all|"
        r"every|the)\b ?other\b[^.\n]{0,20}\btools?\b",
    ),
    (
        "low",
        "tells the model what it must do",
        rf"\b(?:the |an? |any )?{_MODEL}s? (?:must|shall|has to|have to|is required to|are required to|should always|"
        r"should never|must never)\b",
    ),
)
_COMPILED: Final = tuple((severity, what, re2.compile("(?is)" + form)) for severity, what, form in _FORMS)
_ANY: Final = searcher("(?is)" + "|".join(f"(?:{form})" for _, _, form in _FORMS), anchored=False)
_AROUND = 20


def instructions(text: str) -> Iterator[tuple[Severity, str, str]]:
    """(severity, what, quote) of each form that a text has, once each.

    It is read as a model reads it: without what is invisible, compatibility forms as their letters.
    """
    if len(text) < 8:
        return
    read = text if text.isascii() else _as_read(text)
    if not _ANY(read):
        return
    for severity, what, form in _COMPILED:
        match = form.search(read)
        if match is not None:
            yield severity, what, quoted(read[max(0, match.start() - _AROUND) : match.end() + _AROUND].strip())


def _as_read(text: str) -> str:
    kept = "".join(
        chr(ord(character) - 0xE0000) if 0xE0020 <= ord(character) < 0xE007F else character
        for character in text
        if unicodedata.category(character) not in ("Cf", "Mn") or 0xE0020 <= ord(character) < 0xE007F
    )
    return unicodedata.normalize("NFKC", kept)
