"""What lies in a graph and does not fit its model is listed, and values are not told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from unison_storage.contracts.graph import Stray
from unison_storage.graph_lint import Misfit, misfits
from unison_storage.graph_model import Grammar, GraphModel, GraphProperty, Relationship
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.storage import Storage
from unison_storage.testing import ManualClock
from unison_storage.values import Edge, Node

MODEL = GraphModel(
    labels=["Person", "Device"],
    relationships=[Relationship("OWNS"), Relationship("HANDLES", ("Person",), ("Device",))],
    properties=[GraphProperty("confidence", Grammar.SCORE)],
)
CANARY = "c4n4ry@example.org"


class Shared(ReferenceGraph):
    """A graph that another program writes too."""

    async def strays(self) -> Sequence[Stray]:
        return [Stray("no id that is a text", "Device", 3), Stray("several labels", "", 1)]


async def found(graph: ReferenceGraph, heard: list[int]) -> list[Misfit]:
    async with Storage(graph=graph, profile="test", graph_model=MODEL) as storage:
        return await misfits(storage.graph.everywhere(), heard.append)


def test_what_fits_is_not_listed() -> None:
    async def test() -> None:
        graph, heard = ReferenceGraph(ManualClock()), list[int]()
        await graph.upsert_nodes([Node("Person", "a\x1fp1"), Node("Device", "a\x1fd1", {"confidence": 1})])
        await graph.upsert_edges([Edge("OWNS", ("Person", "a\x1fp1"), ("Device", "a\x1fd1"))])
        assert await found(graph, heard) == []
        assert sum(heard) == 3

    asyncio.run(test())


def test_each_sort_of_misfit_is_counted_and_its_first_one_named() -> None:
    async def test() -> None:
        graph = Shared(ManualClock())
        await graph.upsert_nodes(
            [
                Node("Dragon", "1"),
                Node("Dragon", "2"),
                Node("Person", CANARY),
                Node("Device", "d1", {"nickname": CANARY, "confidence": 7}),
                Node("Device", "d2", {"nickname": CANARY}),
            ]
        )
        await graph.upsert_edges(
            [
                Edge("RIDES", ("Device", "d1"), ("Dragon", "1")),
                Edge("OWNS", ("Device", "d1"), ("Device", "d2"), "!"),
                Edge("HANDLES", ("Device", "d1"), ("Device", "d2"), "", {"confidence": [0.5]}),
            ]
        )
        listed = await found(graph, [])
        assert [(one.where, one.what, one.number) for one in listed] == [
            ("Device", "no id that is a text", 3),
            ("Device.confidence", "a value that is no score", 1),
            ("Device.nickname", "the model has no such property", 2),
            ("Dragon", "the model has no such label", 2),
            ("HANDLES", "from Device to Device, which the model does not join so", 1),
            ("HANDLES.confidence", "a value that is no score", 1),
            ("OWNS", "a key that no key looks like", 1),
            ("Person", "an id that no id looks like", 1),
            ("RIDES", "the model has no such relationship type", 1),
            ("no label", "several labels", 1),
        ]
        assert listed[2].first == ("Device", "d1")
        assert listed[0].first is None
        assert not any(CANARY in one.where + one.what for one in listed)

    asyncio.run(test())
