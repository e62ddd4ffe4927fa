"""Counters of the data plane in Prometheus' text format (exposition format 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

_BUCKETS: Final = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
)


class Histogram:
    """Durations in seconds, in fixed buckets."""

    __slots__ = ("_counts", "_sum")

    def __init__(self) -> None:
        self._counts = [0] * (len(_BUCKETS) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(_BUCKETS, seconds)] += 1
        self._sum += seconds

    def lines(self, name: str) -> Iterable[str]:
        total = 0
        for bound, count in zip((*_BUCKETS, "+Inf"), self._counts, strict=True):
            total += count
            yield f'{name}_bucket{{le="{bound}"}} {total}'
        yield f"{name}_sum {self._sum:.9f}"
        yield f"{name}_count {total}"


class Metrics:
    """What `/metrics` shows. Labels are names from the configuration only, never text from a caller."""

    def __init__(self) -> None:
        self.calls: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.refused: defaultdict[str, int] = defaultdict(int)
        self.dropped: defaultdict[str, int] = defaultdict(int)
        self.added = Histogram()
        self.upstream = Histogram()
        self.in_flight = 0

    def render(self, gauges: Iterable[tuple[str, str, float]]) -> bytes:
        """The whole page. `gauges`: (name, help, value) of what is read at this moment."""
        out: list[str] = []
        _head(out, "gatepost_calls_total", "counter", "Calls judged, by server and decision.")
        for (server, decision), count in sorted(self.calls.items()):
            out.append(f'gatepost_calls_total{{server="{server}",decision="{decision}"}} {count}')
        _head(out, "gatepost_refused_total", "counter", "Requests refused before any rule was read, by code.")
        out.extend(f'gatepost_refused_total{{code="{code}"}} {n}' for code, n in sorted(self.refused.items()))
        _head(out, "gatepost_dropped_total", "counter", "Messages of a server that were not passed on, by server.")
        out.extend(f'gatepost_dropped_total{{server="{server}"}} {n}' for server, n in sorted(self.dropped.items()))
        _head(out, "gatepost_added_seconds", "histogram", "Time the gateway added to a forwarded call.")
        out.extend(self.added.lines("gatepost_added_seconds"))
        _head(out, "gatepost_upstream_seconds", "histogram", "Time a server took to answer a forwarded call.")
        out.extend(self.upstream.lines("gatepost_upstream_seconds"))
        for name, help, value in (("gatepost_in_flight", "Calls in flight.", self.in_flight), *gauges):
            _head(out, name, "gauge", help)
            out.append(f"{name} {value:g}")
        return ("\n".join(out) + "\n").encode("ascii")


def _head(out: list[str], name: str, kind: str, help: str) -> None:
    out.append(f"# HELP {name} {help}")
    out.append(f"# TYPE {name} {kind}")
