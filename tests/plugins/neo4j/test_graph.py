"""What the graph does on a server beside what its contract says: with nodes of other programs, and with odd names."""

from __future__ import annotations

import asyncio
import random
import secrets
from typing import Any

import pytest

from tests.plugins.neo4j.surroundings import asked, graph, hits
from tests.services import neo4j
from unison_storage.contracts.graph import Neighbors, Search, Traversal
from unison_storage.errors import InvalidValue, SchemaOutOfDate
from unison_storage.profiles import Profile
from unison_storage.values import Edge, EdgeRef, Node, NodeRef
from unison_storage_neo4j import statements
from unison_storage_neo4j.graph import Neo4jGraph


def test_nodes_of_other_programs_are_met_and_survive(started: neo4j.Started) -> None:
    person, device = f"p-{secrets.token_hex(4)}", f"d-{secrets.token_hex(4)}"

    async def test() -> None:
        async with graph(started.url) as backend:
            asked(started, "MERGE (:Person {id: $id, nickname: 'x', born: date('2000-01-01')})", id=person)
            assert await backend.upsert_nodes([Node("Device", device), Node("Person", person, {"score": 1})]) == [
                True,
                False,
            ]
            edge = Edge("OWNS", ("Person", person), ("Device", device))
            assert await backend.upsert_edges([edge]) == [True]
            walk = await backend.traverse(Traversal((("Device", device),), "in", None, 3, 10))
            assert [(one.label, one.id) for one in walk.nodes] == [("Person", person)]
            assert await backend.delete_nodes([("Device", device)], True) == [True]

    asyncio.run(test())
    assert asked(started, "MATCH (n:Person {id: $id}) RETURN n.nickname, n.score", id=person) == [["x", 1]]
    asked(started, "MATCH (n:Person {id: $id}) DETACH DELETE n", id=person)


@pytest.mark.parametrize("label", ["", "a`b", "Person`) DETACH DELETE n //", "\\u0060", "_A", "1A", "a b"])
def test_a_label_that_is_no_name_never_reaches_the_server(started: neo4j.Started, label: str) -> None:
    async def test() -> None:
        async with graph(started.url) as backend:
            ref: NodeRef = (label, "a")
            for call in (
                backend.upsert_nodes([Node(label, "a")]),
                backend.get_nodes([ref]),
                backend.delete_nodes([ref], True),
                backend.upsert_edges([Edge("OWNS", ref, ("Person", "a"))]),
                backend.neighbors([Neighbors(ref, "out", None, None, None, 1)]),
                backend.find_nodes(Search("", label, {}, "", 1)),
            ):
                with pytest.raises(InvalidValue):
                    await call

    asyncio.run(test())


def test_production_refuses_a_label_whose_ids_are_not_unique(started: neo4j.Started) -> None:
    label = f"L{secrets.token_hex(4)}"

    async def test() -> None:
        async with graph(started.url, Profile.PRODUCTION) as backend:
            with pytest.raises(SchemaOutOfDate, match=f"CREATE CONSTRAINT FOR .n:{label}. REQUIRE n.id IS UNIQUE"):
                await backend.upsert_nodes([Node(label, "a")])
        # in a test it is made on first use
        async with graph(started.url) as backend:
            assert await backend.upsert_nodes([Node(label, "a")]) == [True]
            assert await backend.delete_nodes([(label, "a")], True) == [True]

        async with graph(started.url, Profile.PRODUCTION) as backend:
            assert await backend.upsert_nodes([Node(label, "a")]) == [True]
            assert await backend.delete_nodes([(label, "a")], True) == [True]

    asyncio.run(test())


def test_cypher_in_a_type_a_key_or_a_property_is_just_text(started: neo4j.Started) -> None:
    space = f"{secrets.token_hex(4)}\x1f"
    text = "`]->() DETACH DELETE a //"

    async def test() -> None:
        async with graph(started.url) as backend:
            a, b = ("Person", f"{space}a"), ("Person", f"{space}b")
            await backend.upsert_nodes([Node(*a, {text: text}), Node(*b)])
            edge = Edge(text, a, b, text, {text: [text]})
            assert await backend.upsert_edges([edge]) == [True]
            assert await backend.get_edges([EdgeRef(text, a, b, text)]) == [edge]
            assert await backend.get_nodes([a]) == [Node(*a, {text: text})]
            assert await backend.clear(space) == 3

    asyncio.run(test())


