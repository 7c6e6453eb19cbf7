"""The handle of a graph: results of batches, errors and where they come from, records that belong to their reader."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.core.stores.test_graph_arguments import CANARY, HERE, THERE, run, told, walked
from unison_storage.capabilities import Capability, Limits
from unison_storage.contracts.graph import Flags, Nodes
from unison_storage.errors import (
    BatchFailed,
    ClassificationViolation,
    Closed,
    HasEdges,
    InvalidKey,
    InvalidValue,
    NotFound,
    NotOpen,
    StorageError,
    Unavailable,
    Unsupported,
)
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.storage import Storage
from unison_storage.stores.graph import Graph
from unison_storage.testing import ManualClock, reference_storage
from unison_storage.values import Edge, EdgeRef, GraphStats, Node, NodeRef

OWNS = EdgeRef("OWNS", HERE, THERE)
NOBODY = ("Person", "nobody")


def types_of(results: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: type(one) if isinstance(one, StorageError) else one for key, one in results.items()}


async def two(graph: Graph) -> None:
    """Make two nodes and an edge between them."""
    await graph.upsert_nodes([Node(*HERE, {"tags": ["a"]}, "p1"), Node(*THERE, {"tags": ["a"]})])
    await graph.upsert_edge(Edge(*OWNS, {"tags": ["a"]}, "p1"))


# ------------------------------------------------------------------------------------------------------------ batches


def test_writes_of_a_batch_stand_or_fail_by_their_position() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        await two(graph)
        nodes: list[Any] = [
            Node(*HERE, {}, "p2"),
            Node("Nosuch", "a"),
            Node("Skill", "new"),
            Node("Skill", f"{CANARY} b"),
            Node("Skill", "new"),
            "no node",
            Node("Skill", "s2", {"last_seen": CANARY}),
        ]
        with pytest.raises(BatchFailed) as failed:
            await graph.upsert_nodes(nodes)
        results = types_of(failed.value.results)
        assert results == {
            0: InvalidValue,
            1: InvalidValue,
            2: True,
            3: InvalidKey,
            4: False,
            5: InvalidValue,
            6: ClassificationViolation,
        }
        assert list(results) == list(range(7))
        assert CANARY not in told(failed.value)
        assert await graph.get_node(("Skill", "new")) == Node("Skill", "new")
        assert (await graph.stats()).nodes == {"Person": 1, "Skill": 2}

    run(test)


def test_an_edge_of_a_batch_needs_its_ends_and_makes_none() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        await two(graph)
        edges: list[Any] = [
            Edge("OWNS", HERE, NOBODY),
            Edge(*OWNS),
            Edge("OWNS", NOBODY, HERE),
            Edge("ABOUT", HERE, THERE),
            None,
            Edge(*OWNS, {}, "p2"),
        ]
        with pytest.raises(BatchFailed) as failed:
            await graph.upsert_edges(edges)
        wanted = [NotFound, False, NotFound, True, InvalidValue, InvalidValue]
        assert types_of(failed.value.results) == dict(enumerate(wanted))
        assert await graph.get_node(NOBODY) is None
        assert await graph.stats() == GraphStats({"Person": 1, "Skill": 1}, {"OWNS": 1, "ABOUT": 1})

    run(test)


def test_reads_and_deletes_of_a_batch_stand_or_fail_by_what_they_name() -> None:
    bad: Any = ("Nosuch", "a")

    async def test(graph: Graph, asked: list[str]) -> None:
        await two(graph)
        with pytest.raises(BatchFailed) as failed:
            await graph.get_nodes([HERE, bad, NOBODY])
        assert types_of(failed.value.results) == {HERE: await graph.get_node(HERE), bad: InvalidValue, NOBODY: None}
        wrong = OWNS._replace(key=f"{CANARY} b")
        with pytest.raises(BatchFailed) as failed:
            await graph.get_edges([OWNS, wrong, OWNS._replace(key="k")])
        assert types_of(failed.value.results)[wrong] is InvalidKey
        assert failed.value.results[OWNS] == await graph.get_edge(OWNS)
        assert CANARY not in str(failed.value)
        with pytest.raises(BatchFailed) as failed:
            await graph.delete_nodes([HERE, bad, NOBODY])
        assert types_of(failed.value.results) == {HERE: HasEdges, bad: InvalidValue, NOBODY: False}
        with pytest.raises(BatchFailed) as failed:
            await graph.delete_edges([wrong, OWNS])
        assert types_of(failed.value.results) == {wrong: InvalidKey, OWNS: True}
        assert await graph.delete_nodes([HERE, THERE, HERE]) == {HERE: True, THERE: True}

    run(test)


def test_a_batch_answers_for_each_that_was_named_in_order_and_asks_once() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        await two(graph)
        asked.clear()
        assert list(await graph.get_nodes([THERE, HERE, THERE])) == [THERE, HERE]
        edge = Edge(*OWNS, {"score": 0.5}, "p9")
        found = await graph.get_edges([edge, OWNS, EdgeRef("OWNS", THERE, HERE)])
        assert list(found) == [OWNS, EdgeRef("OWNS", THERE, HERE)]
        assert asked == ["get_nodes", "get_edges"]
        asked.clear()
        assert [await graph.upsert_nodes([]), await graph.upsert_edges([])] == [[], []]
        assert [await graph.get_nodes([]), await graph.get_edges([])] == [{}, {}]
        assert [await graph.delete_nodes([]), await graph.delete_edges([])] == [{}, {}]
        assert asked == []

    run(test)


@pytest.mark.parametrize("refs", [[["Person", "p1"]], [{}], [("Person", ["p1"])]], ids=str)
def test_what_can_not_be_named_is_refused_as_a_whole(refs: Any) -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        for call in (graph.get_nodes, graph.delete_nodes, graph.get_edges, graph.delete_edges):
            with pytest.raises(InvalidValue):
                await call(refs)
        assert asked == []

    run(test)


def test_a_batch_larger_than_the_backend_takes_is_sent_in_parts() -> None:
    class Small(ReferenceGraph):
        limits = Limits(batch=3)
        sizes: list[int]

        async def upsert_nodes(self, nodes: Sequence[Node]) -> Flags:
            self.sizes.append(len(nodes))
            return await super().upsert_nodes(nodes)

    async def test() -> None:
        small = Small(ManualClock())
        small.sizes = []
        async with Storage(graph=small, profile="test") as storage:
            nodes = [Node("Skill", f"s{number % 6}", {"score": number / 10}) for number in range(8)]
            assert await storage.graph.upsert_nodes(nodes) == [True] * 6 + [False] * 2
            assert small.sizes == [3, 3, 2]
            found = [node.properties["score"] async for node in storage.graph.find_nodes("Skill")]
            assert found == [0.6, 0.7, 0.2, 0.3, 0.4, 0.5]

    asyncio.run(test())


# ------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("operation", "error", "call"),
    [
        ("upsert_nodes", InvalidValue, lambda graph: graph.upsert_node(Node(*HERE, {}, "p2"))),
        ("upsert_edges", InvalidValue, lambda graph: graph.upsert_edge(Edge(*OWNS, {}, "p2"))),
        ("upsert_edges", NotFound, lambda graph: graph.upsert_edge(Edge("OWNS", HERE, NOBODY))),
        ("delete_nodes", HasEdges, lambda graph: graph.delete_node(THERE)),
        ("query", Unsupported, lambda graph: graph.query("RETURN 1")),
    ],
)
def test_an_error_says_where_it_comes_from(
    operation: str, error: type[StorageError], call: Callable[[Graph], Awaitable[Any]]
) -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        await two(graph)
        before = [await walked(graph.find_nodes("Person")), await walked(graph.neighbors(HERE)), await graph.stats()]
        with pytest.raises(error) as raised:
            await call(graph)
        assert (raised.value.kind, raised.value.operation, raised.value.backend) == ("graph", operation, "reference")
        assert not raised.value.outcome_unknown
        after = [await walked(graph.find_nodes("Person")), await walked(graph.neighbors(HERE)), await graph.stats()]
        assert after == before

    run(test)


def test_errors_of_a_batch_say_where_they_come_from() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        await two(graph)
        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "upsert_nodes": lambda: graph.upsert_nodes([Node(*HERE, {}, "p2"), Node(*THERE)]),
            "upsert_edges": lambda: graph.upsert_edges([Edge("OWNS", HERE, NOBODY), Edge(*OWNS)]),
            "delete_nodes": lambda: graph.delete_nodes([HERE, NOBODY]),
        }
        for operation, call in calls.items():
            with pytest.raises(BatchFailed) as failed:
                await call()
            errors = [one for one in failed.value.results.values() if isinstance(one, StorageError)]
            for error in (failed.value, *errors):
                assert (error.kind, error.operation, error.backend) == ("graph", operation, "reference")

    run(test)


def test_a_query_is_unsupported_and_changes_nothing() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        await two(graph)
        for read_only in (True, False):
            with pytest.raises(Unsupported) as raised:
                await graph.query(f"CREATE (n {{x: '{CANARY}'}})", {"x": CANARY}, read_only=read_only, timeout=1.0)
            assert raised.value.capability == Capability.QUERY
            assert CANARY not in told(raised.value)
        assert await graph.total() == GraphStats({"Person": 1, "Skill": 1}, {"OWNS": 1})

    run(test)


def test_a_backend_that_fails_or_answers_too_little_is_told_as_such() -> None:
    class Broken(ReferenceGraph):
        async def get_nodes(self, refs: Sequence[NodeRef]) -> Nodes:
            if refs[0][1] == "short":
                return []
            raise Unavailable("down")

    async def test() -> None:
        async with Storage(graph=Broken(ManualClock()), profile="test") as storage:
            with pytest.raises(Unavailable) as raised:
                await storage.graph.get_node(HERE)
            assert (raised.value.kind, raised.value.operation, raised.value.backend) == (
                "graph",
                "get_nodes",
                "reference",
            )
            assert raised.value.retryable
            with pytest.raises(StorageError, match="0 results for 1 item"):
                await storage.graph.get_node(("Person", "short"))
            with pytest.raises(BatchFailed) as failed:
                await storage.graph.get_nodes([HERE, THERE])
            assert types_of(failed.value.results) == {HERE: Unavailable, THERE: Unavailable}
            assert failed.value.retryable

    asyncio.run(test())


def test_a_handle_answers_only_while_its_storage_is_open() -> None:
    async def test() -> None:
        storage = reference_storage()
        with pytest.raises(NotOpen):
            _ = storage.graph
        async with storage:
            graph = storage.graph.at("a")
        for call in (lambda: graph.get_node(HERE), graph.stats, graph.clear, lambda: graph.traverse(HERE)):
            with pytest.raises(Closed):
                await call()

    asyncio.run(test())


# ------------------------------------------------------------------------------------------------------------ records


async def everything(graph: Graph) -> list[Any]:
    """Return whatever a graph of ``two`` answers, as records."""
    walk = await graph.traverse(HERE)
    path = await graph.shortest_path(HERE, THERE)
    assert path is not None
    beside = (await graph.neighbors_page(HERE)).items
    return [
        await graph.get_node(HERE),
        await graph.get_edge(OWNS),
        *(await graph.get_nodes([HERE, THERE])).values(),
        *(await graph.get_edges([OWNS])).values(),
        *(record for one in beside for record in (one.node, one.edge)),
        *walk.nodes,
        *path.nodes,
        *path.edges,
        *(await graph.find_nodes_page("Person")).items,
    ]


@pytest.mark.parametrize("space", [(), ("a",)], ids=str)
def test_what_was_passed_in_or_got_out_can_be_changed_and_changes_nothing(space: tuple[str, ...]) -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        graph = graph.at(*space)
        passed: list[dict[str, Any]] = [{"tags": ["a"], "score": 1} for _ in range(3)]
        await graph.upsert_nodes([Node(*HERE, passed[0]), Node(*THERE, passed[1])])
        await graph.upsert_edge(Edge(*OWNS, passed[2]))
        for _ in range(2):
            for properties in passed:
                properties["tags"].append("b")
                properties["score"] = 0.5
                properties["role"] = "c"
            passed = [record.properties for record in await everything(graph)]
            assert len(passed) == 12
            assert all(properties == {"tags": ["a"], "score": 1} for properties in passed)

    run(test)


class Held(ReferenceGraph):
    """Holds every read until ``go`` is set, so that reads meet."""

    limits = Limits(concurrency=1)

    def __init__(self) -> None:
        super().__init__(ManualClock())
        self.go = asyncio.Event()
        self.sizes: list[int] = []

    async def get_nodes(self, refs: Sequence[NodeRef]) -> Nodes:
        self.sizes.append(len(refs))
        await self.go.wait()
        return await super().get_nodes(refs)


def test_readers_who_share_one_read_get_records_of_their_own() -> None:
    async def test() -> None:
        held = Held()
        async with Storage(graph=held, profile="test") as storage:
            graph = storage.graph.at("a")
            await graph.upsert_node(Node(*HERE, {"tags": ["a"]}))
            busy = asyncio.create_task(graph.get_node(THERE))
            readers = [asyncio.create_task(graph.get_node(HERE)) for _ in range(3)]
            for _ in range(9):
                await asyncio.sleep(0)
            held.go.set()
            found = [node for node in await asyncio.gather(*readers) if node is not None]
            assert (await busy, held.sizes, len(found)) == (None, [1, 1], 3)
            for node in found:
                assert node == Node(*HERE, {"tags": ["a"]})
                node.properties["tags"].append("b")
                node.properties["role"] = "c"

    asyncio.run(test())


def test_records_are_frozen_and_equal_by_what_they_hold() -> None:
    node, edge = Node(*HERE, {"score": 1}), Edge(*OWNS, {"score": 1})
    for record, name in ((node, "id"), (edge, "type")):
        with pytest.raises(AttributeError):
            setattr(record, name, "other")
    assert (node.ref, edge.ref) == (HERE, OWNS)
    assert Node(*HERE).properties is not Node(*HERE).properties


# ------------------------------------------------------------------------------------------ laws, each in a small case


def test_a_node_is_held_by_every_edge_that_meets_it() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        for edge in (EdgeRef("OWNS", HERE, HERE), OWNS, EdgeRef("OWNS", THERE, HERE)):
            await graph.upsert_nodes([Node(*HERE), Node(*THERE)])
            await graph.upsert_edge(Edge(*edge))
            with pytest.raises(HasEdges):
                await graph.delete_node(HERE)
            assert await graph.get_edge(edge) == Edge(*edge)
            assert await graph.delete_node(HERE, detach=True)
            assert not await graph.delete_node(HERE, detach=True)
            assert await graph.get_edge(edge) is None
            assert await walked(graph.neighbors(THERE, direction="both")) == []
            await graph.upsert_node(Node(*HERE))
            assert await walked(graph.neighbors(HERE, direction="both")) == []
            assert await graph.delete_node(HERE)

    run(test)


def test_a_loop_comes_once_in_each_direction() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        await graph.upsert_node(Node(*HERE))
        await graph.upsert_edges([Edge("OWNS", HERE, HERE), Edge("OWNS", HERE, HERE, "k")])
        for direction in ("out", "in", "both"):
            way: Any = direction
            found = await walked(graph.neighbors(HERE, direction=way))
            assert [one.edge.key for one in found] == ["", "k"]
            first = await graph.neighbors_page(HERE, direction=way, limit=1)
            second = await graph.neighbors_page(HERE, direction=way, limit=1, cursor=first.cursor)
            assert [one.edge.key for one in second.items] == ["k"]
            assert second.cursor is None
            assert (await graph.traverse(HERE, direction=way)).nodes == ()
            path = await graph.shortest_path(HERE, HERE, direction=way)
            assert path is not None
            assert (path.length, path.nodes) == (0, (Node(*HERE),))

    run(test)


def test_types_hold_at_every_hop() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        last = ("Skill", "s2")
        await graph.upsert_nodes([Node(*HERE), Node(*THERE), Node(*last)])
        await graph.upsert_edges([Edge(*OWNS), Edge("ABOUT", THERE, last)])
        assert [one.id for one in (await graph.traverse(HERE, types=["OWNS"])).nodes] == ["s1"]
        assert [one.id for one in (await graph.traverse(HERE, types=["OWNS", "ABOUT"])).nodes] == ["s1", "s2"]
        assert (await graph.traverse(HERE, types=["ABOUT"])).nodes == (await graph.traverse(HERE, types=[])).nodes == ()
        assert await graph.shortest_path(HERE, last, types=["OWNS"]) is None
        assert (await graph.shortest_path(HERE, last, types=["OWNS", "ABOUT"])) is not None

    run(test)


def test_what_begins_nowhere_answers_nothing() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        await two(graph)
        assert await graph.get_node(NOBODY) is None
        assert await walked(graph.neighbors(NOBODY)) == []
        assert (await graph.traverse(NOBODY)).nodes == ()
        assert [one.id for one in (await graph.traverse(NOBODY, HERE)).nodes] == ["s1"]
        for ends in ((NOBODY, HERE), (HERE, NOBODY), (NOBODY, NOBODY)):
            assert await graph.shortest_path(*ends) is None
        assert await graph.erase("nobody") == 0

    run(test)
