"""All that a server offers: its tools, resources, resource templates and prompts, as far as they can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gatepost.upstreams.base import UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.scan import LISTS, ServerInfo, read_list, talking


@dataclass(frozen=True, slots=True)
class Survey:
    """What was read of a server.

    Attributes:
        tools, resources, templates, prompts: the entries of its lists, in its order.
        problems: a sentence for everything that is wrong with them.
        failure: why the tools could not be read to the end, None where they were.
    """

    tools: list[dict[str, Any]]
    resources: list[dict[str, Any]]
    templates: list[dict[str, Any]]
    prompts: list[dict[str, Any]]
    problems: tuple[str, ...]
    failure: UpstreamFailed | None


async def survey(config: ServerConfig, info: ServerInfo) -> Survey:
    """Read every list that a server has; of each at most what `scan.list_tools` reads, and all within its deadline.

    One that cannot be read does not keep the others from it. Nothing is raised: what went wrong is among the problems.
    """
    found: dict[str, list[dict[str, Any]]] = {method: [] for method in LISTS}
    problems: list[str] = []
    failures: dict[str, UpstreamFailed] = {}
    reading = "tools/list"
    try:
        async with talking(config, info) as conversation:
            for reading in LISTS:
                if reading != "tools/list" and reading.partition("/")[0] not in info.capabilities:
                    continue
                try:
                    await read_list(conversation, config, reading, found[reading], problems)
                except UpstreamFailed as failure:
                    failures[reading] = failure
    except UpstreamFailed as failure:
        failures[reading] = failure
    problems += [failure.message for failure in failures.values()]
    tools, resources, templates, prompts = found.values()
    return Survey(tools, resources, templates, prompts, tuple(problems), failures.get("tools/list"))
