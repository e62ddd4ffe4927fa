"""Identifiers that a server made, sealed before a client sees them.

A session id, the id of a server's request, an SSE event id, a task id, a request state: each goes to the client as a
token that only the gateway can open, bound to the grant and the server it was made for. Any replica with the same keys
can check one; nothing has to be remembered.
"""

from __future__ import annotations

from typing import Any

import msgspec

from gatepost.keys import Keyring

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Sealer:
    """Seals small JSON values for one purpose, one grant and one server."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, purpose: str, grant_id: str, server: str, value: Any) -> str:
        """A token for `value`. It opens only with the same purpose, grant and server."""
        return self._keyring.seal(_encode(value), f"{purpose}\0{grant_id}\0{server}")

    def open(self, purpose: str, grant_id: str, server: str, token: str) -> Any:
        """The value of a token. Raises `ValueError` for a token that is forged, or another grant's or server's."""
        return _decode(self._keyring.unseal(token, f"{purpose}\0{grant_id}\0{server}"))
