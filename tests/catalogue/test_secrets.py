"""Tools that read what is secret: reading is harmless to the thing read, and the harm is elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from gatepost.catalogue import classify
from gatepost.catalogue.listed import read_tools
from gatepost.catalogue.recommend import PROFILES, recommend, tool_policy, way_of
from gatepost.policy import compile_policy


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("get_secret_value", ""),
        ("secrets.get", ""),
        ("reveal_api_key", "Shows an API key"),
        ("vault_read", "Reads a secret from the vault"),
        ("show", "Returns all environment variables"),
        ("get_connection_string", "A connection string for a database"),
    ],
)
def test_what_gives_a_secret_out_reads_at_high_risk_and_says_so(name: str, description: str) -> None:
    got = classify(name, description)
    assert (got.category, got.severity) == ("read", "high")
    assert "gives-secrets" in got.signals
    assert "is secret" in [one.says for one in got.evidence]


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("list_secrets", "Lists the names of secrets"),
        ("get_secret_metadata", ""),
        ("get_password_policy", "The rules for passwords"),
        ("get_token_usage", "How many tokens were used"),
        ("get_environment", "Gets an environment of a project"),
        ("rotate_secret", "Rotates a secret"),
    ],
)
def test_what_only_speaks_of_secrets_or_changes_them_gives_none_out(name: str, description: str) -> None:
    assert "gives-secrets" not in classify(name, description).signals


@pytest.mark.parametrize("profile", PROFILES)
def test_no_profile_lets_a_secret_out_unasked(profile: str) -> None:
    listed: list[dict[str, Any]] = [
        {"name": "get_secret", "description": "Gets a secret"},
        {"name": "get_page", "description": "Gets a page"},
    ]
    secret, page = read_tools(listed)
    policy = compile_policy(recommend((secret, page), profile=PROFILES[profile]).document)
    if not PROFILES[profile].shadow:
        assert policy.decide(tool="get_secret").effect == "approve"
    assert policy.decide(tool="get_page").effect == "allow"
    assert (way_of(PROFILES[profile], secret), way_of(PROFILES[profile], page)) == ("ask", "free")
    assert tool_policy(secret)["tools"]["get_secret"]["action"] == "require_approval"


def test_a_label_before_the_sentence_hides_no_verb() -> None:
    for text in ("Acme | Create a page Error Responses: 400: Bad request", "Acme: Create a page"):
        assert classify("API-post-page", text).category == "write"
