"""Many files at once: other processes read and classify them, this one writes.

Nothing of a folder is held but a few portions of it: a portion is read when one before it was written.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gatepost.catalogue.index.rows import Rows, rows_of
from gatepost.catalogue.index.sources import Problems, files_of, read_file
from gatepost.errors import GatepostError

WORTH_IT: Final = 16 * 1024 * 1024
"""Bytes of a folder from which other processes are started: below, one is done before they are up."""

_PORTION: Final = 512 * 1024
_MOST_PROCESSES: Final = 4

Portion = tuple[list[Rows], list[str], int]
"""What a portion of files gave: servers, the first sentences on what was left out, and how many there were."""


def read_many(path: Path, problems: Problems, *, processes: int | None = None) -> Iterator[Rows]:
    """As `read_sources`, as rows, and in the same order; a large folder by several processes.

    Args:
        processes: how many read and classify; as many as there are processors where it is None, up to four. One
            processor, or a folder of less than `WORTH_IT` bytes, is read by this process.

    Raises `GatepostError` as `read_sources` does, and GP-5003 where one of the processes is killed.
    """
    files = files_of(path)
    sizes = [_size(file) for file in files]
    if processes is None:
        processes = min(_processors(), _MOST_PROCESSES) if sum(sizes) >= WORTH_IT else 1
    if not path.is_dir() or processes < 2:
        for file in files:
            yield from map(rows_of, read_file(file, problems, alone=not path.is_dir()))
        return
    waiting: deque[Future[Portion]] = deque()
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, _begin)
    try:
        for portion in _portions(files, sizes):
            with _interrupts_held():  # it may start a process
                waiting.append(pool.submit(_read, portion))
            if len(waiting) > processes + 1:
                yield from _done(waiting.popleft(), problems)
        while waiting:
            yield from _done(waiting.popleft(), problems)
    except BrokenProcessPool:
        raise GatepostError(
            "GP-5003",
            "A process that read servers for the index was ended from outside, perhaps for want of memory.",
            "What went in stays; import the folder again, or a part of it.",
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def import_alone() -> None:
    """Has the collector rest longer, in a process that does nothing but import: it makes no circles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _processors() -> int:
    """How many there are for this process; where a system does not say that, as macOS does not, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Holds Ctrl-C back. Processes started meanwhile never hear of it: the one that writes ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _portions(files: list[Path], sizes: list[int]) -> Iterator[list[Path]]:
    portion: list[Path] = []
    bytes_ = 0
    for file, size in zip(files, sizes, strict=True):
        portion.append(file)
        bytes_ += size
        if bytes_ >= _PORTION or len(portion) >= 500:
            yield portion
            portion, bytes_ = [], 0
    if portion:
        yield portion


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # reading it says what is wrong
        return 0


def _done(future: Future[Portion], problems: Problems) -> Iterator[Rows]:
    rows, sentences, number = future.result()
    problems.add_all(sentences, number)
    yield from rows


# -- in the other process ----------------------------------------------------------------------------------------------


def _begin() -> None:
    """Ends when the process that writes is gone, however it went."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import_alone()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _read(files: list[Path]) -> Portion:
    problems = Problems()
    rows = [rows_of(server) for file in files for server in read_file(file, problems)]
    return rows, problems.sentences, problems.number
