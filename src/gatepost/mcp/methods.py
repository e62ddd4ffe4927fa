"""The method table: what the gateway does with each method, and nothing for any other.

Default-deny: a method that is not here is refused in both eras.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class Duty(Enum):
    """What the main path owes a request with this method."""

    TOOL = "judge params.name as a tool"
    RESOURCE = "judge params.uri as a resource"
    PROMPT = "judge params.name as a prompt"
    COMPLETION = "judge what params.ref refers to"
    TASK = "unseal params.taskId and judge the tool it stands for"
    LIST = "relay and filter the result"
    LISTEN = "relay a filtered stream of notifications"
    RELAY = "relay"


_BOTH: Final = {
    "tools/call": Duty.TOOL,
    "resources/read": Duty.RESOURCE,
    "prompts/get": Duty.PROMPT,
    "completion/complete": Duty.COMPLETION,
    "tools/list": Duty.LIST,
    "resources/list": Duty.LIST,
    "resources/templates/list": Duty.LIST,
    "prompts/list": Duty.LIST,
    "tasks/get": Duty.TASK,
    "tasks/cancel": Duty.TASK,
    "ping": Duty.RELAY,
    "logging/setLevel": Duty.RELAY,
}

LEGACY: Final[dict[str, Duty]] = {
    **_BOTH,
    "initialize": Duty.RELAY,
    "resources/subscribe": Duty.RESOURCE,
    "resources/unsubscribe": Duty.RESOURCE,
    "tasks/result": Duty.TASK,
}

MODERN: Final[dict[str, Duty]] = {
    **_BOTH,
    "server/discover": Duty.RELAY,
    "subscriptions/listen": Duty.LISTEN,
    "tasks/update": Duty.TASK,
}

SERVER_REQUESTS: Final = frozenset({"ping", "sampling/createMessage", "elicitation/create", "roots/list"})
"""What a legacy server may ask of its client. Anything else from upstream is dropped and recorded."""

LEGACY_VERSIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSIONS: Final = ("2026-07-28",)
"""Oldest first."""
