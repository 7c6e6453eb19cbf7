"""The blocking doorway: a storage for callers without an event loop.

One thread runs the loop, and nothing is written twice. It is the convenient path, not the fast one: every call
crosses to that thread and back. What a caller passes in to be called, an iterator of bytes for example, runs on the
caller's own thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from inspect import isawaitable
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, cast

from unison_storage.errors import Closed, InvalidConfig, NotOpen, WrongLoop
from unison_storage.stores.cached import BY_HANDLE
from unison_storage.stores.filling import OF_CALLER

if TYPE_CHECKING:
    from unison_storage.storage import Storage

_STORES: Final = "unison_storage.stores."
_CLOSE_TIMEOUT: Final = 30.0
_END: Final = object()
_CLOSED: Final = "this storage is closed; open it again with `with storage.blocking()`"


class Errands:
    """What the loop asks the thread of one caller to do while that waits for its call."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = SimpleQueue()
        self._asked: set[asyncio.Future[Any]] = set()
        self._left = False

    async def ask(self, act: Callable[[], Any]) -> Any:
        """Return what ``act`` returns on the caller's thread; cancelled where the caller has left."""
        if self._left:
            raise asyncio.CancelledError
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked.add(answer)
        # in the context of the loop, so that what it asks of the storage is known to come from here
        self._queue.put((partial(copy_context().run, act), answer))
        try:
            return await answer
        finally:
            self._asked.discard(answer)

    def end(self) -> None:
        """Tell the caller that its call has ended."""
        self._queue.put(None)

    def leave(self) -> None:
        """Cancel what was asked and is not done: the caller has left. Runs on the loop."""
        self._left = True
        for answer in self._asked:
            answer.cancel()

    def serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do what is asked, on this thread, until the call has ended."""
        while (errand := self._queue.get()) is not None:
            act, answer = errand
            try:
                result = act()
            except Exception as error:  # noqa: BLE001 - the caller's own code: its errors go where it is waited for
                loop.call_soon_threadsafe(_fail, answer, error)
            else:
                loop.call_soon_threadsafe(_answer, answer, result)


class LoopThread:
    """An event loop on a thread of its own. Calls may come from any thread that runs no loop itself."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._closing = False
        # between this check and the call being scheduled the loop must not be stopped
        self._gate = threading.Lock()
        self._thread = threading.Thread(target=self._loop.run_forever, name="unison-storage-loop", daemon=True)
        self._thread.start()

    def call(self, make: Callable[[Errands], Awaitable[Any]]) -> Any:
        """Run what ``make`` returns on the loop and return its result; meanwhile run errands of the loop here.

        Raises ``Closed`` where the loop has ended or ends meanwhile.
        """
        refuse_running_loop()
        errands = Errands()
        started: list[asyncio.Task[Any]] = []

        async def run() -> Any:
            return await make(errands)

        def start() -> None:
            task = self._loop.create_task(run())
            started.append(task)
            task.add_done_callback(lambda _task: errands.end())

        with self._gate:
            if self._closing:
                raise Closed(_CLOSED)
            self._loop.call_soon_threadsafe(start)
        try:
            errands.serve(self._loop)
        except BaseException:
            # the caller was interrupted: the call must not go on behind its back
            self._loop.call_soon_threadsafe(lambda: started[0].cancel())  # noqa: PLW0108 - there may be no task yet
            # nor may others wait for what this thread was to do
            self._loop.call_soon_threadsafe(errands.leave)
            raise
        try:
            return started[0].result()
        except asyncio.CancelledError:
            if self._closing:
                raise Closed(_CLOSED) from None
            raise

    def close(self) -> None:
        """End the calls that still wait, then the loop and its thread."""
        with self._gate:
            self._closing = True
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result(_CLOSE_TIMEOUT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSE_TIMEOUT)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


