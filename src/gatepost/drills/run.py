"""Plays attacks one after the other, and says what became of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gatepost.catalogue.attacks import Attack
from gatepost.drills.plays import PLAYS, DoesNotApply
from gatepost.drills.stage import Stage
from gatepost.drills.target import Target

Outcome = Literal["stopped", "not stopped", "does not apply"]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one attack.

    Attributes:
        attack: its name.
        outcome: whether it was stopped, or that the server has no tool for it.
        by: the rule or refusal that stopped it; else what happened.
        reached: the calls that reached the server.
    """

    attack: str
    outcome: Outcome
    by: str
    reached: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"attack": self.attack, "outcome": self.outcome, "by": self.by, "reached": self.reached}


async def run(attacks: Iterable[Attack], target: Target) -> list[Result]:
    """Plays attacks in their order, on one stage, each with a grant of its own."""
    with tempfile.TemporaryDirectory(prefix="gatepost-drill-") as folder:
        async with Stage(target, Path(folder)) as stage:
            return [await _play(attack, stage) for attack in attacks]


async def _play(attack: Attack, stage: Stage) -> Result:
    await stage.fresh()
    try:
        stopped, by = await PLAYS[attack.name](stage)
    except DoesNotApply as why:
        return Result(attack.name, "does not apply", str(why), 0)
    return Result(attack.name, "stopped" if stopped else "not stopped", by, len(stage.upstream.calls()))
