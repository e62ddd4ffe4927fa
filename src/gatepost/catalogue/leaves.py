"""What a reading tool leaves behind all the same: a file, a moved place in a queue, the branches of a copy, a bill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gatepost.catalogue.anatomy import Tool
from gatepost.catalogue.classification import Evidence
from gatepost.catalogue.words import vocabulary

_KEEPS: Final = vocabulary("saves stores writes")
_KEPT: Final = vocabulary("saved stored written downloaded")
_BEING: Final = vocabulary("is are be gets get being")
_WHERE: Final = vocabulary("locally disk file files folder directory")
_PERHAPS: Final = vocabulary("if when optionally unless may can could whether previously already must should not never")
_REACH: Final = 7
_INCURS: Final = vocabulary("incur incurs incurring")
_COSTS: Final = vocabulary("cost costs charge charges fee fees")
_DENIED: Final = vocabulary("not no never without doesn't don't won't")
_TAKES: Final = vocabulary("read consume poll receive")
_BRINGS: Final = vocabulary("fetch download")
_AROUND: Final = ".,;:!?()`*\"'"


def left_by(tool: Tool) -> Evidence | None:
    """What says of a reading tool that something is changed by it; None where nothing does."""
    text = tool.reading.text.lower()
    # Spelled out, for it is asked of every tool that reads.
    somewhere = "file" in text or "disk" in text or "folder" in text or "locally" in text or "directory" in text
    if somewhere and (said := _keeps(text)):
        return Evidence("description", said, "leaves a file")
    if tool.facts.paths and (parameter := _saved_to(tool)):
        return Evidence("schema", parameter, "must be told a file to write")
    if "consumer" in text and _acts(tool, _TAKES) and {"consumer", "group"} <= tool.reading.words:
        return Evidence("description", "consumer group", "what one of a group reads is taken from the others")
    if "refs" in text and _acts(tool, _BRINGS) and "refs" in tool.reading.words:
        return Evidence("description", "refs", "moves the branches of a copy on disk")
    return None


def bill_of(tool: Tool) -> Evidence | None:
    """Where a description says that a call may incur costs; None where it does not, or says that none are."""
    text = tool.reading.text.lower()
    if "incur" not in text:
        return None
    words = [word.strip(_AROUND) for word in text.split()]
    for at, word in enumerate(words):
        if (
            word in _INCURS
            and _DENIED.isdisjoint(words[max(0, at - 4) : at + 2])
            and not _COSTS.isdisjoint(words[at + 1 : at + 5])
        ):
            return Evidence("description", " ".join(words[at : at + 4]), "a call is paid for")
    return None


def _acts(tool: Tool, verbs: frozenset[str]) -> bool:
    return any(act.verb in verbs for act in tool.reading.acts)


def _keeps(text: str) -> str:
    """`Stores the paper locally`, `reports are saved to disk`: a later sentence that says so without an if."""
    for sentence in text.replace("\n", ". ").split(". ")[1:]:
        words = [word.strip(_AROUND) for word in sentence.split()]
        if not _PERHAPS.isdisjoint(words):
            continue
        for at, word in enumerate(words):
            keeps = word in _KEEPS if at == 0 else word in _KEPT and words[at - 1] in _BEING
            if keeps and not _WHERE.isdisjoint(words[at + 1 : at + _REACH]):
                return " ".join(words[at : at + _REACH])
    return ""


def _saved_to(tool: Tool) -> str:
    """The path that must be given, and that its description calls the one to save or write to; or empty."""
    required = tool.facts.schema.get("required")
    for name in tool.facts.paths:
        if not isinstance(required, list) or name not in required:
            continue
        own = tool.facts.schema["properties"][name]
        told = own.get("description") if isinstance(own, Mapping) else None
        words = [word.strip(_AROUND) for word in told.lower().split()[:40]] if isinstance(told, str) else []
        for at, word in enumerate(words):
            if (
                word in ("save", "write", "store")
                and at > 0
                and words[at - 1] in ("to", "where")
                and "to" in words[at:]
            ):
                return name
    return ""
