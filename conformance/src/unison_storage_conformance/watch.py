"""The watch over every call of a backend: it ends in time, raises no foreign error, and answers item by item.

What the answer should be is the laws' business.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeVar, cast

from msgspec import Struct

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.objects import Blobs
from unison_storage.contracts.operations import BATCHES, LIFECYCLE, READS, WRITES, contract_of
from unison_storage.errors import StorageError
from unison_storage.layers.passing import layered
from unison_storage_conformance.outcomes import HarnessFault, LawBroken, NotTried, broken

B = TypeVar("B", bound=Backend)

KEPT: Final = 60
"""How many of the last calls of a check are kept for its counterexample."""

_OURS: Final = (LawBroken, NotTried, HarnessFault, StorageError)


class Step(Struct, frozen=True):
    """One call and its answer, as records; turned into a notation when somebody asks."""

    operation: str
    given: tuple[Any, ...]
    named: dict[str, Any]
    answered: Any


Steps = deque[Step]


def watched(inner: B, deadline: float, steps: Steps) -> B:
    """Return the backend with every operation watched, and written down in ``steps``."""
    contract = contract_of(inner)
    replaced: dict[str, Callable[..., Any]] = {
        name: _watched(name, getattr(inner, name), deadline, steps)
        for name in (READS[contract] | WRITES[contract] | set(LIFECYCLE)) - {"read"}
    }
    if isinstance(inner, Blobs):
        replaced["read"] = _watched_read(inner, deadline, steps)
    return layered(inner, replaced)


def _watched(
    name: str, method: Callable[..., Awaitable[Any]], deadline: float, steps: Steps
) -> Callable[..., Awaitable[Any]]:
    async def call(*given: Any, **named: Any) -> Any:
        limit = asyncio.timeout(deadline)
        answer: Any = None
        started = asyncio.get_running_loop().time()
        try:
            async with limit:
                answer = await method(*given, **named)
            if asyncio.get_running_loop().time() - started > deadline:
                broken(f"{name} stopped the event loop for more than {deadline:g} s", law="backend.10")
        except _OURS as error:
            answer = error
            raise
        except TimeoutError:
            if limit.expired():
                broken(f"{name} did not end within {deadline:g} s", law="backend.10")
            broken(f"{name} raised TimeoutError", law="backend.6")
        except Exception as error:  # whatever a backend may raise is what is to be found out here
            answer = type(error).__name__
            raise _foreign(name, error) from error
        finally:
            if name not in LIFECYCLE:
                steps.append(Step(name, given, named, answer))
        if name in BATCHES:
            _check_batch(name, given[0], answer)
        return answer

    return call


def _watched_read(inner: Blobs, deadline: float, steps: Steps) -> Callable[..., AsyncIterator[bytes]]:
    async def read(*given: Any, **named: Any) -> AsyncIterator[bytes]:
        total = 0
        chunks = inner.read(*given, **named)
        try:
            while True:
                limit = asyncio.timeout(deadline)
                try:
                    async with limit:
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    break
                if type(chunk) is not bytes:
                    broken("read yields bytes", expected="bytes", found=type(chunk).__name__, law="blobs.1")
                total += len(chunk)
                yield chunk
        except _OURS:
            raise
        except TimeoutError:
            broken(f"read did not go on within {deadline:g} s", law="backend.10")
        except Exception as error:  # see _watched
            raise _foreign("read", error) from error
        finally:
            steps.append(Step("read", given, named, f"{total} bytes"))

    return read


def _foreign(name: str, error: Exception) -> LawBroken:
    return LawBroken(
        f"{name} raised {type(error).__module__}.{type(error).__name__}, no error of unison_storage", law="backend.6"
    )


def _check_batch(name: str, items: Any, answer: Any) -> None:
    if not isinstance(answer, list) or len(answer) != len(items):
        found = f"{len(answer)} answers" if isinstance(answer, list) else type(answer).__name__
        broken(f"{name} answers item by item", expected=f"a list of {len(items)}", found=found, law="backend.4")
    for one in answer:
        if isinstance(one, BaseException) and not isinstance(one, StorageError):
            raise _foreign(name, cast("Exception", one))
