"""Queries and bookmarks of a graph: what is refused before the backend is asked, and that nothing of it is quoted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from unison_storage.capabilities import Capability
from unison_storage.errors import InvalidValue, Unsupported
from unison_storage.storage import Storage
from unison_storage.stores.graph import Graph

CANARY = "c4n4ry"


def run(test: Callable[[Graph], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Storage("reference://", profile="test") as storage:
            await test(storage.graph)

    asyncio.run(main())


@pytest.mark.parametrize(
    "given",
    [
        {"text": ""},
        {"text": " \n"},
        {"text": 5},
        {"text": None},
        {"parameters": [CANARY]},
        {"parameters": {1: CANARY}},
        {"parameters": CANARY},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": 3_601},
        {"timeout": float("nan")},
        {"timeout": True},
        {"timeout": CANARY},
        {"max_rows": 0},
        {"max_rows": 100_001},
        {"max_rows": 1.0},
        {"max_rows": True},
    ],
    ids=str,
)
def test_a_query_that_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    async def test(graph: Graph) -> None:
        with pytest.raises(InvalidValue) as raised:
            await graph.query(**{"text": "RETURN 1", **given})
        assert CANARY not in str(raised.value)
        assert next(iter(given)).rstrip("s") in str(raised.value)

    run(test)


@pytest.mark.parametrize(
    "bookmarks",
    [CANARY, None, [5], [""], ["a" * 513], [f"{CANARY} b"], ["a,b"], ["\u00e9"], ["a\x00"], ["a"] * 101, {CANARY}],
    ids=range(11),
)
def test_what_can_be_no_bookmark_is_refused(bookmarks: Any) -> None:
    async def test(graph: Graph) -> None:
        with pytest.raises(InvalidValue, match="bookmark") as raised:
            await graph.catch_up(bookmarks)
        assert CANARY not in str(raised.value)

    run(test)


def test_a_backend_without_bookmarks_says_so() -> None:
    async def test(graph: Graph) -> None:
        for call in (graph.bookmarks(), graph.catch_up(["one"]), graph.catch_up([])):
            with pytest.raises(Unsupported) as raised:
                await call
            assert raised.value.capability == Capability.BOOKMARKS

    run(test)
