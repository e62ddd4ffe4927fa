"""Resources and prompts: globs that deny, globs that allow, a default, limits."""

from __future__ import annotations

from gatepost.policy import messages
from gatepost.policy.compiled import compile_limits
from gatepost.policy.decision import INVALID_URI, Decision
from gatepost.policy.errors import escape
from gatepost.policy.globs import any_of, covers, intersect, matcher
from gatepost.policy.model import Section
from gatepost.policy.uris import is_invalid, template_glob


class CompiledSection:
    """One of the two sections, for one document."""

    __slots__ = ("_allow", "_allowed", "_default_allows", "_deny", "_enforced", "_holder", "_uris", "_uses")

    def __init__(self, section: Section, *, holder: str, default: str, mode: str, uris: bool) -> None:
        """Compile a section.

        Args:
            holder: `/resources` or `/prompts`, the first part of its rules' names.
            default, mode: the document's.
            uris: whether names are URIs.
        """
        self._holder = holder
        self._uris = uris
        self._deny = tuple((glob, matcher(glob)) for glob in section.deny)
        self._allow = section.allow
        self._allowed = any_of(section.allow)
        self._default_allows = (section.default or default) == "allow"
        self._enforced = mode == "enforce"
        self._uses = tuple(limit.use for limit in compile_limits(section.limits, holder, mode))

    def decide(self, name: str) -> Decision:
        """The decision for one URI or prompt name."""
        results: list[tuple[str, str]] = []
        if self._uris and is_invalid(name):
            results.append((INVALID_URI, messages.uri_invalid()))
        denied = next((glob for glob, matches in self._deny if matches(name)), None)
        if denied is not None:
            results.append((f"{self._holder}/deny/{escape(denied)}", messages.action_denied(name)))
        elif not self._default_allows and not self._allowed(name):
            results.append((f"{self._holder}/default", messages.default_denied(name)))
        if not results:
            return Decision("allow", limits=self._uses)
        rule, message = results[0]
        if self._enforced:
            return Decision("deny", rule, message)
        shadowed = tuple((result, "deny") for result, _ in results)
        return Decision("allow", rule, "", self._uses, enforced=False, shadowed=shadowed)

    def lists(self, name: str) -> bool:
        """Whether a URI or prompt name stays on its list: what is denied does not."""
        return self.decide(name).effect != "deny"

    def lists_template(self, template: str) -> bool:
        """Whether a URI template stays on its list: unless everything it can expand to is denied."""
        if not self._enforced:
            return True
        pattern = template_glob(template)
        if pattern is None or any(covers(glob, pattern) for glob, _ in self._deny):
            return False
        return self._default_allows or any(intersect(glob, pattern) for glob in self._allow)
