"""The catalogue's index, and the classifier, on invented data: how quickly 45,000 servers with 600,000 tools go in, and
how quickly tools are found again.

python -m bench.catalogue                                       the sizes that the bars name, some minutes
python -m bench.catalogue --servers 1000 --tools 13000 --json   smaller, for machines

Definitions are made beforehand. They are imported from memory by one process, and from a folder of files as
`gatepost catalogue import` does it, by as many as the machine has processors. Every query and every filter is asked
three times, in an order of its own each time; its figure is the median.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench import invented
from gatepost.catalogue import Siblings, classify
from gatepost.catalogue.classification import CATEGORIES, SEVERITIES, SIGNALS
from gatepost.catalogue.index import Index, ServerEntry
from gatepost.catalogue.index.entries import Counts, entries_of
from gatepost.catalogue.index.many import import_alone, read_many
from gatepost.catalogue.index.sources import Problems

SEED = 5
SERVERS = 45_000
TOOLS = 600_000
CLASSIFIED = 50_000
QUERIES = 300
TIMES = 3
RARE = invented.words("kubernetes payroll xylophone v39 v17 io example quartz-invoice sql oauth")


def entry(name: str, definitions: list[dict[str, Any]]) -> ServerEntry:
    return ServerEntry(name, description="Invented", source="scan", tools=entries_of(definitions, plain=True))


def imported(file: Path, servers: int, tools: int) -> dict[str, Any]:
    """Imports definitions into the file; then what they were classified as, and then a folder of them, into others."""
    lists = list(invented.servers(servers, tools, SEED))
    import_alone()  # as `gatepost catalogue import` begins
    with Index.open(file) as index:
        took = timed(partial(put, index.put, (entry(*one) for one in lists), (servers, tools)))
    size = sum(one.stat().st_size for one in file.parent.glob(f"{file.name}*"))
    folder = file.with_name("scans")
    written(folder, lists)
    entries = [entry(*each) for each in lists]
    del lists
    import_alone()
    with Index.open(file.with_name("classified.db")) as index:
        classified = timed(partial(put, index.put, entries, (servers, tools)))
    del entries
    one = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    processors = len(os.sched_getaffinity(0))
    with Index.open(file.with_name("read.db")) as index:
        read = timed(partial(put, index.put_rows, read_many(folder, Problems()), (servers, tools)))
    os.sched_setaffinity(0, one)
    return {
        "servers": servers,
        "tools": tools,
        "import_seconds": took,
        "import_tools_per_s": tools / took,
        "import_classified_tools_per_s": tools / classified,
        "import_folder_tools_per_s": tools / read,
        "processors": processors,
        "bytes": size,
    }


def written(folder: Path, lists: list[tuple[str, list[dict[str, Any]]]]) -> None:
    """A file for each server, 500 of them in a folder of their own."""
    for number, (name, definitions) in enumerate(lists):
        file = folder / f"{number // 500:03}" / f"{number:05}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"server": name, "tools": definitions}))


def put(into: Callable[[Iterable[Any]], Counts], servers: Iterable[Any], wanted: tuple[int, int]) -> None:
    counts = into(servers)
    if (counts.servers, counts.tools) != wanted:
        raise SystemExit(f"{counts} went in, {wanted[0]} servers with {wanted[1]} tools were wanted")


def searches() -> list[dict[str, Any]]:
    """Different questions: one word to three, beginnings of words, rare and unknown ones, a third of them filtered."""
    chance = random.Random(SEED)
    found: dict[str, dict[str, Any]] = {}
    while len(found) < QUERIES:
        verb, thing, other = chance.choice(invented.VERBS), *chance.sample(invented.OBJECTS, 2)
        text = chance.choice(
            (
                thing,
                verb,
                f"{verb} {thing}",
                f"{verb} {thing}",
                f"{thing} {other}",
                f"{chance.choice(invented.ADJECTIVES)} {thing} {verb}",
                f"{chance.choice(invented.SERVICES)} {thing}",
                f"{verb} {thing[:3]}",
                f"{verb} {chance.choice(RARE)}",
            )
        )
        narrowed = chance.choice(
            ({}, {}, {"category": chance.choice(CATEGORIES)}, {"signal": chance.choice(list(SIGNALS))})
        )
        found.setdefault(f"{text} {narrowed}", {"text": text, **narrowed})
    return list(found.values())


def filters() -> list[dict[str, Any]]:
    """Every combination of category, severity and signal, each of them also left out."""
    return [
        {"category": category, "severity": severity, "signal": signal}
        for category, severity, signal in itertools.product((None, *CATEGORIES), (None, *SEVERITIES), (None, *SIGNALS))
    ]


def asked(index: Index, questions: list[dict[str, Any]]) -> list[float]:
    """Milliseconds of each question, the slowest last."""
    took: list[list[float]] = [[] for _ in questions]
    chance = random.Random(SEED)
    for _ in range(TIMES):
        for place in chance.sample(range(len(questions)), len(questions)):
            took[place].append(timed(partial(index.search, **questions[place])) * 1000)
    return sorted(median(one) for one in took)


def timed(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def classifying(tools: int) -> dict[str, Any]:
    """Seconds to classify so many tools, server by server."""
    lists = [definitions for _, definitions in invented.servers(max(1, tools // 13), tools, SEED + 1)]

    def all_of_them() -> None:
        for definitions in lists:
            siblings = Siblings.of(one["name"] for one in definitions)
            for one in definitions:
                classify(one["name"], one["description"], one["inputSchema"], one.get("annotations"), siblings)

    return {"classified": tools, "classify_seconds": timed(all_of_them)}


def measure(servers: int, tools: int, classified: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="gatepost-bench-") as folder:
        file = Path(folder) / "catalogue.db"
        found = imported(file, servers, tools)
        with Index.open(file) as index:
            searched, filtered = asked(index, searches()), asked(index, filters())
    return {
        **found,
        "queries": len(searched),
        "search_p50_ms": median(searched),
        "search_p95_ms": searched[int(len(searched) * 0.95)],
        "search_slowest_ms": searched[-1],
        "filters": len(filtered),
        "filter_p50_ms": median(filtered),
        "filter_slowest_ms": filtered[-1],
        **classifying(classified),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.catalogue", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--servers", type=int, default=SERVERS)
    parser.add_argument("--tools", type=int, default=TOOLS)
    parser.add_argument("--classify", type=int, default=CLASSIFIED, help="tools for the classifier alone")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    told = parser.parse_args()
    if not 1 <= told.servers <= told.tools:
        parser.error("there must be a server at least, and a tool for each")
    found = measure(told.servers, told.tools, told.classify)
    if told.json:
        print(json.dumps(found))
        return
    for key, value in found.items():
        print(f"{key.replace('_', ' '):30}{value:>14,.1f}" if isinstance(value, float) else f"{key:30}{value:>14,}")


if __name__ == "__main__":
    main()
