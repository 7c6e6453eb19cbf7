"""One worker thread with one sqlite3 connection, for all kinds of one file. No statements of a kind stand here.

Callers queue jobs and wait. The worker takes everything that queued while it worked, which is one *hop*: the reads
first, outside a transaction, each step once for the items of all its callers; then the writes, in one transaction,
answered after its COMMIT. So the price of a hop and of an fsync is shared by all who wait, and a single caller waits
for nobody.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Self

from msgspec import Struct

from unison_storage.clock import Clock
from unison_storage.errors import AvailabilityError, Closed, StorageError, Unavailable
from unison_storage_sqlite import errors

Step = Callable[[sqlite3.Connection, int, Sequence[Any]], list[Any]]
"""Does something at a time (microseconds) for some items, and answers a value or a ``StorageError`` for each, in
order. It returns such an error and changes nothing for that item; whatever it raises rolls the transaction back, and
then it is called again with one item at a time. It neither begins nor ends a transaction, save one that reads alone
and that it ends itself."""


class _Job(Struct):
    step: Step
    items: Sequence[Any]
    write: bool
    answer: asyncio.Future[list[Any]]


class Connection:
    """The connection of a file. Made by ``opened``, used from one event loop, and closed by ``close``."""

    _database: sqlite3.Connection

    def __init__(self, connect: Callable[[], sqlite3.Connection], clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._closing = False
        # a daemon, so that a program that forgot to close can still end
        self._thread = threading.Thread(target=self._work, name="unison-storage-sqlite", daemon=True)

    @classmethod
    async def opened(cls, connect: Callable[[], sqlite3.Connection], clock: Clock) -> Self:
        """Start the worker, which calls ``connect``; what that raises is raised here and leaves nothing open."""
        connection = cls(connect, clock)
        connection._thread.start()
        try:
            await asyncio.shield(connection._ready)
        except BaseException:
            await connection.close()
            raise
        return connection

    def run(self, step: Step, items: Sequence[Any], *, write: bool = False) -> asyncio.Future[list[Any]]:
        """Queue a step and return the future of its outcomes, one for each item.

        Writes of a hop share a transaction; their outcomes come after its COMMIT. The future raises what failed all
        items alike: ``Unavailable``, with ``outcome_unknown`` only where the COMMIT itself may have taken effect.
        """
        if self._closing:
            raise Closed("the storage was closed; open it again")
        answer: asyncio.Future[list[Any]] = self._loop.create_future()
        if items:
            self._jobs.put(_Job(step, items, write, answer))
        else:
            answer.set_result([])
        return answer

    async def close(self) -> None:
        """Answer what is queued, then end the worker; SQLite checkpoints when the last connection is closed.

        May be called twice. It takes at most the busy timeout, plus the work that is queued.
        """
        if not self._closing:
            self._closing = True
            self._jobs.put(None)
        await asyncio.shield(self._ended)
        self._thread.join()  # it has nothing left to do

    def _work(self) -> None:
        try:
            self._database = self._connect()
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who opens has to hear of it
            self._post([(self._ready, errors.translated(error)), (self._ended, None)])
            return
        self._post([(self._ready, None)])
        try:
            while self._hop():
                pass
        finally:  # also where a bug ends the worker: whoever waits must not wait for ever
            self._closing = True
            with suppress(sqlite3.Error):  # everything that was acknowledged is on the disk
                self._database.close()
            left = [self._jobs.get_nowait() for _ in range(self._jobs.qsize())]
            closed = Closed("the storage was closed; open it again")
            answers: _Answers = [(job.answer, closed.copy()) for job in left if job is not None]
            self._post([*answers, (self._ended, None)])

    def _hop(self) -> bool:
        """Do all that is queued, waiting for the first of it; return whether there is to be another hop."""
        taken = [self._jobs.get()]
        taken += [self._jobs.get_nowait() for _ in range(self._jobs.qsize())]
        jobs = [job for job in taken if job is not None and not job.answer.done()]
        reads = [job for job in jobs if not job.write]
        writes = [job for job in jobs if job.write]
        if reads:
            self._post(self._read(reads))
        if writes:
            self._post(self._write(writes))
        return taken[-1] is not None

    def _post(self, answers: _Answers) -> None:
        with suppress(RuntimeError):  # the loop was closed, so nobody waits any more
            self._loop.call_soon_threadsafe(_settle, answers)

    def _read(self, jobs: Sequence[_Job]) -> _Answers:
        answers: _Answers = []
        for step, group in _by_step(jobs):
            try:
                answers += _dealt(group, step(self._database, self._clock.now(), _items(group)))
            except Exception as error:  # noqa: BLE001 - a bug in one step must not take the worker from the others
                found = errors.translated(error)
                if len(group) == 1:
                    answers.append((group[0].answer, found))
                elif isinstance(found, AvailabilityError):  # no item is to blame, and each would wait as long again
                    answers += [(job.answer, found.copy()) for job in group]
                else:
                    answers += [answer for job in group for answer in self._read([job])]
        return answers

    def _write(self, jobs: Sequence[_Job]) -> _Answers:
        groups = _by_step(jobs)
        try:
            outcomes = self._transact([(step, _items(group)) for step, group in groups])
        except StorageError as error:
            return [(job.answer, error.copy()) for job in jobs]
        except Exception:  # noqa: BLE001 - one item is to blame; each of them alone finds out which one
            return self._singly(jobs)
        return [answer for (_, group), found in zip(groups, outcomes, strict=True) for answer in _dealt(group, found)]

    def _transact(self, work: Iterable[tuple[Step, Sequence[Any]]]) -> list[list[Any]]:
        """Do all of it in one transaction, or nothing.

        Raises a ``StorageError`` where trying again item by item would not help, and anything else where it may.
        """
        try:
            self._database.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise errors.translated(error) from None
        committing = False
        try:
            now = self._clock.now()  # read under the write lock, so that times of one address don't go backwards
            outcomes = [step(self._database, now, items) for step, items in work]
            committing = True
            self._database.execute("COMMIT")
        except BaseException as error:
            if self._database.in_transaction:
                with suppress(sqlite3.Error):  # the transaction is over either way
                    self._database.execute("ROLLBACK")
            unknown = errors.translated(error) if committing and errors.ambiguous(error) else None
            if isinstance(unknown, StorageError):
                unknown.outcome_unknown = True
                raise unknown from None
            raise
        return outcomes

    def _singly(self, jobs: Sequence[_Job]) -> _Answers:
        """Do each item in a transaction of its own, until one can't even begin: the rest would wait as long again."""
        answers: _Answers = []
        hopeless: StorageError | None = None
        for job in jobs:
            outcomes: list[Any] = []
            failure: BaseException | None = None
            for item in job.items:
                if hopeless is not None:
                    outcomes.append(hopeless.copy())
                    continue
                try:
                    outcomes += self._transact([(job.step, [item])])[0]
                except StorageError as error:
                    outcomes.append(error)
                    hopeless = Unavailable("an earlier item could not be written, so this one was not tried")
                except Exception as error:  # noqa: BLE001 - see _read
                    found = errors.translated(error)
                    outcomes.append(found)
                    failure = failure if isinstance(found, StorageError) else found
            answers.append((job.answer, failure or outcomes))
        return answers


_Answers = list[tuple["asyncio.Future[Any]", Any]]


def _settle(answers: _Answers) -> None:
    for future, outcome in answers:
        if future.done():
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _by_step(jobs: Iterable[_Job]) -> list[tuple[Step, list[_Job]]]:
    groups: dict[Step, list[_Job]] = {}
    for job in jobs:
        groups.setdefault(job.step, []).append(job)
    return list(groups.items())


def _items(group: Sequence[_Job]) -> Sequence[Any]:
    return group[0].items if len(group) == 1 else [item for job in group for item in job.items]


def _dealt(group: Sequence[_Job], outcomes: list[Any]) -> _Answers:
    """Give each job its part of what a step answered for all of them."""
    if len(group) == 1:
        return [(group[0].answer, outcomes)]
    answers: _Answers = []
    start = 0
    for job in group:
        end = start + len(job.items)
        answers.append((job.answer, outcomes[start:end]))
        start = end
    return answers
