"""Every hostile server, over HTTP and stdio, in both eras: what the client gets, and what nobody gets."""

from __future__ import annotations

import asyncio
import json
import tempfile
from contextlib import nullcontext
from pathlib import Path

import pytest

from gatepost.upstreams.base import UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.scan import list_tools, probe
from tests.hostile import servers
from tests.hostile.kit import CANARY, HIDDEN, KINDS
from tests.hostile.running import ERAS, IMPATIENT, PATIENT, Trap, ask, command, gateway, memory, outcome, serving
from tests.support.recording import Recorder
from tests.support.rig import ALLOW_ALL

METHODS = ("tools/list", "tools/call")
_SECONDS = 60
"""After which something hangs, however busy the machine is."""
MOST = 64 << 20
"""Bytes that the gateway may take more than before, with four requests at once."""
MOST_SCANNED = 192 << 20
"""And for reading a list of tools, of which 64 MiB are taken."""

# What a client gets of tools/list and of tools/call. Where only a deadline ends it, what is said depends on which of
# them is the first.
LATE = "GP-3002 GP-3004"
UNUSABLE = "GP-3003"
TOO_LARGE = "GP-3004"
ENDED = "GP-3005"
REDIRECTED = "GP-3006"
FINE = "result"

HTTP = {
    "well-behaved": FINE,
    # a deadline
    "hang": LATE,
    "hang-after-head": LATE,
    "drip": LATE,
    "drip-head": LATE,
    "silent-stream": LATE,
    "wrong-id": LATE,
    "endless-stream": LATE,
    "gigabyte-of-comments": LATE,
    # no answer, or none that can be used
    "garbage": UNUSABLE,
    "noise": UNUSABLE,
    "half-an-answer": UNUSABLE,
    "duplicate-keys": UNUSABLE,
    "not-a-number": UNUSABLE,
    "two-values": UNUSABLE,
    "batch": UNUSABLE,
    "deep-nesting": UNUSABLE,
    "lone-surrogate": UNUSABLE,
    "not-utf8": UNUSABLE,
    "not-http": UNUSABLE,
    "answer-and-request": UNUSABLE,
    "two-in-one-event": UNUSABLE,
    "stream-called-json": UNUSABLE,
    "json-called-stream": UNUSABLE,
    "endless-head": UNUSABLE,
    "endless-interim": UNUSABLE,
    "exit": UNUSABLE,
    "unauthorized": UNUSABLE,
    "header-injection": UNUSABLE,
    "split-response": UNUSABLE,
    "session-injection": UNUSABLE,
    "two-lengths": UNUSABLE,
    "length-and-chunks": UNUSABLE,
    "gzipped": UNUSABLE,
    "gzipped-twice": UNUSABLE,
    "gzipped-stream": UNUSABLE,
    "gzipped-transfer": UNUSABLE,
    "unlabelled-gzip": UNUSABLE,
    "gzip-bomb": UNUSABLE,
    "gigabyte": TOO_LARGE,
    "gigabyte-of-promise": TOO_LARGE,
    "gigabyte-event": TOO_LARGE,
    "gigabyte-chunk": TOO_LARGE,
    "redirect-to-metadata": REDIRECTED,
    "redirect-inside": REDIRECTED,
    "redirect-with-body": REDIRECTED,
    # a list that cannot be filtered is not passed on; a call's result has none
    "duplicate-names": (UNUSABLE, FINE),
    "other-case": (UNUSABLE, FINE),
    "list-beside": (UNUSABLE, FINE),
    "list-as-object": (UNUSABLE, FINE),
    # what is wrong is dropped, and the rest is passed on
    "id-as-text": FINE,
    "null-id": FINE,
    "double-answer": FINE,
    "others-answers": FINE,
    "asks-for-tools": FINE,
    "tells-of-the-hidden": FINE,
    "endless-list": FINE,
    "list-in-a-circle": FINE,
    "escaped-name": FINE,
    "redirect-by-refresh": FINE,
    "headers-for-the-client": FINE,
    "spelled-stream": FINE,
    "no-media-type": FINE,
    "plain-text": FINE,
    "list-on-error": FINE,
    "list-on-created": FINE,
    "list-as-error": "-32000",
}
STDIO = {
    "well-behaved": FINE,
    "hang": LATE,
    "drip": LATE,
    "silent-stream": LATE,
    "wrong-id": LATE,
    "endless-stream": LATE,
    "endless-noise": LATE,
    # what is no message is no answer either
    "garbage": LATE,
    "noise": LATE,
    "two-values": LATE,
    "batch": LATE,
    "deep-nesting": LATE,
    "not-utf8": LATE,
    "answer-and-request": LATE,
    "duplicate-keys": UNUSABLE,
    "not-a-number": UNUSABLE,
    "lone-surrogate": UNUSABLE,
    # the program ended, or was ended
    "half-an-answer": ENDED,
    "exit": ENDED,
    "gigabyte": ENDED,
    "close-output": f"{LATE} {ENDED}",
    "duplicate-names": (UNUSABLE, FINE),
    "other-case": (UNUSABLE, FINE),
    "list-beside": (UNUSABLE, FINE),
    "list-as-object": (UNUSABLE, FINE),
    "id-as-text": FINE,
    "null-id": FINE,
    "double-answer": FINE,
    "others-answers": FINE,
    "asks-for-tools": FINE,
    "tells-of-the-hidden": FINE,
    "endless-list": FINE,
    "list-in-a-circle": FINE,
    "escaped-name": FINE,
    "endless-stderr": FINE,
    "list-as-error": "-32000",
}
EXPECTED = {("http", name): told for name, told in HTTP.items()}
EXPECTED |= {("stdio", name): told for name, told in STDIO.items()}
THE_SERVERS_WORDS = frozenset({"list-as-error"})
"""Servers that name the hidden tool in the words of an error: theirs, and passed on as such, but never for a list."""

