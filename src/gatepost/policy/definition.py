"""What a tool's definition brings to a decision: its input schema's verdict on the arguments, and its defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import jsonschema_rs

from gatepost.policy.arguments import NotJSON, as_plain, count, plain_copy
from gatepost.policy.paths import Step
from gatepost.policy.schema import Schema, Unusable, objects
from gatepost.policy.schema_cost import written_out

_REGEX: Final = jsonschema_rs.RegexOptions()
_REMEMBERED = 1024
_SHOWN = 64
# subschemas written out: up to here a failure is explained; from here on the work is limited
_EXPLAINED = 2_000
_LARGE = 1_000
# subschemas times values; a validator does some ten million of these steps a second
_MOST_WORK = 100_000_000


class CompiledDefinition:
    """One tool's definition, compiled once and used for every call of it.

    Attributes:
        name: the tool's name.
        schema: its input schema, or None where there is no usable one.
        unusable: why no arguments can be checked, or None.
    """

    __slots__ = (
        "_declared",
        "_defaults",
        "_explains",
        "_of_json",
        "_open",
        "_patterns",
        "_size",
        "_validator",
        "name",
        "schema",
        "unusable",
    )

    def __init__(self, tool: Mapping[str, Any]) -> None:
        self.name = str(tool.get("name", ""))
        self.schema: Schema | None = None
        self.unusable: str | None = None
        self._validator: Any = None
        self._declared: frozenset[str] = frozenset()
        self._patterns: tuple[Any, ...] = ()
        self._open = False
        self._size = 0
        self._explains = False
        self._defaults: dict[tuple[Step, ...], Any] | None = None
        self._of_json: CompiledDefinition | None = None
        try:
            self._compile(tool.get("inputSchema"))
        except (Unusable, NotJSON) as error:
            self.unusable = str(error)

    def _compile(self, given: Any) -> None:
        if not isinstance(given, dict):
            raise Unusable("it has no input schema")
        schema = Schema(plain_copy(given))
        self._size, recursive = written_out(schema)
        self._explains = not recursive and self._size <= _EXPLAINED
        self._validator = _validator(schema.root)
        self._declared = frozenset(schema.declared("properties"))
        self._patterns = tuple(_validator({"pattern": one}) for one in sorted(schema.declared("patternProperties")))
        self._open = schema.takes_others()
        self._defaults = {} if any("default" in node for node in objects(schema.root)) else None
        self.schema = schema

    @property
    def of_json(self) -> CompiledDefinition:
        """The same for arguments that are known to be plain: a strict parser made them, each number an int or float."""
        if self._of_json is None:
            self._of_json = _OfJSON(self)
        return self._of_json

    def invalid(self, arguments: dict[str, Any]) -> str | None:
        """Why the arguments do not satisfy the schema, without any of their values; None where they do."""
        try:
            return self._invalid(as_plain(arguments))
        except NotJSON as error:
            return self._cannot() or str(error)

    def _invalid(self, values: dict[str, Any]) -> str | None:
        if self.unusable is not None:
            return self._cannot()
        if not self._open and not values.keys() <= self._declared:
            undeclared = values.keys() - self._declared
            for name in sorted(undeclared):
                if not self._matches_pattern(name):
                    return f"the tool takes no argument {_quoted(name)}"
        if self._size > _LARGE and self._size * count(values) > _MOST_WORK:
            return "they are too many to be checked against this schema"
        return None if _asked(self._validator.is_valid, values) else self._why(values)

    def _cannot(self) -> str | None:
        return None if self.unusable is None else f"the tool's input schema cannot be used: {self.unusable}"

    def default(self, steps: tuple[Step, ...]) -> Any:
        """The schema's default for the member at `steps`; None without one, UNKNOWN where it gives several."""
        if self._defaults is None or self.schema is None:
            return None
        if steps not in self._defaults:
            if len(self._defaults) >= _REMEMBERED:
                self._defaults.clear()
            self._defaults[steps] = self.schema.default_at(steps)
        return self._defaults[steps]

    def _matches_pattern(self, name: str) -> bool:
        return any(_asked(pattern.is_valid, name) for pattern in self._patterns)

    def _why(self, values: dict[str, Any]) -> str:
        if not self._explains:  # the validator's own account of a failure can be exponentially larger than the check
            return "they do not satisfy the schema"
        error = _asked(lambda: next(iter(self._validator.iter_errors(values)), None))
        keyword = error.kind.name
        if error.instance_path:
            return f"the argument {_quoted(str(error.instance_path[0]))} does not satisfy the schema ({keyword})"
        missing = getattr(error.kind, "property", None)
        if keyword == "required" and isinstance(missing, str):
            return f"the argument {_quoted(missing)} is missing"
        return f"they do not satisfy the schema ({keyword})"


class _OfJSON(CompiledDefinition):
    """A compiled definition that takes arguments for what they are."""

    __slots__ = ()

    def __init__(self, whole: CompiledDefinition) -> None:
        for name in CompiledDefinition.__slots__:
            setattr(self, name, getattr(whole, name))
        self._of_json = self

    def invalid(self, arguments: dict[str, Any]) -> str | None:
        return self._invalid(arguments)


def compile_definition(tool: Mapping[str, Any]) -> CompiledDefinition:
    """Compile a tool as in `tools/list`: `{"name", "inputSchema", …}`.

    Never fails: where the schema cannot be used, the definition says so and its arguments are never valid.
    """
    return CompiledDefinition(tool)


def _validator(schema: dict[str, Any]) -> Any:
    try:
        return _asked(jsonschema_rs.validator_for, schema, pattern_options=_REGEX, retriever=_never)
    except Exception as error:
        raise Unusable(str(error).partition("\n")[0][:200]) from None


def _asked(question: Callable[..., Any], *given: Any, **options: Any) -> Any:
    """What the validator answers. A panic in it becomes an ordinary exception, which denies, and ends no process."""
    try:
        return question(*given, **options)
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise RuntimeError(f"the schema validator failed: {error}") from error
        raise


def _never(uri: str) -> Any:
    raise ValueError(f"{uri} is elsewhere, and nothing is fetched")


def _quoted(name: str) -> str:
    text = name if len(name) <= _SHOWN else name[:_SHOWN] + "…"
    return '"' + text.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'
