"""JSON text for the store's columns and the published bodies."""

from __future__ import annotations

import json
from typing import Any


def dumps(value: Any) -> str:
    """Compact JSON of plain values; the order of members is kept."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def members(**texts: str) -> str:
    """An object whose values are JSON texts already, so that what a server or a policy says passes unchanged."""
    return "{" + ",".join(f"{dumps(name)}:{text}" for name, text in texts.items()) + "}"
