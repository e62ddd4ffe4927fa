"""The catalogue as a static site: every file of it as text. It needs no server and no script."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any, Final

from gatepost.catalogue.attacks import GROUPS, OWASP, Attack, attacks
from gatepost.catalogue.classification import CATEGORIES, SEVERITY_OF
from gatepost.catalogue.findings import Finding, about_tool, advice, by_tool
from gatepost.catalogue.listed import ListedTool
from gatepost.catalogue.pages import WINDOW, ServerPage, ToolPage, server_page, tool_page

_POLICY: Final = (
    "default-src 'none'; style-src 'self' file:; script-src 'self' file:; base-uri 'none'; form-action 'none'"
)
_SAFE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_SHOWN_FINDINGS: Final = 200
_GROUP_TITLES: Final = {
    "agents": "What an agent does",
    "definitions": "What a server says of its tools",
    "arguments": "What is hidden in arguments",
    "protocol": "Requests that two readers read differently",
    "identity": "Acting as somebody else",
}


def site(
    servers: Mapping[str, Sequence[ListedTool]],
    findings: Mapping[str, Sequence[Finding]] | None = None,
    facts: Mapping[str, Sequence[tuple[str, str]]] | None = None,
) -> Iterator[tuple[str, str]]:
    """Every file of the site: its path below the folder, with `/`, and its text.

    Args:
        servers: the tools of each server by its name.
        findings: what in a server's definitions is to be looked at first, by its name.
        facts: what else is known of a server, as (label, value), by its name; `is` says what it is.
    """
    known, told = findings or {}, facts or {}
    yield "style.css", _asset("style.css")
    yield "search.js", _asset("search.js")
    pages = {name: server_page(name, tools, known.get(name, ())) for name, tools in sorted(servers.items())}
    folders = {name: f"servers/{slug(name)}" for name in pages}
    used: dict[str, list[tuple[str, str]]] = {}
    for name, page in pages.items():
        addresses = {tool.name: f"{folders[name]}/{slug(tool.name)}.html" for tool in page.tools}
        yield f"{folders[name]}/index.html", _server(page, addresses, told.get(name, ()))
        marked = by_tool(page.findings)
        for tool in page.tools:
            shown = tool_page(name, tool, about_tool(marked, tool.name))
            yield addresses[tool.name], _tool(shown)
            for attack in shown.attacks:
                used.setdefault(attack.name, []).append((f"{name}/{tool.name}", addresses[tool.name]))
    yield "index.html", _index(pages, folders, {name: facts for name, facts in told.items() if facts})
    yield "tools.html", _tools(pages, folders)
    yield "attacks/index.html", _attacks()
    for attack in attacks().values():
        yield f"attacks/{attack.name}.html", _attack(attack, used.get(attack.name, []))


def slug(name: str) -> str:
    """A name as part of an address: itself where it can be, else cut and with a mark of its own.

    Two names that differ only in case get different slugs, for folders on many disks do not tell them apart.
    """
    if name and len(name) <= 80 and _SAFE.issuperset(name) and name == name.lower() and name != "index":
        return name
    kept = "".join(character if character in _SAFE else "-" for character in name[:60].lower())
    return f"{kept}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


# -- pages ------------------------------------------------------------------------------------------------------------


def _index(
    pages: Mapping[str, ServerPage], folders: Mapping[str, str], told: Mapping[str, Sequence[tuple[str, str]]]
) -> str:
    """Servers of which nothing else is told are registered here: they come first, and are marked among others."""
    total = sum(len(page.tools) for page in pages.values())
    what = {name: dict(facts).get("is", "") for name, facts in told.items()}
    mine = ", registered here" if told else ""
    items = "".join(
        f'<li data-words="{_text(f"{name} {what.get(name, str())}".lower())}">'
        f'<a href="{_text(folders[name])}/index.html">{_text(name)}</a>'
        f'<span class="count">{_number(len(page.tools), "tool")}{mine if name not in told else ""}</span>'
        f'<span class="quiet">{_text(what.get(name, ""))}</span>{_bar(page.counts)}</li>'
        for name, page in sorted(pages.items(), key=lambda one: (one[0] in told, one[0]))
    )
    body = (
        f"<h1>Catalogue</h1><p>{_number(len(pages), 'server')} with {_number(total, 'tool')}: "
        "what each can do, why that needs a policy, "
        'and which rule suits it. <a href="tools.html">All tools</a> · '
        '<a href="attacks/index.html">Known attacks</a></p>'
        f'{_legend()}{_search("Find a server")}<ul class="cards" id="found">{items}</ul>'
    )
    return _page("Catalogue", body, "")


def _tools(pages: Mapping[str, ServerPage], folders: Mapping[str, str]) -> str:
    rows = sorted((tool.name, name, tool) for name, page in pages.items() for tool in page.tools)
    items = "".join(
        f'<li data-words="{_text(f"{tool.name} {name} {tool.category} {tool.description[:200]}".lower())}">'
        f'<a href="{_text(folders[name])}/{_text(slug(tool.name))}.html">{_text(tool.name)}</a>'
        f'{_badge(tool.category)}{_raised(tool)}<span class="quiet">{_text(name)}</span></li>'
        for _, name, tool in rows
    )
    body = f'<h1>All tools</h1>{_search("Find a tool, a server, a category")}<ul class="rows" id="found">{items}</ul>'
    return _page("All tools", body, "")


def _server(page: ServerPage, addresses: Mapping[str, str], facts: Sequence[tuple[str, str]]) -> str:
    marked = by_tool(page.findings)
    rows = "".join(
        f'<li data-words="{_text(f"{tool.name} {tool.category} {tool.description[:200]}".lower())}">'
        f'<a href="{_text(addresses[tool.name].rpartition("/")[2])}">{_text(tool.name)}</a>{_badge(tool.category)}'
        f"{_raised(tool)}{_marked(about_tool(marked, tool.name))}"
        f'<span class="quiet">{_text(_short(tool.description))}</span></li>'
        for tool in page.tools
    )
    heavy = ""
    if page.heaviest is not None:
        heavy = f" The heaviest is {_text(page.heaviest.name)} with {page.heaviest.tokens:,}."
    notes = "".join(f"<p>{_text(note)}</p>" for note in page.recommendation.notes)
    lead = "".join(f'<p class="lead">{_text(value)}</p>' for label, value in facts if label == "is")
    told = "".join(f"<li>{_text(label)}: {_text(value)}</li>" for label, value in facts if label != "is")
    head = f"{lead}<ul>{told}</ul>" if told else lead
    body = (
        f"<h1>{_text(page.name)}</h1>{head}{_bar(page.counts)}<p>{_counted(page.counts)}.</p>"
        f"<p>Its definitions cost about {page.tokens:,} tokens of a model's context, {page.share:.1%} of a window of "
        f"{WINDOW:,}.{heavy}</p>{_findings(page.findings)}<h2>Tools by risk</h2>{_search('Find a tool')}"
        f'<ul class="rows" id="found">{rows}</ul><h2>The recommended policy</h2>{notes}'
        f"{_code(page.recommendation.document)}"
        f"<p>The same from the command line:</p><pre>gatepost policy recommend {_text(page.name)}</pre>"
    )
    return _page(page.name, body, "../../")


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    items = "".join(
        f"<li>{_risk(one.severity)}<span>{_text(str(one))}</span></li>" for one in findings[:_SHOWN_FINDINGS]
    )
    shown = len(findings[:_SHOWN_FINDINGS])
    more = f"<p>And {len(findings) - shown:,} more.</p>" if len(findings) > shown else ""
    todo = "".join(f"<p><b>{_text(kind)}</b>: {_text(what)}</p>" for kind, what in advice(findings))
    return f'<h2>To be looked at first</h2><ul class="rows">{items}</ul>{more}<h3>What to do</h3>{todo}'


def _marked(own: Sequence[Finding]) -> str:
    """How bad the worst finding about a tool is; nothing where there is none."""
    return f'<span class="risk">look first: {_text(own[0].severity)}</span>' if own else ""


def _risk(severity: str) -> str:
    return f'<span class="risk">{_text(severity)}</span>'


def _tool(page: ToolPage) -> str:
    found = page.tool.classification
    facts = "".join(
        f"<div><dt>{term}</dt><dd>{value}</dd></div>"
        for term, value in (
            ("category", _badge(found.category)),
            ("risk", _text(found.severity)),
            ("confidence", _text(found.confidence)),
            ("parameters", _text(page.parameter_count)),
            ("tokens", f"{page.tool.tokens:,}"),
            ("server", f'<a href="index.html">{_text(page.server)}</a>'),
        )
    )
    title = f" · {_text(page.tool.title)}" if page.tool.title else ""
    parts = [
        f'<h1>{_text(page.tool.name)}</h1><p class="lead">{_text(page.what) or "It has no description."}{title}</p>',
        f'<dl class="facts">{facts}</dl>{_findings(page.findings)}',
        f"<h2>Why it needs a policy</h2>{_list(page.why)}",
        f"<h2>What decided</h2>{_list(page.evidence or ('Nothing could be read from its definition.',))}",
    ]
    if page.signals:
        signals = "".join(f"<li>{_text(one)}</li>" for one in page.signals)
        parts.append(f'<h2>Signals</h2><ul class="chips">{signals}</ul>')
    if page.parameters:
        rows = "".join(
            f"<li><code>{_text(one.name)}</code> {_text(one.kind)}{' <b>required</b>' if one.required else ''}"
            f'<span class="quiet">{_text(one.note)}</span></li>'
            for one in page.parameters
        )
        parts.append(f'<h2>Parameters</h2><ul class="rows">{rows}</ul>')
    parts.append(f"<h2>The recommended policy</h2>{_code(page.policy)}")
    parts.append(f"<h3>To limit its rate</h3>{_code(page.rate)}<h3>To block it</h3>{_code(page.block)}")
    if page.suggestions:
        parts.append("<h2>Rules for its arguments</h2>")
        for one in page.suggestions:
            yours = f" Change {_text(one.change)}." if one.change else ""
            parts.append(
                f"<p><code>{_text(one.parameter)}</code> in <code>{one.member}</code>: {_text(one.reason)}{yours}</p>"
                f"{_code(one.rule)}"
            )
    if page.attacks:
        links = "".join(
            f'<li><a href="../../attacks/{one.name}.html">{_text(one.title)}</a>'
            f'<span class="quiet">{_text(one.what)}</span></li>'
            for one in page.attacks
        )
        parts.append(f'<h2>Attacks that concern it</h2><ul class="rows">{links}</ul>')
    return _page(f"{page.tool.name} · {page.server}", "".join(parts), "../../")


def _attacks() -> str:
    parts = ["<h1>Known attacks</h1><p>What is documented, and what stops it here.</p>"]
    for group in GROUPS:
        items = "".join(
            f'<li><a href="{one.name}.html">{_text(one.title)}</a><span class="quiet">{_text(one.what)}</span></li>'
            for one in attacks().values()
            if one.group == group
        )
        parts.append(f'<h2>{_GROUP_TITLES[group]}</h2><ul class="rows">{items}</ul>')
    return _page("Known attacks", "".join(parts), "../")


def _attack(attack: Attack, tools: Sequence[tuple[str, str]]) -> str:
    owasp = _list(f"{key} {OWASP[key]}" for key in attack.owasp)
    remains = f"<h2>What remains</h2><p>{_prose(attack.remains)}</p>" if attack.remains else ""
    shown = "".join(f'<li><a href="../{_text(address)}">{_text(name)}</a></li>' for name, address in tools[:200])
    more = f"<p>And {len(tools) - 200:,} more.</p>" if len(tools) > 200 else ""
    listed = f'<h2>Tools it concerns</h2><ul class="rows">{shown}</ul>{more}' if tools else ""
    body = (
        f'<h1>{_text(attack.title)}</h1><p class="lead">{_prose(attack.what)}</p>'
        f"<h2>How it works</h2><p>{_prose(attack.how)}</p>"
        f"<h2>Where it was seen</h2><p>{_prose(attack.incident)}</p>"
        f'<p><a href="{_text(attack.source)}" rel="noreferrer">{_text(attack.source)}</a> {attack.checked}</p>'
        f"{_specification(attack)}"
        f"<h2>What stops it</h2><p>{_prose(attack.stops) or 'Nothing here stops it.'}</p>{remains}"
        f"<p>Play it:</p><pre>gatepost attack run {attack.name}</pre>"
        f"<h2>OWASP MCP Top 10</h2>{owasp}{listed}"
    )
    return _page(attack.title, body, "../")


def _specification(attack: Attack) -> str:
    if not attack.specification:
        return ""
    address = _text(attack.specification)
    return f'<p>In a specification: <a href="{address}" rel="noreferrer">{address}</a></p>'


# -- pieces -----------------------------------------------------------------------------------------------------------


def _page(title: str, body: str, up: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<title>{_text(title)}</title><link rel="stylesheet" href="{up}style.css">'
        f'<script src="{up}search.js" defer></script></head><body>'
        f'<nav><a href="{up}index.html">Servers</a><a href="{up}tools.html">Tools</a>'
        f'<a href="{up}attacks/index.html">Attacks</a></nav><main>{body}</main></body></html>\n'
    )


def _text(text: str) -> str:
    """A text of others as text of a page: escaped, nothing in it that hides or turns the reading order."""
    return escape("".join(character if character.isprintable() else " " for character in text))


def _prose(text: str) -> str:
    """A text of ours: what stands between backticks is code."""
    parts = _text(text).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


def _short(text: str) -> str:
    line = " ".join(text[:400].split())
    return line if len(line) <= 110 else line[:110].rsplit(" ", 1)[0] + " …"


def _badge(category: str) -> str:
    return f'<span class="badge {category}">{category}</span>'


def _raised(tool: ListedTool) -> str:
    """The risk of a tool of which it is more than its category's."""
    found = tool.classification
    return "" if found.severity == SEVERITY_OF[found.category] else f'<span class="risk">{found.severity} risk</span>'


def _bar(counts: Mapping[str, int]) -> str:
    """How the categories share the tools, as a bar; the words beside it say the same."""
    total = sum(counts.values())
    if not total:
        return ""
    parts = "".join(
        f'<i class="{category} w{max(1, round(20 * counts[category] / total))}"></i>'
        for category in CATEGORIES
        if counts[category]
    )
    return f'<span class="bar" role="img" aria-label="{_counted(counts)}">{parts}</span>'


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {category}" for category, number in counts.items() if number) or "no tools"


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _legend() -> str:
    return f'<p class="legend">{"".join(_badge(category) for category in CATEGORIES)}</p>'


def _list(lines: Any) -> str:
    return "<ul>" + "".join(f"<li>{_text(line)}</li>" for line in lines) + "</ul>"


def _code(value: Any) -> str:
    return f'<pre tabindex="0">{escape(json.dumps(value, indent=2, ensure_ascii=True))}</pre>'


def _search(label: str) -> str:
    """The field that the script shows; without the script all is listed and nothing is lost."""
    return f'<p class="search" hidden><input type="search" aria-label="{label}" placeholder="{label}"></p>'


def _asset(name: str) -> str:
    return (files("gatepost.catalogue") / "assets" / name).read_text("utf-8")
