"""The pages on decisions are complete, and what they promise of the code holds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.docs.markdown import ROOT, read

DECISIONS = ROOT / "docs" / "decisions"


def test_every_decision_is_in_the_list() -> None:
    listed = read(DECISIONS / "README.md").links()
    assert sorted(listed) == sorted(path.name for path in DECISIONS.glob("[0-9]*.md"))


def test_every_dependency_has_its_reason_on_the_page() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[<>=!~; \[]", requirement, maxsplit=1)[0] for requirement in project["dependencies"]}
    page = (DECISIONS / "0001-dependencies.md").read_text(encoding="utf-8")
    rows = [row for row in page.partition("## Why")[0].splitlines() if row.startswith("| `")]
    explained = {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}
    assert explained == needed


def test_every_file_that_keeps_the_standard_regular_expressions_has_its_reason_on_the_page() -> None:
    source = ROOT / "src"
    keeping = {str(path.relative_to(source)) for path in source.rglob("*.py") if "re" in imported(path)}
    page = (DECISIONS / "0001-dependencies.md").read_text(encoding="utf-8")
    table = page.partition("## Where `re` stays")[2].partition("\n## ")[0]
    rows = [row for row in table.splitlines() if row.startswith("| `")]
    explained = [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert sorted(explained) == sorted(keeping)


def imported(path: Path) -> set[str]:
    """The modules that a file imports, also within functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_the_data_plane_loads_nothing_that_a_call_does_not_need() -> None:
    program = "import sys, gatepost.processes.dataplane; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"alembic", "click", "mcp", "pydantic", "sqlalchemy", "starlette", "uvicorn", "yaml"}
