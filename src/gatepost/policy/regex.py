"""RE2 (https://github.com/google/re2): time linear in the text, whatever the pattern.

The extension module is used directly: the package's own wrapper also counts characters for every match, which costs
six times the match itself, and a rule only asks whether there is one.
"""

from __future__ import annotations

from collections.abc import Callable

from re2 import Options, _re2

_UNANCHORED = _re2.RE2.Anchor.UNANCHORED
_WHOLE = _re2.RE2.Anchor.ANCHOR_BOTH


class RegexError(ValueError):
    """The pattern does not compile; the message is RE2's."""


def searcher(pattern: str, *, anchored: bool) -> Callable[[str], bool | None]:
    """A function that says whether the pattern is found in a text, or matches all of it when `anchored`.

    It answers None for a text that is no Unicode text (a lone surrogate).

    Raises:
        RegexError: RE2 does not take the pattern.
    """
    options = Options()
    options.log_errors = False
    options.never_capture = True
    compiled = _re2.RE2(pattern.encode("utf-8"), options)
    if not compiled.ok():
        raise RegexError(compiled.error().decode("utf-8", "replace"))
    match = compiled.Match
    anchor = _WHOLE if anchored else _UNANCHORED

    def found(text: str) -> bool | None:
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError:
            return None
        # the span of the match; -1 where there is none
        return bool(match(anchor, data, 0, len(data))[0][0] >= 0)

    return found
