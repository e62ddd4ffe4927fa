"""`gatepost run` as a client's configuration starts it, in front of real servers."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult

from tests.cli.program import Program
from tests.support.running import OPEN, PLAIN, run_arguments, running

SERVERS = Path(__file__).parent / "servers"
POLICY = {
    "version": "1",
    "default": "deny",
    "hide": ["delete_*"],
    "tools": {
        "add": {"deny_if": [{"conditions": [{"path": "args.a", "op": "gt", "value": 100}], "on_deny": "Too large."}]},
        "steps": {},
        "greet": {},
        "fail": {},
    },
    "resources": {"allow": ["note://open/*"]},
    "prompts": {"allow": ["hello"]},
}
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
Behind = Literal["stdio", "http", "http-json"]
MATRIX = [(behind, mode) for behind in ("stdio", "http", "http-json") for mode in ("auto", "legacy")]


@contextmanager
def server(behind: Behind, script: str = "all_round.py", *more: str) -> Iterator[list[str]]:
    """What to give `gatepost run` for a server behind it."""
    file = str(SERVERS / script)
    if behind == "stdio":
        yield ["--", sys.executable, file, *more, "stdio"]
        return
    flags = ["--json"] if behind == "http-json" else []
    process = subprocess.Popen([sys.executable, file, *more, "http", *flags], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield ["--upstream", process.stdout.readline().strip()]
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@asynccontextmanager
async def official(data: Path, target: list[str], **options: Any) -> AsyncIterator[Client]:
    """The official SDK's client on `gatepost run`."""
    command, *arguments = run_arguments(data, POLICY, "--name", "s", *target)
    parameters = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    async with Client(stdio_client(parameters), **options) as client:
        yield client


@pytest.mark.parametrize(("behind", "mode"), MATRIX)
def test_the_official_client_works_through_run_and_the_log_has_its_calls(
    tmp_path: Path, behind: Behind, mode: Literal["auto", "legacy"]
) -> None:
    asyncio.run(use_everything(tmp_path, behind, mode))
    shown = json.loads(Program(tmp_path / "data")("log", "show", "--json").out)
    calls = [(entry["tool"], entry["decision"]) for entry in shown if entry.get("method") == "tools/call"]
    assert calls[:3] == [("add", "allow"), ("add", "deny"), ("delete_everything", "deny")]
    assert {entry["grant"] for entry in shown if entry["kind"] == "decided"} == {"s"}
    assert Program(tmp_path / "data")("log", "verify").code == 0


async def use_everything(tmp_path: Path, behind: Behind, mode: Literal["auto", "legacy"]) -> None:
    seen: list[float] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append(done)

    async def elicit(*_: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": "Ada"})

    with server(behind) as target:
        async with official(tmp_path / "data", target, mode=mode, elicitation_callback=elicit) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["add", "steps", "greet", "fail"]
            assert (await client.call_tool("add", {"a": 1, "b": 2})).structured_content == {"result": 3}
            denied = await client.call_tool("add", {"a": 101, "b": 2})
            assert denied.is_error
            assert denied.content[0].text == "[POLICY DENIED] Too large."
            with pytest.raises(MCPError, match="Unknown tool: delete_everything"):
                await client.call_tool("delete_everything", {})
            if behind != "http-json" or mode == "auto":
                assert (await client.call_tool("greet", {})).content[0].text == "Hello Ada"
            if behind != "http-json":
                await client.call_tool("steps", {"count": 3}, progress_callback=progress)
                assert seen == [1, 2, 3]
            assert (await client.read_resource("note://open/x")).contents[0].text == "the open note x"
            with pytest.raises(MCPError, match="POLICY DENIED"):
                await client.get_prompt("secret", {})


def test_a_modern_client_reaches_a_program_of_the_legacy_era_alone(tmp_path: Path) -> None:
    async def use(target: list[str]) -> None:
        async with official(tmp_path / "data", target, mode="auto") as client:
            assert (await client.call_tool("add", {"a": 1, "b": 2})).structured_content == {"result": 3}
            assert (await client.call_tool("add", {"a": 101, "b": 2})).is_error

    with server("stdio", "one_era.py", "legacy") as target:
        asyncio.run(use(target))


def test_the_program_has_the_clients_folder_environment_and_standard_error(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN, cwd=tmp_path) as client:
        client.until_said("plain is here")
        client.initialize()
        assert json.loads(client.text("where")) == {"cwd": str(tmp_path), "mark": "here"}


def test_the_programs_exit_code_is_passed_on(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN) as client:
        client.initialize()
        answer = client.call("leave", code=93)
        assert answer["error"]["data"]["code"] == "GP-3005"
        assert client.process.wait(30) == 93
        assert client.rest() == b""


def test_a_client_that_closes_standard_input_gets_its_answers_and_then_the_programs_own_end(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN) as client:
        client.initialize()
        for number in range(20):
            client.send(client.request("tools/call", {"name": "echo", "arguments": {"text": str(number)}}))
        assert client.leave() == 7
        answers = [json.loads(line) for line in client.rest().splitlines()]
        assert sorted(int(answer["result"]["content"][0]["text"]) for answer in answers) == list(range(20))


@pytest.mark.parametrize("first", ["initialize", "tools/call"])
def test_a_client_that_writes_all_it_has_and_leaves_gets_all_answers(tmp_path: Path, first: str) -> None:
    """As `printf … | gatepost run …` does, in either era: the call waits for what has to be asked before it."""
    call = {"name": "echo", "arguments": {"text": "x"}}
    with running(tmp_path / "data", OPEN) as client:
        if first == "initialize":
            info = {"name": "t", "version": "1"}
            client.send(
                client.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info})
            )
            client.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
            client.send(client.request("tools/call", call))
        else:
            client.send(client.request("tools/call", call | {"_meta": MODERN}))
        assert client.leave() == 7
        answers = [json.loads(line) for line in client.rest().splitlines()]
        assert answers[-1]["result"]["content"][0]["text"] == "x"
    log = Program(tmp_path / "data")("log", "show", "--json")
    assert [entry["kind"] for entry in log.json if entry["kind"] == "refused"] == []


