"""Warnings about a policy that is valid, and may not do what its author means (POLICY.md section 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatepost.policy.linting.entries import check_entries
from gatepost.policy.linting.known import KnownTools
from gatepost.policy.linting.limits import check_limits
from gatepost.policy.linting.rules import check_rules
from gatepost.policy.linting.sections import check_sections
from gatepost.policy.linting.warning import LintWarning
from gatepost.policy.read import check_document

__all__ = ["LintWarning", "lint"]


def lint(document: Mapping[str, Any] | str | bytes, definitions: Mapping[str, Any] | None = None) -> list[LintWarning]:
    """What in a valid policy may not do what its author means.

    Args:
        document: as for `compile_policy`.
        definitions: what the server said of its tools, by name: each as in `tools/list`, compiled, or anything with a
            `tool` and a `category` (attributes or members). Without them, only what the document shows by itself.

    Raises:
        PolicyError: the document is not valid.
    """
    _, _, checked = check_document(document)
    tools = KnownTools(definitions)
    return sorted(
        [
            *check_entries(checked, tools),
            *check_rules(checked, tools),
            *check_limits(checked),
            *check_sections(checked),
        ]
    )
