"""One call of a legacy client on its way through a modern server, which may answer that it needs input first.

What it needs is asked of the client in the middle of the call, as a legacy server would; with the answers the server is
asked again. For the client, for the rules and for the limits that is one call.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final

from gatepost.gateway.bridge import made, words
from gatepost.gateway.bridge.incoming import Incoming
from gatepost.gateway.bridge.standing import still_allowed
from gatepost.mcp.message import Message
from gatepost.upstreams.base import Headers, Reply, UpstreamFailed
from gatepost.wire import sse

if TYPE_CHECKING:
    from gatepost.gateway.bridge.client_session import ClientSession
    from gatepost.gateway.caller import Caller

MOST_ROUNDS: Final = 10
"""How often a server may ask for input in one call."""
ASK_SECONDS: Final = 600.0
"""How long the client's answers are waited for."""
_PAUSE_SECONDS: Final = 0.25
"""Before a server that wants no input, but more time, is asked again."""
_KEEP_ALIVE_SECONDS: Final = 15.0
_POLICY_DENIED: Final = 4030
_Outcome = sse.Event | dict[str, Any]


class _Ended(Exception):
    """The call is over with an error of the bridge's own."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ModernCall:
    """A request of a legacy client's session.

    Args:
        session: whose it is.
        caller: who made it.
        message: the client's request, with its own params.
        headers: the headers that travel on.
    """

    def __init__(self, session: ClientSession, caller: Caller, message: Message, headers: Headers) -> None:
        self._session = session
        self._caller = caller
        self._message = message
        self._headers = headers
        self._rounds = 0
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._given_up: UpstreamFailed | None = None
        self._incoming = self._send({})
        session.calls[message.id] = self

    async def reply(self) -> Reply:
        """The answer as far as it has come. Raises `UpstreamFailed`."""
        outcomes = self._outcomes()
        first = await anext(outcomes)
        if isinstance(first, dict):
            await outcomes.aclose()
            return made.Made(first)
        return made.Streamed(self._stream(first, outcomes), self._stop)

    async def _stream(
        self, first: sse.Event, outcomes: AsyncGenerator[_Outcome, None]
    ) -> AsyncGenerator[sse.Event, None]:
        try:
            yield first
            async for item in outcomes:
                yield item if isinstance(item, sse.Event) else made.event(item)
        finally:
            await outcomes.aclose()

    async def _outcomes(self) -> AsyncGenerator[_Outcome, None]:
        """Events for the client, and at last the response."""
        answered = False
        try:
            while not answered:
                item = await self._incoming.next()
                if item is None:
                    name = self._session.config.name
                    text = f"The server {name!r} ended its answer without a response."
                    raise UpstreamFailed("GP-3003", name, text, sent=True)
                if item == "alive":
                    yield made.KEEP_ALIVE
                elif item.kind == "notification":
                    yield made.notification(item.method or "", item.params)
                elif item.kind == "request" or not self._is_answer(item):
                    self._session.dropped("A request, or a response to a request that was not made.")
                elif (wanted := words.wanted_input(item.body)) is not None:
                    async for event in self._ask(wanted):
                        yield event
                else:
                    answered = True
                    self._incoming.finish()
                    yield words.legacy_response(self._message.method or "", item.body)
        except _Ended as why:
            yield made.error(self._message.id, why.code, str(why))
        finally:
            self._session.calls.pop(self._message.id, None)
            if not answered:
                self._stop()

    def _is_answer(self, message: Message) -> bool:
        id = self._message.id
        return (type(message.id) is type(id) and message.id == id) or (message.id is None and "error" in message.body)

    def _send(self, more: dict[str, Any]) -> Incoming:
        session = self._session
        body = session.modern({**self._message.body, "params": {**self._message.params, **more}})
        return Incoming(
            session.config.name,
            lambda: session.post(body, self._headers),
            session.gateway.settings.max_result,
            session.dropped,
            in_session=False,
        )

    # -- input

    async def _ask(self, result: dict[str, Any]) -> AsyncGenerator[sse.Event, None]:
        """Ask the client for what a server needs, and the server again."""
        self._rounds += 1
        if self._rounds > MOST_ROUNDS:
            raise _Ended(-32603, f"The server asked for input more than {MOST_ROUNDS} times.")
        answers: dict[str, Any] = {}
        wanted = words.object_at(result, "inputRequests")
        if not wanted:
            await asyncio.sleep(_PAUSE_SECONDS)
        waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._waiting = waiting
        ids = {key: f"ask-{secrets.token_urlsafe(12)}" for key in wanted}
        try:
            for key, request in wanted.items():
                asked = words.asked_of_legacy(request, ids[key], self._session.capabilities)
                if asked is None:
                    method = request.get("method") if isinstance(request, dict) else None
                    raise _Ended(-32603, f"The server needs {str(method)[:64]}, which this client did not declare.")
                waiting[key] = self._session.asked[ids[key]] = asyncio.get_running_loop().create_future()
                yield made.event(asked)
            async for event in self._wait(set(waiting.values())):
                yield event
            answers = {key: _answer(future.result()) for key, future in waiting.items()}
        finally:
            for id in ids.values():
                self._session.asked.pop(id, None)
        self._go_on()
        if not still_allowed(self._session.gateway, self._caller, self._message):
            why = "[POLICY DENIED] What this call is judged by has changed while it waited, and refuses it now."
            raise _Ended(_POLICY_DENIED, why)
        more = {"requestState": result["requestState"]} if isinstance(result.get("requestState"), str) else {}
        self._incoming.finish()
        self._incoming = self._send({**more, **({"inputResponses": answers} if answers else {})})

    async def _wait(self, futures: set[asyncio.Future[dict[str, Any]]]) -> AsyncGenerator[sse.Event, None]:
        end = asyncio.get_running_loop().time() + ASK_SECONDS
        while futures:
            self._go_on()
            done, futures = await asyncio.wait(futures, timeout=_KEEP_ALIVE_SECONDS)
            self._go_on()
            if any(future.cancelled() for future in done) or asyncio.get_running_loop().time() > end:
                raise _Ended(-32603, "The client did not answer what the server needs to know.")
            if futures:
                yield made.KEEP_ALIVE

    # -- ends

    def cancel(self) -> None:
        """The client cancels it."""
        name = self._session.config.name
        text = f"The request to the server {name!r} was cancelled by its client."
        self._given_up = UpstreamFailed("GP-3002", name, text, sent=True)
        self._incoming.fail(self._given_up)
        for future in self._waiting.values():
            future.cancel()

    def _go_on(self) -> None:
        """Raises `UpstreamFailed` where the client has cancelled meanwhile: the server is not asked again."""
        if self._given_up is not None:
            raise self._given_up

    def _stop(self) -> None:
        """Nobody waits for it any more: closing its stream cancels."""
        self._incoming.abort()


def _answer(body: dict[str, Any]) -> Any:
    """The result that a client answered with. Raises `_Ended` for an error."""
    if "error" in body:
        error = body["error"] if isinstance(body["error"], dict) else {}
        code, text = error.get("code"), error.get("message")
        raise _Ended(code if type(code) is int else -32603, f"The client answered with an error: {str(text)[:300]}")
    return body["result"]
