"""A tool that reads and leaves something behind is no reading one; one that only might is."""

from __future__ import annotations

from typing import Any

import pytest

from gatepost.catalogue import classify

REPORT = {
    "type": "object",
    "properties": {"filePath": {"type": "string", "description": "A path to save the report to"}},
}


@pytest.mark.parametrize(
    ("name", "description", "schema"),
    [
        ("download_report", "Download a report and return its text. Stores the report locally.", {}),
        ("quality_check", "Get quality scores for a page. Full results are saved to disk. Takes a while.", {}),
        ("inspect_memory", "Inspect the memory of a process.", {**REPORT, "required": ["filePath"]}),
        ("fetch", "Fetch updates from a remote. Downloads objects and refs.", {}),
        ("next_entries", "Read entries of a stream with a consumer group.", {}),
    ],
)
def test_what_leaves_something_behind_writes(name: str, description: str, schema: dict[str, Any]) -> None:
    found = classify(name, description, schema)
    assert (found.category, found.severity) == ("write", "medium")
    assert found.evidence[0].quote.lower() in f"{description} {schema}".lower()


@pytest.mark.parametrize(
    ("name", "description", "schema"),
    [
        ("get_report", "Get a report and return its text. If a folder is given, it is saved to disk.", {}),
        ("read_report", "Read a report that was saved to disk.", {}),
        ("get_report", "Get a report. Reports are read from disk. The name of a file is optional.", {}),
        ("inspect_memory", "Inspect the memory of a process.", REPORT),
        (
            "read_file",
            "Read a file.",
            {"properties": {"path": {"description": "The file to read"}}, "required": ["path"]},
        ),
        ("list_consumer_groups", "List the members of a consumer group.", {}),
        ("list_refs", "List refs of a repository.", {}),
    ],
)
def test_what_only_might_leave_something_behind_reads(name: str, description: str, schema: dict[str, Any]) -> None:
    assert classify(name, description, schema).category == "read"
