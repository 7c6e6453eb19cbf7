"""Memory, broken on purpose: counters."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.contracts.memory import Increment, Put, Row
from unison_storage.errors import NotFound, StorageError
from unison_storage.reference.memory import ReferenceMemory
from unison_storage_conformance.mutant import mutant


@mutant("memory.11", "an increment reads, then writes")
class ReadsThenWrites(ReferenceMemory):
    async def increment_many(self, increments: Sequence[Increment]) -> Any:
        answers: list[Any] = []
        for one in increments:
            old = self._visible(one.address, self._clock.now())
            if old is None or not old.value.isdigit():
                answers += await super().increment_many([one])
                continue
            total = int(old.value) + one.by
            await asyncio.sleep(0)
            self._rows[one.address] = replace(old, value=b"%d" % total, version=one.version)
            answers.append(total)
        return answers


@mutant("memory.11", "an increment starts the lifetime anew")
class IncrementExtends(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        total = super()._increment(increment, now)
        if isinstance(total, int):
            self._touch(increment.address, increment.lifetime, now)
        return total


@mutant("memory.11", "an increment takes the person over")
class IncrementTakesOver(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        total = super()._increment(increment, now)
        if isinstance(total, int) and increment.person:
            self._rows[increment.address] = replace(self._rows[increment.address], person=increment.person)
        return total


@mutant("memory.11", "an increment that makes a counter forgets the person")
class IncrementForgetsPerson(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        return super()._increment(replace(increment, person=None), now)


@mutant("memory.11", "an increment that makes a counter lets it live for ever")
class IncrementForgetsLifetime(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        return super()._increment(replace(increment, lifetime=None), now)


@mutant("memory.11", "a new counter starts at one")
class StartsAtOne(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        fresh = self._visible(increment.address, now) is None
        return super()._increment(replace(increment, by=increment.by + 1) if fresh else increment, now)


@mutant("memory.11", "an increment by zero makes nothing")
class ZeroMakesNothing(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        if increment.by == 0:
            old = self._visible(increment.address, now)
            return int(old.value) if old and old.value.isdigit() else 0
        return super()._increment(increment, now)


@mutant("memory.11", "counters are 32 bits wide")
class Wraps32(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        total = super()._increment(increment, now)
        if isinstance(total, int) and not -(2**31) <= total < 2**31:
            total = (total + 2**31) % 2**32 - 2**31
            self._rows[increment.address] = replace(self._rows[increment.address], value=b"%d" % total)
        return total


@mutant("memory.11", "counters are floats")
class CountsInFloats(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        total = super()._increment(increment, now)
        return int(float(total)) if isinstance(total, int) else total


@mutant("memory.11", "an increment answers the old value")
class AnswersOldValue(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        total = super()._increment(increment, now)
        return total - increment.by if isinstance(total, int) else total


@mutant("memory.11", "a negative increment is its amount")
class ForgetsSign(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        return super()._increment(replace(increment, by=abs(increment.by)), now)


@mutant("memory.11", "an increment keeps the version that was there")
class KeepsVersion(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        old = self._visible(increment.address, now)
        return super()._increment(replace(increment, version=old.version) if old else increment, now)


@mutant("memory.12", "an increment takes what int() takes")
class TakesWhatIntTakes(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        old = self._visible(increment.address, now)
        try:
            value = int(old.value) if old else 0
        except ValueError:
            return super()._increment(increment, now)
        if old is not None and -(2**63) <= value < 2**63:
            self._rows[increment.address] = replace(old, value=b"%d" % value)
        return super()._increment(increment, now)


@mutant("memory.12", "an empty value counts as zero")
class EmptyIsZero(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        old = self._visible(increment.address, now)
        if old is not None and not old.value:
            self._rows[increment.address] = replace(old, value=b"0")
        return super()._increment(increment, now)


@mutant("memory.12", "text counts as zero")
class TextIsZero(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        old = self._visible(increment.address, now)
        outcome = super()._increment(increment, now)
        if old is not None and isinstance(outcome, StorageError) and old.value.isalpha():
            self._rows[increment.address] = replace(old, value=b"%d" % increment.by)
            return increment.by
        return outcome


class _Past64(ReferenceMemory):
    """A memory that answers a number where a counter would be past 64 bits."""

    def past(self, old: Row, increment: Increment) -> int:
        raise NotImplementedError

    def _increment(self, increment: Increment, now: int) -> Any:
        old = self._visible(increment.address, now)
        outcome = super()._increment(increment, now)
        if old is None or not isinstance(outcome, StorageError):
            return outcome
        return self.past(old, increment) if old.value.lstrip(b"-").isdigit() and len(old.value) < 21 else outcome


@mutant("memory.12", "a counter past 64 bits wraps")
class Wraps64(_Past64):
    def past(self, old: Row, increment: Increment) -> int:
        total = (int(old.value) + increment.by + 2**63) % 2**64 - 2**63
        self._rows[increment.address] = replace(old, value=b"%d" % total)
        return total


@mutant("memory.12", "a counter past 64 bits stays at the end")
class Saturates(_Past64):
    def past(self, old: Row, increment: Increment) -> int:
        return 2**63 - 1 if increment.by > 0 else -(2**63)


@mutant("memory.12", "a refused increment changes the version")
class RefusedIncrementVersions(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        outcome = super()._increment(increment, now)
        old = self._visible(increment.address, now)
        if isinstance(outcome, StorageError) and old is not None:
            self._rows[increment.address] = replace(old, version=increment.version)
        return outcome


@mutant("memory.12", "an increment of text is not found")
class WrongRefusal(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        outcome = super()._increment(increment, now)
        return NotFound("there is no counter") if isinstance(outcome, StorageError) else outcome


@mutant("memory.12", "the greatest counter is one too small")
class EndsEarly(ReferenceMemory):
    def _increment(self, increment: Increment, now: int) -> Any:
        old = self._visible(increment.address, now)
        outcome = super()._increment(increment, now)
        if outcome == 2**63 - 1 and old is not None:
            self._rows[increment.address] = old
            return super()._put(Put(increment.address, b"", "x", None, expect="never"), now)
        return outcome
