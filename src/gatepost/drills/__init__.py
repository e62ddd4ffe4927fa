"""Plays the documented attacks against a real data plane, with an upstream that records what reaches it.

    results = await run(attacks().values(), target)

Everything lies in a temporary folder; nothing of yours is touched, and nothing leaves the machine.
"""

from __future__ import annotations

from gatepost.drills.run import Result, run
from gatepost.drills.target import Target, sample_target, target_of

__all__ = ["Result", "Target", "run", "sample_target", "target_of"]
