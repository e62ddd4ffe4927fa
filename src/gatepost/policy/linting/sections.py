"""Warnings about `resources` and `prompts`: globs that match nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gatepost.policy.linting.names import no_prompt, no_uri
from gatepost.policy.linting.warning import LintWarning
from gatepost.policy.model import Document, Section


def check_sections(document: Document) -> Iterator[LintWarning]:
    yield from _check(document.resources, "/resources", no_uri)
    yield from _check(document.prompts, "/prompts", no_prompt)


def _check(section: Section, pointer: str, never: Callable[[str], str | None]) -> Iterator[LintWarning]:
    for name, patterns in (("allow", section.allow), ("deny", section.deny)):
        for index, pattern in enumerate(patterns):
            why = never(pattern)
            if why is not None:
                yield LintWarning(f"{pointer}/{name}/{index}", why)
