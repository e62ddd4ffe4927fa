"""Memory of the gateway over a million calls: how much, and whether it stays there."""

from __future__ import annotations

from bench.contenders.gatepost import Full
from bench.report import Bar, Section, count
from bench.rig import Rig

POINTS = 10
MOST = 80.0
FLAT = 1.05
"""Flat: at the end at most 5 % above what it was after a fifth of the calls."""


def run(rig: Rig, skipped: list[str]) -> Section:
    del skipped
    page = Section("rss", "Memory")
    gateway = rig.launch(Full())
    began = rig.upstream.count()
    curve = [(0, gateway.rss(), gateway.side_rss())]
    while curve[-1][0] < rig.scale.calls:
        goal = rig.scale.calls * len(curve) // POINTS
        while (done := rig.upstream.count() - began) < goal:
            rate = max(2000.0, rig.load(gateway.target, 64, 1).rate)
            left = goal - (rig.upstream.count() - began)
            if left > 2 * rate:
                rig.load(gateway.target, 64, left / rate)
        curve.append((done, gateway.rss(), gateway.side_rss()))
        rig.say(f"{done:,} calls: {curve[-1][1]:.1f} MiB")
    gateway.stop()
    early = next(size for calls, size, _ in curve if calls >= rig.scale.calls / 5)
    last = curve[-1][1]
    page.data = {"curve": [{"calls": calls, "data_plane_mib": size, "others_mib": side} for calls, size, side in curve]}
    page.say("Resident memory of the data plane, and of supervisor and worker together, under 64 connections (`full`):")
    rows = [[count(calls), f"{size:.1f} MiB", f"{side:.1f} MiB"] for calls, size, side in curve]
    page.table(["calls", "data plane", "supervisor and worker"], rows)
    page.bars = [
        Bar(
            f"RSS of the data plane after {count(curve[-1][0])} calls",
            f"≤ {MOST:.0f} MiB",
            f"{last:.1f} MiB",
            last <= MOST,
        ),
        Bar(
            "RSS stays flat",
            f"≤ {FLAT:g} × its size after a fifth of the calls",
            f"{last / early:.3f} × ({early:.1f} to {last:.1f} MiB)",
            last <= early * FLAT,
        ),
    ]
    if rig.scale.name != "full":
        page.bars = [Bar(bar.what, bar.wanted, bar.measured, None) for bar in page.bars]
    return page
