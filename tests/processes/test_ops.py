"""The control sockets: a line asks, a line answers."""

from __future__ import annotations

import asyncio
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatepost.errors import GatepostError
from gatepost.processes import ops


@pytest.fixture
def address() -> Iterator[Path]:
    # Not tmp_path: the address of a unix socket may have no more than 103 bytes.
    with tempfile.TemporaryDirectory(prefix="gp-") as folder:
        yield Path(folder) / "a.sock"


async def _echo(request: dict[str, Any]) -> dict[str, Any]:
    return {"said": request["text"]}


async def _fail(_request: dict[str, Any]) -> dict[str, Any]:
    raise GatepostError("GP-4003", "There is no such thing.", "Make one.")


def test_an_answer_comes_back_and_the_socket_is_private(address: Path) -> None:
    async def talk() -> dict[str, Any] | None:
        server = await ops.listen(address, {"echo": _echo})
        try:
            assert stat.S_IMODE(address.stat().st_mode) == 0o600
            return await ops.ask(address, {"op": "echo", "text": "hello"}, seconds=5)
        finally:
            server.close()

    assert asyncio.run(talk()) == {"said": "hello"}


def test_the_same_from_a_program_without_a_loop(address: Path) -> None:
    async def talk() -> dict[str, Any] | None:
        server = await ops.listen(address, {"echo": _echo})
        try:
            return await asyncio.to_thread(ops.ask_now, address, {"op": "echo", "text": "x" * 50_000}, seconds=5)
        finally:
            server.close()

    assert asyncio.run(talk()) == {"said": "x" * 50_000}


@pytest.mark.parametrize(("op", "code"), [("fail", "GP-4003"), ("unknown", "GP-4005")])
def test_an_error_crosses_the_socket_with_its_code(address: Path, op: str, code: str) -> None:
    async def talk() -> None:
        server = await ops.listen(address, {"fail": _fail})
        try:
            await ops.ask(address, {"op": op}, seconds=5)
        finally:
            server.close()

    with pytest.raises(GatepostError) as refused:
        asyncio.run(talk())
    assert refused.value.code == code


def test_nobody_there_is_no_error(address: Path) -> None:
    assert asyncio.run(ops.ask(address, {"op": "echo"}, seconds=5)) is None
    assert ops.ask_now(address, {"op": "echo"}, seconds=5) is None


def test_one_who_never_answers_is_given_up(address: Path) -> None:
    async def talk() -> dict[str, Any] | None:
        async def hang(_request: dict[str, Any]) -> dict[str, Any]:
            await asyncio.Event().wait()
            return {}

        server = await ops.listen(address, {"hang": hang})
        try:
            return await ops.ask(address, {"op": "hang"}, seconds=0.05)
        finally:
            server.close()

    assert asyncio.run(talk()) is None
