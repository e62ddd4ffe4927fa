"""The streams that a legacy client holds open over HTTP, for one on standard input: listening, and taking up again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from gatepost.gateway.core import Gateway
from gatepost.gateway.pipeline import handle
from gatepost.gateway.stdio.heads import Heads
from gatepost.gateway.stdio.line_request import LineRequest
from gatepost.gateway.stdio.station import Station
from gatepost.upstreams.base import UpstreamFailed
from gatepost.wire.running import Running

if TYPE_CHECKING:
    from gatepost.gateway.stdio.front import Front

_LONGEST_PAUSE: Final = 30.0
_RESUMES: Final = 5
"""Times that a stream is taken up again without anything new on it."""


class Streams:
    """Requests of the gateway's own (HTTP's GET) on behalf of a client that has no HTTP.

    Args:
        front: whose client it is.
        heads: makes their heads.
    """

    def __init__(self, front: Front, gateway: Gateway, station: Station, heads: Heads) -> None:
        self._front = front
        self._gateway = gateway
        self._station = station
        self._heads = heads
        self._loop = asyncio.get_running_loop()
        self._open: set[LineRequest] = set()

    async def listen(self) -> None:
        """Keep the server's own stream open, where it offers one."""
        pause, last = 1.0, None
        while True:
            request = self._get(last)
            await self._begin(request).wait()
            if request.status >= 400 and request.status != 502:
                return
            last = request.last_event or last
            pause = request.retry if request.status < 400 else min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def resumed(self, request: LineRequest) -> bytes | None:
        """Take up the stream of a request, which ended before its answer (2025-11-25 transports, "Resumability").

        Returns: the answer, once it was passed on. None where nobody waits for it any more.

        Raises:
            UpstreamFailed: GP-3003, the server does not go on with it.
        """
        last, tries = request.last_event, 0
        while not request.answered and tries < _RESUMES:
            await asyncio.sleep(request.retry)
            again = self._get(last)
            request.goes_on = over = self._begin(again)
            try:
                await over.wait()
            except asyncio.CancelledError:
                again.left()
                raise
            tries = 0 if again.last_event not in (None, last) else tries + 1
            last = again.last_event or last
            request.retry = again.retry
        if not request.answered:
            name = self._station.caller.server_name
            text = f"The server {name!r} closed the stream without an answer."
            raise UpstreamFailed("GP-3003", name, text, sent=True)
        return request.answer

    def close(self) -> None:
        """Leave all of them."""
        for request in list(self._open):
            request.left()

    def _get(self, last_event: str | None) -> LineRequest:
        return LineRequest.of(self._front, self._heads.listening(last_event), b"", self._station.caller, None)

    def _begin(self, request: LineRequest) -> asyncio.Event:
        """Run a request. The event is set at its end, or by whoever has seen enough of it."""
        over = asyncio.Event()

        def ended(_: Running) -> None:
            self._open.discard(request)
            over.set()

        running = Running(handle(self._gateway, request), self._loop, ended)
        request.running = running
        self._open.add(request)
        running.start()
        return over
