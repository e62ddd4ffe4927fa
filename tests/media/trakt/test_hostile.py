"""A Trakt that answers with anything at all: every tool ends in a reply by its schema or a sentence, never a fault."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from gatepost_media.common.serve import build
from gatepost_media.common.settings import Settings
from gatepost_media.trakt.tokens import Tokens, TokenStore
from tests.media.trakt.support import TRAKT, text_of
from tests.media.trakt.test_tools import CALLS
from tests.support.recording import head

pytestmark = pytest.mark.anyio

DEEP: Any = 1
for _ in range(200):
    DEEP = {"show": DEEP}
KINDS = ("movie", "show", "season", "episode", "person", "list")
WRONG: dict[str, Any] = {
    "nothing": None,
    "a number": 1,
    "a text": "text",
    "an empty object": {},
    "an empty list": [],
    "a list of nothing": [None],
    "a list of numbers": [1, 2],
    "a list of lists": [[], [[]]],
    "empty rows": [{}],
    "rows of wrong types": [{"type": 5, "id": "x", "title": ["a"], "ids": 7, "number": {}, "season": "one", "name": 5}],
    "things that are none": [dict.fromkeys(KINDS, 5) | {"type": "episode", "id": 1, "progress": 5}],
    "ids that are none": [
        {"type": "movie", "id": 1, "movie": {"title": 5, "ids": {"trakt": "x", "slug": [], "imdb": {}}}}
    ],
    "a person's parts that are none": {
        "cast": 5,
        "crew": {"directing": 5, "x": [5, {"jobs": 5, "person": 7}]},
        "title": 9,
    },
    "a cast that is none": {"cast": [5, {"characters": 5, "person": None, "movie": [], "show": 1}], "guest_stars": {}},
    "ratings that are none": {"rating": "good", "votes": [], "distribution": {"1": "x", "2": None}, "title": None},
    "a change that is none": {"added": 5, "existing": [], "deleted": {"movies": "x"}, "not_found": {"movies": [5, {}]}},
    "not found in no form": {"not_found": [1], "list": 7, "added": {"movies": None}, "user": 5, "id": "x"},
    "progress that is none": {"aired": "x", "completed": None, "seasons": {}, "next_episode": 5},
    "huge numbers": [{"type": "movie", "id": 10**30, "rating": 10**30, "plays": 10**30, "number": 10**30, "season": 1}],
    "deep nesting": [DEEP],
    "tokens that are none": {"access_token": [], "refresh_token": 5, "expires_in": "soon", "device_code": None},
}
RAW = {
    "no JSON": b"<html>",
    "half of it": b'[{"type": "movie", "movie": {"ti',
    "not UTF-8": b'["\xff\xfe"]',
    "nothing at all": b"",
    "endless nesting": b"[" * 100_000,
    "NaN": b'[{"progress": NaN, "id": Infinity}]',
}


@asynccontextmanager
async def answering(body: bytes) -> AsyncIterator[str]:
    """The address of a server that answers every request with these bytes, and paging headers that promise more."""
    pages = ("x-pagination-page-count: 3", "x-pagination-item-count: -1", "x-pagination-limit: 0")
    answer = head(200, "application/json", *pages, length=len(body)) + body

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                asked = (await reader.readuntil(b"\r\n\r\n")).lower()
                if b"content-length: " in asked:
                    await reader.readexactly(int(asked.split(b"content-length: ")[1].split(b"\r")[0]))
                writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


BODIES = {name: json.dumps(value).encode() for name, value in WRONG.items()} | RAW
SOON = {"nothing", "empty rows", "rows of wrong types", "things that are none", "a change that is none", "half of it"}
"""Those that differ most; the others are tried with the longer tests."""


@pytest.mark.parametrize(
    "body",
    [pytest.param(body, id=name, marks=() if name in SOON else pytest.mark.slow) for name, body in BODIES.items()],
)
async def test_whatever_trakt_answers_no_tool_ends_in_a_fault(body: bytes, tmp_path: Path) -> None:
    async with answering(body) as url:
        settings = Settings(
            home=tmp_path, trakt_api_url=url, trakt_auth_url=url, trakt_client_id="id", trakt_client_secret="secret"
        )
        TokenStore(tmp_path).save(Tokens("access", "refresh", time.time() + 604_800, "id"))
        async with Client(build(TRAKT, settings, write=True)) as client:
            for name in sorted(CALLS, key=lambda name: name.endswith("_auth")):
                numbered = {key: "1" if value == "?" else value for key, value in CALLS[name].items()}
                result = await client.call_tool(name, numbered)
                assert "by a fault of this server" not in text_of(result), name
                assert len(text_of(result)) > 5
