"""`gatepost-media plex` and `trakt`, as somebody starts them beside each other."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

PROGRAM = [sys.executable, "-c", "from gatepost_media.cli.main import main; main()"]


@pytest.mark.parametrize(("server", "port"), [("plex", 7080), ("trakt", 7081)])
def test_each_server_has_a_port_of_its_own_where_none_is_named(server: str, port: int) -> None:
    told = subprocess.run([*PROGRAM, server, "--help"], capture_output=True, text=True, check=True).stdout
    options = " ".join(click.unstyle(told).split())
    assert f"Port for --http. [default: {port};" in options
    assert f"gatepost-media {server} --http # streamable HTTP on port {port}" in options
