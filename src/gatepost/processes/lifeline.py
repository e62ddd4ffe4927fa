"""Makes a child process end when its supervisor does, however the supervisor ended.

The supervisor keeps the writing end of a pipe and never writes; each child waits on the reading end. The system closes
the writing end even after `kill -9`, which the children notice at once.
"""

from __future__ import annotations

import os
import signal
import threading
import time

VARIABLE = "GATEPOST_LIFELINE"
"""Names, in a child's environment, the file descriptor of the reading end."""


def hold(drain_seconds: float = 40.0) -> None:
    """Ends this process with SIGTERM when the supervisor has gone, and by force `drain_seconds` later.

    Without a supervisor (the variable is not set) it does nothing. The variable is taken out of the environment, and
    the descriptor is not passed on, so that no child of this process holds or follows it.
    """
    told = os.environ.pop(VARIABLE, None)
    if told is None:
        return
    descriptor = int(told)
    os.set_inheritable(descriptor, False)
    threading.Thread(target=_follow, args=(descriptor, drain_seconds), name="lifeline", daemon=True).start()


def _follow(descriptor: int, drain_seconds: float) -> None:
    os.read(descriptor, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(drain_seconds)
    os._exit(1)
