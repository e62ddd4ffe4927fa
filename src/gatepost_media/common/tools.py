"""Tools, resources and prompts: how they are declared.

A tool is an async function of a `Context` and its arguments, which returns an `Out`:

    toolset = Toolset("Plex", instructions="…", profiles={"plex-read": "…"})

    @toolset.tool("get_libraries", title="Libraries", effect="read", idempotent=True, profiles=("plex-read",))
    async def get_libraries(ctx: Context) -> Libraries:
        \"\"\"List the libraries.\"\"\"                # the tool's description

Its parameters' annotations are the input schema, its return annotation the output schema. What raises a MediaError is
answered with `isError: true` and that sentence. A tool that returns a `Page` gets a `cursor` argument without declaring
one; `ctx.start` is where to begin.
"""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Concatenate, Literal, ParamSpec, TypeVar, cast

from gatepost_media.common.arguments import CURSOR, Arguments
from gatepost_media.common.output import Json, Out, Page
from gatepost_media.common.process import Process
from gatepost_media.common.schema import model_schema
from gatepost_media.common.settings import Settings

if TYPE_CHECKING:
    from gatepost_media.plex.client import Plex

Effect = Literal["read", "write", "execute", "destructive"]
FULL = "full"

P = ParamSpec("P")
R = TypeVar("R", bound=Out)
Progress = Callable[[float, float | None, str | None], Awaitable[None]]


async def _silent(_done: float, _total: float | None, _message: str | None) -> None:
    """Progress that nobody asked for."""


class Context:
    """One call's view of the process."""

    def __init__(self, process: Process, *, start: int | None = None, report: Progress = _silent) -> None:
        self.process = process
        self.start = start
        """The offset that a given cursor stands for, or None without one."""
        self._report = report
        self._before = self._last = self._told = 0.0

    @property
    def settings(self) -> Settings:
        """The settings of the process."""
        return self.process.settings

    @property
    def plex(self) -> Plex:
        """The process's Plex client. Other services: `ctx.process.of(Trakt)`."""
        from gatepost_media.plex.client import Plex

        return self.process.of(Plex)

    def offset(self, asked: int = 0) -> int:
        """Where a list begins: where the cursor says, else where the caller asked."""
        return asked if self.start is None else self.start

    async def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Tells the client how far the call is, if it asked to be told. Where `done` does not rise, another part of the
        work has begun, and is counted on top of those before: the client is owed a number that rises."""
        if done <= self._last:
            self._before += self._last
        self._last = done
        if self._before + done > self._told:
            self._told = self._before + done
            await self._report(self._told, None if total is None else self._before + total, message)


@dataclass(frozen=True, eq=False)
class Tool:
    """One declared tool."""

    name: str
    title: str
    description: str
    effect: Effect
    idempotent: bool
    open_world: bool
    needs_write: bool
    profiles: frozenset[str]
    aliases: Mapping[str, str]
    function: Callable[..., Awaitable[Out]]

    @cached_property
    def output(self) -> type[Out]:
        """The model of the reply."""
        return cast("type[Out]", typing.get_type_hints(self.function)["return"])

    @cached_property
    def arguments(self) -> Arguments:
        """The arguments' schema and check."""
        return Arguments(self.function, self.aliases, paged=self.paged)

    @property
    def paged(self) -> bool:
        """Whether the reply is a list with a cursor."""
        return issubclass(self.output, Page)

    @cached_property
    def output_schema(self) -> dict[str, Json]:
        """The JSON schema of the reply."""
        return model_schema(self.output)


@dataclass(frozen=True)
class Resource:
    """A resource at a fixed address, or below a template such as `plex://library/{id}`."""

    uri: str
    name: str
    title: str
    description: str
    mime_type: str
    read: Callable[..., Awaitable[str]]

    @property
    def is_template(self) -> bool:
        """Whether the address has a part to be filled in."""
        return "{" in self.uri

    def match(self, uri: str) -> dict[str, str] | None:
        """The filled-in parts of an address, or None where it is another resource's."""
        pattern, given = self.uri.split("/"), uri.split("/")
        if len(pattern) != len(given):
            return None
        values = {}
        for expected, part in zip(pattern, given, strict=True):
            if expected.startswith("{"):
                values[expected[1:-1]] = part
            elif expected != part:
                return None
        return values


@dataclass(frozen=True)
class ListedResource:
    """One resource of a template that exists now, for `resources/list`."""

    uri: str
    name: str
    title: str
    description: str = ""
    mime_type: str = "application/json"


@dataclass(frozen=True)
class PromptArgument:
    """An argument of a prompt; always text."""

    name: str
    description: str
    required: bool = False


