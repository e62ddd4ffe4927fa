"""From what Plex says of its sessions to what Trakt is told: the scrobbler's rules, without clock or network.

A session is a player on which something is open. `Playing` is given what is seen of sessions, in order, and says what
has to be sent:

* `start` when it plays, and again when it goes on after a pause; `pause` when it pauses; `stop` when it ends, when the
  session has gone, and when the session moves on to another item. Trakt takes a stop at 80 % or more as a play.
* Nothing below 1 %: Trakt refuses it, and a glance at a film is not watching it.
* Nothing twice: a session that goes on playing, or stays paused, is silence.
* A session is followed from when it is first seen playing. One that was paused or had ended before says nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

State = Literal["playing", "paused", "stopped"]
Action = Literal["start", "pause", "stop"]

LEAST = 1.0
"""Per cent below which nothing is sent."""
PLAY = 80.0
"""Per cent from which a stop is a play."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One session at one moment. `progress` is in per cent, None where Plex did not say how far it is."""

    session: str
    item: str
    state: State
    progress: float | None


@dataclass(frozen=True, slots=True)
class Send:
    """One thing to tell Trakt."""

    session: str
    item: str
    action: Action
    progress: float

    @property
    def is_play(self) -> bool:
        """Whether Trakt will record a play for it."""
        return self.action == "stop" and self.progress >= PLAY


@dataclass(slots=True)
class Followed:
    """A session that was seen playing: its item, how far it is, and what was sent last."""

    item: str
    progress: float
    state: State
    sent: Action | None = None


class Playing:
    """The sessions that are followed."""

    def __init__(self) -> None:
        self.sessions: dict[str, Followed] = {}

    def see(self, seen: Seen) -> list[Send]:
        """What one sight of a session makes necessary."""
        due: list[Send] = []
        known = self.sessions.get(seen.session)
        if seen.state == "stopped" and (known is None or known.item != seen.item):
            return due  # the end of something that is not followed, or that the session has left already
        if known is not None and known.item != seen.item:
            due += self._end(seen.session, None)
            known = None
        if known is None:
            if seen.state != "playing":
                return due
            known = self.sessions[seen.session] = Followed(seen.item, 0.0, "playing")
        if seen.state == "stopped":
            return due + self._end(seen.session, seen.progress)
        known.state = seen.state
        if seen.progress is not None:
            known.progress = _within(seen.progress)
        action: Action = "start" if seen.state == "playing" else "pause"
        # Before a start there is nothing to pause.
        if known.progress >= LEAST and known.sent != action and not (action == "pause" and known.sent is None):
            known.sent = action
            due.append(Send(seen.session, seen.item, action, known.progress))
        return due

    def only(self, sessions: Collection[str]) -> list[Send]:
        """What is due because only these sessions are left: the others have gone without a word."""
        return [send for gone in self.sessions.keys() - set(sessions) for send in self._end(gone, None)]

    def leave(self, session: str, item: str) -> list[Send]:
        """What is due because a session is no longer to be followed while it has this item open.

        Where that is what was followed (its user does not count any more), nothing; where the session has moved on to
        it (a trailer after the film), the end of what was followed.
        """
        known = self.sessions.get(session)
        if known is not None and known.item == item:
            del self.sessions[session]
            return []
        return self._end(session, None) if known is not None else []

    def _end(self, session: str, progress: float | None) -> list[Send]:
        known = self.sessions.pop(session)
        # A player may report its end at 0, and Plex forgets the position of what was watched: the last one seen counts.
        last = known.progress if not progress else _within(progress)
        return [Send(session, known.item, "stop", last)] if last >= LEAST else []


def _within(progress: float) -> float:
    return min(max(progress, 0.0), 100.0)


def still_due(queue: list[Send]) -> list[Send]:
    """What of a queue that could not be delivered yet is still worth sending, in its order.

    A play always is. Anything else is overtaken by a later word on the same item in the same session: a start that
    waited until after its pause would say what is no longer so.
    """
    kept: list[Send] = []
    overtaken: set[tuple[str, str]] = set()
    for send in reversed(queue):
        about = (send.session, send.item)
        if send.is_play or about not in overtaken:
            kept.append(send)
        overtaken.add(about)
    return kept[::-1]
