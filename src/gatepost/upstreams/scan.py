"""What a server is: the eras and revisions it really speaks, and every tool it offers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from gatepost.mcp.methods import LEGACY_VERSIONS, MODERN_VERSIONS
from gatepost.upstreams import connect
from gatepost.upstreams.base import Upstream, UpstreamFailed
from gatepost.upstreams.config import ServerConfig
from gatepost.upstreams.conversation import Conversation, Era, Refusal

MAX_PAGES: Final = 1_000
MAX_TOOLS: Final = 100_000
_SESSION: Final = "scan"
_METHOD_NOT_FOUND: Final = -32601
_SERVER_INFO: Final = "io.modelcontextprotocol/serverInfo"


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a server says of itself.

    Attributes:
        eras: what it speaks, of {"legacy", "modern"}; never empty.
        versions: the revisions it speaks, oldest first. Of the legacy ones, only the one it prefers is known.
        server_info: its name and version as it tells them; may be empty.
        capabilities: as it tells them; of the modern era where it speaks both.
        instructions: its text for language models, if any.
    """

    eras: frozenset[str]
    versions: tuple[str, ...]
    server_info: dict[str, Any]
    capabilities: dict[str, Any]
    instructions: str | None


async def probe(config: ServerConfig) -> ServerInfo:
    """Find out what a server speaks: `server/discover` first, then `initialize` on a connection of its own.

    (2026-07-28 basic/versioning, "Backward Compatibility"; here both are always tried, because a gateway serves clients
    of both eras.) Takes at most `limits.scan` seconds, `limits.probe` for each step; one that says nothing at all has
    `limits.probe` for everything.

    Raises:
        UpstreamFailed: GP-3001 not reachable, or it wants a credential; GP-3002 no answer in time; GP-3003 not an MCP
            server, or no revision spoken here; GP-3004 too large; GP-3005 its program does not start or ended; GP-3006
            a redirect.
    """
    async with _scanning(config) as upstream:
        discovered, handshake = await _first_answer(upstream, config)
        if handshake is None:
            handshake = await _initialize(upstream, config)
        if isinstance(discovered, dict):
            return _modern_info(discovered, handshake if isinstance(handshake, dict) else None)
        if isinstance(handshake, dict):
            return _legacy_info(handshake)
        raise _speaks_nothing(config, discovered, handshake)


async def list_tools(config: ServerConfig, info: ServerInfo, problems: list[str] | None = None) -> list[dict[str, Any]]:
    """Every page of `tools/list`, in the server's order; an empty list where it has no tools.

    At most 1,000 pages, 100,000 tools and 64 MiB. What is listed twice is returned twice (`definitions.listing`).

    Args:
        problems: takes a sentence for what is wrong with the list, of which then as much is returned as can be used.

    Raises:
        UpstreamFailed: as `probe`; without `problems`, GP-3003 also for pages that go in a circle and a tool without a
            name, GP-3004 for more than the bounds.
    """
    async with talking(config, info) as conversation:
        return await read_list(conversation, config, "tools/list", [], problems)


@contextlib.asynccontextmanager
async def talking(config: ServerConfig, info: ServerInfo) -> AsyncIterator[Conversation]:
    """A conversation in the newest era that a server speaks, ready for questions. Raises as `probe` does."""
    era: Era = "modern" if "modern" in info.eras else "legacy"
    async with _scanning(config) as upstream:
        conversation = Conversation(upstream, config, era, _session(config, era))
        try:
            if era == "legacy":
                try:
                    await conversation.handshake()
                except Refusal as refusal:
                    raise _refused(config, "initialize", refusal) from None
            yield conversation
        finally:
            await conversation.end()


@contextlib.asynccontextmanager
async def _scanning(config: ServerConfig) -> AsyncIterator[Upstream]:
    upstream = connect(config)
    seconds = config.limits.scan
    try:
        async with asyncio.timeout(seconds):
            yield upstream
    except TimeoutError:
        text = f"Scanning the server {config.name!r} took longer than {seconds:g} s."
        raise UpstreamFailed("GP-3002", config.name, text, sent=True) from None
    finally:
        await upstream.close()


def _session(config: ServerConfig, era: Era) -> str | None:
    """A program's session has the gateway's own key; an HTTP server gives one."""
    return _SESSION if era == "legacy" and config.transport == "stdio" else None


