"""Laws of every backend: its life, health, batches, errors and limits. What a kind keeps stands in its own module."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.cache import CacheBackend, Set
from unison_storage.contracts.graph import GraphBackend
from unison_storage.contracts.memory import MemoryBackend, Put
from unison_storage.contracts.objects import Blobs, ObjectIndex
from unison_storage.contracts.operations import BATCHES, READS, WRITES, contract_of
from unison_storage.errors import Closed, LifecycleError, NotOpen, StorageError
from unison_storage.values import Health, Node
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.law import law
from unison_storage_conformance.outcomes import broken, holds, refuses, same
from unison_storage_conformance.target import survives

Any_ = Ground[Backend]


def _batches(backend: Backend) -> list[str]:
    contract = contract_of(backend)
    return sorted(BATCHES & (READS[contract] | WRITES[contract]))


def _given(name: str, items: list[Any]) -> tuple[Any, ...]:
    return (items, False) if name == "delete_nodes" else (items,)


@law("backend.1")
async def it_answers_after_open(ground: Any_) -> None:
    backend = await ground.own()
    health = await backend.health()
    holds(health.ok, "a backend that was opened is well", expected="ok", found=health)


@law("backend.1")
async def it_can_be_opened_again_after_close(ground: Any_) -> None:
    backend = await ground.own()
    await backend.close()
    await backend.open()
    health = await backend.health()
    holds(health.ok, "a backend that was closed can be opened again", expected="ok", found=health)


@law("backend.2")
async def close_may_be_called_twice(ground: Any_) -> None:
    backend = await ground.own()
    await backend.close()
    await backend.close()


@law("backend.2")
async def close_before_open_does_nothing(ground: Any_) -> None:
    await ground.fresh().close()


@law("backend.2")
async def close_leaves_no_task(ground: Any_) -> None:
    before = asyncio.all_tasks()
    backend = await ground.own()
    for name in _batches(ground.site.backend):
        await getattr(backend, name)(*_given(name, []))
    await backend.health()
    await backend.close()
    for _ in range(10):
        await asyncio.sleep(0)
    left = [task.get_coro().__qualname__ for task in asyncio.all_tasks() - before]  # type: ignore[union-attr]
    same(left, [], "close leaves no task")


@law("backend.2")
async def one_client_that_closes_disturbs_no_other(ground: Any_) -> None:
    backend = await ground.own()
    await backend.close()
    health = await ground.backend.health()
    holds(health.ok, "another client goes on", expected="ok", found=health)


@law("backend.3")
async def health_never_raises(ground: Any_) -> None:
    backend = ground.fresh()
    for moment in ("before it is opened", "while it is open", "after it was closed"):
        if moment == "while it is open":
            await backend.open()
        elif moment == "after it was closed":
            await backend.close()
        try:
            health: Any = await backend.health()
        except StorageError as error:
            broken(f"health raises {moment}", expected="Health", found=error)
        holds(isinstance(health, Health), f"health answers {moment}", expected="Health", found=health)
        holds(type(health.ok) is bool and health.seconds >= 0, "health says how well and how fast", found=health)


@law("backend.5")
async def an_empty_batch_answers_an_empty_list(ground: Any_) -> None:
    for name in _batches(ground.site.backend):
        answer = await getattr(ground.backend, name)(*_given(name, []))
        same(answer, [], f"{name} of nothing")


@law("backend.10")
async def many_calls_at_once_all_end(ground: Any_) -> None:
    calls = _CALLS[contract_of(ground.site.backend)]
    asked = [getattr(ground.backend, name)(*given(ground)) for name, given in calls.items() for _ in range(12)]
    for found in await asyncio.gather(*asked, *(ground.backend.health() for _ in range(3)), return_exceptions=True):
        if isinstance(found, BaseException) and not isinstance(found, StorageError):
            raise found  # the watch over each call has told what is wrong


@law("backend.13")
async def a_closed_backend_says_so(ground: Any_) -> None:
    if not survives(ground.site.backend):
        return  # a dict needs no opening
    backend = await ground.own()
    await backend.close()
    for moment, client in (("after close", backend), ("before open", ground.fresh())):
        for name, given in _CALLS[contract_of(ground.site.backend)].items():
            try:
                await getattr(client, name)(*given(ground))
            except (NotOpen, Closed):
                continue
            except StorageError as error:
                refuses(error, LifecycleError, f"{name} {moment}")
            broken(f"{name} {moment} is refused", expected="NotOpen or Closed", found="an answer")


_CALLS: Final[Mapping[Any, Mapping[str, Callable[[Any_], tuple[Any, ...]]]]] = {
    MemoryBackend: {
        "get_many": lambda ground: ([ground.at("a")],),
        "put_many": lambda ground: ([Put(ground.at("a"), b"", ground.mint(), None)],),
        "count": lambda ground: (ground.below(),),
    },
    Blobs: {"delete_many": lambda ground: ([ground.blob()],), "list": lambda _: ("", 1)},
    ObjectIndex: {"get_many": lambda ground: ([ground.at("a")],), "count": lambda ground: (ground.below(),)},
    GraphBackend: {
        "upsert_nodes": lambda ground: ([Node("Device", f"{ground.below()}a")],),
        "stats": lambda ground: (ground.below(),),
        "scan": lambda _: (None, 1),
    },
    CacheBackend: {
        "get_many": lambda ground: ([ground.at("a")],),
        "set_many": lambda ground: ([Set(ground.at("a"), b"", 60_000_000)],),
    },
}
"""A few calls of each contract, and what they are given."""


@law("backend.12")
async def the_clock_goes_on(ground: Any_) -> None:
    first = await ground.backend.now()
    second = await ground.backend.now()
    holds(type(first) is int, "now is an int", found=first)
    holds(10**15 <= first < 10**16, "now is in microseconds since the epoch", expected="16 digits", found=first)
    holds(second >= first, "now never goes back", expected=f">= {first}", found=second)
