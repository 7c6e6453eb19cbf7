"""The server is killed while batches are written: each batch is there whole or not at all, and none that was told."""

from __future__ import annotations

import asyncio
import secrets

from tests.plugins.neo4j.surroundings import graph
from tests.services import neo4j
from unison_storage.errors import AvailabilityError
from unison_storage.values import Edge, Node
from unison_storage_neo4j.graph import Neo4jGraph

WRITERS = 4
NODES = 100


def batch(space: str, writer: int, number: int) -> tuple[list[Node], list[Edge]]:
    nodes = [Node("Device", f"{space}{writer}.{number}.{place}", {"at": place}) for place in range(NODES)]
    return nodes, [Edge("ON_DEVICE", nodes[0].ref, node.ref) for node in nodes[1:]]


async def write(
    backend: Neo4jGraph, space: str, writer: int, told: list[tuple[int, int, str]], enough: asyncio.Event
) -> int:
    """Write batch after batch until the server is gone; return how many were begun."""
    number = 0
    try:
        while True:
            number += 1
            nodes, edges = batch(space, writer, number)
            assert await backend.upsert_nodes(nodes) == [True] * len(nodes)
            told.append((writer, number, "nodes"))
            assert await backend.upsert_edges(edges) == [True] * len(edges)
            told.append((writer, number, "edges"))
            if number == 5:
                enough.set()
    except AvailabilityError:
        return number


async def reached(backend: Neo4jGraph) -> None:
    async with asyncio.timeout(60):
        while True:
            if (await backend.health()).ok:
                return
            await asyncio.sleep(0.05)


def test_a_restart_amid_batches_leaves_whole_ones_and_loses_none_that_was_told(started: neo4j.Started) -> None:
    space = f"{secrets.token_hex(4)}\x1f"
    told: list[tuple[int, int, str]] = []
    enough = asyncio.Event()

    async def test() -> None:
        async with graph(started.url) as backend:
            writers = [asyncio.create_task(write(backend, space, one, told, enough)) for one in range(WRITERS)]
            async with asyncio.timeout(60):
                await enough.wait()
            await asyncio.to_thread(started.kill)
            begun = await asyncio.gather(*writers)
            await asyncio.to_thread(started.start)
            await reached(backend)
            for writer, numbers in enumerate(begun):
                for number in range(1, numbers + 1):
                    nodes, edges = batch(space, writer, number)
                    found = await backend.get_nodes([node.ref for node in nodes])
                    linked = await backend.get_edges([edge.ref for edge in edges])
                    assert found in (nodes, [None] * len(nodes))
                    assert linked in (edges, [None] * len(edges))
                    assert (writer, number, "nodes") not in told or found == nodes
                    assert (writer, number, "edges") not in told or linked == edges
            assert sum(begun) > len(told) // 2
            await backend.clear(space)

    asyncio.run(test())
