"""Files of cases: calls, and what a policy is to decide of each (docs/policy-testing.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from gatepost.control.suggest import nearest
from gatepost.control.yamltext import YamlError, to_json
from gatepost.definitions.definition import CATEGORIES
from gatepost.errors import GatepostError
from gatepost.policy.errors import escape
from gatepost.wire import strictjson

SUFFIXES = (".cases.yaml", ".cases.yml", ".cases.json")
EFFECTS = ("allow", "deny", "approve")
_POLICY_SUFFIXES = (".yaml", ".yml", ".json")
_MOST_BYTES = 8 * 1024 * 1024
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a case expects: the effect, and where they are given the rule and words of the message."""

    effect: str
    rule: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One call and what is expected of it.

    Attributes:
        name: its own in its file.
        kind: `tool`, `resource` or `prompt`.
        target: the tool, URI or prompt.
        arguments: of a tool; numbers exact.
        category: of the tool; None takes that of its definition.
        counters: what was used before the call, by counter's name or `name/window`.
        expected: what the decision is to be.
    """

    name: str
    kind: str
    target: str
    expected: Expected
    arguments: dict[str, Any] = field(default_factory=dict)
    category: str | None = None
    counters: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file of cases.

    Attributes:
        file: where it is.
        policy: the file of the policy that they are about.
        tools: definitions by the tool's name, each with `tool` and `category`; None where no file of tools is named.
        cases: in the order of the file.
        watched: every file that was read.
    """

    file: Path
    policy: Path
    tools: Mapping[str, Mapping[str, Any]] | None
    cases: tuple[Case, ...]
    watched: tuple[Path, ...]


def case_files(folder: Path) -> list[Path]:
    """The files of cases in a folder and the folders in it, or the file itself. Raises GatepostError GP-4003."""
    if folder.is_file():
        return [folder]
    found = sorted(path for path in folder.rglob("*") if path.name.endswith(SUFFIXES) and path.is_file())
    if not found:
        raise GatepostError(
            "GP-4003",
            f"There is no file of cases in {folder}.",
            "Write one, such as notes.cases.yaml beside notes.yaml; docs/policy-testing.md shows how.",
        )
    return found


def read_cases(file: Path) -> CaseFile:
    """Reads a file of cases. Raises GatepostError GP-4005, which says where in the file what is wrong."""
    values = _Object(_document(file), "", file)
    policy = file.parent / values.text("policy") if values.has("policy") else _beside(file)
    tools_file = file.parent / values.text("tools") if values.has("tools") else None
    listed = values.take("cases")
    if not isinstance(listed, list) or not listed:
        raise _refused(file, "/cases", "expected a list of cases")
    cases = tuple(_case(_Object(each, f"/cases/{number}", file)) for number, each in enumerate(listed))
    values.done()
    names: set[str] = set()
    for number, case in enumerate(cases):
        if case.name in names:
            raise _refused(file, f"/cases/{number}/name", f"the name {case.name!r} is taken by a case before")
        names.add(case.name)
    tools = None if tools_file is None else read_tools(tools_file)
    watched = (file, policy) if tools_file is None else (file, policy, tools_file)
    return CaseFile(file, policy, tools, cases, watched)


def read_tools(file: Path) -> dict[str, dict[str, Any]]:
    """Definitions by name: of a `tools/list` result, a bare list of tools, or what `server show --json` prints.

    Raises GatepostError GP-4005.
    """
    values = _document(file)
    if isinstance(values, dict) and "definitions" in values:
        listed = values["definitions"]
    else:
        listed = values.get("tools") if isinstance(values, dict) else values
        listed = [{"tool": each, "category": None} for each in listed] if isinstance(listed, list) else None
    if not isinstance(listed, list):
        raise _refused(file, "", "expected a list of tools, a tools/list result, or what server show --json prints")
    found = {}
    for number, each in enumerate(listed):
        tool = each.get("tool") if isinstance(each, dict) else None
        if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
            raise _refused(file, f"/{number}", "expected a tool with a name")
        found[tool["name"]] = {"tool": tool, "category": each.get("category")}
    return found


def _beside(file: Path) -> Path:
    stem = next(file.name.removesuffix(suffix) for suffix in (*SUFFIXES, file.suffix) if file.name.endswith(suffix))
    for suffix in _POLICY_SUFFIXES:
        if (file.parent / f"{stem}{suffix}").is_file() and file.parent / f"{stem}{suffix}" != file:
            return file.parent / f"{stem}{suffix}"
    raise _refused(file, "/policy", f"there is no {stem}.yaml beside it; say which policy is meant")


