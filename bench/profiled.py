"""Runs the data plane with cProfile at hand: SIGUSR1 begins to watch, SIGUSR2 ends it and writes {module: seconds}.

The time of C functions is counted with their callers. The whole profile is kept beside it, as OUT.pstats.

    python -m bench.profiled OUT.json --data DIR --listen 127.0.0.1:7070
"""

from __future__ import annotations

import cProfile
import json
import pstats
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from bench.contenders.gatepost import DATA_PLANE
from bench.sections.profile import module_of


def main() -> None:
    out = Path(sys.argv[1])
    sys.argv = [DATA_PLANE, *sys.argv[2:]]
    profile = cProfile.Profile()

    def begin(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        profile.enable()

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        profile.disable()
        profile.dump_stats(out.with_suffix(".pstats"))
        written = out.with_suffix(".part")
        written.write_text(json.dumps(by_module(pstats.Stats(profile))))
        written.replace(out)

    signal.signal(signal.SIGUSR1, begin)
    signal.signal(signal.SIGUSR2, end)
    runpy.run_module(DATA_PLANE, run_name="__main__")


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
