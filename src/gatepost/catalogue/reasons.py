"""Why a tool needs a policy, in sentences: one for its category, one for each signal."""

from __future__ import annotations

from typing import Final

from gatepost.catalogue.classification import Category
from gatepost.catalogue.listed import ListedTool

BY_CATEGORY: Final[dict[Category, str]] = {
    "read": (
        "It looks and changes nothing. What it shows reaches the model, and from there whatever the agent may write to."
    ),
    "write": "It makes or changes records. One wrong call can be undone; a loop of them is a day's work.",
    "execute": "It sets something going: a process, a message, a session, a device. Once begun, that stands.",
    "destructive": "It takes something away, and seldom gives it back.",
    "financial": "It moves money or promises it.",
}

BY_SIGNAL: Final[dict[str, str]] = {
    "takes-url": "It takes a URL, so it can be pointed at your own network, or carry data out.",
    "takes-path": "It takes a path, so it can be pointed at files that are not meant.",
    "takes-credentials": "It takes credentials, which then stand in the model's context and in logs.",
    "runs-code": "It runs what it is given: whoever steers the argument steers the machine.",
    "sends-messages": "It reaches other people, in your name.",
    "moves-money": "A day's sum matters more than one call's.",
    "bulk": "It acts on many things at once: one wrong call is many.",
    "many-parameters": "It has so many parameters that a rule for each is worth a look.",
    "empty-description": "It has no description, so that its name is all a model or a person has to go by.",
    "read-only-doubtful": "Its server says that it only reads. Its definition says otherwise.",
    "gives-secrets": "What it shows is secret, and then stands in the model's context and in logs.",
}


def reasons(tool: ListedTool) -> tuple[str, ...]:
    """The sentences for one tool, the category's first."""
    found = [BY_CATEGORY[tool.category], *(BY_SIGNAL[signal] for signal in tool.classification.signals)]
    if tool.classification.confidence == "low":
        found.append("Its definition leaves open what it does: look at it before you allow it.")
    return tuple(found)