def test_a_client_whose_only_line_is_initialize_and_that_leaves_at_once_gets_its_answer(tmp_path: Path) -> None:
    """As `echo … | gatepost run …` does: its input has ended before the program runs."""
    asked = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": asked})
    for ending in ("", "\n"):
        file = tmp_path / "input"
        file.write_text(line + ending)
        with file.open("rb") as given:
            command = run_arguments(tmp_path / "data", OPEN, "--", sys.executable, PLAIN)
            ended = subprocess.run(command, stdin=given, capture_output=True, timeout=60, check=False)
        assert ended.returncode == 7
        assert json.loads(ended.stdout)["result"]["protocolVersion"] == "2025-11-25"


def test_a_program_that_drops_what_it_does_at_the_end_of_its_input_is_let_finish(tmp_path: Path) -> None:
    target = ["--", sys.executable, str(SERVERS / "all_round.py"), "stdio"]
    with running(tmp_path / "data", OPEN, *target) as client:
        client.initialize()
        client.send(client.request("tools/call", {"name": "add", "arguments": {"a": 1, "b": 2}}))
        assert client.leave() == 0
        assert json.loads(client.rest())["result"]["structuredContent"] == {"result": 3}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_reaches_the_program_which_decides_how_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path / "data", OPEN) as client:
        client.initialize()
        client.call("pid")
        client.process.send_signal(number)
        assert client.process.wait(30) == 40 + number
        assert f"signal {number.value}" in client.errors()


def test_a_program_killed_by_a_signal_ends_run_as_a_shell_would_say_it(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN) as client:
        client.initialize()
        os.kill(int(client.text("pid")), signal.SIGKILL)
        assert client.process.wait(30) == 128 + signal.SIGKILL


def test_a_run_that_is_killed_leaves_no_program_behind(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN) as client:
        client.initialize()
        program = int(client.text("pid"))
        client.process.kill()
        client.process.wait(30)
        until(lambda: not Path(f"/proc/{program}").exists())


def until(true: Any) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_standard_output_carries_protocol_frames_alone(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN) as client:
        client.initialize()
        assert client.text("noise", text="a\nb") == "a\nb"
        client.send(b"{not json")
        assert client.read()["error"]["data"]["code"] == "GP-1005"
        client.send(b'{"jsonrpc":"2.0","id":9,"id":9,"method":"ping"}')
        assert client.read()["error"]["data"]["code"] == "GP-1005"
        client.send(b'{"jsonrpc":"2.0","id":10,"method":"ping","params":[]}')
        assert client.read() == {
            "jsonrpc": "2.0",
            "id": 10,
            "error": {
                "code": -32602,
                "message": "The member params must be an object.",
                "data": {"code": "GP-1006"},
            },
        }
        client.send(b" " * (5 << 20))
        assert client.read()["error"]["data"]["code"] == "GP-1008"
        client.send({"jsonrpc": "2.0", "method": "notifications/unknown"})
        assert client.text("echo", text="still here") == "still here"
        client.leave()
        assert client.rest() == b""


def test_a_tool_that_appears_later_is_told_of_and_can_be_called(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN) as client:
        client.initialize()
        assert client.call("grown")["error"]["message"] == "Unknown tool: grown"
        client.send(client.request("tools/call", {"name": "grow"}))
        both = [client.read(), client.read()]
        assert [message["method"] for message in both if "method" in message] == ["notifications/tools/list_changed"]
        assert "isError" not in client.call("grown")["result"]


def test_an_id_that_is_in_flight_is_refused(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN) as client:
        client.initialize()
        request = client.request("tools/call", {"name": "hang"})
        client.send(request)
        client.until_said("hanging")
        client.send(request)
        assert client.read()["error"]["data"]["code"] == "GP-1013"


