"""The catalogue's index and the classifier (bench/catalogue.py), against the bars of the catalogue."""

from __future__ import annotations

from typing import Any

from bench.report import Bar, Section, count
from bench.rig import Rig
from bench.sections.scripts import measured

SIZES = {"full": [], "quick": ["--servers", "3000", "--tools", "40000"], "tiny": ["--servers", "60", "--tools", "800"]}
CLASSIFIED = {"full": 50_000, "quick": 50_000, "tiny": 500}

IMPORT = 20_000.0
SEARCH = 20.0
FILTER = 50.0
CLASSIFY = 10.0


def run(rig: Rig, skipped: list[str]) -> Section:
    page = Section("index", "The catalogue's index")
    size = [*SIZES[rig.scale.name], "--classify", str(CLASSIFIED[rig.scale.name])]
    found = measured(rig, "catalogue", skipped, size)
    page.data = found
    page.bars = bars(found)
    if not found:
        return page
    page.say(
        f"{found['servers']:,} invented servers with {found['tools']:,} tools, {found['bytes'] / 1e6:,.0f} MB as the "
        f"index keeps them. `gatepost catalogue import` reads a folder of them, here {found['servers']:,} files, and "
        "classifies each tool on the way, with as many processes as there are processors, up to four "
        f"({found['processors']} here). The second figure is one process alone with definitions in memory, the third "
        "is for entries that were classified before, such as those of a signed file. Every query and every filter "
        "is asked three times, and its figure is the median."
    )
    page.table(
        ["", "", "p50", "p95", "slowest"],
        [
            ["import of a folder, classifying", f"{count(found['import_folder_tools_per_s'])} tools/s", "", "", ""],
            ["import in one process, classifying", f"{count(found['import_tools_per_s'])} tools/s", "", "", ""],
            ["import of classified entries", f"{count(found['import_classified_tools_per_s'])} tools/s", "", "", ""],
            [
                f"search, {found['queries']} queries",
                "",
                *(ms(found[f"search_{one}_ms"]) for one in ("p50", "p95", "slowest")),
            ],
            [
                f"first page of a filter, {found['filters']} filters",
                "",
                ms(found["filter_p50_ms"]),
                "",
                ms(found["filter_slowest_ms"]),
            ],
            [f"classifying {found['classified']:,} tools", f"{found['classify_seconds']:.1f} s", "", "", ""],
        ],
    )
    return page


def bars(found: dict[str, Any]) -> list[Bar]:
    """The bars; not measured where there are no figures."""
    into = f"index of {found['tools']:,} tools" if found else "index"
    number = found.get("classified", CLASSIFIED["full"])
    within = CLASSIFY * number / CLASSIFIED["full"]
    return [
        at_least(f"{into}: import of a folder, reading and classifying", found.get("import_folder_tools_per_s")),
        at_least(f"{into}: import of classified entries", found.get("import_classified_tools_per_s")),
        at_most(f"{into}: search, p50", found.get("search_p50_ms"), SEARCH, "ms"),
        at_most(f"{into}: first page of any filter", found.get("filter_slowest_ms"), FILTER, "ms"),
        at_most(f"classifying {number:,} tools on one core", found.get("classify_seconds"), within, "s"),
    ]


def at_least(what: str, rate: float | None) -> Bar:
    wanted = f"≥ {IMPORT:,.0f} tools/s"
    return Bar(what, wanted, "–", None) if rate is None else Bar(what, wanted, f"{rate:,.0f} tools/s", rate >= IMPORT)


def at_most(what: str, figure: float | None, most: float, unit: str) -> Bar:
    wanted = f"≤ {most:g} {unit}"
    return Bar(what, wanted, "–", None) if figure is None else Bar(what, wanted, f"{figure:.1f} {unit}", figure <= most)


def ms(value: float) -> str:
    return f"{value:.1f} ms"