def _case(values: _Object) -> Case:
    name = values.text("name")
    call = values.object("call")
    kinds = [kind for kind in ("tool", "resource", "prompt") if call.has(kind)]
    if len(kinds) != 1:
        raise call.refused("", "expected exactly one of tool, resource, prompt")
    kind = kinds[0]
    target = call.text(kind)
    arguments = call.take("arguments") if kind == "tool" and call.has("arguments") else {}
    if not isinstance(arguments, dict):
        raise call.refused("/arguments", "expected an object")
    category = call.word("category", CATEGORIES) if kind == "tool" and call.has("category") else None
    call.done()
    counters = {}
    if values.has("counters"):
        used = values.object("counters")
        counters = {key: used.amount(key) for key in used.names()}
    expected = _expected(values)
    values.done()
    return Case(name, kind, target, expected, arguments, category, counters)


def _expected(values: _Object) -> Expected:
    if isinstance(values.peek("expect"), str):
        return Expected(values.word("expect", EFFECTS))
    inner = values.object("expect")
    expected = Expected(
        inner.word("effect", EFFECTS),
        inner.text("rule", empty=True) if inner.has("rule") else None,
        inner.text("message") if inner.has("message") else None,
    )
    inner.done()
    return expected


class _Object:
    """One object of the file, read member by member; `done` refuses what nobody asked for."""

    def __init__(self, value: Any, pointer: str, file: Path) -> None:
        self._pointer = pointer
        self._file = file
        if not isinstance(value, dict):
            raise self.refused("", "expected an object")
        self._values: dict[str, Any] = dict(value)
        self._known: list[str] = []

    def refused(self, pointer: str, why: str) -> GatepostError:
        return _refused(self._file, self._pointer + pointer, why)

    def names(self) -> Iterator[str]:
        return iter(list(self._values))

    def has(self, key: str) -> bool:
        self._known.append(key)
        return key in self._values

    def peek(self, key: str) -> Any:
        return self._values.get(key)

    def take(self, key: str) -> Any:
        self._known.append(key)
        if key not in self._values:
            raise self.refused(f"/{escape(key)}", "is missing")
        return self._values.pop(key)

    def object(self, key: str) -> _Object:
        return _Object(self.take(key), f"{self._pointer}/{escape(key)}", self._file)

    def text(self, key: str, *, empty: bool = False) -> str:
        return self._checked(
            key, lambda value: isinstance(value, str) and (empty or bool(value)), "expected a text", str
        )

    def word(self, key: str, words: tuple[str, ...]) -> str:
        return self._checked(key, lambda value: value in words, f"expected one of {', '.join(words)}", str)

    def amount(self, key: str) -> Decimal:
        def number(value: Any) -> bool:
            return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and value >= 0

        return self._checked(key, number, "expected a number, 0 or more", lambda value: Decimal(str(value)))

    def done(self) -> None:
        for key in self._values:
            raise self.refused(f"/{escape(key)}", f"is no field here. {nearest(key, self._known)}".strip())

    def _checked(self, key: str, test: Callable[[Any], bool], why: str, made: Callable[[Any], _T]) -> _T:
        value = self.take(key)
        if not test(value):
            raise self.refused(f"/{escape(key)}", why)
        return made(value)


def _document(file: Path) -> Any:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise GatepostError(
            "GP-4005", f"{file} cannot be read: {error.strerror}.", "Name a file that is there."
        ) from None
    if len(raw) > _MOST_BYTES:
        raise _refused(file, "", f"is larger than {_MOST_BYTES >> 20} MiB")
    try:
        return strictjson.parse(raw if raw.lstrip(b" \t\r\n")[:1] in (b"{", b"[") else to_json(raw))
    except YamlError as error:
        raise _refused(file, "", str(error)) from None
    except strictjson.StrictJSONError as error:
        where = f"line {error.line}, column {error.column}"
        raise _refused(file, "", f"{error.message.rstrip('.')} ({where})") from None


def _refused(file: Path, pointer: str, why: str) -> GatepostError:
    return GatepostError("GP-4005", f"{file} {pointer or '/'}: {why}.", "docs/policy-testing.md shows the form.")
