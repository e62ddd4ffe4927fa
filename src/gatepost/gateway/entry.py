"""What the listener calls: the caller is found when a request's head is there, the main path runs when it is whole."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final

from gatepost.gateway import answers
from gatepost.gateway.caller import Stranger, authenticate
from gatepost.gateway.core import Gateway
from gatepost.gateway.pipeline import handle
from gatepost.wire.listener import Refusal, Request

_TEXT: Final = ((b"content-type", b"text/plain; charset=utf-8"), answers.NO_STORE)
_PROMETHEUS: Final = ((b"content-type", b"text/plain; version=0.0.4; charset=utf-8"), answers.NO_STORE)
_OWN: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_CHALLENGE: Final = (b"www-authenticate", b'Bearer realm="gatepost"')


class Entry:
    """The handler of a `wire.listener.Listener`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def on_head(self, request: Request) -> Refusal | None:
        """Turn strangers away before a byte of their body is read."""
        gateway, head, client = self._gateway, request.head, request.client
        known = gateway.callers.get((head, client))
        if known is not None and known.grant.refused(gateway.clock()) is None:
            request.context = known
            return None
        if head.path in _OWN:
            return None
        caller = authenticate(gateway.snapshot, head.path, request.header(b"authorization"), client, gateway.clock())
        if not isinstance(caller, Stranger):
            request.context = gateway.remember(head, caller)
            return None
        answers.record_refusal(
            gateway,
            caller.status,
            caller.code,
            caller.message,
            request.client,
            server=caller.server,
            grant=caller.grant,
        )
        headers = (_CHALLENGE,) if caller.status == 401 else ()
        return Refusal(caller.status, caller.code, caller.message, headers=headers, recorded=True)

    def on_refused(self, client: str, refusal: Refusal) -> None:
        """Record what the listener refused by itself."""
        if not refusal.recorded:
            answers.record_refusal(
                self._gateway, refusal.status, refusal.code, refusal.reason, client, server=None, grant=None
            )

    def __call__(self, request: Request) -> Coroutine[Any, Any, None]:
        if request.head.path in _OWN:
            return self._own(request)
        return handle(self._gateway, request)

    async def _own(self, request: Request) -> None:
        gateway = self._gateway
        if request.method not in ("GET", "HEAD"):
            request.reply(405, ((b"allow", b"GET"),))
        elif request.path == "/healthz":
            request.reply(200, _TEXT, b"alive\n")
        elif request.path == "/readyz":
            reasons = gateway.not_ready()
            text = "ready\n" if not reasons else "not ready: " + "; ".join(reasons) + "\n"
            request.reply(503 if reasons else 200, _TEXT, text.encode())
        else:
            request.reply(200, _PROMETHEUS, gateway.metrics.render(gateway.gauges()))
