"""A picture in a terminal that is drawn again and again, and a terminal that is afterwards as it was before."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

import click

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J"
"""Another screen than the one that the shell is on, without a cursor."""
_LEAVE = "\x1b[?25h\x1b[?1049l"
_TERMINATED = 128 + signal.SIGTERM


def live(picture: Callable[[int, int], list[str]], interval: float, *, coloured: bool) -> None:
    """Draw `picture(columns, lines)` every `interval` seconds, and at once when the terminal changes its size.

    Returns on `q`. Ctrl-C and SIGTERM end it as they end any command, Ctrl-Z lets it rest; the terminal is as before
    in each case.
    """
    with _screen() as changed:
        while True:
            size = shutil.get_terminal_size()
            _draw(picture(size.columns, size.lines), size.columns, coloured)
            woken, _, _ = select.select([sys.stdin, changed], [], [], interval)
            if changed in woken:
                os.read(changed, 4096)
            if sys.stdin in woken and os.read(sys.stdin.fileno(), 64)[:1] in (b"q", b"Q", b"\x03", b""):
                return


def _draw(lines: list[str], columns: int, coloured: bool) -> None:
    """One frame in one write, each line cleared behind its text, so that nothing flickers."""
    shown = lines if coloured else [click.unstyle(line) for line in lines]
    # A line that fills the last column leaves the cursor there, and clearing would take its last character.
    ends = ["" if len(click.unstyle(line)) >= columns else "\x1b[K" for line in shown]
    sys.stdout.write("\x1b[H" + "\n".join(line + end for line, end in zip(shown, ends, strict=True)) + "\x1b[J")
    sys.stdout.flush()


@contextlib.contextmanager
def _screen() -> Iterator[int]:
    """The other screen with keys read one by one; gives a descriptor that is readable when a signal came."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    waking, woken = os.pipe()
    os.set_blocking(woken, False)

    def enter() -> None:
        tty.setcbreak(descriptor)
        sys.stdout.write(_ENTER)
        sys.stdout.flush()

    def leave() -> None:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

    def rest(_number: int, _frame: FrameType | None) -> None:
        leave()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        # Here again after `fg`.
        signal.signal(signal.SIGTSTP, rest)
        enter()

    handlers = {signal.SIGWINCH: _only_wake, signal.SIGTERM: _end, signal.SIGTSTP: rest}
    old = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    wakeup = signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    enter()
    try:
        yield waking
    finally:
        leave()
        signal.set_wakeup_fd(wakeup)
        for number, handler in old.items():
            signal.signal(number, handler)
        os.close(waking)
        os.close(woken)


def _only_wake(_number: int, _frame: FrameType | None) -> None:
    """A new size: the waiting ends by the descriptor."""


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(_TERMINATED)