DROPPED = frozenset({"wrong-id", "id-as-text", "null-id", "double-answer", "others-answers", "asks-for-tools"})
"""Servers of whose messages some go no further, which is told."""


def test_every_hostile_server_is_met_on_each_of_its_transports() -> None:
    assert servers.__doc__
    assert set(EXPECTED) == {(transport, name) for name, kind in KINDS.items() for transport in kind.transports}


@pytest.mark.parametrize(("transport", "name"), EXPECTED, ids=["-".join(key) for key in EXPECTED])
def test_a_hostile_server_harms_nobody(tmp_path: Path, transport: str, name: str) -> None:
    told = EXPECTED[transport, name]
    listed, called = told if isinstance(told, tuple) else (told, told)
    limits = IMPATIENT if "GP-3002" in listed else PATIENT

    async def body(**server: object) -> None:
        async with Recorder() as good, gateway(tmp_path, limits, **server) as (rig, token):
            rig.server("good", good.url)
            asked = [(era, method) for era in ERAS for method in METHODS]
            answers = await asyncio.gather(
                rig.call("good", rig.grant("good", ALLOW_ALL, label="good")),
                *[ask(rig, token, era, method, stdio=transport == "stdio") for era, method in asked],
            )
            assert answers.pop(0).json["result"]["isError"] is False, "another server's client was harmed"
            for (era, method), answer in zip(asked, answers, strict=True):
                got = outcome(answer)
                assert got in (listed if method == "tools/list" else called).split(), (era, method, answer.body[:500])
                words = name in THE_SERVERS_WORDS and method != "tools/list"
                assert words or HIDDEN.encode() not in answer.body, (era, method)
                seen = answer.body + json.dumps(answer.headers).encode()
                assert words or CANARY.encode() not in seen, (era, method, answer.headers)
                assert not {"set-cookie", "x-evil", "www-authenticate", "refresh", "link"} & answer.headers.keys()
            await rig.until(lambda: rig.gateway.metrics.in_flight == 0, _SECONDS)
            await rig.until(lambda: len(rig.rows("settled")) >= len(rig.rows("decided")) >= len(answers), _SECONDS)
            if name in DROPPED:
                await rig.until(lambda: rig.rows("dropped") or rig.drops, _SECONDS)
            assert CANARY not in json.dumps(rig.rows()) + json.dumps(rig.drops)

    if transport == "stdio":
        with memory(MOST):
            asyncio.run(asyncio.wait_for(body(command=command(name)), 2 * _SECONDS))
        return
    with serving(name) as trap:
        with memory(MOST):
            asyncio.run(asyncio.wait_for(body(url=trap.url), 2 * _SECONDS))
        assert not trap.sprung(), "the gateway went where the server sent it"


@pytest.mark.parametrize("transport", ["http", "stdio"])
@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("hang", LATE),
        ("drip", LATE),
        ("duplicate-keys", UNUSABLE),
        ("list-in-a-circle", UNUSABLE),
        ("list-as-object", UNUSABLE),
        ("gigabyte", f"{TOO_LARGE} {ENDED}"),
        ("exit", f"{UNUSABLE} {ENDED}"),
    ],
)
def test_a_scan_of_a_hostile_server_fails_by_itself(transport: str, name: str, codes: str) -> None:
    """As the gateway itself reads a server's tools, for `server add` and for drift."""

    async def scan(config: ServerConfig) -> str:
        with pytest.raises(UpstreamFailed) as failed:
            await list_tools(config, await probe(config))
        return failed.value.code

    with serving(name) if transport == "http" else nullcontext() as trap, memory(MOST_SCANNED):
        limits = IMPATIENT if "GP-3002" in codes else PATIENT
        if isinstance(trap, Trap):
            config = ServerConfig("s", url=trap.url, limits=limits)
        else:
            config = ServerConfig("s", command=tuple(command(name)), limits=limits)
        assert asyncio.run(asyncio.wait_for(scan(config), _SECONDS)) in codes.split()


def test_the_kit_runs_a_server_by_its_name_and_lists_them() -> None:
    import subprocess
    import sys

    with tempfile.TemporaryDirectory() as elsewhere:
        folder = str(Path(servers.__file__).parent)
        done = subprocess.run([sys.executable, folder], capture_output=True, text=True, check=False, cwd=elsewhere)
    assert done.returncode == 1
    assert all(f"{name} " in done.stdout for name in KINDS)
