"""Which texts of a client's file look like secrets, and how a program gets one that stood among its arguments."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from urllib.parse import urlsplit

import re2

_NAME = re2.compile(
    r"(?i)(?:^|[^a-z])(?:api|app|access|auth|secret|private|session|signing|encryption|client)?[-_ ]?"
    r"(?:key|token|secret|passw(?:or)?d|passwd|pwd|pat|auth|authorization|credentials?|cookie|dsn)(?:$|[^a-z])"
)
_CAMEL = re2.compile(r"(?:Key|Token|Secret|Password|Auth|Credentials?)$")
_KNOWN = re2.compile(
    r"^(?:sk|rk|pk)[-_][A-Za-z0-9_-]{16,}$|^(?:ghp|gho|ghs|ghu|ghr)_[A-Za-z0-9]{20,}$|^github_pat_|^glpat-|^xox[abprs]-|^xapp-"
    r"|^AKIA[A-Z0-9]{12,}$|^AIza[A-Za-z0-9_-]{30,}$|^eyJ[A-Za-z0-9_-]{10,}\.|^ya29\.|^hf_[A-Za-z0-9]{20,}$|^npm_[A-Za-z0-9]{20,}$"
    r"|^SG\.[A-Za-z0-9_-]{16,}|^lin_api_|^ntn_[A-Za-z0-9]{20,}|^gp_[A-Za-z0-9]{40,}"
)
_LONG = re2.compile(r"^[A-Za-z0-9_+=-]{32,}$")
_PAIR = re2.compile(r"^(-{0,2}[A-Za-z][A-Za-z0-9_.-]*)(?:=|:[ ]*(?:(?:Bearer|Basic|Token)[ ]+)?)(\S.*)$")
_LEFT_TO_OTHERS = "${"


def is_secret_name(name: str) -> bool:
    """Whether a variable, an option or a header with this name holds a secret as a rule: `API_KEY`, `--token`."""
    return _NAME.search(name) is not None or _CAMEL.search(name) is not None


def is_secret_value(value: str) -> bool:
    """Whether a text looks like a secret by itself: a known prefix, a URL with a password, long random characters."""
    if _KNOWN.search(value) is not None:
        return True
    if "://" in value:
        try:
            return bool(urlsplit(value).password)
        except ValueError:
            return False
    return (
        _LONG.search(value) is not None
        and any(character.isdigit() for character in value)
        and sum(character.isalpha() for character in value) >= 4
    )


def secret_arguments(command: Sequence[str]) -> list[int]:
    """The places of arguments that hold a secret; the program itself is none."""
    found = []
    for place, text in enumerate(command):
        if place == 0 or not text:
            continue
        if _is_secret_argument(command[place - 1], text):
            found.append(place)
    return found


def _is_secret_argument(before: str, text: str) -> bool:
    """Whether an argument holds a secret: by itself, as `--option=SECRET`, or after `--option`."""
    if text.startswith(_LEFT_TO_OTHERS):
        return False
    if is_secret_value(text):
        return True
    pair = _PAIR.search(text)
    if pair is not None:
        name, value = pair[1], pair[2]
        return not value.startswith(_LEFT_TO_OTHERS) and (is_secret_name(name) or is_secret_value(value))
    return before.startswith("-") and "=" not in before and is_secret_name(before) and not text.startswith("-")


def without_secrets(command: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The command with secret arguments taken out into variables, which are sealed, and those variables.

    A program's arguments are shown in lists and in the log. A shell puts the secrets back where the program starts.
    """
    places = secret_arguments(command)
    if not places:
        return tuple(command), {}
    variables = {f"GATEPOST_ARGUMENT_{number}": command[place] for number, place in enumerate(places, start=1)}
    names = dict(zip(places, variables, strict=True))
    words = [f'"${names[place]}"' if place in names else shlex.quote(text) for place, text in enumerate(command)]
    return ("sh", "-c", f"exec {' '.join(words)}"), variables
