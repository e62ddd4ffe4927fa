"""What a schema's parameters are about, where their names alone would mislead."""

from __future__ import annotations

from typing import Any

import pytest

from gatepost.catalogue import classify
from gatepost.catalogue.listed import read_tools
from gatepost.catalogue.schema_facts import schema_facts
from gatepost.catalogue.suggest import suggestions


def _facts(name: str, **schema: Any) -> dict[str, tuple[str, ...]]:
    found = schema_facts({"type": "object", "properties": {name: schema or {"type": "string"}}})
    topics = {"urls": found.urls, "paths": found.paths, "credentials": found.credentials, "code": found.code}
    return {topic: names for topic, names in topics.items() if names}


@pytest.mark.parametrize(
    "name", ["link_type", "url_title", "include_paths", "excludePaths", "select_paths", "page_token"]
)
def test_a_parameter_that_only_speaks_of_a_url_or_of_paths_is_neither(name: str) -> None:
    assert _facts(name) == {}


@pytest.mark.parametrize(
    ("name", "topic"), [("url", "urls"), ("repo_path", "paths"), ("file_paths", "paths"), ("command", "code")]
)
def test_one_that_is_one_is_found_unless_it_is_a_choice_of_a_few_words(name: str, topic: str) -> None:
    assert _facts(name) == {topic: (name,)}
    assert _facts(name, type="string", enum=["undo", "restart"]) == {}


def _rule(path: str, text: str = "", **others: dict[str, Any]) -> str:
    """Which kind of rule a path gets beside other parameters."""
    properties = {path: {"type": "string", "description": text}, **others}
    listed = read_tools([{"name": "get_it", "inputSchema": {"type": "object", "properties": properties}}])
    return next(one.rule["conditions"][0]["op"] for one in suggestions(listed[0]) if one.parameter == path)


def test_a_path_is_bounded_by_a_folder_unless_it_is_inside_of_what_another_parameter_names() -> None:
    plain = {"type": "string"}
    assert _rule("path", page=plain, branch=plain, sheet=plain) == "path_within"
    assert _rule("path", repo=plain, owner=plain) == "matches"
    assert _rule("repo_path", project=plain) == "path_within"
    assert _rule("path", "Relative to the vault") == "matches"
    assert _rule("path", "Absolute, or relative to where it was started") == "path_within"


def test_a_list_of_objects_gets_no_rule_for_its_elements() -> None:
    files = {"type": "array", "items": {"type": "object", "properties": {"path": {"type": "string"}}}}
    (tool,) = read_tools([{"name": "push", "inputSchema": {"type": "object", "properties": {"files": files}}}])
    assert suggestions(tool) == ()


@pytest.mark.parametrize(
    ("name", "description", "parameter", "runs"),
    [
        ("page_evaluate", "Evaluate JavaScript in the page", "function", True),
        ("run_it", "Runs what it is given", "command", True),
        ("complete_auth", "Finish the sign-in", "code", False),
        ("run_report", "Runs a report", "name", False),
    ],
)
def test_text_that_is_run_is_known_by_its_parameter_or_by_what_is_said_of_it(
    name: str, description: str, parameter: str, runs: bool
) -> None:
    got = classify(name, description, {"type": "object", "properties": {parameter: {"type": "string"}}})
    assert ("runs-code" in got.signals) == runs
