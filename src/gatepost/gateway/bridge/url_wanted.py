"""A call that a legacy server refuses until somebody has opened an address (-32042), as a modern client knows it.

That error is the legacy era's alone (2025-11-25 elicitation, "URL Mode With Elicitation Required Error"). A modern
client is asked to open the address by the call's result, and its retry is the one that the server wants: the call is
sent again, because the first was refused undone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from gatepost.gateway.bridge import made, words
from gatepost.mcp.message import Message
from gatepost.upstreams.base import Reply

if TYPE_CHECKING:
    from gatepost.gateway.bridge.legacy_session import LegacySession

_MOST: Final = 16
"""Addresses in one error; the rest is left out, and asked for again at the next try."""


def wanted_urls(error: Any) -> list[dict[str, Any]]:
    """What is to be opened before the call is tried again; empty for any other error."""
    if not isinstance(error, dict) or error.get("code") != words.URL_ELICITATION_REQUIRED:
        return []
    listed = words.object_at(error, "data").get("elicitations")
    found = [each for each in listed if _is_url(each)] if isinstance(listed, list) else []
    return [{"mode": "url", "message": each["message"], "url": each["url"]} for each in found[:_MOST]]


def _is_url(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.get("mode", "url") == "url"
        and isinstance(value.get("url"), str)
        and isinstance(value.get("message"), str)
    )


class UrlWanted:
    """A call that waits for its client to have opened something. The server holds nothing of it.

    Args:
        session: where the call went, and goes again.
        wanted: the params of each `elicitation/create`.
        trace: the headers that travel on.
        seconds: how long it waits.
    """

    def __init__(
        self,
        session: LegacySession,
        wanted: list[dict[str, Any]],
        trace: list[tuple[bytes, bytes]],
        seconds: float,
    ) -> None:
        self._session = session
        self._wanted = {f"url-{number}": params for number, params in enumerate(wanted, 1)}
        self._trace = trace
        self._key = session.hold(self)
        self._timer = asyncio.get_running_loop().call_later(seconds, session.held.pop, self._key, None)

    def result(self) -> dict[str, Any]:
        """The call's result in the meantime."""
        asked = {key: {"method": "elicitation/create", "params": params} for key, params in self._wanted.items()}
        return {"resultType": "input_required", "inputRequests": asked, "requestState": self._key}

    async def resumed(self, message: Message) -> Reply:
        """Go on with what the client says. Raises `UpstreamFailed`, `SessionGone`."""
        answers = words.object_at(message.params, "inputResponses")
        if not all(isinstance(answers.get(key), dict) for key in self._wanted):
            return made.Made(made.result(message.id, self.result()))
        self._timer.cancel()
        self._session.held.pop(self._key, None)
        for key, params in self._wanted.items():
            action = answers[key].get("action")
            if action != "accept":
                why = f"The server needs its address to be opened ({params['message'][:200]}), and that was refused."
                return made.Made(made.error(message.id, words.INTERNAL_ERROR, why))
        return await self._session.ask(message, self._trace)
