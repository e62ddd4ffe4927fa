"""Which resource URIs are read at all, and what a URI template stands for."""

from __future__ import annotations

from gatepost.policy.regex import searcher

# a control character, a backslash or an escaped dot, slash or backslash; . or .. between any two of the characters that
# one reader or another splits a URI at; a capital letter in the scheme
_is_odd = searcher(
    r"[\\\x00-\x1f\x7f\x{80}-\x{9f}]|%2[eEfF]|%5[cC]"
    r"|(?:^|[/?#:;])\.\.?(?:$|[/?#:;])"
    r"|^(?:[a-z][a-z0-9+.-]*)?[A-Z][A-Za-z0-9+.-]*:",
    anchored=False,
)


def is_invalid(uri: str) -> bool:
    """Whether a URI has a dot segment, backslash, control character, `%2e`, `%2f`, `%5c` or an upper-case scheme.

    One with half a surrogate pair is no text, and as invalid.
    """
    return _is_odd(uri) is not False


def template_glob(template: str) -> str | None:
    """The glob of what a URI template (RFC 6570) can expand to; None when nothing valid comes of it."""
    if "*" in _expanded(template, "") or is_invalid(_expanded(template, "x")):
        return None
    pattern = _expanded(template, "*")
    return None if "{" in pattern or "}" in pattern else pattern


def _expanded(template: str, by: str) -> str:
    """The template with `by` for each expression, which is what stands in braces without a brace in it."""
    first, *others = template.split("{")
    pieces = [first]
    for other in others:
        _, brace, rest = other.partition("}")
        pieces.append(by + rest if brace else "{" + other)
    return "".join(pieces)
