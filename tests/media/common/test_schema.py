"""The schemas of all tools of both servers are those that pydantic makes of the same declarations."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from pydantic import BaseModel

from gatepost_media.common.tools import Tool, Toolset
from gatepost_media.plex.server import toolset as plex
from gatepost_media.trakt.server import toolset as trakt


def _all(made: Toolset) -> list[Tool]:
    return list(made.tools.values())


TOOLS = [*_all(plex()), *_all(trakt())]


def _same(schema: Any, *, nulls: bool) -> Any:
    """A schema without what is left out on purpose: titles, descriptions of models, null."""
    if isinstance(schema, list):
        return [_same(each, nulls=nulls) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema == {"$ref": "#/$defs/JsonValue"}:
        return True
    kept: dict[str, Any] = {}
    for name, value in schema.items():
        of_a_model = name == "description" and schema.get("type") == "object" and "properties" in schema
        if name == "title" or of_a_model or (name == "default" and value is None):
            continue
        if name in ("properties", "$defs"):
            inside = {each: _same(inner, nulls=nulls) for each, inner in value.items() if each != "JsonValue"}
            if inside or name == "properties":
                kept[name] = inside
        elif name == "anyOf" and not nulls:
            parts = [_same(each, nulls=nulls) for each in value if each != {"type": "null"}]
            kept.update(parts[0] if len(parts) == 1 else {"anyOf": parts})
        else:
            kept[name] = _same(value, nulls=nulls)
    return kept


def _by_pydantic(model: type[BaseModel], *, nulls: bool, mode: Any) -> Any:
    made = _same(model.model_json_schema(mode=mode), nulls=nulls)
    made.setdefault("properties", {})
    return made


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_s_schemas_are_pydantic_s_own(tool: Tool) -> None:
    for nulls in (False, True):
        assert tool.arguments.schema(nulls=nulls) == _by_pydantic(tool.arguments.model, nulls=nulls, mode="validation")
    assert tool.output_schema == _by_pydantic(tool.output, nulls=False, mode="serialization")


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_s_schemas_are_schemas_with_an_object_at_the_root_and_no_alternatives_there(tool: Tool) -> None:
    for schema in (tool.arguments.schema(), tool.output_schema):
        jsonschema_rs.meta.validate(schema)
        assert schema["type"] == "object"
        assert not {"anyOf", "oneOf", "allOf"} & schema.keys()
    assert tool.arguments.schema()["additionalProperties"] is False
