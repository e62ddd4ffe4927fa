"""What classifying a tool gives."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Category = Literal["read", "write", "execute", "destructive", "financial"]
Severity = Literal["low", "medium", "high", "critical"]
Confidence = Literal["low", "medium", "high"]

CATEGORIES: tuple[Category, ...] = ("read", "write", "execute", "destructive", "financial")
"""From the mildest to those that cannot be taken back."""

SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")

SEVERITY_OF: dict[Category, Severity] = {
    "read": "low",
    "write": "medium",
    "execute": "high",
    "destructive": "critical",
    "financial": "critical",
}

SIGNALS: dict[str, str] = {
    "takes-url": "takes a URL",
    "takes-path": "takes a path",
    "takes-credentials": "takes credentials",
    "runs-code": "runs code, commands or SQL",
    "sends-messages": "sends messages to others",
    "moves-money": "moves money",
    "bulk": "acts on many things at once",
    "many-parameters": "has many parameters",
    "empty-description": "has no description",
    "read-only-doubtful": "claims to be read-only, but is not",
    "gives-secrets": "gives secrets out",
}
"""Every signal there is, and what it says of a tool."""


class Evidence(NamedTuple):
    """One thing that counted.

    Attributes:
        source: "name", "description", "schema", "annotations" or "siblings".
        quote: the words of the definition that counted, as they stand there.
        says: what they say.
    """

    source: str
    quote: str
    says: str

    def __str__(self) -> str:
        return f"{self.source} “{self.quote}”: {self.says}" if self.quote else f"{self.source}: {self.says}"


class Classification(NamedTuple):
    """What a tool can do, and why we say so.

    Attributes:
        category: what kind of act a call of it is.
        severity: how much harm a wrong call does; at least that of the category, more where annotations say so.
        confidence: how sure the evidence makes us.
        evidence: what decided, the deciding first; empty where there was nothing to go by.
        signals: keys of `SIGNALS`, in that order.
    """

    category: Category
    severity: Severity
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    signals: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "category": self.category,
            "severity": self.severity,
            "confidence": self.confidence,
            "evidence": [{"source": one.source, "quote": one.quote, "says": one.says} for one in self.evidence],
            "signals": list(self.signals),
        }
