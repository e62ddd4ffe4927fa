"""`python -m bench.decide`: the time of one `decide`, on a policy of 100 tools with 3 rules each.

Each tool has a prefix check, a regular expression and a comparison of numbers, and a limit; `all_tools` has another
limit. The calls go through all three rules of one tool after the other, so that nothing is measured on one hot entry
alone. Every call is timed by itself, the clock's own time (about 0.05 µs) included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from gatepost.policy import Decision, compile_definition, compile_policy

TOOLS = 100
BAR_US = 5.0

ARGUMENTS: dict[str, Any] = {
    "path": "/srv/data/reports/2026",
    "order": "order-12345",
    "amount": 129.5,
    "note": "urgent",
}
DENIED = {**ARGUMENTS, "amount": 20_000}
SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "order": {"type": "string", "maxLength": 40},
        "amount": {"type": "number", "minimum": 0},
        "note": {"type": "string"},
    },
    "required": ["path", "order"],
}


def entry() -> dict[str, Any]:
    """Three rules and a limit, as somebody would write them."""
    return {
        "require": [
            {"conditions": [{"path": "args.path", "op": "starts_with", "value": "/srv/data/"}]},
            {"conditions": [{"path": "args.order", "op": "regex", "value": "^[a-z]+-[0-9]+$"}]},
        ],
        "deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 10_000}]}],
        "limits": [{"counter": "orders", "window": "minute", "max": 10}],
    }


def document() -> dict[str, Any]:
    calls = {"counter": "calls", "window": "hour", "max": 1000}
    tools = {f"tool_{number}": entry() for number in range(TOOLS)}
    return {"version": "1", "default": "deny", "tools": tools, "all_tools": {"limits": [calls]}}


def times(decide: Callable[[str], Decision], expected: str, calls: int) -> list[float]:
    """Microseconds of each call, tool by tool in turns, after a round that warms up."""
    names = [f"tool_{number}" for number in range(TOOLS)]
    for name in names:
        if decide(name).effect != expected:
            raise SystemExit(f"{name}: expected {expected}, decided {decide(name)}")
    clock = time.perf_counter_ns
    taken: list[float] = []
    for number in range(calls):
        name = names[number % TOOLS]
        started = clock()
        decide(name)
        taken.append((clock() - started) / 1000)
    return taken


def measure(calls: int) -> dict[str, float | int]:
    """The figures, in microseconds."""
    policy = compile_policy(document())
    definition = compile_definition({"name": "tool", "inputSchema": SCHEMA})
    plain = times(lambda name: policy.decide(tool=name, arguments=ARGUMENTS, category="write"), "allow", calls)
    denied = times(lambda name: policy.decide(tool=name, arguments=DENIED, category="write"), "deny", calls)
    validated = times(
        lambda name: policy.decide(tool=name, arguments=ARGUMENTS, category="write", definition=definition),
        "allow",
        calls,
    )
    started = time.perf_counter_ns()
    compile_policy(document())
    compiled_ms = (time.perf_counter_ns() - started) / 1_000_000
    return {
        "tools": TOOLS,
        "rules_each": 3,
        "calls": calls,
        "median_us": statistics.median(plain),
        "p99_us": statistics.quantiles(plain, n=100)[98],
        "denied_median_us": statistics.median(denied),
        "with_schema_median_us": statistics.median(validated),
        "compile_ms": compiled_ms,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.decide", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--calls", type=int, default=100_000, help="how many calls of each kind (default 100000)")
    options = parser.parse_args()
    found = measure(options.calls)
    if options.json:
        print(json.dumps(found))
        return 0
    print(f"decide, {TOOLS} tools with 3 rules each, {options.calls} calls of each kind")
    print(f"  three rules pass        median {found['median_us']:.2f} µs, 99th percentile {found['p99_us']:.2f} µs")
    print(f"  the third rule denies   median {found['denied_median_us']:.2f} µs")
    print(f"  with an input schema    median {found['with_schema_median_us']:.2f} µs")
    print(f"  compiling the policy    {found['compile_ms']:.1f} ms")
    held = found["median_us"] <= BAR_US
    print(f"  bar: median ≤ {BAR_US:.0f} µs: {'held' if held else 'MISSED'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
