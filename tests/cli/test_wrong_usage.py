"""Names, addresses, headers, variables and sources of secrets that are none: exit code 2, and nothing is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Program

WITHOUT = ["/no/such/program"]
"""A program that would not start: what is refused before it is tried ends otherwise."""


@pytest.fixture(autouse=True)
def _here(gatepost: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPOST_DATA", str(gatepost.data))  # `--data` behind `--` would be the program's


def refused(gatepost: Program, arguments: list[str], code: str, said: str) -> None:
    ran = gatepost.quick(*arguments)
    assert ran.err.startswith(f"error {code}: "), ran.err
    assert said in ran.err
    assert "--help\n" in ran.err
    assert ran.code == 2
    assert ran.out == ""
    assert not gatepost.data.exists()


@pytest.mark.parametrize("command", [["server", "add", "name"], ["scan"]])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--url", "ftp://example.com"], "is not an http or https URL"),
        (["--url", "http://example.com:99999/"], "The URL cannot be read"),
        (["--url", "https://me:secret@example.com/"], "--header"),
        (["--url", "https://example.com/?api_key=1"], "looks like a secret"),
        (["--url", "http://127.0.0.1:9/", "--header", "X-Key"], "is not a header"),
        (["--url", "http://127.0.0.1:9/", "--header", "X-Key: written-out"], "stay in the shell's history"),
        (["--url", "http://127.0.0.1:9/", "--header", "X-Key: @/no/such/file"], "cannot be read"),
        (["--url", "http://127.0.0.1:9/", "--header", "X-Key: env:NOT_SET_ANYWHERE"], "is not set"),
        (["--url", "http://127.0.0.1:9/", "--header", "Host: env:PATH"], "Leave it out"),
        (["--env", "NOTHING", "--", *WITHOUT], "is not a variable"),
        (["--env", "1A=b", "--", *WITHOUT], "is not a variable"),
        (["--env", "A=@/no/such/file", "--", *WITHOUT], "cannot be read"),
        (["--", ""], "program is empty"),
    ],
)
def test_a_server_that_cannot_be_meant_is_wrong_usage(
    gatepost: Program, command: list[str], options: list[str], said: str
) -> None:
    refused(gatepost, [*command, *options], "GP-4005", said)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--name", "No Name", "--", *WITHOUT], "GP-4001", "is not a name for a server"),
        (["--identity", "a\nb", "--", *WITHOUT], "GP-4005", "is not an identity"),
        (["--upstream", "ftp://example.com"], "GP-4005", "is not an http or https URL"),
        (["--upstream", "http://127.0.0.1:9/", "--header", "X-Key: written-out"], "GP-4005", "shell's history"),
    ],
)
def test_a_run_of_what_cannot_be_meant_is_wrong_usage(
    gatepost: Program, tmp_path: Path, options: list[str], code: str, said: str
) -> None:
    (tmp_path / "policy.json").write_text('{"version": "1", "default": "allow"}')
    refused(gatepost, ["run", "--policy", str(tmp_path / "policy.json"), *options], code, said)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["server", "add", "No Name", "--", *WITHOUT], "GP-4001", "is not a name for a server"),
        (["server", "add", "", "--url", "http://127.0.0.1:9/"], "GP-4001", "is not a name for a server"),
        (["policy", "add", "no name", "-", "--server", "files"], "GP-4001", "is not a name for a policy"),
        (["grant", "add", "no name", "--server", "files"], "GP-4001", "is not a name for a grant"),
        (["grant", "add", "name", "--server", "files", "--identity", " a"], "GP-4005", "is not an identity"),
        (["grant", "add", "name", "--server", "files", "--expires", "soon"], "GP-4005", "30d"),
        (["connect", "cursor", "--server", "files", "--token", "gp_short"], "GP-4005", "is not a token"),
        (["connect", "cursor", "--server", "files", "--token", "@/no/such/file"], "GP-4005", "cannot be read"),
        (["catalogue", "import", "--registry", "registry.example"], "GP-4005", "registry's URL"),
        (["serve", "--public-url", "gateway.example"], "GP-6004", "is not a URL"),
        (["serve", "--trusted-proxy", "the-proxy"], "GP-6004", "an address or a network"),
    ],
)
def test_a_name_or_address_that_is_none_is_wrong_usage(
    gatepost: Program, arguments: list[str], code: str, said: str
) -> None:
    refused(gatepost, arguments, code, said)


def test_an_answer_or_passphrase_that_is_written_out_is_wrong_usage(ready: Program, tmp_path: Path) -> None:
    (tmp_path / "mcp.json").write_text('{"mcpServers": {}}')
    for arguments in (
        ["server", "import", str(tmp_path / "mcp.json"), "--input", "key=written-out"],
        ["export-data", str(tmp_path / "out"), "--with-keys", "--passphrase", "written-out"],
    ):
        ran = ready.quick(*arguments)
        assert ran.code == 2
        assert "error GP-4005: A secret written on the command line" in ran.err
        assert "written-out" not in ran.err
    assert not (tmp_path / "out").exists()


def test_what_is_well_formed_and_not_there_is_no_wrong_usage(ready: Program) -> None:
    for arguments in (["server", "show", "none"], ["server", "show", "No Name"], ["server", "accept", "No Name"]):
        ran = ready.quick(*arguments)
        assert (ran.code, "error GP-4003: There is no server" in ran.err) == (1, True)
    assert "error GP-4002" in ready.quick("server", "add", "files", "--", *WITHOUT).err


@pytest.mark.parametrize("command", [["server", "add", "name"], ["scan"], ["run", "--policy", "p.yaml"]])
def test_an_option_of_the_servers_program_without_the_two_hyphens_is_said_to_want_them(
    gatepost: Program, command: list[str]
) -> None:
    ran = gatepost.quick(*command, "npx", "-y", "server")
    assert (ran.code, ran.out) == (2, "")
    assert "No such option '-y'" in ran.err
    assert "put -- before the program's name" in ran.err
    assert "put --" not in gatepost.quick(*command, "--no-such-option", "--", *WITHOUT).err
