"""Protocol eras bridged: a client of one era in front of a server that speaks the other alone.

The main path judges, counts and records what a client sends in the client's own era, and knows nothing of the server's.
What it forwards goes to an `Upstream` that is made here, which says the same in the server's words and says what comes
back in the client's. `toward_legacy` keeps the session that such a server wants; `toward_modern` keeps what a session's
client expects to be remembered. `words` holds what is said differently, and does no I/O.
"""

from __future__ import annotations

from gatepost.gateway.bridge.bridges import Bridges
from gatepost.gateway.bridge.spanned import check_bridged

__all__ = ["Bridges", "check_bridged"]
