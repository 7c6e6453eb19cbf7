"""What is gathered of a graph: single reads, upserts and first pages become batches; everything else goes through."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.layers.slow import Slow, bad_item, settle
from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.graph import Edges, Flags, GraphBackend, Neighbors, Nodes, Route, Search, Traversal
from unison_storage.errors import InvalidValue, NotFound, StorageError, Unavailable
from unison_storage.layers.coalesce import coalesce_graph
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.storage import Storage
from unison_storage.testing import ManualClock
from unison_storage.values import Edge, EdgeRef, Neighbor, Node, NodeRef

R = TypeVar("R")


def ref(id: str) -> NodeRef:
    return "Skill", id


def link(source: str, target: str, key: str = "") -> EdgeRef:
    return EdgeRef("OWNS", ref(source), ref(target), key)


def question(id: str, **more: Any) -> Neighbors:
    asked = {"direction": "out", "types": None, "labels": None, "after": None, "limit": 10}
    return Neighbors(ref(id), **{**asked, **more})


def shown(edge: EdgeRef) -> str:
    return f"{edge.source[1]}>{edge.target[1]}{edge.key}"


class SlowGraph(Slow, ReferenceGraph):
    """The graph, its items named by ids."""

    def __init__(self, *, concurrency: int = 2, batch: int = 4) -> None:
        super().__init__(ManualClock())
        self.hold(concurrency, batch)

    async def get_nodes(self, refs: Sequence[NodeRef]) -> Nodes:
        return await self._held("get", [id for _, id in refs], lambda: super(SlowGraph, self).get_nodes(refs))

    async def get_edges(self, refs: Sequence[EdgeRef]) -> Edges:
        return await self._held("edges", [shown(one) for one in refs], lambda: super(SlowGraph, self).get_edges(refs))

    async def upsert_nodes(self, nodes: Sequence[Node]) -> Flags:
        return await self._held("put", [node.id for node in nodes], lambda: super(SlowGraph, self).upsert_nodes(nodes))

    async def upsert_edges(self, edges: Sequence[Edge]) -> Flags:
        named = [shown(edge.ref) for edge in edges]
        return await self._held("join", named, lambda: super(SlowGraph, self).upsert_edges(edges))

    async def neighbors(self, asked: Sequence[Neighbors]) -> list[Outcome[list[Neighbor]]]:
        named = [one.start[1] + ("+" if one.after else "") for one in asked]
        return await self._held("beside", named, lambda: super(SlowGraph, self).neighbors(asked))


def under_way(test: Callable[[SlowGraph, GraphBackend], Awaitable[None]], **limits: int) -> None:
    async def run() -> None:
        slow = SlowGraph(**limits)
        await test(slow, coalesce_graph(slow))

    asyncio.run(run())


async def fill(slow: SlowGraph, layer: GraphBackend, statements: int = 2) -> list[asyncio.Task[Any]]:
    """Occupy every place in the gate with reads of nodes of their own."""
    slow.go.clear()
    slow.sent.clear()
    tasks = [asyncio.create_task(layer.get_nodes((ref(f"busy{number}"),))) for number in range(statements)]
    await settle()
    assert len(slow.sent) == statements
    slow.sent.clear()
    return tasks


async def made(slow: SlowGraph, *ids: str) -> None:
    """Make nodes, and from the first an edge to each of the others."""
    slow.go.set()
    await slow.upsert_nodes([Node(*ref(id)) for id in ids])
    await slow.upsert_edges([Edge(*link(ids[0], id)) for id in ids[1:]])


CALLS: dict[str, Callable[[GraphBackend, str], Awaitable[list[Any]]]] = {
    "get": lambda layer, name: layer.get_nodes((ref(name),)),
    "edges": lambda layer, name: layer.get_edges((link(name, name),)),
    "put": lambda layer, name: layer.upsert_nodes((Node(*ref(name)),)),
    "join": lambda layer, name: layer.upsert_edges((Edge(*link(name, name)),)),
    "beside": lambda layer, name: layer.neighbors((question(name),)),
}


@pytest.mark.parametrize("operation", CALLS)
def test_a_lone_call_goes_straight_through(operation: str) -> None:
    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        await made(slow, "a")
        slow.sent.clear()
        assert len(await CALLS[operation](layer, "a")) == 1
        assert [name for name, _ in slow.sent] == [operation]

    under_way(test)


@pytest.mark.parametrize("operation", CALLS)
def test_what_arrives_meanwhile_is_one_sorted_batch(operation: str) -> None:
    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        await made(slow, *"abcd")
        busy = await fill(slow, layer)
        tasks = [asyncio.ensure_future(CALLS[operation](layer, id)) for id in "dbca"]
        await settle()
        assert slow.sent == []
        slow.go.set()
        results = await asyncio.gather(*tasks)
        ((name, items),) = slow.sent
        assert (name, [item[0] for item in items]) == (operation, ["a", "b", "c", "d"])
        alone = [await CALLS[operation](layer, id) for id in "dbca"]
        if operation not in {"put", "join"}:
            assert results == alone
        await asyncio.gather(*busy)

    under_way(test)


@pytest.mark.parametrize("operation", ["get", "edges", "beside"])
def test_equal_reads_share_one_item_and_one_that_is_sent_is_not_shared(operation: str) -> None:
    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        await made(slow, "hot", "a")
        busy = await fill(slow, layer)
        tasks = [asyncio.ensure_future(CALLS[operation](layer, "hot")) for _ in range(200)]
        await settle()
        slow.go.set()
        results = await asyncio.gather(*tasks, *busy)
        assert [len(items) for _, items in slow.sent] == [1]
        assert all(result == results[0] for result in results[:200])
        slow.go.clear()
        slow.sent.clear()
        twice = [asyncio.ensure_future(CALLS[operation](layer, "hot"))]
        await settle()
        twice.append(asyncio.ensure_future(CALLS[operation](layer, "hot")))
        await settle()
        assert len(slow.sent) == 2, "the first might have been answered before a write that the second has to see"
        slow.go.set()
        await asyncio.gather(*twice)

    under_way(test)


def test_callers_that_share_an_item_share_nothing_that_can_be_changed() -> None:
    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        slow.go.set()
        await slow.upsert_nodes([Node(*ref(id), {"tags": ["x"]}) for id in "ab"])
        await slow.upsert_edges([Edge(*link("a", "b"), {"tags": ["x"]})])
        busy = await fill(slow, layer)
        asked = (
            lambda: layer.get_nodes((ref("a"),)),
            lambda: layer.get_edges((link("a", "b"),)),
            lambda: layer.neighbors((question("a"),)),
        )
        calls = [asyncio.ensure_future(ask()) for ask in asked for _ in range(3)]
        await settle()
        slow.go.set()
        answers: list[Any] = await asyncio.gather(*calls)
        assert [len(items) for _, items in slow.sent] == [1, 1, 1]
        for first in answers[::3]:
            changed = first[0][0].edge if isinstance(first[0], list) else first[0]
            changed.properties["tags"].append("changed")
        answers[6][0].append("more")
        for other in (*answers[1::3], *answers[2::3]):
            assert "changed" not in repr(other)
            assert "more" not in repr(other)
        await asyncio.gather(*busy)

    under_way(test)


def test_questions_that_differ_in_anything_are_items_of_their_own() -> None:
    asked = [
        question("a"),
        question("b"),
        *(question("a", direction=way) for way in ("in", "both")),
        *(question("a", types=types) for types in ((), ("OWNS",), ("OWNS", "ABOUT"))),
        *(question("a", labels=labels) for labels in ((), ("Skill",), ("OWNS",))),
        question("a", types=("OWNS",), labels=("Skill",)),
        question("a", limit=1),
    ]

    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        await made(slow, "a", "b", "c")
        expected = [await slow.neighbors((one,)) for one in asked]
        busy = await fill(slow, layer)
        tasks = [asyncio.create_task(layer.neighbors((one,))) for one in asked * 2]
        await settle()
        slow.go.set()
        assert await asyncio.gather(*tasks) == expected * 2
        assert sum(len(items) for _, items in slow.sent) == len(asked)
        await asyncio.gather(*busy)

    under_way(test, batch=50)


def test_names_are_told_apart_whatever_is_joined_of_them() -> None:
    refs = [("Skill", "a"), ("Person", "a"), ("Skill", "ab"), ("Skil", "la"), ("Skill", "a\x1fb"), ("S", "killa")]
    edges = [
        EdgeRef("OWNS", ref("a"), ref("bc"), "d"),
        EdgeRef("OWNS", ref("ab"), ref("c"), "d"),
        EdgeRef("OWNS", ref("a"), ref("b"), "cd"),
        EdgeRef("OWN", ref("a"), ref("b"), "cd"),
        EdgeRef("OWNS", ref("b"), ref("a"), "cd"),
    ]

    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        busy = await fill(slow, layer)
        tasks: list[Any] = [asyncio.create_task(layer.get_nodes((one,))) for one in refs]
        tasks += [asyncio.create_task(layer.get_edges((one,))) for one in edges]
        await settle()
        slow.go.set()
        await asyncio.gather(*busy, *tasks)
        assert {name: len(items) for name, items in slow.sent} == {"get": len(refs), "edges": len(edges)}

    under_way(test, batch=50)


def test_later_pages_go_through_alone() -> None:
    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        await made(slow, "a", "b", "c", "d")
        busy = await fill(slow, layer)
        after = ("OWNS", "Skill", "b", "", "out")
        tasks = [asyncio.create_task(layer.neighbors((question("a", after=after),))) for _ in range(2)]
        first = asyncio.create_task(layer.neighbors((question("a"),)))
        await settle()
        assert slow.sent == [("beside", ["a+"]), ("beside", ["a+"])]
        slow.go.set()
        pages: list[Any] = await asyncio.gather(*tasks)
        assert [[one.node.id for one in page] for (page,) in pages] == [["c", "d"], ["c", "d"]]
        assert [one.node.id for one in (await first)[0]] == ["b", "c", "d"]  # type: ignore[union-attr]
        await asyncio.gather(*busy)

    under_way(test)


def test_a_batch_holds_one_write_of_a_name_and_keeps_their_order() -> None:
    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        await made(slow, "a", "b")
        busy = await fill(slow, layer)
        nodes = [asyncio.create_task(layer.upsert_nodes((Node(*ref("k"), {"score": n}),))) for n in range(3)]
        other = asyncio.create_task(layer.upsert_nodes((Node(*ref("other")),)))
        edges = [asyncio.create_task(layer.upsert_edges((Edge(*link("a", "a"), {"score": n}),))) for n in range(3)]
        key = asyncio.create_task(layer.upsert_edges((Edge(*link("a", "a", "k")),)))
        await settle()
        slow.go.set()
        await asyncio.gather(*busy, *nodes, *edges, other, key)
        sent = {name: [items for other, items in slow.sent if other == name] for name in ("put", "join")}
        assert sent == {"put": [["k", "other"], ["k"], ["k"]], "join": [["a>a", "a>ak"], ["a>a"], ["a>a"]]}
        assert [task.result() for task in nodes] == [task.result() for task in edges] == [[True], [False], [False]]
        assert await layer.get_nodes((ref("k"),)) == [Node(*ref("k"), {"score": 2})]
        assert await layer.get_edges((link("a", "a"),)) == [Edge(*link("a", "a"), {"score": 2})]

    under_way(test)


def test_a_refused_item_fails_alone() -> None:
    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        await made(slow, "a", "b")
        await slow.upsert_nodes([Node(*ref("b"), {}, "p1")])
        busy = await fill(slow, layer)
        calls = [
            layer.upsert_nodes((Node(*ref("a")),)),
            layer.upsert_nodes((Node(*ref("b"), {}, "p2"),)),
            layer.upsert_edges((Edge(*link("a", "nosuch")),)),
            layer.upsert_edges((Edge(*link("b", "a")),)),
        ]
        tasks = [asyncio.create_task(call) for call in calls]
        await settle()
        slow.go.set()
        await asyncio.gather(*busy)
        results = [result for (result,) in await asyncio.gather(*tasks)]
        assert (results[0], results[3]) == (False, True)
        assert (type(results[1]), type(results[2])) == (InvalidValue, NotFound)
        assert sorted(slow.sent) == [("join", ["a>nosuch", "b>a"]), ("put", ["a", "b"])]

    under_way(test)


@pytest.mark.parametrize("operation", CALLS)
def test_a_batch_that_fails_whole_is_tried_singly(operation: str) -> None:
    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        await made(slow, *"abc")
        busy = await fill(slow, layer)
        slow.poison |= {"b": bad_item, "b>b": bad_item}
        tasks = {id: asyncio.ensure_future(CALLS[operation](layer, id)) for id in "abc"}
        await settle()
        slow.go.set()
        done = dict(zip(tasks, await asyncio.gather(*tasks.values(), return_exceptions=True), strict=True))
        assert isinstance(done["b"], InvalidValue)
        assert not isinstance(done["a"], BaseException)
        assert not isinstance(done["c"], BaseException)
        assert Counter(item[0] for _, items in slow.sent for item in items) == {"a": 2, "b": 2, "c": 2}
        await asyncio.gather(*busy)

    under_way(test)


@pytest.mark.parametrize("operation", ["put", "join"])
def test_nothing_is_tried_twice_where_it_may_have_taken_effect(operation: str) -> None:
    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        await made(slow, *"abc")
        busy = await fill(slow, layer)
        slow.poison |= dict.fromkeys(("b", "b>b"), lambda: Unavailable("lost", outcome_unknown=True))
        tasks = [asyncio.ensure_future(CALLS[operation](layer, id)) for id in "abc"]
        await settle()
        slow.go.set()
        failures = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(failure) for failure in failures} == {Unavailable}
        assert len({id(failure) for failure in failures}) == 3, "waiters must not share one traceback"
        assert len(slow.sent) == 1
        await asyncio.gather(*busy)

    under_way(test)


@pytest.mark.parametrize("operation", CALLS)
def test_a_backend_that_answers_too_little_leaves_nobody_waiting(operation: str) -> None:
    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        await made(slow, *"ab")
        busy = await fill(slow, layer)
        tasks = [asyncio.ensure_future(CALLS[operation](layer, id)) for id in "ab"]
        await settle()
        slow.short = True
        slow.go.set()
        failures = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert all(isinstance(failure, StorageError) for failure in failures)
        await asyncio.gather(*busy, return_exceptions=True)

    under_way(test)


def test_whatever_is_no_single_call_goes_through_as_it_is() -> None:
    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        await made(slow, "a", "b")
        busy = await fill(slow, layer)
        assert [one.id for one in (await layer.traverse(Traversal((ref("a"),), "out", None, 3, 10))).nodes] == ["b"]
        path = await layer.shortest_path(Route(ref("a"), ref("b"), "out", None, 3))
        assert path is not None
        assert [node.id for node in await layer.find_nodes(Search("", "Skill", {}, "", 10))] == ["a", "b"]
        assert (await layer.stats(None)).nodes == {"Skill": 2}
        assert await layer.delete_edges([link("a", "b")]) == [True]
        assert await layer.delete_nodes([ref("a")], detach=False) == [True]
        assert (await layer.owned("p1"), await layer.erase("p1"), await layer.clear("")) == (0, 0, 1)
        assert slow.sent == []
        slow.go.set()
        await asyncio.gather(*busy)
        assert await layer.get_nodes(()) == await layer.upsert_nodes(()) == await layer.neighbors(()) == []
        assert await layer.upsert_nodes([Node(*ref("x")), Node(*ref("x"))]) == [True, False]
        assert slow.sent[-1] == ("put", ["x", "x"]), "a batch of the caller's own stays as it is"

    under_way(test)


def test_close_lets_gathered_batches_end() -> None:
    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        busy = await fill(slow, layer)
        tasks = [asyncio.create_task(layer.upsert_nodes((Node(*ref(id)),))) for id in "ab"]
        await settle()
        slow.go.set()
        await asyncio.gather(*busy)
        await layer.close()
        assert await asyncio.gather(*tasks) == [[True], [True]]

    under_way(test)


STEPS = st.lists(st.tuples(st.sampled_from([*CALLS, "cancel", "wait", "go"]), st.sampled_from("abc")), max_size=40)


@given(steps=STEPS, concurrency=st.integers(1, 3), batch=st.integers(1, 4), random=st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=80)
def test_whatever_is_called_at_once_everybody_is_answered_and_a_node_is_made_once(
    steps: list[tuple[str, str]], concurrency: int, batch: int, random: Any
) -> None:
    async def test(slow: SlowGraph, layer: GraphBackend) -> None:
        tasks: list[tuple[str, asyncio.Future[Any]]] = []
        for operation, id in steps:
            if operation == "cancel" and tasks:
                random.choice(tasks)[1].cancel()
            elif operation in CALLS:
                tasks.append((f"{operation} {id}", asyncio.ensure_future(CALLS[operation](layer, id))))
            else:
                await settle()
                slow.go.set()
                await settle()
                if operation == "wait":
                    slow.go.clear()
        slow.go.set()
        await asyncio.wait_for(asyncio.gather(*(task for _, task in tasks), return_exceptions=True), 10)
        assert slow.most_in_flight <= concurrency
        assert slow.in_flight == 0
        assert all(len(items) <= batch for _, items in slow.sent)
        flags = Counter(name for name, task in tasks if not task.cancelled() and task.result() == [True])
        assert all(count == 1 for count in flags.values())

    under_way(test, concurrency=concurrency, batch=batch)


def test_single_upserts_of_a_storage_at_once_make_each_once_and_all_merge() -> None:
    async def test() -> None:
        slow = SlowGraph(batch=50)
        slow.go.set()
        async with Storage(graph=slow, profile="test") as storage:
            graph, names = storage.graph.at("a"), ["role", "type"]
            node, loop = ref("t"), link("t", "t")
            flags = await asyncio.gather(*(graph.upsert_node(Node(*node, {name: "x"})) for name in names * 50))
            assert Counter(flags) == {True: 1, False: 99}
            flags = await asyncio.gather(*(graph.upsert_edge(Edge(*loop, {name: "x"})) for name in names * 50))
            assert Counter(flags) == {True: 1, False: 99}
            assert await graph.get_node(node) == Node(*node, {"role": "x", "type": "x"})
            assert await graph.get_edge(loop) == Edge(*loop, {"role": "x", "type": "x"})

    asyncio.run(test())
