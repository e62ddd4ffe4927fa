"""From an entry of a client's file to how its server is reached: variables filled in, secrets apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatepost.connect.reading import Listed
from gatepost.control.target import Target, check_target
from gatepost.errors import GatepostError
from gatepost.importing.secrets import without_secrets

_LEGACY_SSE = "it is reached by the old HTTP+SSE transport, which Gatepost does not speak"
_URL_KEYS = ("url", "httpUrl", "serverUrl")
_HEADER_KEYS = ("headers", "http_headers")
_EDITORS = frozenset({"cursor", "vscode", "windsurf", "cline", "generic"})
_SHELLS = frozenset({"claude-code", "gemini-cli"})


class CannotImport(ValueError):
    """An entry that is left as it is; the text says why, in words that go on from “left as it is:”."""


class SwitchedOff(CannotImport):
    """An entry that the client itself does not use."""


@dataclass(frozen=True, slots=True)
class Around:
    """What an entry's variables are filled in from.

    Attributes:
        client: the client's id; each has its own way to write variables.
        environ: variables of the user.
        home: the user's folder.
        inputs: answers to what VS Code would ask for, by the input's id.
    """

    client: str
    environ: Mapping[str, str] = field(repr=False)
    home: Path
    inputs: Mapping[str, str] = field(default_factory=dict, repr=False)


def target_of(listed: Listed, around: Around) -> Target:
    """How the server is reached, its name not yet given. Raises CannotImport."""
    entry = listed.entry
    if entry.get("disabled") is True or entry.get("enabled") is False:
        raise SwitchedOff("it is switched off in the client")
    filled = _Filler(around, listed)
    url = next((entry[key] for key in _URL_KEYS if isinstance(entry.get(key), str)), None)
    if (url is None) == (not isinstance(entry.get("command"), str)):
        raise CannotImport("it has neither a command nor a URL, or both")
    target = _reached_at(filled, entry, url) if url is not None else _program(filled, entry, listed, around)
    try:
        check_target(target)
    except GatepostError as error:
        raise CannotImport(f"{error.message} {error.hint}".strip()) from None
    return target


def _reached_at(filled: _Filler, entry: Mapping[str, Any], url: str) -> Target:
    if entry.get("type") == "sse" or entry.get("transport") == "sse":
        raise CannotImport(_LEGACY_SSE)
    headers: dict[str, str] = {}
    for key in _HEADER_KEYS:
        headers.update((name, filled.text(value)) for name, value in _texts(entry, key).items())
    headers.update((name, filled.variable(value)) for name, value in _texts(entry, "env_http_headers").items())
    if isinstance(bearer := entry.get("bearer_token_env_var"), str):
        headers["Authorization"] = f"Bearer {filled.variable(bearer)}"
    return Target("", url=filled.text(url), headers=tuple(headers.items()))


def _program(filled: _Filler, entry: Mapping[str, Any], listed: Listed, around: Around) -> Target:
    args = entry.get("args", [])
    if not isinstance(args, list) or not all(isinstance(each, str) for each in args):
        raise CannotImport("its args are no list of texts")
    env = {}
    if isinstance(file := entry.get("envFile"), str):
        env.update(_env_file(Path(filled.text(file))))
    for name in entry.get("env_vars") or []:
        wanted = name.get("name") if isinstance(name, Mapping) else name
        if isinstance(wanted, str) and wanted in around.environ:
            env[wanted] = around.environ[wanted]
    own = _texts(entry, "env")
    env.update((name, filled.text(value)) for name, value in own.items())
    filled.own = frozenset(env)
    command, hidden = without_secrets([filled.text(entry["command"]), *map(filled.text, args)])
    folder = listed.folder or around.home
    if isinstance(cwd := entry.get("cwd"), str) and cwd:
        folder = folder / filled.text(cwd)
    return Target("", command=command, env={**env, **hidden}, cwd=str(folder))


def _texts(entry: Mapping[str, Any], key: str) -> dict[str, str]:
    """A table of texts; numbers and truth values in it are their text, as clients hand them to a program."""
    table = entry.get(key) or {}
    if not isinstance(table, Mapping):
        raise CannotImport(f"its {key} is no table of texts")
    found = {}
    for name, value in table.items():
        if isinstance(value, bool):
            value = str(value).lower()
        if value is None:
            continue
        if not isinstance(value, (str, int, float)):
            raise CannotImport(f"{name} in its {key} is no text")
        found[name] = str(value)
    return found


def _env_file(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise CannotImport(f"its envFile {file} cannot be read") from None
    found = {}
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            value = value.strip()
            quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
            found[name.strip()] = value[1:-1] if quoted else value
    return found


class _Filler:
    """Fills the variables in, by the client's own rules. What is no variable there stays as it is."""

    def __init__(self, around: Around, listed: Listed) -> None:
        self._around = around
        self._folder = listed.folder
        self.own: frozenset[str] = frozenset()

    def text(self, text: str) -> str:
        """The text with every `${…}` replaced that the client would replace. Raises CannotImport."""
        parts: list[str] = []
        rest = text
        while "${" in rest:
            before, _, rest = rest.partition("${")
            inner, closed, after = rest.partition("}")
            value = self._value(inner) if closed else None
            parts += [before, "${" if value is None else value]
            rest = after if value is not None else rest
        return "".join([*parts, rest])

    def variable(self, name: str) -> str:
        """The user's variable. Raises CannotImport where it is not set."""
        value = self._around.environ.get(name)
        if value is None:
            raise CannotImport(f"it needs the variable {name}, which is not set here; set it and run this again")
        return value

    def _value(self, inner: str) -> str | None:
        around = self._around
        if around.client in _SHELLS:
            return self._of_shell(inner)
        if around.client not in _EDITORS:
            return None
        kind, colon, name = inner.partition(":")
        if colon and kind == "env":
            return self.variable(name)
        if colon and kind == "input":
            if name not in around.inputs:
                raise CannotImport(f"the client asks for the input {name}; give it with --input {name}=@FILE")
            return around.inputs[name]
        if colon and kind == "file":
            return self._file(Path(name).expanduser())
        if colon and kind in ("command", "config", "workspaceFolder"):
            raise CannotImport(f"only the client knows what ${{{inner}}} stands for; write that in its place")
        known: dict[str, Callable[[], str]] = {
            "userHome": lambda: str(around.home),
            "workspaceFolder": lambda: str(self._workspace()),
            "workspaceFolderBasename": lambda: self._workspace().name,
            "pathSeparator": lambda: "/",
            "/": lambda: "/",
        }
        return known[inner]() if inner in known else None

    def _of_shell(self, inner: str) -> str | None:
        name, has_default, default = inner.partition(":-")
        if not name.replace("_", "a").isalnum() or not name.isascii():
            return None
        if has_default:
            return self._around.environ.get(name) or default
        if name in self.own and name not in self._around.environ:
            return None  # the program fills it in from its own variables
        return self.variable(name)

    def _workspace(self) -> Path:
        if self._folder is None:
            raise CannotImport("it depends on the folder that is open in the editor (${workspaceFolder})")
        return self._folder

    def _file(self, file: Path) -> str:
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise CannotImport(f"its file {file} cannot be read") from None
