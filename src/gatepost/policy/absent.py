"""What becomes of a call with a grant that has no policy (POLICY.md section 5, step 2): it is denied."""

from __future__ import annotations

from typing import Any, Final

from gatepost.policy.decision import NO_POLICY, Decision
from gatepost.policy.explain import step

WITHOUT_POLICY: Final = Decision(
    effect="deny", rule=NO_POLICY, message="No policy is attached to this grant, so every call is denied."
)


def explain_without_policy() -> list[dict[str, Any]]:
    """The one step that is taken, as `Policy.explain` gives its own."""
    return [{**step(2, NO_POLICY, "policy", "deny", message=WITHOUT_POLICY.message), "decides": True}]
