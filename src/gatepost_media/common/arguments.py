"""From a tool's function to the schema of its arguments, and from a caller's arguments to checked values.

The check is a pydantic model made from the function's signature when the tool is first called; the schema says the
same (common/schema.py). Unknown arguments are refused by name. An argument may have a second spelling: both stand in
the schema, and where the argument is required one of them has to be given. (That cannot be said with `anyOf` at the top
of a schema: some clients accept no such schema. It is said in the descriptions and checked here.)
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo

from gatepost_media.common.errors import BadArgument
from gatepost_media.common.output import Json
from gatepost_media.common.schema import fields_schema

CURSOR = "cursor"
_CURSOR = Annotated[
    str | None, Field(max_length=200, description="The `nextCursor` of the reply before, for what follows it.")
]


class Spread(BaseModel):
    """The base of a group of arguments that several tools share: a parameter of such a type stands in a tool's schema
    as its fields, each an argument of its own."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, defer_build=True)


class Arguments:
    """The arguments of one tool: their schema and their check."""

    def __init__(self, function: Callable[..., object], aliases: Mapping[str, str], *, paged: bool) -> None:
        hints = typing.get_type_hints(function, include_extras=True)
        parameters = list(inspect.signature(function).parameters.values())[1:]
        self._aliases = dict(aliases)
        self._required = {each.name for each in parameters if each.default is inspect.Parameter.empty}
        unknown = set(aliases.values()) - {each.name for each in parameters}
        if unknown:
            raise TypeError(f"aliases of {function.__name__} name no parameter: {sorted(unknown)}")
        spellings = {name: alias for alias, name in aliases.items()}
        fields: dict[str, tuple[object, object]] = {}
        self._spread: dict[str, type[Spread]] = {}
        for each in parameters:
            if isinstance(hints[each.name], type) and issubclass(hints[each.name], Spread):
                self._spread[each.name] = hints[each.name]
                self._required.discard(each.name)
                fields.update({name: (info.annotation, info) for name, info in hints[each.name].model_fields.items()})
                continue
            alias = spellings.get(each.name)
            hint = hints[each.name]
            if alias is None:
                default = ... if each.name in self._required else each.default
                fields[each.name] = (hint, default)
            else:
                needed = each.name in self._required
                fields[each.name] = (_optional(hint, f"Or `{alias}`, one of them required." if needed else None), None)
                fields[alias] = (_optional(hint, f"Another spelling of `{each.name}`."), None)
        if paged:
            fields[CURSOR] = (_CURSOR, None)
        self._fields = fields
        self._name = function.__name__
        self._schemas: dict[bool, dict[str, Json]] = {}
        self._defaults = {each.name: each.default for each in parameters}

    @cached_property
    def model(self) -> type[BaseModel]:
        """What checks the arguments; made when it is first needed."""
        config = ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())
        made = create_model(self._name, __config__=config, **self._fields)  # type: ignore[call-overload]
        return cast("type[BaseModel]", made)

    @property
    def names(self) -> list[str]:
        """Every argument, second spellings and `cursor` among them."""
        return list(self._fields)

    def schema(self, *, nulls: bool = True) -> dict[str, Json]:
        """The JSON schema of the arguments, an object at its root. null for "not given" is always taken; it stands in
        the schema with `nulls`."""
        if nulls not in self._schemas:
            self._schemas[nulls] = fields_schema(self._fields, nulls=nulls)
        return self._schemas[nulls]

    def check(self, given: Mapping[str, object]) -> dict[str, object]:
        """The values to call the function with, and the cursor if one was given. Raises BadArgument."""
        properties = cast("dict[str, dict[str, Json]]", self.schema(nulls=False)["properties"])
        for name, value in given.items():
            _look_at(name, value, properties.get(name, {}).get("type"))
        try:
            checked = self.model.model_validate(dict(given))
        except ValidationError as error:
            raise self._problem(error) from None
        values = {name: getattr(checked, name) for name in type(checked).model_fields}
        for alias, name in self._aliases.items():
            other = values.pop(alias)
            first = values[name]
            if first is not None and other is not None and first != other:
                raise BadArgument(name, f"differs from {alias}, which is another spelling of it. Give one of them.")
            value = other if first is None else first
            if value is None:
                if name in self._required:
                    raise BadArgument(name, f"is required (or its other spelling {alias}).")
                value = self._defaults[name]
            values[name] = value
        for name, group in self._spread.items():
            values[name] = group.model_construct(**{each: values.pop(each) for each in group.model_fields})
        return values

    def _problem(self, error: ValidationError) -> BadArgument:
        first = error.errors(include_url=False, include_context=True, include_input=False)[0]
        if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
            takes = ", ".join(self.names) or "none"
            return BadArgument(_short(first["loc"][0]), f"is not an argument of this tool. It takes: {takes}.")
        name = _short(first["loc"][0] if first["loc"] else "arguments")
        for each in first["loc"][1:-1]:
            name += self._step(each)
        if len(first["loc"]) > 1:
            last = first["loc"][-1]
            name += f".{_short(last)}" if first["type"] == "extra_forbidden" else self._step(last)
        properties = cast("dict[str, dict[str, Json]]", self.schema(nulls=False)["properties"])
        examples = properties.get(str(first["loc"][0]), {}).get("examples") if len(first["loc"]) == 1 else None
        if first["type"] == "string_pattern_mismatch" and isinstance(examples, list):
            return BadArgument(name, f"must have the form of {' or '.join(str(each) for each in examples)}.")
        return BadArgument(name, _said(first["type"], first["msg"], first.get("ctx") or {}))

    def _step(self, part: int | str) -> str:
        """One step into a value: a position, or a field of a model; nothing for a name that pydantic gives a branch."""
        if isinstance(part, int):
            return f"[{part}]"
        models = cast("dict[str, dict[str, dict[str, Json]]]", self.schema().get("$defs", {}))
        return f".{part}" if any(part in model.get("properties", {}) for model in models.values()) else ""


