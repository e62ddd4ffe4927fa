"""All that a server offers, as far as it can be read."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.scan import probe
from gatepost.upstreams.survey import Survey, survey
from tests.upstreams.helpers import QUICK, run

LISTING = Path(__file__).parent.parent / "cli" / "listing_server.py"
EVERY: dict[str, Any] = {"tools": {}, "resources": {}, "prompts": {}}
TOOL = {"name": "t", "inputSchema": {"type": "object"}}


def surveyed(folder: Path, says: dict[str, Any]) -> Survey:
    """What is read of a server that says this."""
    found: list[Survey] = []

    async def read() -> None:
        file = folder / "says.json"
        file.write_text(json.dumps(says))
        config = ServerConfig("s", command=(sys.executable, "-I", "-S", str(LISTING), str(file)), limits=QUICK)
        found.append(await survey(config, await probe(config)))

    run(read(), seconds=60)
    return found[0]


def test_every_list_that_a_server_declares_is_read_page_by_page(tmp_path: Path) -> None:
    found = surveyed(
        tmp_path,
        {
            "capabilities": EVERY,
            "tools/list": {"tools": [TOOL]},
            "resources/list": [{"resources": [{"uri": "a:1"}]}, {"resources": [{"uri": "a:2"}]}],
            "resources/templates/list": {"resourceTemplates": [{"uriTemplate": "a:{b}"}]},
            "prompts/list": {"prompts": [{"name": "p"}]},
        },
    )
    assert [found.tools, found.templates, found.prompts] == [[TOOL], [{"uriTemplate": "a:{b}"}], [{"name": "p"}]]
    assert [resource["uri"] for resource in found.resources] == ["a:1", "a:2"]
    assert (found.problems, found.failure) == ((), None)


def test_a_list_that_is_not_declared_is_not_asked_for_and_one_that_is_not_known_is_empty(tmp_path: Path) -> None:
    says = {"capabilities": {"tools": {}, "resources": {}}, "prompts/list": {"prompts": [{"name": "p"}]}}
    found = surveyed(tmp_path, says)
    assert (found.tools, found.resources, found.prompts, found.problems) == ([], [], [], ())


def test_one_list_that_cannot_be_read_does_not_keep_the_others_from_it(tmp_path: Path) -> None:
    says = {
        "capabilities": EVERY,
        "tools/list": {"tools": [TOOL]},
        "resources/list": {"error": {"code": -32603, "message": "out of order"}},
        "prompts/list": {"prompts": [{"name": "p"}, {"nothing": 1}]},
    }
    found = surveyed(tmp_path, says)
    assert (found.tools, found.prompts, found.failure) == ([TOOL], [{"name": "p"}], None)
    assert "out of order" in found.problems[1]
    assert "holds 1 entries without a name" in found.problems[0]


def test_tools_that_break_off_are_there_as_far_as_they_came_with_why(tmp_path: Path) -> None:
    says = {"capabilities": EVERY, "tools/list": [{"tools": [TOOL]}, {}], "prompts/list": {"prompts": [{"name": "p"}]}}
    found = surveyed(tmp_path, says)
    assert (found.tools, found.prompts) == ([TOOL], [{"name": "p"}])
    assert found.failure is not None
    assert found.failure.code == "GP-3003"
    assert found.failure.message in found.problems


def test_a_hundred_thousand_tools_are_read_and_no_more(tmp_path: Path) -> None:
    pages = [{"tools": [{"name": f"t{page}-{n}"} for n in range(1001)]} for page in range(100)]
    found = surveyed(tmp_path, {"tools/list": pages})
    assert len(found.tools) == 100_000
    assert "more than 100000 entries" in found.problems[0]
    assert found.failure is None