def test_many_clients_make_one_node(started: neo4j.Started) -> None:
    space = f"{secrets.token_hex(4)}\x1f"

    async def test() -> None:
        async with graph(started.url) as one, graph(started.url) as other:
            for round_ in range(10):
                node = Node("Person", f"{space}{round_}")
                made = await asyncio.gather(*(backend.upsert_nodes([node]) for backend in (one, other) * 8))
                assert [flag for [flag] in made if flag is not False] == [True]
            assert (await one.stats(space)).nodes == {"Person": 10}
            edges = [
                Edge("ABOUT", ("Person", f"{space}{source}"), ("Person", f"{space}{target}"))
                for source in range(10)
                for target in range(10)
            ]
            answers = await asyncio.gather(*(backend.upsert_edges(edges) for backend in (one, other) * 3))
            assert sum(flag is True for answer in answers for flag in answer) == len(edges)
            assert await other.clear(space) == 110

    asyncio.run(test())


def test_new_edges_between_the_same_nodes_never_come_to_a_deadlock_that_anybody_sees(started: neo4j.Started) -> None:
    space = f"{secrets.token_hex(4)}\x1f"
    dice = random.Random(3)
    nodes = [Node("Person", f"{space}{number}") for number in range(20)]

    def linking(writer: int, number: int) -> list[Edge]:
        pairs = [(dice.choice(nodes).ref, dice.choice(nodes).ref) for _ in range(50)]
        return [Edge("ABOUT", one, two, f"{writer}.{number}.{at}") for at, (one, two) in enumerate(pairs)]

    async def test() -> None:
        async with graph(started.url) as one, graph(started.url) as other:
            await one.upsert_nodes(nodes)

            async def write(backend: Neo4jGraph, writer: int) -> None:
                for number in range(5):
                    assert await backend.upsert_edges(linking(writer, number)) == [True] * 50

            await asyncio.gather(*(write(backend, writer) for writer, backend in enumerate((one, other) * 4)))
            assert (await one.stats(space)).edges == {"ABOUT": 8 * 5 * 50}
            await one.clear(space)

    asyncio.run(test())


def test_a_node_that_is_being_deleted_is_never_read_in_part(started: neo4j.Started) -> None:
    space = f"{secrets.token_hex(4)}\x1f"
    properties = {f"p{number}": number for number in range(8)}
    nodes = [Node("Device", f"{space}{number}", properties) for number in range(20)]
    refs = [node.ref for node in nodes]

    async def test() -> None:
        async with graph(started.url) as backend:
            until = asyncio.get_running_loop().time() + 4
            found: list[Node] = []

            async def write() -> None:
                while asyncio.get_running_loop().time() < until:
                    await backend.upsert_nodes(nodes)
                    await backend.delete_nodes(refs, True)

            async def read() -> None:
                while asyncio.get_running_loop().time() < until:
                    found.extend(one for one in await backend.get_nodes(refs) if isinstance(one, Node))
                    found.extend(await backend.find_nodes(Search(space, "Device", {}, "", 100)))

            await asyncio.gather(write(), *(read() for _ in range(4)))
            assert len(found) > 1_000
            assert [one for one in found if one.properties != properties] == []

    asyncio.run(test())


@pytest.mark.parametrize("name", ["edges_get", "edges_upsert", "edges_delete"])
def test_an_edge_of_a_node_with_many_is_found_without_looking_at_the_others(started: neo4j.Started, name: str) -> None:
    hub, count = f"hub-{secrets.token_hex(4)}", 300
    ids = [f"{hub}-{number}" for number in range(count)]
    rows: list[Any] = [{"at": 0, "source": hub, "target": one, "type": "OWNS", "key": ""} for one in ids]
    if name == "edges_upsert":
        rows = [[0, "OWNS", hub, one, "", {}] for one in ids]

    async def migrated() -> None:
        async with graph(started.url):
            pass

    asyncio.run(migrated())
    asked(
        started,
        "CREATE (a:Device {id: $hub}) WITH a UNWIND $ids AS id CREATE (a)-[:OWNS {key: ''}]->(:Device {id: id})",
        hub=hub,
        ids=ids,
    )
    # 300 times 300 where all edges of the node are looked at for each
    assert count < hits(started, statements.between(name, "Device", "Device").text, rows=rows) < 30 * count
    asked(started, "UNWIND $ids AS id MATCH (n:Device {id: id}) DETACH DELETE n", ids=[hub, *ids])
