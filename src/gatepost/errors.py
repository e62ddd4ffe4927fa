"""The one error base of Gatepost, and the table of its stable codes.

Every error that reaches a person or a client carries a code `GP-xxxx` from `CODES`; each code has a page in
docs/errors (held by a test). 1xxx: callers and their requests. 2xxx: policies. 3xxx: servers upstream. 4xxx: grants
and configuration. 5xxx: journal, audit, storage. 6xxx: starting and running.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    # callers and requests (data plane)
    "GP-1001": "No bearer token, or one that is not known",
    "GP-1002": "The grant is for another server",
    "GP-1003": "No such server",
    "GP-1004": "The session is unknown or belongs to another grant",
    "GP-1005": "The body is not strict JSON",
    "GP-1006": "The body is not one valid JSON-RPC message",
    "GP-1007": "A header and the body disagree",
    "GP-1008": "The HTTP request is malformed or over a limit",
    "GP-1009": "The Origin or Host is not allowed",
    "GP-1010": "The method is not allowed through the gateway",
    "GP-1011": "The protocol revision is not spoken here",
    "GP-1012": "Too many sessions",
    "GP-1013": "The request id is already in flight",
    "GP-1014": "The gateway is stopping",
    "GP-1015": "The path or the HTTP method is not served",
    # policies
    "GP-2001": "The policy document is not valid",
    "GP-2002": "No such policy",
    # servers upstream
    "GP-3001": "The server cannot be reached",
    "GP-3002": "The server did not answer in time",
    "GP-3003": "The server's answer is not valid",
    "GP-3004": "The server's answer is too large or lasted too long",
    "GP-3005": "The server's program does not start or has ended",
    "GP-3006": "The server redirected, which is never followed",
    # grants and configuration
    "GP-4001": "The name is not valid",
    "GP-4002": "The name is taken",
    "GP-4003": "No such object",
    "GP-4004": "It was changed in the meantime",
    "GP-4005": "The value is not valid",
    "GP-4006": "It is still in use",
    # journal, audit, storage
    "GP-5001": "The decision cannot be recorded",
    "GP-5002": "The record chain is broken",
    "GP-5003": "The data folder is not usable",
    "GP-5004": "A key is missing or has the wrong permissions",
    "GP-5005": "The export is damaged, or not one",
    # starting and running
    "GP-6001": "A listener on an open address needs TLS or a proxy in front",
    "GP-6002": "Another serve runs on this data folder",
    "GP-6003": "The address cannot be listened on",
    "GP-6004": "A setting is not valid",
}


class GatepostError(Exception):
    """An error with a stable code, a sentence that says what is wrong and one that says what to do.

    Args:
        code: a key of `CODES`.
        message: what is wrong, a whole sentence, with the names concerned.
        hint: what to do about it, or empty.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        if code not in CODES:
            raise ValueError(f"unknown error code {code}")
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()
