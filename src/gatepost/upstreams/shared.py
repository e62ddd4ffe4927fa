"""The one program of a modern server (2026-07-28): stateless, so every caller shares it.

Ids and progress tokens of different callers may be the same; the gateway's own number goes up for both, and a message
comes back to the one caller it belongs to: by id, by progress token, by subscription id. What belongs to nobody for
sure is dropped, never guessed: it could be another caller's. (Log messages carry no mark on stdio; they are delivered
while only one request is in flight that asked for them.)

A reader that is slow cannot hold the others back: its reply is ended, with a record.
"""

from __future__ import annotations

from typing import Any, Final

from gatepost.mcp.message import Message
from gatepost.upstreams.base import LISTEN, UpstreamFailed
from gatepost.upstreams.exchange import CANCELLED, PROGRESS, Exchange, Pending

_SUBSCRIPTION: Final = "io.modelcontextprotocol/subscriptionId"
_LOG_LEVEL: Final = "io.modelcontextprotocol/logLevel"


class SharedExchange(Exchange):
    """All callers of a modern server on one program."""

    async def tell(self, message: Message) -> None:
        """Send a notification; but a cancellation is the gateway's to send: the ids in it are not the program's."""
        if message.method != CANCELLED:
            await super().tell(message)

    def _outgoing(self, pending: Pending) -> dict[str, Any]:
        body = super()._outgoing(pending)
        if pending.token is not None:
            body["params"] = _with_meta(pending.message.params, "progressToken", pending.id)
        return body

    def _incoming(self, pending: Pending, body: dict[str, Any]) -> dict[str, Any]:
        body = super()._incoming(pending, body)
        result = body.get("result")
        if isinstance(result, dict) and _own_number(_meta(result).get(_SUBSCRIPTION)) == pending.id:
            return {**body, "result": _with_meta(result, _SUBSCRIPTION, pending.client_id)}
        return body

    def _route(self, message: Message) -> bool:
        if message.kind == "request":
            self._drops.add(f"a request ({message.method}) from a 2026-07-28 server, which may not send any")
            return False
        params = message.params
        subscription = self._pending.get(_own_number(_meta(params).get(_SUBSCRIPTION)))
        if subscription is not None:
            return self._deliver(subscription, message, _with_meta(params, _SUBSCRIPTION, subscription.client_id))
        if message.method == PROGRESS:
            pending = self._pending.get(_own_number(params.get("progressToken")))
            if pending is not None and pending.token is not None:
                return self._deliver(pending, message, {**params, "progressToken": pending.token})
            if params.get("progressToken") in self._cancelled:
                return False  # it crossed the cancellation
        if message.method == CANCELLED:
            pending = self._pending.get(_own_number(params.get("requestId")))
            if pending is not None and pending.message.method == LISTEN:
                return self._end_subscription(pending, message)
        asked = [pending for pending in self._pending.values() if pending.message.method != LISTEN]
        if message.method == "notifications/message" and len(asked) == 1:
            pending = asked[0]
            if _LOG_LEVEL in pending.message.meta():
                return self._deliver(pending, message, params)
        self._drops.add(f"a notification ({message.method}) that belongs to no request in flight")
        return False

    def _deliver(self, pending: Pending, message: Message, params: dict[str, Any]) -> bool:
        pending.box.put(message.with_params(params).encode())
        return True

    def _end_subscription(self, pending: Pending, message: Message) -> bool:
        """The server tears a subscription down (patterns/cancellation): no answer will follow."""
        self._deliver(pending, message, {**message.params, "requestId": pending.client_id})
        self._forget(pending)
        pending.box.close()
        return True

    def _pressure(self, pending: Pending, full: bool) -> None:
        if not full or pending.id not in self._pending:
            return
        name = self.config.name
        text = f"The answer of the server {name!r} was not read fast enough, and others wait for the same program."
        self._drops.add("the rest of an answer whose reader was too slow")
        pending.box.close(UpstreamFailed("GP-3004", name, text, sent=True))
        self.give_up(pending, "The caller does not read fast enough.")


def _own_number(value: Any) -> int:
    """A value that may be one of the gateway's numbers; anything else is one that none has."""
    return value if type(value) is int else -1


def _meta(params: dict[str, Any]) -> dict[str, Any]:
    meta = params.get("_meta")
    return meta if isinstance(meta, dict) else {}


def _with_meta(params: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**params, "_meta": {**_meta(params), name: value}}
