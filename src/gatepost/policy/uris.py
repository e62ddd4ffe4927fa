"""Which resource URIs are read at all, and what a URI template stands for."""

from __future__ import annotations

import re

# . or .. between any two of the characters that one reader or another splits a URI at
_DOT_SEGMENT = re.compile(r"(?:^|[/?#:;])\.\.?(?:$|[/?#:;])")
_ODD = re.compile(r"[\\\x00-\x1f\x7f-\x9f\ud800-\udfff]|%2[eEfF]|%5[cC]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)", re.ASCII)
_UPPER = re.compile(r"[A-Z]", re.ASCII)
_EXPRESSION = re.compile(r"\{[^{}]*\}")


def is_invalid(uri: str) -> bool:
    """Whether a URI has a dot segment, backslash, control character, `%2e`, `%2f`, `%5c` or an upper-case scheme."""
    if _ODD.search(uri) or _DOT_SEGMENT.search(uri):
        return True
    scheme = _SCHEME.match(uri)
    return scheme is not None and _UPPER.search(scheme.group()) is not None


def template_glob(template: str) -> str | None:
    """The glob of what a URI template (RFC 6570) can expand to; None when nothing valid comes of it."""
    if "*" in _EXPRESSION.sub("", template) or is_invalid(_EXPRESSION.sub("x", template)):
        return None
    pattern = _EXPRESSION.sub("*", template)
    return None if "{" in pattern or "}" in pattern else pattern
