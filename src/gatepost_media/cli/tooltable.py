"""Writes the table of the Plex server's tools into its page: `python -m gatepost_media.cli.tooltable docs/media.md`.

Names, arguments and effects come from the code; what changed against the servers that these tools replace stands in
changes.txt beside this file. A test holds the page in step with both.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gatepost_media.common.arguments import CURSOR
from gatepost_media.common.tools import Tool, Toolset

BEGIN = "<!-- tools: made by python -m gatepost_media.cli.tooltable -->"
END = "<!-- end of tools -->"
MANY = 20


def changes() -> dict[str, tuple[str, str]]:
    """Tool → where it comes from, and what is different."""
    text = Path(__file__).with_name("changes.txt").read_text(encoding="utf-8")
    rows = [line.split(" |") for line in text.splitlines() if line and not line.startswith("#")]
    return {name.strip(): (origin.strip(), change.strip()) for name, origin, change in rows}


def table(toolset: Toolset) -> str:
    """The table in Markdown. Raises KeyError for a tool of which changes.txt says nothing."""
    said = changes()
    lines = ["| tool | from | arguments | effect | what is different |", "| --- | --- | --- | --- | --- |"]
    for tool in toolset.tools.values():
        origin, change = said[tool.name]
        lines.append(f"| `{tool.name}` | {origin} | {_arguments(tool)} | {tool.effect} | {change or '–'} |")
    return "\n".join(lines)


def _arguments(tool: Tool) -> str:
    names = [name for name in tool.arguments.names if name != CURSOR]
    if len(names) <= MANY:
        return ", ".join(f"`{name}`" for name in names) or "none"
    shown = [name for name in names if name in ("query", "library_id", "libraryKey", "type", "sort", "limit", "offset")]
    return ", ".join(f"`{name}`" for name in shown) + f" and {len(names) - len(shown)} filters"


def page(text: str, toolset: Toolset) -> str:
    """The page with the table between its marks made anew. Raises ValueError where the marks are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{table(toolset)}\n\n{END}{after}"


def main() -> None:
    """Rewrites the page that is named."""
    from gatepost_media.plex.server import toolset

    file = Path(sys.argv[1])
    file.write_text(page(file.read_text(encoding="utf-8"), toolset()), encoding="utf-8")


if __name__ == "__main__":
    main()