def _look_at(name: str, value: object, kind: object) -> None:
    """Refuses what pydantic would take for a number or a yes: true as 1, 1_000, digits of other scripts, "on".

    Plain digits in a text are taken, because models send them.
    """
    if kind in ("integer", "number"):
        text = value.removeprefix("-").replace(".", "", 1) if isinstance(value, str) else "0"
        if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
            raise BadArgument(name, "must be a whole number." if kind == "integer" else "must be a number.")
    elif kind == "boolean" and value is not None and not isinstance(value, bool) and value not in ("true", "false"):
        raise BadArgument(name, "must be true or false.")


def _said(kind: str, message: str, context: Mapping[str, Any]) -> str:
    if kind == "missing":
        return "is required."
    if kind == "extra_forbidden":
        return "is not known here."
    if kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern", ""))
        return "must be digits only, such as 1204." if pattern.startswith("^[0-9]{1") else f"must match {pattern}."
    text = message.removeprefix("Value error, ").removeprefix("Input ")
    return f"{text[:1].lower()}{text[1:]}".rstrip(".") + "."


def _short(name: object) -> str:
    # A name from a caller is foreign text: it is shown, not repeated at any length.
    text = "".join(character if character.isprintable() else "?" for character in str(name))
    return text if len(text) <= 60 else text[:60] + "…"


def _optional(hint: object, note: str | None) -> object:
    """The same type, or None; with a note added to its description."""
    base, metadata = hint, []
    if typing.get_origin(hint) is Annotated:
        base, *metadata = typing.get_args(hint)
    said = next((each.description for each in metadata if isinstance(each, FieldInfo) and each.description), None)
    described = " ".join(each for each in (said, note) if each) or None
    inner: Any = Annotated[base, *metadata] if metadata else base
    return Annotated[inner | None, Field(description=described)]


def lean(schema: object) -> object:
    """A schema without the titles that pydantic makes from names: they say nothing and cost tokens."""
    if isinstance(schema, dict):
        kept: dict[str, object] = {}
        for name, value in schema.items():
            if name == "title" and isinstance(value, str):
                continue
            if name == "properties" and isinstance(value, dict):
                kept[name] = {each: lean(inner) for each, inner in value.items()}
            else:
                kept[name] = lean(value)
        return kept
    if isinstance(schema, list):
        return [lean(each) for each in schema]
    return schema
