"""One call of a modern client on its way through a legacy server, which may ask something in the middle of it.

What the server asks becomes the call's result (`input_required`). The call itself stays open towards the server, held
by this object, until the client's retry brings the answer or nobody comes back in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final

from gatepost.gateway.bridge import made, words
from gatepost.gateway.bridge.incoming import Incoming
from gatepost.gateway.bridge.url_wanted import UrlWanted, wanted_urls
from gatepost.mcp.message import Message
from gatepost.mcp.modern import CAPABILITIES_KEY
from gatepost.upstreams.base import Reply, UpstreamFailed
from gatepost.wire import sse

if TYPE_CHECKING:
    from gatepost.gateway.bridge.legacy_session import LegacySession

HOLD_SECONDS: Final = 600.0
"""How long a call waits for the answer of a person before the server is told that it is cancelled."""
ASKING: Final = frozenset({"tools/call", "prompts/get", "resources/read"})
"""The methods whose result may ask for input (2026-07-28 basic/patterns/mrtr)."""
_KEY: Final = "asked"


class _Final:
    """The end of a round: the response, and the HTTP status that goes with it."""

    def __init__(self, body: dict[str, Any], status: int = 200) -> None:
        self.body = body
        self.status = status


class LegacyCall:
    """A request in flight on a legacy session.

    Args:
        session: where it goes.
        message: the client's request.
        trace: the headers that travel on.
    """

    def __init__(self, session: LegacySession, message: Message, trace: list[tuple[bytes, bytes]]) -> None:
        self.id = session.next_id()
        self.method = message.method or ""
        self.target = message.params.get("name") or message.params.get("uri")
        self._session = session
        self._trace = trace
        self._asked: Message | None = None
        self._asked_for = ""
        self._timer: asyncio.TimerHandle | None = None
        self._over = False
        self._take(message)
        params = words.legacy_params(message.params, self.id)
        body = {"jsonrpc": "2.0", "id": self.id, "method": self.method, "params": params}
        self.incoming = Incoming(
            session.config.name,
            lambda: session.post(body, trace),
            session.gateway.settings.max_result,
            session.dropped,
            in_session=session.key is not None,
        )
        session.calls[self.id] = self

    def _take(self, message: Message) -> None:
        """From now on it is this request of the client that is answered."""
        meta = message.meta()
        self._client_id = message.id
        self._token = meta.get("progressToken")
        self.level = meta.get(words.LOG_LEVEL_KEY)
        self._capabilities = words.object_at(meta, CAPABILITIES_KEY)

    @property
    def waits(self) -> bool:
        """Whether it waits for its client, not for its server."""
        return self._asked is not None

    # -- towards the client

    async def reply(self) -> Reply:
        """The answer as far as it has come. Raises `UpstreamFailed`, `SessionGone`."""
        try:
            first = await self._next()
        except BaseException:
            self.cancel()
            raise
        if isinstance(first, _Final):
            return made.Made(first.body, status=first.status)
        return made.Streamed(self._stream(first), self._left)

    async def resumed(self, message: Message) -> Reply:
        """Go on with what the client brings to the question that was asked."""
        asked = self._asked
        assert asked is not None, "only a call that waits is held"
        if self._timer is not None:
            self._timer.cancel()
        self._take(message)
        answers = message.params.get("inputResponses")
        answer = answers.get(_KEY) if isinstance(answers, dict) else None
        if not isinstance(answer, dict):
            return made.Made(self._hold(asked).body)
        self._asked, self.incoming.resting = None, False
        self._session.held.pop(self._asked_for, None)
        try:
            await self._session.tell(made.result(asked.id, answer))
        except BaseException:
            self.cancel()
            raise
        return await self.reply()

    async def _stream(self, first: sse.Event) -> AsyncGenerator[sse.Event, None]:
        yield first
        while True:
            item = await self._next()
            if isinstance(item, _Final):
                yield made.event(item.body)
                return
            yield item

    def _left(self) -> None:
        """The client reads no more: that cancels, unless the call waits for it."""
        if not self.waits:
            self.cancel()

    # -- from the server

    async def _next(self) -> sse.Event | _Final:
        while True:
            item = await self.incoming.next()
            if item is None:
                name = self._session.config.name
                text = f"The server {name!r} ended its answer without a response."
                raise UpstreamFailed("GP-3003", name, text, sent=True)
            if item == "alive":
                return made.KEEP_ALIVE
            if item.kind == "response":
                if type(item.id) is int and item.id == self.id:
                    return self._response(item)
                self._session.dropped("A response to a request that was not made.")
                continue
            found = self._notified(item) if item.kind == "notification" else await self._asks(item)
            if found is not None:
                return found

    def _response(self, message: Message) -> _Final:
        self._finish()
        self.incoming.finish()
        body = message.body
        if "error" in body and (wanted := wanted_urls(body["error"])):
            return self._wants_urls(wanted, body["error"])
        if "error" in body:
            error = words.modern_error(self.method, body["error"])
            unknown = isinstance(error, dict) and error.get("code") == words.METHOD_NOT_FOUND
            return _Final({"jsonrpc": "2.0", "id": self._client_id, "error": error}, 404 if unknown else 200)
        result = body["result"]
        if isinstance(result, dict):
            result = words.modern_result(self.method, result)
        return _Final({**body, "id": self._client_id, "result": result})

    def _wants_urls(self, wanted: list[dict[str, Any]], error: dict[str, Any]) -> _Final:
        """The server refuses until somebody has opened addresses: the client is asked to, where it can be."""
        session, text = self._session, str(error.get("message"))[:300]
        askable = all(words.can_be_asked("elicitation/create", params, self._capabilities) for params in wanted)
        if self.method not in ASKING or not askable:
            more: dict[str, Any] = {"requiredCapabilities": {"elicitation": {"url": {}}}}
            refusal = {"code": words.MISSING_CAPABILITY, "message": text, "data": more}
            return _Final({"jsonrpc": "2.0", "id": self._client_id, "error": refusal}, 400)
        if len(session.held) >= session.most_held:
            return _Final(made.error(self._client_id, -32603, "Too many calls wait for their clients."))
        session.note_request("elicitation/create", self.target)
        held = UrlWanted(session, wanted, self._trace, HOLD_SECONDS)
        return _Final(made.result(self._client_id, held.result()))

    def _notified(self, message: Message) -> sse.Event | None:
        method, params = message.method or "", message.params
        if method == "notifications/progress":
            if self._token is None or params.get("progressToken") != self.id:
                return None
            return made.notification(method, {**params, "progressToken": self._token})
        if method == "notifications/message":
            whose = self if self._session.config.transport == "http" else self._session.logging()
            heard = whose is self and words.loud_enough(params, self.level)
            return made.notification(method, params) if heard else None
        if words.is_change(method):
            self._session.subscriptions.changed(message)
        return None

    async def _asks(self, request: Message) -> _Final | None:
        session = self._session
        if request.method == "ping":
            await session.tell(made.result(request.id, {}))
            return None
        # Over HTTP a server asks in the answer to the call that it asks for; a program has one output for all.
        about = self if session.config.transport == "http" else session.asked()
        if about is None:
            await session.refuse(request, "Several calls are in flight, so it cannot be told whose client this asks.")
        elif about is not self:
            if not about.incoming.offer(request):
                await session.refuse(request, "Too much is waiting for this client.")
        elif self.method not in ASKING or not words.can_be_asked(request.method, request.params, self._capabilities):
            await session.refuse(request, f"The client cannot be asked for {request.method}.")
        elif len(session.held) >= session.most_held:
            await session.refuse(request, "Too many calls wait for their clients.")
        else:
            session.note_request(request.method or "", self.target)
            return self._hold(request)
        return None

    def _hold(self, request: Message) -> _Final:
        """Leave the call open, and let its result be the question."""
        self._asked, self.incoming.resting = request, True
        self._asked_for = self._asked_for if self._asked_for in self._session.held else self._session.hold(self)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(HOLD_SECONDS, self.cancel)
        asked = words.input_required(_KEY, request.method or "", request.params, self._asked_for)
        return _Final(made.result(self._client_id, asked))

    # -- its end

    def cancel(self) -> None:
        """Give it up: tell the server, forget it, and let whoever waits for it know."""
        if self._over:
            return
        self._finish()
        name = self._session.config.name
        self.incoming.fail(UpstreamFailed("GP-3002", name, f"The call to the server {name!r} was given up.", sent=True))
        if self._session.config.transport == "http":
            params = {"requestId": self.id, "reason": "The client does not wait for it any more."}
            self._session.tell_soon({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    def _finish(self) -> None:
        self._over = True
        self._session.calls.pop(self.id, None)
        self._session.held.pop(self._asked_for, None)
        self._session.used()
        if self._timer is not None:
            self._timer.cancel()
