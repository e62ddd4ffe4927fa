"""One tool call, from the caller's arguments to the reply: checked, run, bounded; errors as sentences."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Mapping
from pathlib import Path

import mcp_types as types
from pydantic import BaseModel

from gatepost_media.common.arguments import CURSOR
from gatepost_media.common.errors import MediaError
from gatepost_media.common.output import decode_cursor, encode_cursor, reply
from gatepost_media.common.process import Process
from gatepost_media.common.tools import Context, Progress, Tool

log = logging.getLogger("gatepost_media")


async def call(tool: Tool, arguments: Mapping[str, object], process: Process, report: Progress) -> types.CallToolResult:
    """Runs a tool. Never raises but for cancellation: what goes wrong is a result with `is_error`."""
    task = asyncio.current_task()
    assert task is not None
    process.calls.add(task)
    try:
        values = tool.arguments.check(arguments)
        start = None
        of = _list_name(tool, values)
        if tool.paged:
            cursor = values.pop(CURSOR)
            start = None if cursor is None else decode_cursor(str(cursor), of)
        out = await tool.function(Context(process, start=start, report=report), **values)
        content, text = reply(out, process.settings.reply_tokens, lambda offset: encode_cursor(offset, of))
        return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=content)
    except MediaError as error:
        return failed(str(error))
    except Exception as error:
        if isinstance(error, OSError) and _is_below(error.filename, process.settings.home):
            return failed(str(process.settings.unusable(error)))
        # Where, not what: the text of a foreign exception may hold an address with a query, or a part of a reply.
        frames = "".join(traceback.format_tb(error.__traceback__))
        log.error("fault in %s: %s\n%s", tool.name, type(error).__name__, frames)
        return failed(f"{tool.name} failed by a fault of this server ({type(error).__name__}). Its log says where.")
    finally:
        process.calls.discard(task)


def _is_below(file: object, folder: Path) -> bool:
    return isinstance(file, str) and Path(file).is_relative_to(folder)


def failed(sentence: str) -> types.CallToolResult:
    """An error result."""
    return types.CallToolResult(content=[types.TextContent(text=sentence)], is_error=True)


def _list_name(tool: Tool, values: Mapping[str, object]) -> str:
    """What a cursor belongs to: the tool and its arguments, without the position and the size of a page in it."""
    position = {CURSOR, "limit", "offset", "page", "pageSize", "chunk_size", "chunk_offset"}
    named = {
        name: value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        for name, value in values.items()
        if name not in position
    }
    return json.dumps([tool.name, named], sort_keys=True, default=str)
