"""What a process that serves calls asks of memory, once all that lives as long as it does is made."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_KEPT: Final = 1024 * 1024
"""Bytes that the allocator keeps for the next answer. What it gives back is taken again page by page: about fifty
faults for a result of 100 KB, a sixth of the time that it takes."""


def settle() -> None:
    """Let the collector rest, and the allocator keep what a large answer took."""
    # What was made so far lives on; what a call makes dies without the collector, which may rest longer.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    if sys.platform == "linux":
        try:
            mallopt = ctypes.CDLL(None).mallopt
        except AttributeError:  # not glibc
            return
        mallopt(_M_ARENA_MAX, 1)  # what a thread frees is there for the others
        mallopt(_M_MMAP_THRESHOLD, _KEPT)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
