"""What a server's program inherits from Gatepost's own environment: only what programs need to run at all.

Credentials in the gateway's environment therefore never reach a server by accident; what a server is to have is given
with `gatepost server add --env`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

INHERITED: Final = frozenset({"HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"})
"""The names; every `LC_*` comes along as well."""


def inherited(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of `environment` (default: the process's own) that a program inherits."""
    source = os.environ if environment is None else environment
    return {name: value for name, value in source.items() if name in INHERITED or name.startswith("LC_")}
