"""Parts that fit into memory: all of it, in order, and the larger the fewer at once."""

from __future__ import annotations

import asyncio
from bisect import bisect_right

import pytest

from unison_storage.copying.pages import raise_first, sized
from unison_storage.errors import NotFound


@pytest.mark.parametrize("size", [0, 10, 10_000, 10_000_000])
def test_everything_comes_once_and_no_part_is_larger_than_it_may_be(size: int) -> None:
    names = [f"{number:04}" for number in range(2_000)]

    async def part(after: str, limit: int) -> list[str]:
        at = bisect_right(names, after)
        return names[at : at + limit]

    async def read() -> list[list[str]]:
        return [list(page) async for page in sized(part, lambda one: one, lambda _one: size)]

    pages = asyncio.run(read())
    assert [name for page in pages for name in page] == names
    # the first one is made without knowing
    assert max(len(page) for page in pages[1:]) == {0: 500, 10: 500, 10_000: 419, 10_000_000: 1}[size]


def test_the_first_error_of_a_batch_is_raised() -> None:
    raise_first([True, None])
    with pytest.raises(NotFound, match="first"):
        raise_first([True, NotFound("first"), NotFound("second")])
