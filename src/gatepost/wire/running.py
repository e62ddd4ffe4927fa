"""Handlers that go on in the callback that brings what they waited for.

A task costs a call two or three turns of the event loop: one to begin, one for each thing it waits for. A `Running`
begins at once, in the callback that completed its request, and goes on in the one that sets its `Signal`. Where its
coroutine waits for anything else (a future, another task, `asyncio.sleep`), it goes on as a task from there.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final, Generic, TypeVar

import msgspec

_T = TypeVar("_T")

_current: Running | None = None
"""Whose coroutine runs in this moment, on whatever loop: a step never gives way to another in the middle."""


class RaisedAlready(RuntimeError):
    """A failure was waited for once more."""


class Signal(msgspec.Struct, Generic[_T], eq=False):  # a struct, like all that is made for each call: made in C
    """A result or failure that one coroutine waits for, at most once: in a `Running`, or in a task."""

    done: bool = False
    _result: Any = None
    _error: BaseException | type[BaseException] | None = None
    _wake: Callable[[], object] | None = None

    def set_result(self, result: _T) -> None:
        """It is there. Whoever waits goes on at once, before this returns."""
        self._result = result
        self.done = True
        if self._wake is not None:
            self._wake()

    def set_exception(self, error: BaseException) -> None:
        """It failed; the failure is raised where it is waited for, and reported nowhere else."""
        self._error = error
        self.done = True
        if self._wake is not None:
            self._wake()

    def wake(self, callback: Callable[[], object] | None) -> None:
        """Call this once when it is set; None takes that back."""
        self._wake = callback

    def __await__(self) -> Generator[Any, Any, _T]:
        if not self.done:
            if _current is not None:
                yield self
            else:
                future = asyncio.get_running_loop().create_future()
                self._wake = lambda: None if future.done() else future.set_result(None)
                yield from future
        error = self._error
        if error is not None:
            self._error = RaisedAlready  # its traceback holds whoever holds this
            try:
                raise error
            finally:
                del error
        return self._result  # type: ignore[no-any-return]


class _AsTask:
    __slots__ = ()

    def __await__(self) -> Generator[Any, None, None]:
        if _current is not None:
            yield self


_AS_TASK: Final = _AsTask()


def as_task() -> _AsTask:
    """Await this before `asyncio.timeout` and whatever else asks for the current task."""
    return _AS_TASK


class Running(msgspec.Struct, eq=False):
    """A coroutine on its way.

    Args:
        on_end: called once, when it has ended. A failure that it leaves in `error` goes to the event loop's exception
            handler.

    Attributes:
        error: what ended it, where it did not end by itself.
    """

    _coroutine: Coroutine[Any, Any, None]
    _loop: asyncio.AbstractEventLoop
    _on_end: Callable[[Running], object]
    _signal: Signal[Any] | None = None
    _task: asyncio.Task[None] | None = None
    _cancelled: bool = False
    error: BaseException | None = None

    def start(self) -> None:
        """Run it up to where it first waits."""
        self._step(None)

    def cancel(self) -> None:
        """Raise `CancelledError` where it waits, in this or a later turn of the loop."""
        if self._task is not None:
            # Behind its first step: one that is cancelled before it would never hand that on to the coroutine.
            self._loop.call_soon(self._task.cancel)
        elif self._signal is not None:
            self._signal.wake(None)
            self._signal = None
            self._loop.call_soon(self._step, asyncio.CancelledError())
        else:  # it runs, or is about to go on: when it next waits
            self._cancelled = True

    def _wake(self) -> None:
        """The signal is set. What runs inside a task would take that for its own, so it waits for the next turn."""
        self._signal = None
        if asyncio.current_task(self._loop) is None:
            self._step(None)
        else:
            self._loop.call_soon(self._step, None)

    def _step(self, error: BaseException | None) -> None:
        global _current
        before, _current = _current, self
        try:
            waits = self._coroutine.send(None) if error is None else self._coroutine.throw(error)
        except StopIteration:
            self._on_end(self)
        except (Exception, asyncio.CancelledError) as escaped:
            self._failed(escaped)
        else:
            if self._cancelled:
                self._cancelled = False
                self._loop.call_soon(self._step, asyncio.CancelledError())
            elif waits.__class__ is Signal:
                self._signal = waits
                waits.wake(self._wake)
            else:
                self._become_task(waits)
        finally:
            _current = before

    def _become_task(self, waits: Any) -> None:
        task = self._task = self._loop.create_task(_continued(self._coroutine, None if waits is _AS_TASK else waits))
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            self._on_end(self)
        else:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        self.error = error
        self._on_end(self)
        left, self.error = self.error, None  # it holds the frames that hold this
        if isinstance(left, Exception):
            self._loop.call_exception_handler({"message": "a handler failed", "exception": left})


class Together:
    """What is ready within one turn of the loop, and goes on side by side at the beginning of the next.

    A hundred times one step, then a hundred times the next, takes a tenth less time than a hundred times from one end
    to the other: code and data of a step stay in the processor's caches.

    Args:
        after: called when all have gone on.
    """

    __slots__ = ("_after", "_ready")

    def __init__(self, after: Callable[[], object] | None = None) -> None:
        self._after = after
        self._ready: list[Callable[[], object]] = []

    def add(self, go_on: Callable[[], object]) -> None:
        """Call this in the next turn. What it raises goes to the loop's exception handler."""
        if not self._ready:
            asyncio.get_running_loop().call_soon(self._go_on)
        self._ready.append(go_on)

    def _go_on(self) -> None:
        ready, self._ready = self._ready, []
        for go_on in ready:
            try:
                go_on()
            except Exception as error:
                asyncio.get_running_loop().call_exception_handler({"message": "a step failed", "exception": error})
        if self._after is not None:
            self._after()


@types.coroutine
def _continued(coroutine: Coroutine[Any, Any, None], waits: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine that has already said what it waits for: a future, or None for the next turn."""
    try:
        while True:
            try:
                sent = yield waits
            except BaseException as error:
                waits = coroutine.throw(error)
            else:
                waits = coroutine.send(sent)
    except StopIteration:
        return