# -- which eras


_Outcome = dict[str, Any] | Refusal | UpstreamFailed


async def _first_answer(upstream: Upstream, config: ServerConfig) -> tuple[_Outcome, _Outcome | None]:
    """The outcome of `server/discover`; where that was not answered, that of `initialize` beside it.

    Some legacy servers say nothing to a request they do not know. So one that stays silent is asked to initialize as
    well: a program on the same streams, where whichever it answers first tells, without a guess at how long it takes to
    start; and when its time is nearly over, any server on a connection of its own, for one that the unknown request
    confused. Raises UpstreamFailed GP-3002 for one that answers none of them within `limits.probe`.
    """
    limits = config.limits
    began = asyncio.get_running_loop().time()
    modern = Conversation(upstream, config, "modern", None)
    discover = asyncio.ensure_future(_outcome(partial(modern.ask, "server/discover")))
    last = min(limits.silence, limits.probe / 2)
    handshakes = [asyncio.ensure_future(_later(limits.probe - last, lambda: _initialize(upstream, config)))]
    if config.transport == "stdio":
        beside = Conversation(upstream, config, "legacy", None)
        handshakes.append(asyncio.ensure_future(_later(limits.silence, lambda: _outcome(beside.handshake))))
    asked = {discover, *handshakes}
    try:
        done, _ = await asyncio.wait(asked, timeout=limits.probe, return_when=asyncio.FIRST_COMPLETED)
        if not done or asyncio.get_running_loop().time() - began >= limits.probe:
            raise _silent(config)
        if discover in done:
            return _only_modern(discover.result()), None
        return Refusal(0, "nothing"), done.pop().result()
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def _later(seconds: float, ask: Callable[[], Awaitable[_Outcome]]) -> _Outcome:
    await asyncio.sleep(seconds)
    return await ask()


async def _initialize(upstream: Upstream, config: ServerConfig) -> _Outcome:
    conversation = Conversation(upstream, config, "legacy", _session(config, "legacy"))
    try:
        return await _outcome(conversation.handshake)
    finally:
        await conversation.end()


async def _outcome(ask: Callable[[], Awaitable[dict[str, Any]]]) -> _Outcome:
    """The result, or the refusal or failure as a value. Raises UpstreamFailed where nothing was sent."""
    try:
        return await ask()
    except Refusal as refusal:
        return refusal
    except UpstreamFailed as failure:
        if not failure.sent:
            raise  # it cannot be reached or started: asking otherwise would end the same way
        return failure


def _only_modern(outcome: _Outcome) -> _Outcome:
    """A result of `server/discover` only counts where it names a modern revision that is spoken here."""
    if not isinstance(outcome, dict) or _modern_versions(outcome):
        return outcome
    return Refusal(0, f"it names the revisions {outcome.get('supportedVersions')!r}"[:200])


def _modern_versions(discovered: dict[str, Any]) -> list[str]:
    supported = discovered.get("supportedVersions")
    return [version for version in MODERN_VERSIONS if isinstance(supported, list) and version in supported]


def _modern_info(discovered: dict[str, Any], handshake: dict[str, Any] | None) -> ServerInfo:
    meta = discovered.get("_meta")
    versions = _modern_versions(discovered)
    if handshake is not None:
        versions.append(handshake["protocolVersion"])
    return ServerInfo(
        eras=frozenset({"modern", "legacy"} if handshake is not None else {"modern"}),
        versions=_sorted(versions),
        server_info=_object((meta if isinstance(meta, dict) else {}).get(_SERVER_INFO)),
        capabilities=_object(discovered.get("capabilities")),
        instructions=_text(discovered.get("instructions")),
    )


def _legacy_info(handshake: dict[str, Any]) -> ServerInfo:
    return ServerInfo(
        eras=frozenset({"legacy"}),
        versions=(handshake["protocolVersion"],),
        server_info=_object(handshake.get("serverInfo")),
        capabilities=_object(handshake.get("capabilities")),
        instructions=_text(handshake.get("instructions")),
    )


