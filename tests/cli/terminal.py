"""A command on a terminal of its own: what it draws, what is typed, and how it leaves the terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from tests.cli.program import SECONDS, Program


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process, self._descriptor, self.seen = process, descriptor, b""

    def until(self, text: bytes) -> bytes:
        """What came up to and with `text`; it is taken out of what was seen."""
        deadline = time.monotonic() + SECONDS
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen[-2000:]
            self.seen += os.read(self._descriptor, 65536)
        end = self.seen.index(text) + len(text)
        taken, self.seen = self.seen[:end], self.seen[end:]
        return taken

    def frame(self) -> list[str]:
        """The next whole picture, without colours."""
        self.until(b"\x1b[H")
        raw = self.until(b"\x1b[J").decode().removesuffix("\x1b[J").replace("\x1b[K", "")
        return click.unstyle(raw).split("\r\n")

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def type(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)

    def settings(self) -> object:
        return termios.tcgetattr(self._descriptor)


@contextmanager
def terminal(gatepost: Program, *arguments: str, env: dict[str, str] | None = None) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "gatepost", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=gatepost.environment({"TERM": "xterm-256color", **(env or {})}),
        start_new_session=True,
        # The terminal that Ctrl-C is typed on.
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