def test_a_command_that_does_not_exist_is_said_on_standard_error(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN, "--", "/nonexistent/program") as client:
        assert client.process.wait(30) == 127
        assert client.rest() == b""
        (said,) = [line for line in client.errors() if "GP-3005" in line]
        assert "'/nonexistent/program' was not found. Give its full path, or set PATH where the client's file" in said
        assert "gatepost server" not in said


def test_a_policy_with_a_mistake_starts_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "data", {"version": "1", "default": "perhaps"}) as client:
        assert client.process.wait(30) == 1
        assert client.rest() == b""
        assert any("GP-2001" in line for line in client.errors())


def test_a_server_that_cannot_be_reached_is_an_answer_and_is_tried_again(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPEN, "--upstream", "http://127.0.0.1:9/mcp") as client:
        for _ in range(2):
            answer = client.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}})
            assert answer["error"]["data"]["code"] == "GP-3001"
            assert answer["error"]["message"].endswith("Check that it runs there and that its address is right.")
        assert client.leave() == 0


def test_a_limit_counts_over_runs_that_follow_one_another(tmp_path: Path) -> None:
    limited = {
        "version": "1",
        "default": "allow",
        "tools": {"echo": {"limits": [{"counter": "echoes", "window": "month", "max": 3}]}},
    }
    done = []
    for _ in range(2):
        with running(tmp_path / "data", limited) as client:
            client.initialize()
            done += ["isError" in client.call("echo", text="x")["result"] for _ in range(2)]
            client.leave()
    assert done == [False, False, False, True]


def only(*tools: str) -> str:
    return json.dumps({"version": "1", "default": "deny", "tools": {tool: {} for tool in tools}})


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process are set on Linux only")
def test_a_changed_policy_that_cannot_be_read_for_a_moment_judges_once_it_can(tmp_path: Path) -> None:
    with running(tmp_path / "data", json.loads(only("echo"))) as client:
        (file,) = tmp_path.glob("policy-*.json")
        client.initialize()
        assert client.text("echo", text="x") == "x"
        limits = resource.prlimit(client.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(client.pid, resource.RLIMIT_NOFILE, (0, limits[1]))
        file.write_text(only("pid"))
        for _ in range(2):
            assert client.text("echo", text="x") == "x", "the policy stays as it was"
        client.until_said("Too many open files")
        resource.prlimit(client.pid, resource.RLIMIT_NOFILE, limits)
        assert client.text("pid").isdigit()
        assert client.call("echo", text="x")["result"]["isError"]
        client.leave()
        assert sum("stays as it was" in line for line in client.errors()) == 1


def test_a_policy_that_is_a_pipe_is_read_once_and_one_that_becomes_a_pipe_keeps_no_call_waiting(tmp_path: Path) -> None:
    with running(tmp_path / "data", json.loads(only("echo"))) as client:
        (file,) = tmp_path.glob("policy-*.json")
        client.initialize()
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        pipe.replace(file)
        assert client.text("echo", text="x") == "x", "the policy stays as it was"
        client.until_said("it is not a file")
        client.leave()
    given, giving = os.pipe()
    os.write(giving, only("echo").encode())
    os.close(giving)
    nothing = {"version": "1", "default": "deny"}  # of two --policy the last counts
    with running(tmp_path / "data", nothing, "--policy", f"/dev/fd/{given}", pass_fds=(given,)) as client:
        client.initialize()
        assert client.text("echo", text="x") == "x"
        client.leave()
        assert not any("warning" in line for line in client.errors())
    os.close(given)


def test_a_policy_that_changes_judges_from_the_next_call_on_and_one_with_a_mistake_does_not(tmp_path: Path) -> None:
    with running(tmp_path / "data", json.loads(only("echo"))) as client:
        (file,) = tmp_path.glob("policy-*.json")
        client.initialize()
        assert client.text("echo", text="x") == "x"
        assert client.call("pid")["result"]["isError"]
        file.write_text(only("pid"))
        assert client.text("pid").isdigit()
        assert client.call("echo", text="x")["result"]["isError"]
        client.until_said("calls are judged by it as it is now")
        for bad in ('{"version": "1", "default": "perhaps"}', "", "\0"):
            file.write_text(bad)
            assert client.text("pid").isdigit()
        client.until_said("GP-2001")
        file.unlink()
        assert client.text("pid").isdigit()
        client.until_said("cannot be read")
        other = tmp_path / "new.json"
        other.write_text(only("echo"))
        other.replace(file)
        assert client.text("echo", text="x") == "x"
        assert client.call("pid")["result"]["isError"]
        client.leave()
        assert sum("stays as it was" in line for line in client.errors()) == 4
    entries = json.loads(Program(tmp_path / "data")("log", "show", "--json").out)
    versions = [entry["policy_version"] for entry in entries if entry["tool"] == "echo"]
    assert versions[0] == versions[2] != versions[1]
