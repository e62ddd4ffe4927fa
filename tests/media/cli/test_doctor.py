"""`gatepost-media doctor`: what it says of services that can be used, and of such that cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepost_media.cli.main import run
from gatepost_media.sandbox import Sandbox
from tests.media.trakt.support import sign_in

Findings = dict[str, list[tuple[str, str]]]


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox.in_thread() as box:
        for name, value in {**box.environment(), "GATEPOST_MEDIA_HOME": str(tmp_path / "home")}.items():
            monkeypatch.setenv(name, value)
        yield box


def doctor(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Findings]:
    code = run(["doctor", "--json", *arguments])
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] == (said["problems"] == 0) == (code == 0)
    found: Findings = {}
    for each in said["findings"]:
        found.setdefault(each["service"], []).append((each["level"], f"{each['text']} {each['mend']}"))
    return code, found


def test_where_everything_answers_nothing_is_wrong(
    box: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_in(box, tmp_path / "home")
    (tmp_path / "home").chmod(0o700)
    assert run(["doctor"]) == 0
    said = capsys.readouterr().out
    assert said.endswith("Nothing is wrong.\n")
    assert "Signed in as sandbox" in said and "notifications can be followed" in said
    assert not any(secret in said for secret in (box.plex_token, box.sonarr_key, box.trakt_client_secret))


def test_each_service_that_fails_is_named_with_what_to_do(
    box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLEX_TOKEN", "wrong")
    monkeypatch.setenv("TRAKT_CLIENT_ID", "unknown")
    monkeypatch.setenv("SONARR_API_KEY", "wrong")
    monkeypatch.setenv("RADARR_URL", "http://127.0.0.1:9")
    code, found = doctor(capsys)
    assert code == 1
    wrong = {service: said for service, all_said in found.items() for level, said in all_said if level == "problem"}
    assert sorted(wrong) == ["plex", "radarr", "sonarr", "trakt"]
    assert "PLEX_TOKEN" in wrong["plex"] and "TRAKT_CLIENT_ID" in wrong["trakt"]
    assert "SONARR_API_KEY" in wrong["sonarr"] and "RADARR_URL" in wrong["radarr"]


def test_a_service_that_is_not_configured_is_no_problem(
    box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PLEX_URL", "TRAKT_CLIENT_ID", "SONARR_URL", "RADARR_API_KEY"):
        monkeypatch.delenv(name)
    code, found = doctor(capsys)
    assert code == 0
    assert [level for service in ("plex", "trakt", "sonarr", "radarr") for level, _ in found[service]] == ["note"] * 4


def test_a_skipped_service_is_not_asked(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = doctor(capsys, "--skip", "plex", "--skip", "trakt")
    assert sorted(found) == ["folder", "radarr", "sonarr"]
    assert {seen.service for seen in box.requests} == {"sonarr", "radarr"}


def test_a_service_that_does_not_answer_in_time_is_said_to_be_so(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    box.fault("sonarr", "slow", 1, seconds=30)
    code, found = doctor(capsys, "--skip", "plex", "--skip", "trakt", "--timeout", "0.3")
    assert code == 1 and found["sonarr"][0][0] == "problem" and "0.3 seconds" in found["sonarr"][0][1]
    assert found["radarr"][0][0] == "ok"


def test_a_folder_that_others_can_look_into_is_a_problem(
    box: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    code, found = doctor(capsys, "--skip", "plex", "--skip", "trakt")
    assert code == 1 and "chmod 700" in found["folder"][0][1]


def test_a_variable_that_cannot_be_read_is_a_finding_too(
    box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLEX_URL", "ftp://127.0.0.1")
    code, found = doctor(capsys)
    assert code == 1 and "PLEX_URL" in found["environment"][0][1]
