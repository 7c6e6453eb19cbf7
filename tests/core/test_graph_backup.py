"""Backups of a graph: what was there comes back, what was changed or cut is refused, and nothing is half restored."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Sequence
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unison_storage.errors import IntegrityError, StorageError, Tampered, Truncated, Unavailable, UnsupportedFormat
from unison_storage.graph_backup import Restored, checked, lines, restore
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.storage import Storage
from unison_storage.testing import ManualClock
from unison_storage.values import Edge, Node

SPACES = [(), ("a",), ("a", "b"), ("ab",)]
IDS = ["1", "2", "3", "x/y", "Z"]


def untold(_number: int) -> None:
    pass


async def backed_up(graph: ReferenceGraph) -> list[bytes]:
    """Return the lines of a backup."""
    async with Storage(graph=graph, profile="test") as storage:
        parts = [part async for part in lines(storage.graph.everywhere(), untold)]
    return b"".join(parts).splitlines(keepends=True)


async def restored(graph: ReferenceGraph, backup: Sequence[bytes]) -> Restored:
    async with Storage(graph=graph, profile="test") as storage:
        return await restore(storage.graph.everywhere(), lambda: backup, untold)


async def filled(number: int = 5) -> ReferenceGraph:
    graph = ReferenceGraph(ManualClock())
    async with Storage(graph=graph, profile="test") as storage:
        for space in SPACES:
            here = storage.graph.at(*space)
            await here.upsert_nodes([Node("Device", id, {"confidence": 0.5}, "ann") for id in IDS[:number]])
            await here.upsert_nodes([Node("Person", id) for id in IDS[:number]])
            await here.upsert_edges([Edge("OWNS", ("Person", id), ("Device", id), "k") for id in IDS[:number]])
    return graph


def test_what_was_there_comes_back() -> None:
    async def test() -> None:
        graph = await filled()
        backup = await backed_up(graph)
        other = ReferenceGraph(ManualClock())
        assert await restored(other, backup) == Restored(40, 20, 0)
        assert (other._nodes, other._edges) == (graph._nodes, graph._edges)
        assert await restored(other, backup) == Restored(40, 20, 0)  # once more does no harm
        assert (other._nodes, other._edges) == (graph._nodes, graph._edges)
        end = checked(backup)
        assert (end.nodes, end.edges, end.total) == ({"Device": 20, "Person": 20}, {"OWNS": 20}, 60)

    asyncio.run(test())


def test_a_node_with_thousands_of_edges_comes_back() -> None:
    async def test() -> None:
        graph = ReferenceGraph(ManualClock())
        nodes = [Node("Device", f"{number:05}") for number in range(2_500)]
        await graph.upsert_nodes(nodes)
        await graph.upsert_edges([Edge("OWNS", nodes[0].ref, node.ref) for node in nodes])
        await graph.upsert_edges([Edge("OWNS", one.ref, two.ref, "next") for one, two in pairwise(nodes)])
        other = ReferenceGraph(ManualClock())
        assert await restored(other, await backed_up(graph)) == Restored(2_500, 4_999, 0)
        assert (other._nodes, other._edges) == (graph._nodes, graph._edges)

    asyncio.run(test())


def test_an_empty_graph_has_a_backup_too() -> None:
    async def test() -> None:
        backup = await backed_up(ReferenceGraph(ManualClock()))
        assert len(backup) == 2
        assert await restored(ReferenceGraph(ManualClock()), backup) == Restored(0, 0, 0)

    asyncio.run(test())


def test_an_edge_whose_end_came_later_is_left_out_and_counted() -> None:
    class Growing(ReferenceGraph):
        """A graph that gets a node before all others, and an edge that leads there, once it has been scanned."""

        async def scan(self, after: Any, limit: int) -> Any:
            found = await super().scan(after, limit)
            if after is None:
                await self.upsert_nodes([Node("Agent", "late")])
                await self.upsert_edges([Edge("ABOUT", ("Device", "1"), ("Agent", "late"))])
            return found

    async def test() -> None:
        graph = Growing(ManualClock())
        await graph.upsert_nodes([Node("Device", "1")])
        backup = await backed_up(graph)
        other = ReferenceGraph(ManualClock())
        assert await restored(other, backup) == Restored(1, 0, 1)
        assert list(other._nodes) == [("Device", "1")]

    asyncio.run(test())


BACKUP = asyncio.run(backed_up(asyncio.run(filled(2))))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda backup: backup[:-1], Truncated),
        (lambda backup: [*backup[:-1], backup[-1][:-9]], Truncated),
        (lambda backup: [*backup[:3], backup[3][:-9]], Truncated),
        (lambda backup: backup[:1], Truncated),
        (lambda _backup: [], UnsupportedFormat),
        (lambda backup: backup[1:], UnsupportedFormat),
        (lambda _backup: [b"SQLite format 3\x00"], UnsupportedFormat),
        (lambda backup: [backup[0].replace(b'"version":1', b'"version":2'), *backup[1:]], UnsupportedFormat),
        (lambda backup: [*backup[:2], *backup[3:]], Tampered),
        (lambda backup: [*backup[:2], backup[3], backup[2], *backup[4:]], Tampered),
        (lambda backup: [*backup[:2], backup[2], *backup[2:]], Tampered),
        (lambda backup: [*backup[:2], b"nonsense\n", *backup[2:]], Tampered),
        (lambda backup: [*backup[:2], b'{"node":{"label":"Device"}}\n', *backup[2:]], Tampered),
        (lambda backup: [*backup, backup[2]], Tampered),
        (lambda backup: [line.replace(b"0.5", b"0.6") for line in backup], Tampered),
        (lambda backup: [*backup[:-1], backup[-1].replace(b'"Device":8', b'"Device":9')], Tampered),
    ],
    ids=map(str, count()),
)
def test_what_was_changed_or_cut_is_refused_before_anything_is_written(
    change: Callable[[list[bytes]], list[bytes]], error: type[StorageError]
) -> None:
    graph = ReferenceGraph(ManualClock())
    with pytest.raises(error):
        asyncio.run(restored(graph, change(BACKUP)))
    assert not graph._nodes


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_other_bytes_pass(data: st.DataObject) -> None:
    whole = bytearray(b"".join(BACKUP))
    at = data.draw(st.integers(0, len(whole) - 2))  # the line break at the end says nothing
    whole[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises((Tampered, Truncated, UnsupportedFormat)):
        checked(io.BytesIO(whole))


def test_a_restore_that_failed_can_be_run_again_and_one_that_was_disturbed_is_told() -> None:
    class Failing(ReferenceGraph):
        fails = True

        async def upsert_edges(self, edges: Any) -> Any:
            if self.fails:
                raise Unavailable("the wire was cut")
            return await super().upsert_edges(edges)

    class Disturbed(ReferenceGraph):
        async def upsert_edges(self, edges: Any) -> Any:
            await self.upsert_nodes([Node("Device", "another")])
            return await super().upsert_edges(edges)

    async def test() -> None:
        failing = Failing(ManualClock())
        with pytest.raises(Unavailable):
            await restored(failing, BACKUP)
        failing.fails = False
        assert await restored(failing, BACKUP) == Restored(16, 8, 0)
        with pytest.raises(IntegrityError):
            await restored(Disturbed(ManualClock()), BACKUP)

    asyncio.run(test())
