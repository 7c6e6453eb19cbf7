"""Arguments of graph calls: what is refused, that nothing of it reaches the backend, and that nothing is quoted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unison_storage.contracts.graph import GraphBackend
from unison_storage.contracts.operations import READS, WRITES
from unison_storage.errors import (
    ClassificationViolation,
    InvalidCursor,
    InvalidKey,
    InvalidValue,
    StorageError,
)
from unison_storage.graph_model import check_edge_key, check_id
from unison_storage.layers.passing import layered
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.storage import Storage
from unison_storage.stores.graph import Graph
from unison_storage.testing import ManualClock
from unison_storage.values import Edge, EdgeRef, Node

CANARY = "c4n4ry"
HERE, THERE = ("Person", "p1"), ("Skill", "s1")
GOOD_IDS = ["a", "0", "A" * 128, "a_.:/-", "https://x/y", "p1"]
BAD_IDS: list[Any] = [
    *(
        "",
        " ",
        ".",
        "..",
        "-a",
        "_a",
        ":a",
        "/a",
        f"{CANARY} b",
        f"{CANARY}@example.org",
        f"+49{CANARY}",
        "a\x1fb",
        "a\x00",
    ),
    *("a\n", "a`", "a'", 'a"', "a\\", "a*", "a%", "\u00e9", "\u212a", "\ud800", "A" * 129, CANARY * 100_000),
    *(None, 5, 1.5, True, b"a", ("a",), ["a"]),
]


class Text(str):
    __slots__ = ()


BAD_REFS: list[Any] = [
    *(
        ("Nosuch", "a"),
        ("person", "a"),
        ("", "a"),
        ("`", "a"),
        (f"{CANARY} x", "a"),
        (5, "a"),
        (None, "a"),
        (["x"], "a"),
    ),
    *(("Person",), ("Person", "a", "b"), (), "Person", "Pa", ["Person", "a"], {"Person": "a"}, None, 5, HERE + HERE),
    *((Text("Person"), "a"), ("Person", Text("a"))),
]


def told(error: BaseException) -> str:
    chain = [one for one in (error.__cause__, error.__context__) if one is not None]
    return " ".join([str(error), repr(error.args), repr(vars(error)), *map(told, chain)])


def numbered(values: list[Any]) -> list[Any]:
    return [pytest.param(value, id=f"{number}-{type(value).__name__}") for number, value in enumerate(values)]


def watching(asked: list[str]) -> GraphBackend:
    """Return a reference graph that writes down which of its methods is called."""
    inner = ReferenceGraph(ManualClock())

    def watch(name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(inner, name)

        async def call(*arguments: Any, **named: Any) -> Any:
            asked.append(name)
            return await method(*arguments, **named)

        return call

    return layered(inner, {name: watch(name) for name in (*READS[GraphBackend], *WRITES[GraphBackend])})


def run(test: Callable[[Graph, list[str]], Awaitable[None]]) -> None:
    """Run a test on the graph of a storage, with what has reached its backend."""

    async def opened() -> None:
        asked: list[str] = []
        async with Storage(graph=watching(asked), profile="test", clock=ManualClock()) as storage:
            await test(storage.graph, asked)

    asyncio.run(opened())


def refused(calls: Callable[[Graph], Iterator[Callable[[], Awaitable[Any]]]], *errors: type[StorageError]) -> None:
    """Check that every call is refused with one of the errors, quoting nothing and asking nobody."""

    async def test(graph: Graph, asked: list[str]) -> None:
        for call in calls(graph):
            with pytest.raises(StorageError) as raised:
                await call()
            assert type(raised.value) in errors
            assert CANARY not in told(raised.value)
            assert len(str(raised.value)) < 600
        assert asked == []

    run(test)


async def walked(found: Any) -> list[Any]:
    return [one async for one in found]


def with_ref(graph: Graph, ref: Any) -> Iterator[Callable[[], Awaitable[Any]]]:
    """Yield every call that takes a node, made with this one."""
    yield lambda: graph.get_node(ref)
    yield lambda: graph.delete_node(ref)
    yield lambda: graph.delete_node(ref, detach=True)
    yield lambda: graph.neighbors_page(ref)
    yield lambda: walked(graph.neighbors(ref))
    yield lambda: graph.traverse(ref)
    yield lambda: graph.traverse(HERE, ref)
    yield lambda: graph.shortest_path(ref, HERE)
    yield lambda: graph.shortest_path(HERE, ref)
    for ends in ((ref, HERE), (HERE, ref)):
        yield lambda ends=ends: graph.get_edge(EdgeRef("OWNS", *ends))  # type: ignore[misc]
        yield lambda ends=ends: graph.get_edge(Edge("OWNS", *ends))  # type: ignore[misc]
        yield lambda ends=ends: graph.delete_edge(EdgeRef("OWNS", *ends))  # type: ignore[misc]
        yield lambda ends=ends: graph.upsert_edge(Edge("OWNS", *ends))  # type: ignore[misc]


@pytest.mark.parametrize("ref", numbered(BAD_REFS))
def test_what_names_no_node_is_refused_by_every_call(ref: Any) -> None:
    refused(lambda graph: with_ref(graph, ref), InvalidValue, InvalidKey)


@pytest.mark.parametrize("id", numbered(BAD_IDS))
def test_what_is_no_id_is_refused_by_every_call(id: Any) -> None:
    refused(lambda graph: with_ref(graph, ("Person", id)), InvalidKey)
    refused(lambda graph: iter([lambda: graph.upsert_node(Node("Person", id))]), InvalidKey)
    with pytest.raises(InvalidKey):
        check_id(id)


@pytest.mark.parametrize("key", numbered([one for one in BAD_IDS if one != ""]))
def test_what_is_no_key_of_an_edge_is_refused_by_every_call(key: Any) -> None:
    def calls(graph: Graph) -> Iterator[Callable[[], Awaitable[Any]]]:
        yield lambda: graph.get_edge(EdgeRef("OWNS", HERE, THERE, key))
        yield lambda: graph.delete_edge(EdgeRef("OWNS", HERE, THERE, key))
        yield lambda: graph.upsert_edge(Edge("OWNS", HERE, THERE, key))

    refused(calls, InvalidKey)
    with pytest.raises(InvalidKey):
        check_edge_key(key)


@given(text=st.text(max_size=130) | st.text(alphabet="aZ0_.:/-@ \n\x1f", min_size=1, max_size=130))
@settings(deadline=None, max_examples=200)
def test_an_id_is_a_letter_or_digit_and_then_few_marks(text: str) -> None:
    plain = [one for one in text if one.isascii() and (one.isalnum() or one in "_.:/-")]
    if 0 < len(text) <= 128 and len(plain) == len(text) and text[0].isalnum():
        assert (check_id(text), check_edge_key(text)) == (text, text)
    else:
        with pytest.raises(InvalidKey):
            check_id(text)
    assert check_edge_key("") == ""


@pytest.mark.parametrize("id", GOOD_IDS)
def test_an_id_comes_back_as_it_was(id: str) -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        for space in (graph, graph.at("a")):
            assert await space.upsert_node(Node("Person", id))
            assert await space.upsert_edge(Edge("OWNS", ("Person", id), ("Person", id), id))
            assert await space.get_node(("Person", id)) == Node("Person", id)
            edge = EdgeRef("OWNS", ("Person", id), ("Person", id), id)
            assert await space.get_edge(edge) == Edge(*edge)

    run(test)


# ------------------------------------------------------------------------------------------------------------- writes


@pytest.mark.parametrize(
    "person", numbered(["", "-p", "p 1", "p" * 129, "*", "\u00e9", f"{CANARY}@x", 5, True, b"p", Text("p")])
)
def test_a_person_is_an_opaque_id(person: Any) -> None:
    def calls(graph: Graph) -> Iterator[Callable[[], Awaitable[Any]]]:
        yield lambda: graph.upsert_node(Node("Person", "p1", {}, person))
        yield lambda: graph.upsert_edge(Edge("OWNS", HERE, THERE, "", {}, person))
        yield lambda: graph.erase(person)
        yield lambda: graph.owned(person)

    refused(calls, InvalidKey)


@pytest.mark.parametrize("value", [CANARY, f"{CANARY} b", -5, True, ["a"], {"a": 1}], ids=str)
def test_properties_are_judged_by_the_model_before_anything_is_sent(value: Any) -> None:
    def calls(graph: Graph) -> Iterator[Callable[[], Awaitable[Any]]]:
        for properties in ({"last_seen": value}, {"nosuch": 1}, {f"{CANARY} x": 1}, {5: 1}, None, [("score", 1)]):
            given_properties: Any = properties
            yield lambda given=given_properties: graph.upsert_node(Node(*HERE, given))  # type: ignore[misc]
            yield lambda given=given_properties: graph.upsert_edge(Edge("OWNS", HERE, THERE, "", given))  # type: ignore[misc]
            if given_properties:
                yield lambda given=given_properties: graph.find_nodes_page("Person", given)  # type: ignore[misc]

    refused(calls, InvalidValue, ClassificationViolation)


@pytest.mark.parametrize("thing", numbered([None, 5, "Person", HERE, EdgeRef("OWNS", HERE, THERE), {}, object()]))
def test_only_nodes_and_edges_are_written(thing: Any) -> None:
    def calls(graph: Graph) -> Iterator[Callable[[], Awaitable[Any]]]:
        yield lambda: graph.upsert_node(thing)
        yield lambda: graph.upsert_edge(thing)
        if not isinstance(thing, EdgeRef):
            yield lambda: graph.get_edge(thing)
            yield lambda: graph.delete_edge(thing)

    refused(calls, InvalidValue)


@pytest.mark.parametrize(
    "type", numbered(["", "owns", "Nosuch", "OWNS ", "`OWNS`", f"{CANARY}-x", 5, None, ["OWNS"], Text("OWNS")])
)
def test_a_type_is_one_of_the_model(type: Any) -> None:
    def calls(graph: Graph) -> Iterator[Callable[[], Awaitable[Any]]]:
        yield lambda: graph.upsert_edge(Edge(type, HERE, THERE))
        yield lambda: graph.get_edge(EdgeRef(type, HERE, THERE))
        yield lambda: graph.delete_edge(EdgeRef(type, HERE, THERE))
        yield lambda: graph.find_nodes_page(type)
        for types in ([type], ["OWNS", type], (type,)):
            chosen: Any = types
            yield lambda chosen=chosen: graph.neighbors_page(HERE, types=chosen)  # type: ignore[misc]
            yield lambda chosen=chosen: graph.neighbors_page(HERE, labels=chosen)  # type: ignore[misc]
            yield lambda chosen=chosen: graph.traverse(HERE, types=chosen)  # type: ignore[misc]
            yield lambda chosen=chosen: graph.shortest_path(HERE, THERE, types=chosen)  # type: ignore[misc]

    refused(calls, InvalidValue)


# -------------------------------------------------------------------------------------------------------------- reads


@pytest.mark.parametrize("chosen", numbered(["OWNS", "", b"OWNS", 5, True, 1.5, object()]))
def test_types_and_labels_are_a_list_of_names(chosen: Any) -> None:
    def calls(graph: Graph) -> Iterator[Callable[[], Awaitable[Any]]]:
        yield lambda: graph.neighbors_page(HERE, types=chosen)
        yield lambda: graph.neighbors_page(HERE, labels=chosen)
        yield lambda: graph.traverse(HERE, types=chosen)
        yield lambda: graph.shortest_path(HERE, THERE, types=chosen)

    refused(calls, InvalidValue)


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset], ids=lambda kind: kind.__name__)
def test_types_and_labels_may_be_lists_tuples_and_sets(kind: Any) -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        await graph.upsert_nodes([Node(*HERE), Node(*THERE)])
        await graph.upsert_edges([Edge("OWNS", HERE, THERE), Edge("ABOUT", HERE, HERE)])
        page = await graph.neighbors_page(HERE, types=kind(["OWNS", "OWNS"]), labels=kind(["Skill"]))
        assert [one.node.ref for one in page.items] == [THERE]
        assert len((await graph.traverse(HERE, types=kind(["OWNS"]))).nodes) == 1

    run(test)


@pytest.mark.parametrize(
    "direction", numbered(["", "OUT", "outwards", "any", f"{CANARY}", None, 5, True, b"out", ["out"], {"out"}])
)
def test_a_direction_is_out_in_or_both(direction: Any) -> None:
    def calls(graph: Graph) -> Iterator[Callable[[], Awaitable[Any]]]:
        yield lambda: graph.neighbors_page(HERE, direction=direction)
        yield lambda: graph.traverse(HERE, direction=direction)
        yield lambda: graph.shortest_path(HERE, THERE, direction=direction)

    refused(calls, InvalidValue)


BAD_BOUNDS: list[Any] = [0, -1, 10**6, 10**30, True, 1.0, "1", None, [1]]


@pytest.mark.parametrize("bound", numbered(BAD_BOUNDS))
def test_bounds_are_whole_numbers_within_reason(bound: Any) -> None:
    def calls(graph: Graph) -> Iterator[Callable[[], Awaitable[Any]]]:
        yield lambda: graph.traverse(HERE, max_depth=bound)
        yield lambda: graph.traverse(HERE, max_nodes=bound)
        yield lambda: graph.shortest_path(HERE, THERE, max_depth=bound)
        yield lambda: graph.neighbors_page(HERE, limit=bound)
        yield lambda: graph.find_nodes_page("Person", limit=bound)

    refused(calls, InvalidValue)


def test_the_outermost_bounds_are_allowed_and_the_next_are_not() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        for depth, nodes in product((1, 100), (1, 10_000)):
            await graph.traverse(HERE, max_depth=depth, max_nodes=nodes)
            await graph.shortest_path(HERE, THERE, max_depth=depth)
        await graph.traverse(*(("Person", f"p{number}") for number in range(1_000)))
        for limit in (1, 1_000):
            await graph.neighbors_page(HERE, limit=limit)
            await graph.find_nodes_page("Person", limit=limit)

    run(test)

    def calls(graph: Graph) -> Iterator[Callable[[], Awaitable[Any]]]:
        yield lambda: graph.traverse(HERE, max_depth=101)
        yield lambda: graph.traverse(HERE, max_nodes=10_001)
        yield lambda: graph.shortest_path(HERE, THERE, max_depth=101)
        yield lambda: graph.neighbors_page(HERE, limit=1_001)
        yield lambda: graph.find_nodes_page("Person", limit=1_001)
        yield graph.traverse
        yield lambda: graph.traverse(*(("Person", f"p{number}") for number in range(1_001)))

    refused(calls, InvalidValue)


def test_a_walk_is_cut_only_where_something_is_left_out() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        chain = [("Skill", f"t{number}") for number in range(6)]
        await graph.upsert_nodes(Node(*ref) for ref in chain)
        await graph.upsert_edges(Edge("OWNS", *ends) for ends in pairwise(chain))
        for depth, most in product(range(1, 8), range(1, 8)):
            walk = await graph.traverse(chain[0], max_depth=depth, max_nodes=most)
            assert len(walk.nodes) == min(5, depth, most)
            assert walk.cut is (min(5, depth) > most)
        for depth in range(1, 8):
            path = await graph.shortest_path(chain[0], chain[5], max_depth=depth)
            assert (path is None) is (depth < 5)

    run(test)


# ------------------------------------------------------------------------------------------------------------ cursors


@pytest.mark.parametrize(
    "cursor", numbered(["", "x", "AAAA", "\u00e9", "=" * 8, "A" * 4000, "\x00", CANARY, 5, b"AAAA", ["A"]])
)
def test_a_forged_cursor_is_refused(cursor: Any) -> None:
    def calls(graph: Graph) -> Iterator[Callable[[], Awaitable[Any]]]:
        yield lambda: graph.neighbors_page(HERE, cursor=cursor)
        yield lambda: graph.find_nodes_page("Person", cursor=cursor)

    refused(calls, InvalidCursor)


async def crowd(graph: Graph) -> None:
    nodes = [HERE, THERE, *(("Skill", f"t{number}") for number in range(5))]
    await graph.upsert_nodes(Node(*ref, {"score": 1, "type": "a"}) for ref in nodes)
    await graph.upsert_edges(Edge("OWNS", start, end) for start in (HERE, THERE) for end in nodes)


def test_a_cursor_belongs_to_one_question() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        other = graph.at("a")
        for space in (graph, other):
            await crowd(space)
        pages: dict[str, Callable[..., Awaitable[Any]]] = {
            "out": lambda **more: graph.neighbors_page(HERE, **more),
            "elsewhere": lambda **more: other.neighbors_page(HERE, **more),
            "from another": lambda **more: graph.neighbors_page(THERE, **more),
            "both": lambda **more: graph.neighbors_page(HERE, direction="both", **more),
            "of a type": lambda **more: graph.neighbors_page(HERE, types=["OWNS"], **more),
            "of a label": lambda **more: graph.neighbors_page(HERE, labels=["Skill"], **more),
            "skills": lambda **more: graph.find_nodes_page("Skill", **more),
            "skills elsewhere": lambda **more: other.find_nodes_page("Skill", **more),
            "of a score": lambda **more: graph.find_nodes_page("Skill", {"score": 1}, **more),
            "of a score as a float": lambda **more: graph.find_nodes_page("Skill", {"score": 1.0}, **more),
            "of a sort": lambda **more: graph.find_nodes_page("Skill", {"type": "a"}, **more),
        }
        cursors = {name: (await page(limit=2)).cursor for name, page in pages.items()}
        assert None not in cursors.values()
        before = len(asked)
        for name, page in pages.items():
            for origin, cursor in cursors.items():
                if origin != name:
                    with pytest.raises(InvalidCursor):
                        await page(cursor=cursor)
        assert len(asked) == before
        for name, page in pages.items():
            following = await page(cursor=cursors[name], limit=1_000)  # another limit is the same question
            everything = await page(limit=1_000)
            assert following.items == everything.items[2:]
            assert following.cursor is None

    run(test)


def test_the_order_of_types_makes_no_other_question() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        await crowd(graph)
        first = await graph.neighbors_page(HERE, types=["OWNS", "ABOUT"], limit=2)
        second = await graph.neighbors_page(HERE, types=["ABOUT", "OWNS", "OWNS"], limit=2, cursor=first.cursor)
        assert [one.node.id for one in (*first.items, *second.items)] == ["p1", "s1", "t0", "t1"]

    run(test)
