"""Backends of any kind, broken on purpose; a memory stands for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from unison_storage.contracts.backend import Durability
from unison_storage.contracts.memory import Put, Row
from unison_storage.errors import Closed, InvalidValue, NotFound, StorageError, TooLarge, Unavailable
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.values import MISSING, Health
from unison_storage_conformance.mutant import mutant


class _Shared(ReferenceMemory):
    """A memory whose data two clients share, as those of a server are."""

    durability: ClassVar[Durability] = Durability.EPHEMERAL


@mutant("backend.1", "a backend that was opened is not well", on="memory")
class NeverWell(ReferenceMemory):
    async def health(self) -> Health:
        return Health(ok=False, detail="not well", seconds=0.0)


@mutant("backend.1", "a backend can be opened once", on="memory")
class OpensOnce(ReferenceMemory):
    _opened = 0

    async def open(self) -> None:
        self._opened += 1
        if self._opened > 1:
            raise Unavailable("it was opened before")


@mutant("backend.2", "a second close fails", on="memory")
class ClosesOnce(ReferenceMemory):
    _closed = False

    async def close(self) -> None:
        if self._closed:
            raise Closed("it was closed before")
        self._closed = True


@mutant("backend.2", "close before open fails", on="memory")
class ClosesOpenOnly(ReferenceMemory):
    _task: Any = None

    async def open(self) -> None:
        self._task = object()

    async def close(self) -> None:
        if self._task is None:
            raise Closed("it is not open")


@mutant("backend.2", "close leaves a task", on="memory")
class LeavesTask(ReferenceMemory):
    async def open(self) -> None:
        self._task = asyncio.create_task(asyncio.Event().wait())


@mutant("backend.2", "who closes closes for all", on="memory")
class ClosesForAll(ReferenceMemory):
    open_: ClassVar[list[bool]] = [False]

    async def open(self) -> None:
        self.open_[0] = True

    async def close(self) -> None:
        self.open_[0] = False

    async def health(self) -> Health:
        return Health(ok=self.open_[0], detail="", seconds=0.0)


@mutant("backend.3", "health raises while it is not open", on="memory")
class HealthRaises(ReferenceMemory):
    _ready = False

    async def open(self) -> None:
        self._ready = True

    async def close(self) -> None:
        self._ready = False

    async def health(self) -> Health:
        if not self._ready:
            raise Closed("it is not open")
        return await super().health()


@mutant("backend.3", "health answers a truth value", on="memory")
class HealthIsBool(ReferenceMemory):
    async def health(self) -> Any:
        return True


@mutant("backend.4", "one bad item fails the whole batch", on="memory")
class FailsWhole(ReferenceMemory):
    async def put_many(self, puts: Sequence[Put]) -> Any:
        outcomes = await super().put_many(puts)
        errors = [one for one in outcomes if isinstance(one, StorageError)]
        if errors and len(puts) > 1:
            raise errors[0]
        return outcomes


@mutant("backend.4", "one bad item undoes its neighbours", on="memory")
class UndoesNeighbours(ReferenceMemory):
    async def put_many(self, puts: Sequence[Put]) -> Any:
        before = dict(self._rows)
        outcomes = await super().put_many(puts)
        if any(isinstance(one, StorageError) for one in outcomes):
            self._rows = before
        return outcomes


@mutant("backend.4", "what comes after a bad item is not done", on="memory")
class StopsAtBad(ReferenceMemory):
    async def put_many(self, puts: Sequence[Put]) -> Any:
        outcomes: list[Any] = []
        for put in puts:
            failed = next((one for one in outcomes if isinstance(one, StorageError)), None)
            outcomes += [failed] if failed is not None else await super().put_many([put])
        return outcomes


@mutant("backend.4", "errors come first in the answer", on="memory")
class ErrorsFirst(ReferenceMemory):
    async def put_many(self, puts: Sequence[Put]) -> Any:
        outcomes = await super().put_many(puts)
        return sorted(outcomes, key=lambda one: not isinstance(one, StorageError))


@mutant("backend.4", "bad items are left out of the answer", on="memory")
class LeavesOut(ReferenceMemory):
    async def increment_many(self, increments: Sequence[Any]) -> Any:
        return [one for one in await super().increment_many(increments) if not isinstance(one, StorageError)]


@mutant("backend.4", "a batch answers a dict", on="memory")
class AnswersDict(ReferenceMemory):
    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        return dict(zip(addresses, await super().get_many(addresses, touch), strict=False))


@mutant("backend.5", "an empty batch is refused", on="memory")
class RefusesEmpty(ReferenceMemory):
    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        if not addresses:
            raise InvalidValue("there is nothing to get")
        return await super().get_many(addresses, touch)


@mutant("backend.6", "a driver's error escapes", on="memory")
class ForeignEscapes(ReferenceMemory):
    async def increment_many(self, increments: Sequence[Any]) -> Any:
        outcomes = await super().increment_many(increments)
        if any(isinstance(one, StorageError) for one in outcomes):
            raise ValueError("value is not an integer or out of range")
        return outcomes


@mutant("backend.6", "a driver's error stands in the answer of a batch", on="memory")
class ForeignInBatch(ReferenceMemory):
    async def increment_many(self, increments: Sequence[Any]) -> Any:
        outcomes = await super().increment_many(increments)
        return [KeyError("counter") if isinstance(one, StorageError) else one for one in outcomes]


@mutant("backend.6", "an error quotes the value", on="memory")
class QuotesValue(ReferenceMemory):
    def _increment(self, increment: Any, now: int) -> Any:
        outcome = super()._increment(increment, now)
        old = self._visible(increment.address, now)
        return InvalidValue(f"{old.value!r} is no number") if isinstance(outcome, StorageError) and old else outcome


@mutant("backend.6", "the cause of an error quotes the value", on="memory")
class CauseQuotesValue(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        outcome = super()._put(put, now)
        if isinstance(outcome, StorageError):
            outcome.__cause__ = ValueError(f"duplicate: {put.value!r}")
        return outcome


@mutant("backend.6", "an operation that is cut short raises a time-out of asyncio", on="memory")
class TimesOut(ReferenceMemory):
    async def increment_many(self, increments: Sequence[Any]) -> Any:
        outcomes = await super().increment_many(increments)
        if any(isinstance(one, StorageError) for one in outcomes):
            raise TimeoutError
        return outcomes


@mutant("backend.7", "a conflict may have taken effect, it says", on="memory")
class UnsureRefusal(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        outcome = super()._put(put, now)
        return type(outcome)(outcome.message, outcome_unknown=True) if isinstance(outcome, StorageError) else outcome


@mutant("backend.7", "a refusal asks to be tried again", on="memory")
class RetryableRefusal(ReferenceMemory):
    def _delete(self, delete: Any, now: int) -> Any:
        outcome = super()._delete(delete, now)
        return type(outcome)(outcome.message, retryable=True) if isinstance(outcome, StorageError) else outcome


_stores: dict[int, dict[str, Row]] = {}


class _OnServer(_Shared):
    """A memory on a server: all clients of one clock meet one dict."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._rows = _stores.setdefault(id(clock), {})


