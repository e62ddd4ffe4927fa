"""JSON schemas of annotations, without building the validators that pydantic would build for them first.

A server's first `tools/list` describes a hundred and more models of which a session uses a few; building all validators
takes most of a second. What is written here covers what arguments and replies are declared with, and asks pydantic for
anything else. A test holds every schema of every tool to be pydantic's own.

Two things are left out on purpose: titles, which repeat names, and `null` where nothing is said by it (in replies,
whose absent fields are not sent).
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from gatepost_media.common.output import Json

Schema = dict[str, Json]

_PLAIN: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    types.NoneType: {"type": "null"},
    object: {},
    Any: {},
}
_CONSTRAINTS = {
    "ge": "minimum",
    "le": "maximum",
    "gt": "exclusiveMinimum",
    "lt": "exclusiveMaximum",
    "min_length": "min{}",
    "max_length": "max{}",
    "pattern": "pattern",
}
"""Attributes of constraints in annotations, and the keywords for them."""


def fields_schema(fields: Mapping[str, tuple[object, object]], *, nulls: bool) -> Schema:
    """The schema of an object from name → (annotation, default), `...` or a FieldInfo in the default's place.

    With `nulls=False` an optional field's `null` is not in the schema.
    """
    made = _Maker(nulls)
    properties: Schema = {}
    required: list[Json] = []
    for name, (hint, default) in fields.items():
        info = default if isinstance(default, FieldInfo) else None
        value = (default if info is None else info.default) if info is None or info.default_factory is None else None
        described = made.field(hint, info)
        if value is ... or value is PydanticUndefined:
            required.append(name)
        elif value is not None:
            described["default"] = typing.cast("Json", value)
        properties[name] = described
    return made.whole(properties, required)


def model_schema(model: type[BaseModel]) -> Schema:
    """The schema of what a model is sent as, fields that are None left out."""
    made = _Maker(nulls=False)
    return made.whole(*made.model_parts(model), closed=model.model_config.get("extra") == "forbid")


class _Maker:
    def __init__(self, nulls: bool) -> None:
        self._nulls = nulls
        self._models: dict[str, Schema] = {}

    def whole(self, properties: Schema, required: list[Json], *, closed: bool = True) -> Schema:
        schema = _object(properties, required, closed=closed)
        if self._models:
            schema["$defs"] = typing.cast("Json", self._models)
        return schema

    def model_parts(self, model: type[BaseModel]) -> tuple[Schema, list[Json]]:
        properties: Schema = {}
        required: list[Json] = []
        for name, info in model.model_fields.items():
            if info.exclude:
                continue
            properties[info.serialization_alias or name] = self.field(info.annotation, info)
            if info.is_required():
                required.append(info.serialization_alias or name)
            elif info.default_factory is None and info.default is not None:
                properties[info.serialization_alias or name]["default"] = info.default  # type: ignore[index,call-overload]
        return properties, required

    def field(self, hint: object, info: FieldInfo | None) -> Schema:
        schema = self.of(hint)
        return schema if info is None else _described(schema, info)

    def of(self, hint: object) -> Schema:
        if isinstance(hint, typing.Hashable) and hint in _PLAIN:
            return dict(_PLAIN[hint])
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            schema = self.of(arguments[0])
            for each in arguments[1:]:
                if isinstance(each, FieldInfo):
                    _described(schema, each)
                else:
                    _apply(schema, [each])
            return schema
        if origin is Literal:
            return _literal(arguments)
        if origin in (typing.Union, types.UnionType):
            kept = [each for each in arguments if self._nulls or each is not types.NoneType]
            parts: list[Json] = [self.of(each) for each in kept]
            return typing.cast("Schema", parts[0]) if len(parts) == 1 else {"anyOf": parts}
        if origin is list:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is dict and arguments[0] is str:
            inner = self.of(arguments[1])
            return {"type": "object", "additionalProperties": inner or True}
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            name = hint.__name__
            if name not in self._models:
                self._models[name] = {}
                closed = hint.model_config.get("extra") == "forbid"
                self._models[name].update(_object(*self.model_parts(hint), closed=closed))
            return {"$ref": f"#/$defs/{name}"}
        made = TypeAdapter(typing.cast("type[object]", hint)).json_schema()
        return typing.cast("Schema", made)


def _object(properties: Schema, required: list[Json], *, closed: bool) -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    if closed:
        schema["additionalProperties"] = False
    if required:
        schema["required"] = required
    return schema


def _described(schema: Schema, info: FieldInfo) -> Schema:
    """Adds what a field says of itself to its schema, and returns it."""
    _apply(schema, info.metadata)
    if info.description:
        schema["description"] = info.description
    if info.examples:
        schema["examples"] = typing.cast("Json", list(info.examples))
    return schema


def _literal(values: tuple[object, ...]) -> Schema:
    kinds = {type(each) for each in values}
    kind = {str: "string", int: "integer", bool: "boolean"}.get(kinds.pop()) if len(kinds) == 1 else None
    said = typing.cast("list[Json]", list(values))
    schema: Schema = {"const": said[0]} if len(said) == 1 else {"enum": said}
    return schema | ({"type": kind} if kind else {})


def _apply(schema: Schema, metadata: Iterable[object]) -> None:
    """Adds constraints to a schema; of alternatives, to those that are not null."""
    alternatives = schema.get("anyOf")
    if isinstance(alternatives, list):
        for each in alternatives:
            if isinstance(each, dict) and each.get("type") != "null":
                _apply(each, metadata)
        return
    length = "Items" if schema.get("type") == "array" else "Length"
    for constraint in metadata:
        for attribute, keyword in _CONSTRAINTS.items():
            value: object = getattr(constraint, attribute, None)
            if isinstance(value, (str, int, float)):
                schema[keyword.format(length)] = typing.cast("Json", value)
