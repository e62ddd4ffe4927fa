"""Runs the data plane under cProfile; when it ends, writes {module: seconds}, the time of C functions counted with
their callers.

python -m bench.profiled OUT.json --data DIR --listen 127.0.0.1:7070
"""

from __future__ import annotations

import cProfile
import json
import pstats
import runpy
import sys
from collections import Counter
from pathlib import Path

from bench.contenders.gatepost import DATA_PLANE
from bench.sections.profile import module_of


def main() -> None:
    out = Path(sys.argv[1])
    sys.argv = [DATA_PLANE, *sys.argv[2:]]
    profile = cProfile.Profile()
    try:
        profile.runcall(runpy.run_module, DATA_PLANE, run_name="__main__")
    finally:
        profile.disable()
        out.write_text(json.dumps(by_module(pstats.Stats(profile))))


def by_module(stats: pstats.Stats) -> Counter[str]:
    found: Counter[str] = Counter()
    table = stats.stats  # type: ignore[attr-defined]
    for (file, _, name), (_, _, own, _, callers) in table.items():
        if file != "~":
            found[module_of(file)] += own
            continue
        if not callers:
            found[name] += own
        for (caller_file, _, caller_name), (_, _, part, _) in callers.items():
            found[module_of(caller_file) if caller_file != "~" else caller_name] += part
    return found


if __name__ == "__main__":
    main()
