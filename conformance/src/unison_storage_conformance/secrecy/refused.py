"""Refused: calls that come to an error of the request, by contract, each with a value that the error may not hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from unison_storage.contracts.cache import Increment as CacheIncrement
from unison_storage.contracts.cache import Set
from unison_storage.contracts.memory import Delete, Increment, Put
from unison_storage.errors import InvalidValue
from unison_storage.values import ABSENT, PRESENT, Edge, Node
from unison_storage_conformance.changes import NEW
from unison_storage_conformance.line import answered
from unison_storage_conformance.reads import HOUR, content, draft


async def _memory(ground: Any) -> Sequence[Any]:
    here, none = ground.at("refused"), ground.at("none")
    await ground.backend.put_many([Put(here, NEW, ground.mint(), HOUR)])
    return [
        *await ground.backend.put_many([Put(here, NEW, ground.mint(), HOUR, expect=ABSENT)]),
        *await ground.backend.put_many([Put(here, NEW, ground.mint(), HOUR, expect="another")]),
        *await ground.backend.put_many([Put(none, NEW, ground.mint(), HOUR, expect=PRESENT)]),
        *await ground.backend.increment_many([Increment(here, 1, ground.mint(), HOUR)]),
        *await ground.backend.delete_many([Delete(here, "another")]),
    ]


async def _cache(ground: Any) -> Sequence[Any]:
    here = ground.at("refused")
    await ground.backend.set_many([Set(here, NEW, HOUR)])
    return list(await ground.backend.increment_many([CacheIncrement(here, 1, HOUR)]))


async def _index(ground: Any) -> Sequence[Any]:
    new = await draft(ground, "refused")
    await ground.backend.commit(new)
    again = await draft(ground, "refused")
    return [
        await answered(ground.backend.commit(replace(again, expect=ABSENT))),
        await answered(ground.backend.commit(replace(again, expect="another"))),
        await answered(ground.backend.commit(replace(again, blob=ground.blob()))),
        *await ground.backend.delete_many([Delete(new.address, "another")]),
    ]


async def _graph(ground: Any) -> Sequence[Any]:
    one, other = (Node("Device", f"{ground.below()}{name}", {"name": NEW.decode()}) for name in ("one", "other"))
    await ground.backend.upsert_nodes([one, other])
    edge = Edge("LINKED", one.ref, other.ref, "k", {"name": NEW.decode()})
    await ground.backend.upsert_edges([edge])
    missing = ("Device", f"{ground.below()}none")
    return [
        *await ground.backend.upsert_edges([replace(edge, target=missing)]),
        *await ground.backend.delete_nodes([one.ref], False),
    ]


async def _blobs(ground: Any) -> Sequence[Any]:
    async def failing() -> AsyncIterator[bytes]:
        yield NEW
        raise InvalidValue("the source has failed")

    return [
        await answered(content(ground.blob())(ground.backend)),
        await answered(ground.backend.write(ground.blob(), failing())),
    ]


REFUSED: Final[Mapping[str, Callable[[Any], Awaitable[Sequence[Any]]]]] = {
    "memory": _memory,
    "cache": _cache,
    "index": _index,
    "graph": _graph,
    "blobs": _blobs,
}
"""What each contract refuses; called, each answers its outcomes."""
