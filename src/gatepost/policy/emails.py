"""`email_domain_in`: whether the domain of an e-mail address is one of a list."""

from __future__ import annotations

from typing import Any

from gatepost.policy.operands import Judge, OperandError, strings
from gatepost.policy.texts import CONTROLS, is_dotted_name

# what lets one text hold two addresses, or an address inside another: display names, comments, lists, headers
_ODD = CONTROLS | frozenset(' ,;:<>()"\\')


def build_email_domain_in(operand: Any) -> Judge:
    """The judge for a list of domains; a sub-domain is not its parent."""
    domains: set[str] = set()
    for index, item in enumerate(strings(operand, "a list of domains, not empty")):
        domain = _domain(item)
        if domain is None:
            raise OperandError("a domain in ASCII, as it stands after the @", item, f"/{index}")
        domains.add(domain)

    def judge(value: Any) -> bool | None:
        if not isinstance(value, str):
            return None
        domain = email_domain(value)
        return None if domain is None else domain in domains

    return judge


def email_domain(address: str) -> str | None:
    """The domain of an address in ASCII lower case, or None where it is unknown."""
    if address.count("@") != 1 or not _ODD.isdisjoint(address):
        return None
    local, _, domain = address.partition("@")
    return _domain(domain) if local else None


def _domain(text: str) -> str | None:
    if not text.isascii():
        return None
    domain = text.lower()
    return domain if is_dotted_name(domain) else None
