"""Names, globs and URIs that nothing can have: why, and what to write instead."""

from __future__ import annotations

from gatepost.policy.errors import describe
from gatepost.policy.model import CATEGORIES
from gatepost.policy.texts import LETTERS
from gatepost.policy.uris import is_invalid

_LONGEST = 128
_CHARACTERS = LETTERS | frozenset("_./-")
"""What a tool's name consists of: a call of any other is refused before a policy is asked."""
_STAND_INS = ("x", "", "/x", "x://x/")
"""What a `*` of a URI may stand for: where one of these makes a valid URI, the glob matches something."""

_EMPTY = "it matches nothing but an empty name; write a name or a glob, or take it out"


def is_category(text: str) -> bool:
    """Whether a text is what an entry of `tools` calls a category by."""
    return text.startswith("@") and text[1:] in CATEGORIES


def no_tool(pattern: str) -> str | None:
    """Why no tool that can be called has a name that this name or glob matches; None where one may."""
    if not pattern:
        return _EMPTY
    literal = pattern.replace("*", "")
    odd = next((character for character in literal if character not in _CHARACTERS), None)
    if odd is not None:
        return (
            f"no tool that can be called is named so: a name has only A-Z a-z 0-9 _ . / and -, not {describe(odd)}; "
            "correct it, or take it out"
        )
    if len(literal) > _LONGEST:
        return (
            f"no tool that can be called is named so: a name has at most {_LONGEST} characters; "
            "shorten it, or take it out"
        )
    return None


def no_uri(pattern: str) -> str | None:
    """Why this URI or glob matches no URI that is read at all; None where it may."""
    if is_category(pattern):
        return "a category is of tools, and no URI is written so; write the URIs, with * for what differs"
    if not pattern:
        return _EMPTY
    if all(is_invalid(pattern.replace("*", by)) for by in _STAND_INS):
        return (
            "every URI that it matches is refused as (invalid uri) before it is read: write it without dot segments, "
            "backslashes, control characters, %2e, %2f and %5c, and its scheme in lower case"
        )
    return None


def no_prompt(pattern: str) -> str | None:
    """Why no prompt has a name that this name or glob matches; None where one may."""
    if is_category(pattern):
        return "a category is of tools, and prompts have none; write the prompts' names, with * for what differs"
    return None if pattern else _EMPTY
