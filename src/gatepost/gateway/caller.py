"""Who calls: the path names a server, the bearer token a grant for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from gatepost.gateway.snapshot import Server, Snapshot
from gatepost.grants.table import REFUSALS, Grant
from gatepost.grants.token import digest
from gatepost.policy import Policy

_NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_PREFIX: Final = "/mcp/"


class Caller(msgspec.Struct, frozen=True, gc=False):
    """An authenticated caller, with what its call is judged by.

    It is the `Subject` of the quota ledger and the `View` of the list filters.
    """

    grant: Grant
    token: str
    """The SHA-256 of the token, to see later whether it still stands."""
    server_name: str
    upstream: Server
    policy: Policy | None
    client: str
    # as a ledger asks for them
    grant_id: str
    identity: str
    server: str

    def shows_tool(self, name: str) -> bool:
        tool = self.upstream.tools.get(name)
        return self.policy is not None and not self.policy.hides(name, None if tool is None else tool.category)

    def shows_resource(self, uri: str) -> bool:
        return self.policy is not None and self.policy.lists_resource(uri)

    def shows_template(self, template: str) -> bool:
        return self.policy is not None and self.policy.lists_template(template)

    def shows_prompt(self, name: str) -> bool:
        return self.policy is not None and self.policy.lists_prompt(name)


@dataclass(frozen=True, slots=True)
class Stranger:
    """Why a request is turned away before its body is read: HTTP status, code, sentence."""

    status: int
    code: str
    message: str
    server: str | None = None
    grant: Grant | None = None


@lru_cache(1024)
def server_in(path: str) -> str | None:
    """The server a raw path names (`/mcp/NAME` or `/mcp/NAME/`), None where it names none."""
    if not path.startswith(_PREFIX):
        return None
    name = path[len(_PREFIX) :].removesuffix("/")
    if not 1 <= len(name) <= 63 or name[0] == "-" or not _NAME_CHARACTERS.issuperset(name):
        return None
    return name


def authenticate(
    snapshot: Snapshot, path: str, authorization: bytes | None, client: str, now: float
) -> Caller | Stranger:
    """Find the grant a request carries.

    Args:
        authorization: the raw `Authorization` header.
        now: epoch seconds, for expiry.

    Returns: a `Caller`, or a `Stranger` with 400 for a path that is none, 401 for no or an unknown, revoked or expired
        token, 404 for an unknown server, 403 for another server's grant. A server's existence is told only to those
        who hold some grant.
    """
    name = server_in(path)
    if name is None:
        odd = path.startswith("/mcp") or "%" in path or ".." in path or "\\" in path
        status = 400 if odd else 404
        return Stranger(status, "GP-1015", "The path is not /mcp/<server>/ with the name of a server.")
    if authorization is None:
        return Stranger(401, "GP-1001", "The bearer token is missing: send Authorization: Bearer gp_…", name)
    scheme, _, token = authorization.partition(b" ")
    key = digest(token.strip()) if scheme == b"Bearer" or scheme.lower() == b"bearer" else ""
    grant = snapshot.grants.at(key)
    if grant is None:
        return Stranger(401, "GP-1001", "The bearer token is not known here.", name)
    why = grant.refused(now)
    if why is not None:
        return Stranger(401, "GP-1001", REFUSALS[why], name, grant)
    server = snapshot.servers.get(name)
    if server is None:
        return Stranger(404, "GP-1003", f"There is no server {name!r} here.", name, grant)
    if grant.server != name:
        return Stranger(403, "GP-1002", f"This grant is for another server than {name!r}.", name, grant)
    policy = snapshot.policy_of(grant)
    return Caller(grant, key, name, server, policy, client, grant.id, grant.identity, name)
