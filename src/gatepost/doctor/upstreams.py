"""Each server asked what it speaks and which tools it has, all at once, none longer than its deadline."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import AsyncIterator

from gatepost.definitions.listing import read_listing
from gatepost.doctor.finding import Finding, counted
from gatepost.doctor.patient import Patient
from gatepost.errors import GatepostError
from gatepost.gateway.snapshot import Server
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.scan import list_tools, probe

_AT_ONCE = 8


async def upstreams(patient: Patient) -> AsyncIterator[Finding]:
    """A finding for each server, by name."""
    servers = patient.snapshot.servers
    if not servers:
        yield Finding("upstreams", "note", "No server is registered.", patient.command("gatepost server add --help"))
    turn = asyncio.Semaphore(_AT_ONCE)

    async def look(name: str) -> Finding:
        async with turn:
            return await _look(patient, name, servers[name])

    for finding in await asyncio.gather(*[look(name) for name in sorted(servers)]):
        yield finding


async def _look(patient: Patient, name: str, server: Server) -> Finding:
    show = patient.command(f"gatepost server show {shlex.quote(name)}")
    try:
        async with asyncio.timeout(patient.seconds):
            found = await _hashes(server.config)
    except TimeoutError:
        text = f"The server {name} did not answer within {patient.seconds:g} s."
        return Finding("upstreams", "problem", text, f"{show}; or wait longer with --timeout")
    except GatepostError as error:
        return Finding("upstreams", "problem", error.message, error.hint or show)
    known = {tool.name: tool.hash for tool in server.tools.values()}
    if found != known:
        changed = sum(1 for tool in found.keys() | known.keys() if found.get(tool) != known.get(tool))
        text = f"The server {name} answers, but {changed} of its tools are not what was registered."
        return Finding("upstreams", "warning", text, patient.command(f"gatepost server scan {shlex.quote(name)}"))
    return Finding("upstreams", "ok", f"The server {name} answers with {counted(len(found), 'tool')}, as registered.")


async def _hashes(config: ServerConfig) -> dict[str, str]:
    listed = await list_tools(config, await probe(config))
    return {tool.name: tool.hash for tool in read_listing(listed, now=time.time()).definitions}
