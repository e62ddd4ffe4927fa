"""mcp-airlock (PyPI): streamable HTTP in and out, 2026-07-28, a YAML policy, a bearer token, an audit file.

Set up as its documentation has it, with what it has of the `full` policy: an allow list of tools, three rules on
arguments (it compares no amounts), callers by JWT, two audit rows a call. Chosen in its favour: the tool's tier is L0,
which passes a call on without counting it, because its counter in memory keeps every call of the last day and walks
over all of them at each call; uvloop and httptools stand beside it, which its uvicorn takes up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from bench import installed, traffic
from bench.contenders.base import Contender, Place, expect_denied
from bench.load import Target
from bench.procs import Child, accepts, free_port

POLICY: dict[str, Any] = {
    "version": 1,
    "environment": "bench",
    "tools": {
        traffic.TOOL: {
            "tiers": {"bench": "L0"},
            "where": [
                {"arg": "currency", "in": ["eur", "usd", "gbp"]},
                {"arg": "charge", "regex": "ch_[0-9A-Za-z]+"},
                {"arg": "callback", "regex": "https?://[^/]*\\.example(:|/).*", "optional": True},
            ],
        }
    },
}


class Airlock(Contender):
    key = "airlock"
    title = "mcp-airlock"
    note = (
        "bearer token (JWT), an allow list of tools, three argument rules, two rows in its audit file for each call; "
        "no limits; under its own uvicorn with uvloop and httptools"
    )
    most_rounds = 3

    def missing(self) -> str | None:
        return None if installed.program(self.key, "mcp-airlock") else f"not installed, {installed.HOW}"

    def start(self, place: Place) -> None:
        port = free_port()
        secret = secrets.token_hex(32)
        policy = place.folder / "policy.yaml"
        policy.write_text(json.dumps(POLICY))  # JSON is YAML
        command = [str(installed.program(self.key, "mcp-airlock")), "--policy", str(policy), "--env", "bench"]
        command += [
            "--upstream",
            f"http://127.0.0.1:{place.upstream}/mcp",
            "--audit",
            str(place.folder / "audit.jsonl"),
        ]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        env = {"AIRLOCK_JWT_SECRET": secret}
        child = Child(command, core=place.cores.gateway, log=place.folder / "airlock.log", env=env, cwd=place.folder)
        self.children = [child]
        self.target = Target(port, "/mcp", token(secret))
        child.until(lambda: accepts(port), self.title, 60)

    def check(self) -> None:
        super().check()
        expect_denied(self, traffic.FORBIDDEN, {}, "the allow list")
        expect_denied(self, traffic.TOOL, {**traffic.CALLS[0], "currency": "chf"}, "the rule on the currency")
        expect_denied(self, traffic.TOOL, {**traffic.CALLS[0], "charge": "ch_test_1"}, "the rule on the charge")


def token(secret: str) -> str:
    """A JWT with HS256 for one subject, good for a day."""
    parts = {"alg": "HS256", "typ": "JWT"}, {"sub": "bench", "exp": int(time.time()) + 86_400}
    signed = b".".join(_url(json.dumps(part).encode()) for part in parts)
    return (signed + b"." + _url(hmac.digest(secret.encode(), signed, hashlib.sha256))).decode()


def _url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