def _sorted(versions: list[str]) -> tuple[str, ...]:
    return tuple(version for version in (*LEGACY_VERSIONS, *MODERN_VERSIONS) if version in versions)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _speaks_nothing(config: ServerConfig, discovered: _Outcome, handshake: _Outcome) -> UpstreamFailed:
    if isinstance(handshake, UpstreamFailed):
        return handshake
    text = (
        f"The server {config.name!r} speaks no revision of MCP that is spoken here. "
        f"To server/discover it answered: {discovered}. To initialize it answered: {handshake}."
    )
    return UpstreamFailed("GP-3003", config.name, text, sent=True)


def _silent(config: ServerConfig) -> UpstreamFailed:
    name, seconds = config.name, config.limits.probe
    if config.transport == "http":
        how, hint = "", "Check its URL, and whether anything answers there."
    else:
        how = ", nor when it was started again"
        hint = "Check its command: run by itself, it may say what it misses. One that installs itself is slower."
    text = f"The server {name!r} said nothing within {seconds:g} s: neither to server/discover nor to initialize{how}."
    return UpstreamFailed("GP-3002", name, text, hint, sent=True)


def _refused(config: ServerConfig, method: str, refusal: Refusal) -> UpstreamFailed:
    return UpstreamFailed("GP-3003", config.name, f"The server {config.name!r} refused {method}: {refusal}.", sent=True)


# -- what it lists


LISTS: Final = {
    "tools/list": ("tools", "name", "tool"),
    "resources/list": ("resources", "uri", "resource"),
    "resources/templates/list": ("resourceTemplates", "uriTemplate", "template"),
    "prompts/list": ("prompts", "name", "prompt"),
}
"""Of each list: its member in the result, what an entry is known by, and what an entry is."""


async def read_list(
    conversation: Conversation,
    config: ServerConfig,
    method: str,
    into: list[dict[str, Any]],
    problems: list[str] | None,
) -> list[dict[str, Any]]:
    """`read_pages`, with nothing in the list where the server does not know the method. Raises UpstreamFailed."""
    try:
        return await read_pages(conversation, config, method, into=into, problems=problems)
    except Refusal as refusal:
        if refusal.code == _METHOD_NOT_FOUND:
            return into
        raise _refused(config, method, refusal) from None


async def read_pages(
    conversation: Conversation,
    config: ServerConfig,
    method: str = "tools/list",
    *,
    into: list[dict[str, Any]] | None = None,
    problems: list[str] | None = None,
) -> list[dict[str, Any]]:
    """Every page of a list, one of `LISTS`, in a conversation under way.

    Args:
        into: takes the entries as they come, so that they are there whatever becomes of the rest.
        problems: as for `list_tools`.

    Raises `Refusal`, else as `list_tools`.
    """
    member, key, noun = LISTS[method]
    entries = [] if into is None else into
    nameless = 0
    cursors: set[str] = set()
    params: dict[str, Any] = {}
    why: tuple[str, str] | None = ("GP-3004", f"has more than {MAX_PAGES} pages")
    for _ in range(MAX_PAGES):
        result = await conversation.ask(method, params)
        page = result.get(member)
        if not isinstance(page, list):
            raise _bad_list(config, noun, "GP-3003", f"has no array of {member}")
        named = [entry for entry in page if isinstance(entry, dict) and isinstance(entry.get(key), str) and entry[key]]
        nameless += len(page) - len(named)
        room = MAX_TOOLS - len(entries)
        entries += named[:room]
        if len(named) > room:
            why = "GP-3004", f"has more than {MAX_TOOLS} entries"
            break
        cursor = result.get("nextCursor")
        if cursor is None:
            why = None
            break
        if not isinstance(cursor, str) or cursor in cursors:
            why = "GP-3003", "goes in a circle: a page names a cursor that was followed already"
            break
        cursors.add(cursor)
        params = {"cursor": cursor}
    if why is not None:
        _told(_bad_list(config, noun, *why), problems, "What was read before is used, the rest is not.")
    if nameless:
        holds = f"holds {nameless} entries without a {key}"
        _told(_bad_list(config, noun, "GP-3003", holds), problems, "They are left out.")
    return entries


def _told(failure: UpstreamFailed, problems: list[str] | None, then: str) -> None:
    if problems is None:
        raise failure
    problems.append(f"{failure.message} {then}")


def _bad_list(config: ServerConfig, noun: str, code: str, why: str) -> UpstreamFailed:
    return UpstreamFailed(code, config.name, f"The {noun} list of the server {config.name!r} {why}.", sent=True)