@dataclass(frozen=True)
class Prompt:
    """A prompt: its text is made from its arguments."""

    name: str
    title: str
    description: str
    arguments: Sequence[PromptArgument]
    write: Callable[[Mapping[str, str]], str]


@dataclass
class Toolset:
    """Everything that one server offers."""

    name: str
    instructions: str
    profiles: Mapping[str, str] = field(default_factory=dict)
    """Profile name → what it is for. `full`, everything, always exists."""
    tools: dict[str, Tool] = field(default_factory=dict)
    resources: list[Resource] = field(default_factory=list)
    listers: list[Callable[[Context], Awaitable[Sequence[ListedResource]]]] = field(default_factory=list)
    prompts: dict[str, Prompt] = field(default_factory=dict)
    nulls: bool = True
    """Whether input schemas name null as a value of what may be left out. It is taken in any case."""

    def tool(
        self,
        name: str,
        *,
        title: str,
        effect: Effect,
        idempotent: bool,
        profiles: tuple[str, ...],
        open_world: bool = True,
        needs_write: bool | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> Callable[[Callable[Concatenate[Context, P], Awaitable[R]]], Callable[Concatenate[Context, P], Awaitable[R]]]:
        """Declares a tool.

        `effect` other than "read" puts it behind `--write`, unless `needs_write=False` (signing in, which must always
        be possible). `aliases` maps a second spelling to the parameter it stands for. Raises ValueError for a name that
        is taken and for a profile that the toolset does not have.
        """
        unknown = set(profiles) - set(self.profiles) - {FULL}
        if unknown:
            raise ValueError(f"{name}: no such profile: {sorted(unknown)}")
        if name in self.tools:
            raise ValueError(f"{name} is declared twice")

        def declare(
            function: Callable[Concatenate[Context, P], Awaitable[R]],
        ) -> Callable[Concatenate[Context, P], Awaitable[R]]:
            self.tools[name] = Tool(
                name=name,
                title=title,
                description=_description(function.__doc__),
                effect=effect,
                idempotent=idempotent,
                open_world=open_world,
                needs_write=(effect != "read") if needs_write is None else needs_write,
                profiles=frozenset({*profiles, FULL}),
                aliases=aliases or {},
                function=function,
            )
            return function

        return declare

    def resource(
        self, uri: str, *, name: str, title: str, description: str, mime_type: str = "application/json"
    ) -> Callable[[Callable[..., Awaitable[str]]], Callable[..., Awaitable[str]]]:
        """Declares a resource; the function takes the context, and the template's parts by name."""

        def declare(function: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
            self.resources.append(Resource(uri, name, title, description, mime_type, function))
            return function

        return declare

    def lister(
        self, function: Callable[[Context], Awaitable[Sequence[ListedResource]]]
    ) -> Callable[[Context], Awaitable[Sequence[ListedResource]]]:
        """Declares what lists the resources that exist now below templates."""
        self.listers.append(function)
        return function

    def prompt(
        self, name: str, *, title: str, description: str, arguments: Sequence[PromptArgument] = ()
    ) -> Callable[[Callable[[Mapping[str, str]], str]], Callable[[Mapping[str, str]], str]]:
        """Declares a prompt; the function makes its text from the arguments given."""

        def declare(function: Callable[[Mapping[str, str]], str]) -> Callable[[Mapping[str, str]], str]:
            self.prompts[name] = Prompt(name, title, description, arguments, function)
            return function

        return declare

    def include(self, other: Toolset) -> None:
        """Takes over everything that another toolset declares. Raises ValueError for a name that is taken."""
        taken = self.tools.keys() & other.tools.keys()
        if taken:
            raise ValueError(f"declared twice: {sorted(taken)}")
        self.tools.update(other.tools)
        self.resources.extend(other.resources)
        self.listers.extend(other.listers)
        self.prompts.update(other.prompts)

    def listed(self, *, write: bool, profiles: Sequence[str] = (FULL,)) -> list[Tool]:
        """The tools shown, in the order of their declaration. Raises ValueError for an unknown profile."""
        unknown = set(profiles) - set(self.profiles) - {FULL}
        if unknown:
            raise ValueError(f"no such profile: {', '.join(sorted(unknown))}")
        asked = set(profiles)
        return [each for each in self.tools.values() if each.profiles & asked and (write or not each.needs_write)]


def _description(docstring: str | None) -> str:
    if not docstring:
        raise TypeError("a tool's docstring is its description")
    return " ".join(docstring.split())


__all__ = [
    "CURSOR",
    "FULL",
    "Context",
    "Effect",
    "ListedResource",
    "Prompt",
    "PromptArgument",
    "Resource",
    "Tool",
    "Toolset",
]
