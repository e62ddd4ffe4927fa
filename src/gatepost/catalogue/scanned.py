"""The page of a server as a scan found it: that of its tools, and what else it says and offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from gatepost.catalogue.findings import findings, text_findings, worst_first
from gatepost.catalogue.findings.finding import quoted
from gatepost.catalogue.listed import read_tools
from gatepost.catalogue.markdown import escaped, server_markdown
from gatepost.catalogue.pages import ServerPage, server_page

_SHOWN: Final = 200
_LOOKED_AT: Final = 1_000
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Offer:
    """A resource, a template or a prompt: what it is known by, and the beginning of what it is said to be."""

    name: str
    what: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"name": self.name, "what": self.what or None}


@dataclass(frozen=True, slots=True)
class ScanPage:
    """The page of a server that was just read.

    Attributes:
        page: of its tools.
        eras, versions: what it speaks.
        said: its own name, title and version, as far as it tells them.
        instructions: its text for language models, or empty.
        resources, templates, prompts: what else it lists.
        problems: what is wrong with its lists.
    """

    page: ServerPage
    eras: tuple[str, ...]
    versions: tuple[str, ...]
    said: dict[str, str]
    instructions: str
    resources: tuple[Offer, ...]
    templates: tuple[Offer, ...]
    prompts: tuple[Offer, ...]
    problems: tuple[str, ...]

    @property
    def wants_a_look(self) -> bool:
        """Whether something is wrong with its lists, or a finding is of high or critical severity."""
        return bool(self.problems) or any(one.severity in ("high", "critical") for one in self.page.findings)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **self.page.as_dict(),
            "eras": list(self.eras),
            "versions": list(self.versions),
            "info": self.said,
            "instructions": self.instructions or None,
            "resources": [one.as_dict() for one in self.resources],
            "templates": [one.as_dict() for one in self.templates],
            "prompts": [one.as_dict() for one in self.prompts],
            "problems": list(self.problems),
        }


def scan_page(
    name: str,
    tools: Sequence[Mapping[str, Any]],
    *,
    said_categories: Mapping[str, str | None] | None = None,
    others: Mapping[str, Sequence[str]] | None = None,
    eras: tuple[str, ...] = (),
    versions: tuple[str, ...] = (),
    info: Mapping[str, Any] | None = None,
    resources: Sequence[Mapping[str, Any]] = (),
    templates: Sequence[Mapping[str, Any]] = (),
    prompts: Sequence[Mapping[str, Any]] = (),
    problems: Sequence[str] = (),
) -> ScanPage:
    """Makes the page.

    Args:
        name: what the server is called here.
        tools, resources, templates, prompts: as it lists them.
        said_categories: categories that a person gave tools.
        others: the names of other servers' tools, by server.
        info: what it says of itself: `serverInfo`, `instructions`.
        problems: what is wrong with its lists.
    """
    about = dict(info or {})
    instructions = about.get("instructions")
    looked = list(findings(tools, others=others))
    looked += text_findings("what it says of itself", {key: about.get(key) for key in ("serverInfo", "instructions")})
    for noun, key, listed in (
        ("resource", "uri", resources),
        ("template", "uriTemplate", templates),
        ("prompt", "name", prompts),
    ):
        for entry in islice(listed, _LOOKED_AT):
            looked += text_findings(f"{noun} {quoted(str(entry.get(key)))}", entry)
    return ScanPage(
        page=server_page(name, read_tools(tools, said_categories), worst_first(looked)),
        eras=eras,
        versions=versions,
        said=_said(about.get("serverInfo")),
        instructions=instructions if isinstance(instructions, str) else "",
        resources=_offers(resources, "uri"),
        templates=_offers(templates, "uriTemplate"),
        prompts=_offers(prompts, "name"),
        problems=tuple(problems),
    )


def scan_markdown(found: ScanPage) -> str:
    """The page as Markdown."""
    lines = [server_markdown(found.page)]
    if found.problems:
        lines += ["## What is wrong with its lists", "", *(f"* {escaped(one)}" for one in found.problems), ""]
    lines += ["## What it says of itself", ""]
    lines += [f"* {key}: {escaped(value)}" for key, value in found.said.items()]
    lines += [f"* speaks {', '.join(found.eras)} ({', '.join(found.versions)})", ""]
    if found.instructions:
        lines += [escaped(found.instructions[:_LONGEST]), ""]
    for title, offers in (
        ("Resources", found.resources),
        ("Resource templates", found.templates),
        ("Prompts", found.prompts),
    ):
        if offers:
            lines += [f"## {title}", ""]
            lines += [f"* {escaped(one.name)}: {escaped(one.what)}".rstrip(": ") for one in offers[:_SHOWN]]
            lines += [f"* and {len(offers) - _SHOWN:,} more"] if len(offers) > _SHOWN else []
            lines.append("")
    return "\n".join(lines)


def _said(server_info: object) -> dict[str, str]:
    if not isinstance(server_info, Mapping):
        return {}
    wanted = ("name", "title", "version", "websiteUrl")
    return {key: server_info[key][:_LONGEST] for key in wanted if isinstance(server_info.get(key), str)}


def _offers(entries: Sequence[Mapping[str, Any]], key: str) -> tuple[Offer, ...]:
    return tuple(Offer(str(entry.get(key))[:_LONGEST], _what(entry)) for entry in entries)


def _what(entry: Mapping[str, Any]) -> str:
    for member in ("description", "title", "name"):
        text = entry.get(member)
        if isinstance(text, str) and text:
            return " ".join(text[:_LONGEST].split())
    return ""