@mutant("backend.9", "what one client has read, it reads again", on="memory")
class ClientCaches(_OnServer):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._seen: dict[str, Any] = {}

    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        rows = await super().get_many(addresses, touch)
        return [self._seen.setdefault(one, row) if row else None for one, row in zip(addresses, rows, strict=True)]

    async def put_many(self, puts: Sequence[Put]) -> Any:
        for put in puts:
            self._seen.pop(put.address, None)
        return await super().put_many(puts)


@mutant("backend.9", "what was written is there for its own client until it closes", on="memory")
class WritesAtClose(_Shared):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._stored = _stores.setdefault(id(clock), {})
        self._rows = dict(self._stored)

    async def close(self) -> None:
        self._stored.update(self._rows)


@mutant("backend.9", "what was written is lost at close", on="memory")
class LosesAtClose(_OnServer):
    async def close(self) -> None:
        self._rows.clear()


@mutant("backend.10", "a call never ends", on="memory")
class NeverEnds(ReferenceMemory):
    async def count(self, prefix: str) -> int:
        await asyncio.Event().wait()
        return 0


@mutant("backend.10", "a call stops the event loop", on="memory")
class StopsLoop(ReferenceMemory):
    _slept = False

    async def count(self, prefix: str) -> int:
        if not self._slept:
            self._slept = True
            time.sleep(1.2)  # noqa: ASYNC251 - that is what it does wrong
        return await super().count(prefix)


@mutant("backend.10", "calls at once wait for one another for ever", on="memory")
class Deadlocks(ReferenceMemory):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._free = asyncio.Semaphore(8)

    async def put_many(self, puts: Sequence[Put]) -> Any:
        async with self._free:
            await asyncio.sleep(0)
            async with self._free:
                return await super().put_many(puts)


@mutant("backend.11", "a value as large as the limit is refused", on="memory")
class RefusesLargest(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        if len(put.value) >= self.limits.value:
            return TooLarge("the value is too large", limit=self.limits.value)
        return super()._put(put, now)


@mutant("backend.11", "a large value is cut", on="memory")
class CutsLargest(ReferenceMemory):
    def _put(self, put: Put, now: int) -> Any:
        return super()._put(
            Put(put.address, put.value[: 2**16 - 1], put.version, put.lifetime, put.default, put.expect, put.person),
            now,
        )


@mutant("backend.11", "a batch is cut at a hundred", on="memory")
class CutsBatch(ReferenceMemory):
    async def put_many(self, puts: Sequence[Put]) -> Any:
        outcomes = await super().put_many(puts[:100])
        return outcomes + outcomes[:1] * (len(puts) - 100)


@mutant("backend.11", "a long address is not found again", on="memory")
class CutsAddress(ReferenceMemory):
    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        return await super().get_many([one[:2_048] for one in addresses], touch)


@mutant("backend.12", "now is in milliseconds", on="memory")
class NowInMillis(ReferenceMemory):
    async def now(self) -> int:
        return self._clock.now() // 1_000


@mutant("backend.12", "now is a float of seconds", on="memory")
class NowInSeconds(ReferenceMemory):
    async def now(self) -> Any:
        return self._clock.now() / 1_000_000


@mutant("backend.12", "now goes back", on="memory")
class NowGoesBack(ReferenceMemory):
    _asked = 0

    async def now(self) -> int:
        self._asked += 1
        return self._clock.now() - self._asked


@mutant("backend.13", "a closed backend goes on", on="memory")
class ClosedGoesOn(_OnServer):
    pass


@mutant("backend.13", "a closed backend finds nothing", on="memory")
class ClosedFindsNothing(_OnServer):
    _open = True

    async def open(self) -> None:
        self._open = True

    async def close(self) -> None:
        self._open = False

    async def get_many(self, addresses: Sequence[str], touch: Any = MISSING) -> Any:
        if not self._open:
            return [NotFound("it is closed")] * len(addresses)
        return await super().get_many(addresses, touch)
