"""The policy of a `gatepost run`: a file, taken up again when it has changed."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Final

from gatepost.control.policies import check
from gatepost.errors import GatepostError
from gatepost.policy import Policy, compile_policy

_Mark = tuple[int, int, int, int]
_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0)


class PolicyFile:
    """A policy in a file. Raises `OSError` and `GatepostError` GP-2001 where it cannot be used from the start.

    Attributes:
        policy: as the file said it when it last could be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._seen = _mark(self.path)
        self._unread = False
        self.policy = _compiled(self.path.read_bytes())

    @property
    def name(self) -> str:
        """What the log calls it."""
        return self.path.stem

    def changed(self) -> bool:
        """Look whether the file is another by now, some 2 µs; True where `policy` is.

        A file that cannot be used leaves the policy as it was, and is told of once on standard error. One that cannot
        be read is read again with every look until it can: that may be a matter of a moment, and change nothing of it.
        """
        mark = _mark(self.path)
        if mark == self._seen:
            self._unread = False
            return False
        try:
            policy = _compiled(_bytes_of_a_file(self.path))
        except OSError as error:
            told, self._unread = self._unread, True
            return not told and self._tell(f"cannot be read ({error.strerror}), so the policy stays as it was.")
        except GatepostError as why:
            self._seen, self._unread = mark, False
            return self._tell(f"cannot be used, so the policy stays as it was. {why.code}: {why}")
        self._seen, self._unread = mark, False
        if policy.version == self.policy.version:
            return False
        self.policy = policy
        print(f"{self.path} has changed: calls are judged by it as it is now.", file=sys.stderr, flush=True)
        return True

    def _tell(self, why: str) -> bool:
        print(f"warning: {self.path} {why}", file=sys.stderr, flush=True)
        return False


def _compiled(text: bytes) -> Policy:
    return compile_policy(check(text).text)


def _bytes_of_a_file(path: Path) -> bytes:
    """What a file holds. Raises `OSError` for anything else: a pipe would be waited for, and every call with it.

    It is looked at once it is open, for by its path it may be another thing the moment after.
    """
    descriptor = os.open(path, os.O_RDONLY | _AT_ONCE)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _mark(path: Path) -> _Mark | None:
    """What is another when a file was written or replaced; None where there is none, or a pipe, which is read once."""
    try:
        there = os.stat(path)  # noqa: PTH116 - it is asked for with every call
    except OSError:
        return None
    if not stat.S_ISREG(there.st_mode):
        return None
    return there.st_mtime_ns, there.st_ctime_ns, there.st_size, there.st_ino
