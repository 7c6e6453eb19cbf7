from __future__ import annotations

import asyncio

import pytest

from tests.core.layers.slow import SlowMemory
from unison_storage.contracts.memory import Put
from unison_storage.errors import DeadlineExceeded
from unison_storage.layers.deadline import deadline


def test_a_write_cut_off_has_an_unknown_outcome_and_a_read_has_not() -> None:
    async def run() -> None:
        layer = deadline(SlowMemory(), 0.01)
        with pytest.raises(DeadlineExceeded) as write:
            await layer.put_many([Put("a", b"1", "v", None)])
        with pytest.raises(DeadlineExceeded) as read:
            await layer.get_many(["a"])
        with pytest.raises(DeadlineExceeded) as touch:
            await layer.get_many(["a"], 5)
        assert (write.value.outcome_unknown, read.value.outcome_unknown, touch.value.outcome_unknown) == (
            True,
            False,
            True,
        )

    asyncio.run(run())


def test_what_is_in_time_passes() -> None:
    async def run() -> None:
        slow = SlowMemory()
        slow.go.set()
        layer = deadline(slow, 60)
        assert await layer.get_many(["a"]) == [None]
        assert await layer.count("") == 0

    asyncio.run(run())