class Blocking:
    """A store, a handle or a body without ``await``: the same names, with ``for`` and ``with``."""

    def __init__(self, inner: Any, thread: LoopThread) -> None:
        self._inner = inner
        self._thread = thread

    def __getattr__(self, name: str) -> Any:
        plain = getattr(type(self._inner), name, None)
        if getattr(plain, BY_HANDLE, False):
            return partial(cast("Callable[..., Any]", plain), self)
        value = getattr(self._inner, name)
        if not callable(value):
            return value

        def call(*arguments: Any, **named: Any) -> Any:
            async def run(errands: Errands) -> Any:
                given = [_lent(argument, errands) for argument in arguments]
                result = value(*given, **{key: _lent(argument, errands) for key, argument in named.items()})
                return await result if isawaitable(result) else result

            return _adapted(self._thread.call(run), self._thread)

        call.__name__ = name
        call.__doc__ = value.__doc__
        return call

    def __iter__(self) -> Iterator[Any]:
        return _walk(aiter(self._inner), self._thread)

    def __enter__(self) -> Any:
        return _adapted(self._thread.call(lambda _: self._inner.__aenter__()), self._thread)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return cast("bool | None", self._thread.call(lambda _: self._inner.__aexit__(kind, error, trace)))

    def __dir__(self) -> list[str]:
        return dir(self._inner)


class BlockingStorage:
    """A storage without ``await``: ``with storage.blocking() as storage:``.

    Raises ``WrongLoop`` at once where an event loop is running: there ``async with storage`` is the way.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._thread: LoopThread | None = None

    def open(self) -> Self:
        """Start the thread and open the storage on it; raises as ``Storage.open``."""
        refuse_running_loop()
        if self._thread is not None:
            raise InvalidConfig("this storage is open already")
        thread = LoopThread()
        try:
            thread.call(lambda _: self._storage.open())
        except BaseException:
            thread.close()
            raise
        self._thread = thread
        return self

    def close(self) -> None:
        """Close the storage and end the thread; idempotent."""
        refuse_running_loop()
        thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            thread.call(lambda _: self._storage.close())
        finally:
            thread.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        if self._thread is None:
            if self._storage.was_open:
                raise Closed(_CLOSED)
            raise NotOpen("this storage is not open; use `with storage.blocking() as storage:`")
        if callable(getattr(type(self._storage), name, None)):
            return getattr(Blocking(self._storage, self._thread), name)

        async def read(_: Any) -> Any:
            return getattr(self._storage, name)

        return _adapted(self._thread.call(read), self._thread)


def refuse_running_loop() -> None:
    """Raise ``WrongLoop`` if this thread runs an event loop, which a blocking call would stop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise WrongLoop("a blocking call would stop the event loop that runs here; use `async with storage:` and await")


def _adapted(value: Any, thread: LoopThread) -> Any:
    if hasattr(value, "__anext__"):
        return _walk(value, thread)
    return Blocking(value, thread) if type(value).__module__.startswith(_STORES) else value


def _walk(items: AsyncIterator[Any], thread: LoopThread) -> Iterator[Any]:
    async def step(_: Any) -> Any:
        return await anext(items, _END)

    async def close(_: Any) -> None:
        await items.aclose()  # type: ignore[attr-defined]

    try:
        while (item := thread.call(step)) is not _END:
            yield item
    finally:
        if hasattr(items, "aclose"):
            # a loop that is left half-way may outlive the storage, or be collected anywhere
            with suppress(Closed, WrongLoop):
                thread.call(close)


def _lent(argument: Any, errands: Errands) -> Any:
    """Return what the loop may use: handles without their doorway; iterators and functions that run with the caller."""
    if isinstance(argument, Blocking):
        return argument._inner  # noqa: SLF001 - the doorway hands over what it stands in front of
    if callable(argument) and not isinstance(argument, type):
        return _errand(argument, errands)
    if not hasattr(argument, "__next__") or hasattr(argument, "read"):
        return argument

    async def pull() -> AsyncIterator[Any]:
        while (item := await errands.ask(lambda: next(argument, _END))) is not _END:
            yield item

    return pull()


def _errand(function: Callable[[], Any], errands: Errands) -> Callable[[], Awaitable[Any]]:
    async def run() -> Any:
        return await errands.ask(function)

    setattr(run, OF_CALLER, True)
    return run


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _answer(answer: asyncio.Future[Any], result: Any) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: asyncio.Future[Any], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
