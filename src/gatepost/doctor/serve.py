"""The running `serve`: its processes, its ports and its certificate; or the ports that the next one will want."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

from gatepost import __version__
from gatepost.doctor.finding import Finding, counted
from gatepost.doctor.patient import Patient
from gatepost.errors import GatepostError
from gatepost.processes import ops
from gatepost.processes.lock import holder, last_known

_SECONDS = 5.0
_RENEW = timedelta(days=14)
_DEFAULTS = {"data_plane": "http://127.0.0.1:7070", "console": "http://127.0.0.1:7071"}
_OPTION = {"data_plane": "--listen", "console": "--console"}


async def serving(patient: Patient) -> AsyncIterator[Finding]:
    """Fills in `patient.serve` and `patient.status`."""
    try:
        facts = holder(patient.data.run)
    except OSError as error:
        yield Finding("serve", "problem", f"{error.filename} cannot be read.", "Be the user who runs `gatepost serve`.")
        return
    if facts is None and patient.wants_no_serve:
        yield Finding("serve", "ok", "No `serve` runs on this folder; `gatepost run` needs none.")
        return
    if facts is None:
        yield Finding("serve", "warning", "No `serve` runs on this folder.", patient.command("gatepost serve"))
        for finding in _ports(last_known(patient.data.run)):
            yield finding
        return
    patient.serve = facts
    if "data_plane" not in facts:
        yield Finding("serve", "warning", f"`serve` (process {facts.get('pid')}) is just starting.", "Look again.")
        return
    yield Finding("serve", "ok", f"`serve` runs: process {facts['pid']}, {facts['data_plane']}.")
    if facts.get("version") != __version__:
        text = f"`serve` runs version {facts.get('version')}; installed is {__version__}."
        yield Finding("serve", "warning", text, "Restart `gatepost serve`.")
    async for finding in _processes(patient):
        yield finding
    async for finding in _addresses(facts):
        yield finding


def _ports(known: Mapping[str, Any]) -> list[Finding]:
    """Whether the addresses of the last `serve`, or the default ones, are free."""
    found = []
    for name, default in _DEFAULTS.items():
        parts = urlsplit(str(known.get(name) or default))
        host, port = parts.hostname or "127.0.0.1", parts.port or 0
        why = _why_not_free(host, port)
        if why:
            mend = f"ss -ltnp 'sport = :{port}' shows by whom; or gatepost serve {_OPTION[name]} {host}:PORT"
            found.append(Finding("ports", "problem", f"{host}:{port} cannot be listened on: {why}.", mend))
        else:
            found.append(Finding("ports", "ok", f"{host}:{port} is free."))
    return found


def _why_not_free(host: str, port: int) -> str:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


async def _processes(patient: Patient) -> AsyncIterator[Finding]:
    try:
        status = await ops.ask(patient.data.socket("dataplane.sock"), {"op": "status"}, seconds=_SECONDS)
        worker = await ops.ask(patient.data.socket("worker.sock"), {"op": "status"}, seconds=_SECONDS)
    except GatepostError as error:
        yield Finding("serve", "problem", error.message, error.hint)
        return
    patient.status = status
    said = "See what `gatepost serve` says on stderr, and restart it."
    if status is None:
        yield Finding("serve", "problem", "The data plane does not answer on its control socket.", said)
    else:
        for reason in status.get("reasons") or ():
            yield Finding("serve", "problem", f"The data plane is not ready: {reason}.", said)
        revision = max((row.revision for row in patient.rows), default=0)
        if int(status.get("revision") or 0) < revision:
            text = f"The data plane decides by revision {status.get('revision')}, the store is at {revision}."
            yield Finding("serve", "problem", text, said)
        for name, server in (status.get("servers") or {}).items():
            if dropped := int((server.get("dropped") or {}).get("count") or 0):
                last = server["dropped"].get("last")
                text = f"Of the server {name}, {counted(dropped, 'message')} went no further, the last because: {last}."
                yield Finding("serve", "note", text, patient.command(f"gatepost server show {name}"))
    if worker is None:
        text = "The worker does not answer: searches, scans, retention and the status page stand still."
        yield Finding("serve", "problem", text, said)


async def _addresses(facts: Mapping[str, Any]) -> AsyncIterator[Finding]:
    """Whether the listener answers over HTTP, and clients will accept the public address."""
    local, public = urlsplit(str(facts["data_plane"])), urlsplit(str(facts.get("public_url") or facts["data_plane"]))
    try:
        status = await asyncio.to_thread(_alive, local, public.netloc)
    except (OSError, http.client.HTTPException) as error:
        yield Finding("ports", "problem", f"{facts['data_plane']} does not answer: {error}.", "Restart it.")
        return
    if status != 200:
        yield Finding("ports", "problem", f"{facts['data_plane']}/healthz answers {status}.", "Restart it.")
    else:
        yield Finding("ports", "ok", f"{facts['data_plane']} answers.")
    if public.scheme == "https":
        yield await asyncio.to_thread(_certificate, public)


def _alive(where: SplitResult, host: str) -> int:
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(where.hostname or "", where.hostname or "")  # noqa: S104
    connection: http.client.HTTPConnection
    if where.scheme == "https":
        # Whether its certificate is good is asked at the public address, by the name that it is for.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(reached, where.port, timeout=_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(reached, where.port, timeout=_SECONDS)
    try:
        connection.request("GET", "/healthz", headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()


def _certificate(public: SplitResult) -> Finding:
    """The certificate at the public address, as a client of this machine's authorities sees it."""
    from cryptography import x509

    name, port = public.hostname or "", public.port or 443
    try:
        with (
            socket.create_connection((name, port), timeout=_SECONDS) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=name) as secured,
        ):
            raw = secured.getpeercert(binary_form=True) or b""
    except ssl.SSLCertVerificationError as error:
        text = f"Clients will not accept the certificate of {public.netloc}: {error.verify_message}."
        return Finding("ports", "problem", text, "Give serve, or the proxy, the whole chain of one for that name.")
    except OSError as error:
        text = f"The public address {public.geturl()} does not answer: {error}."
        return Finding("ports", "problem", text, "Look at the proxy, the firewall and the name's address.")
    ends = x509.load_der_x509_certificate(raw).not_valid_after_utc
    if ends - datetime.now(UTC) < _RENEW:
        text = f"The certificate of {public.netloc} ends on {ends:%Y-%m-%d}."
        return Finding("ports", "warning", text, "Renew it; serve reads it at the next start.")
    return Finding("ports", "ok", f"The certificate of {public.netloc} is good until {ends:%Y-%m-%d}.")
