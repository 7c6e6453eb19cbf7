from __future__ import annotations

import asyncio

import pytest

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.memory import Put
from unison_storage.contracts.operations import WRITES, contract_of
from unison_storage.errors import AccessDenied
from unison_storage.layers.readonly import readonly
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.testing import ManualClock

CLOCK = ManualClock()


@pytest.mark.parametrize(
    "inner",
    [ReferenceMemory(CLOCK), ReferenceBlobs(CLOCK), ReferenceObjectIndex(CLOCK)],
    ids=lambda one: type(one).__name__,
)
def test_every_write_of_every_contract_is_refused(inner: Backend) -> None:
    layer = readonly(inner)
    for name in WRITES[contract_of(inner)]:
        with pytest.raises(AccessDenied, match="read-only"):
            asyncio.run(getattr(layer, name)())


def test_reads_are_the_backends_own_and_a_read_that_touches_is_a_write() -> None:
    async def run() -> None:
        inner = ReferenceMemory(CLOCK)
        await inner.put_many([Put("a", b"1", "v", None)])
        layer = readonly(inner)
        assert await layer.get_many(["a"]) == await inner.get_many(["a"])
        assert layer.count == inner.count
        with pytest.raises(AccessDenied):
            await layer.get_many(["a"], 5)

    asyncio.run(run())
