"""What a protocol check says when a request may not go on."""

from __future__ import annotations

from typing import Any, Final

HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022
METHOD_NOT_FOUND: Final = -32601


class Refused(Exception):
    """A request that is refused before any rule is read.

    Attributes:
        status: the HTTP status.
        rpc_code: the JSON-RPC error code.
        code: the stable code `GP-xxxx`.
        message: one sentence.
        data: members for `error.data`, or None.
    """

    def __init__(self, status: int, rpc_code: int, code: str, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.rpc_code = rpc_code
        self.code = code
        self.message = message
        self.data = data
