"""Secrets: where they are taken from, and that they are nowhere in the clear afterwards."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from gatepost.control.grants import add_grant, rotate_grant
from gatepost.control.secrets import parse_env, parse_header, read_secret
from gatepost.control.servers import add_server, list_servers, remove_server
from gatepost.control.store import open_store
from gatepost.control.tools import store_scan
from gatepost.errors import GatepostError
from gatepost.paths import DataFolder
from tests.control.helpers import ANNA, acts, tool

SECRET = "s3cr3t-Wert-ä€"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text(SECRET + "\n", encoding="utf-8")
    return path


def _stdin(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))


def test_a_secret_comes_from_a_file_a_variable_or_standard_input(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", SECRET)
    _stdin(monkeypatch, SECRET.encode() + b"\r\n")
    assert read_secret(f"@{file}") == read_secret("env:MY_SECRET") == read_secret("-") == SECRET


def test_a_pipe_is_read_like_a_file() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"piped\n")
    os.close(writer)
    assert read_secret(f"@/dev/fd/{reader}") == "piped"
    os.close(reader)


def test_the_home_sign_is_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(file.parent))
    assert read_secret("@~/secret.txt") == SECRET


@pytest.mark.parametrize("text", [SECRET, "", "file", "env", "--", " @file"])
def test_a_secret_written_out_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(GatepostError) as refused:
        read_secret(text)
    assert refused.value.code == "GP-4005"
    assert "shell's history" in refused.value.message
    assert SECRET not in str(refused.value)
    assert "@FILE" in refused.value.hint


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb", b"a\0b", b"\xff", b"a" * 65_537, b"a\x7f"])
def test_a_source_without_a_usable_secret_is_refused_without_repeating_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(GatepostError) as refused:
        read_secret(f"@{path}")
    assert refused.value.code == "GP-4005"
    assert len(str(refused.value)) < 500


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GatepostError, match=r"nowhere.*No such file"):
        read_secret(f"@{tmp_path / 'nowhere'}")
    with pytest.raises(GatepostError, match=r"variable GATEPOST_NOT_SET is not set"):
        read_secret("env:GATEPOST_NOT_SET")
    with pytest.raises(GatepostError, match="Is a directory"):
        read_secret(f"@{tmp_path}")


def test_a_header_takes_its_value_from_a_source_with_or_without_a_word_before_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SECRET", "v")
    assert parse_header(f"X-Key: @{file}") == ("X-Key", SECRET)
    assert parse_header("X-Key:env:MY_SECRET") == ("X-Key", "v")
    assert parse_header("Authorization:  Bearer env:MY_SECRET ") == ("Authorization", "Bearer v")
    _stdin(monkeypatch, b"w")
    assert parse_header("Authorization: Basic -") == ("Authorization", "Basic w")


@pytest.mark.parametrize(
    "text", ["X-Key: literal", "Authorization: Bearer literal", "Authorization: Bearer a b", f"X: {SECRET}"]
)
def test_a_headers_value_written_out_is_refused(text: str) -> None:
    with pytest.raises(GatepostError, match="shell's history") as refused:
        parse_header(text)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("text", ["", "X-Key", "X-Key:", ": @f", "X Key: @f", "X-Key: @f\nY: @g", SECRET])
def test_what_is_no_header_is_refused(text: str) -> None:
    with pytest.raises(GatepostError) as refused:
        parse_header(text)
    assert refused.value.code == "GP-4005"
    assert SECRET not in str(refused.value)


def test_what_has_no_name_of_a_header_is_not_repeated() -> None:
    with pytest.raises(GatepostError, match=r"^What was given is not a header\."):
        parse_header("X-Key s3cr3t")


def test_a_variable_is_written_out_or_taken_from_a_source(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "a\nb\n")
    assert parse_env("LEVEL=info") == ("LEVEL", "info")
    assert parse_env("EMPTY=") == ("EMPTY", "")
    assert parse_env("EQUALS=a=b") == ("EQUALS", "a=b")
    assert parse_env(f"KEY=@{file}") == ("KEY", SECRET)
    assert parse_env("KEY=env:MY_SECRET") == ("KEY", "a\nb")


@pytest.mark.parametrize("text", ["", "KEY", "=v", "1A=v", "A-B=v", "A B=v"])
def test_what_is_no_variable_is_refused(text: str) -> None:
    with pytest.raises(GatepostError) as refused:
        parse_env(text)
    assert refused.value.code == "GP-4005"


def test_no_file_of_the_data_folder_holds_a_secret_in_the_clear(folder: DataFolder) -> None:
    secrets = {name: f"geheim-{name}-0123456789" for name in ("header", "env")}
    with open_store(folder) as store:
        add_server(store, ANNA, "web", url="https://a.example", headers=[("X-Key", secrets["header"])])
        add_server(store, ANNA, "prog", command=["x"], env={"KEY": secrets["env"]})
        store_scan(store, ANNA, "web", [tool("t")])
        secrets["token"] = add_grant(store, ANNA, "ci", server="web").value.token
        secrets["rotated"] = rotate_grant(store, ANNA, "ci", overlap=60).value.token
        shown = repr(list_servers(store)) + repr(acts(folder))
        found = [
            (name, path.name)
            for path in folder.root.rglob("*")
            if path.is_file()
            for name, secret in secrets.items()
            if secret.encode() in path.read_bytes()
        ]
        remove_server(store, ANNA, "prog")
    assert found == []
    assert not any(secret in shown for secret in secrets.values())
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.root.rglob("*"))
