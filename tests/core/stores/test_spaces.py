"""Spaces of a graph: their names, and that nothing of one is met in another."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.stores.test_graph_arguments import numbered, run, walked
from unison_storage.addresses import SEPARATOR
from unison_storage.contracts.graph import Route, Traversal
from unison_storage.errors import InvalidCursor, InvalidKey
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.storage import Storage
from unison_storage.stores.graph import Graph
from unison_storage.stores.spaces import Outwards, space_of
from unison_storage.testing import ManualClock, reference_storage
from unison_storage.unison_model import UNISON_MODEL
from unison_storage.values import Edge, EdgeRef, GraphStats, Node

P1, S1 = ("Person", "p1"), ("Skill", "s1")
OWNS = EdgeRef("OWNS", P1, S1)
SPACES: list[tuple[str, ...]] = [
    *((), ("a",), ("a", "b"), ("a", "b", "c"), ("b",), ("ab",), ("A",), ("a ",), ("a/b",), ("p1",), ("a", "p1")),
    *(("\u00e9",), ("e\u0301",), ("%",), ("_",), ("*",), ("a", "a"), ("Person",), ("..a",), ("x" * 255,), ("a",) * 16),
]
HOSTILE: list[Any] = [
    *("", ".", "..", "a\x00", "a\n", "a\x1fb", "\x1f", "\x7f", "\x85", "\ud800", "s" * 256, "\u00e9" * 128),
    *(None, 5, b"a", ["a"], ("a",), True),
]

segments = st.text(alphabet="aAb.0 /\u00e9", min_size=1, max_size=3).filter(lambda text: text not in {".", ".."})


@given(one=st.lists(segments, max_size=4), other=st.lists(segments, max_size=4))
@settings(deadline=None, max_examples=150)
def test_two_spaces_have_one_name_only_where_they_are_one(one: list[str], other: list[str]) -> None:
    first, second = space_of(one), space_of(other)
    assert (first == second) is (one == other)
    assert second.startswith(first) is (other[: len(one)] == one)
    assert first == "" or first.endswith(SEPARATOR)
    assert Outwards(first).id(first + "id") == "id"


@pytest.mark.parametrize("segment", numbered(HOSTILE))
def test_a_hostile_segment_is_refused_where_the_handle_is_made(segment: Any) -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        for space in ((segment,), ("a", segment), (segment, "a")):
            with pytest.raises(InvalidKey):
                graph.at(*space)
        assert asked == []

    run(test)


def test_a_space_has_sixteen_segments_at_most() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        deepest = graph.at(*["s" * 255] * 16)
        assert await deepest.upsert_node(Node("Person", "p" * 128))
        assert await deepest.get_node(("Person", "p" * 128)) == Node("Person", "p" * 128)
        with pytest.raises(InvalidKey, match="at most 16 segments, this one 17"):
            graph.at(*["a"] * 17)

    run(test)


def test_a_handle_is_cheap_immutable_and_named_from_the_root() -> None:
    async def test(graph: Graph, asked: list[str]) -> None:
        inner = graph.at("a", "b")
        assert (graph.space, inner.space, inner.at("c").space, inner.at().space) == ((), ("a", "b"), ("c",), ())
        assert inner.model is graph.model is UNISON_MODEL
        with pytest.raises(AttributeError):
            inner.other = 1  # type: ignore[attr-defined]
        assert asked == []

    run(test)


async def fill(graph: Graph, name: str) -> None:
    """Put the same nodes and edges into a space, which differ only by what they hold."""
    await graph.upsert_nodes([Node(*P1, {"role": name}), Node(*S1, {"role": name})])
    await graph.upsert_edges([Edge(*OWNS, {"role": name}), Edge("OWNS", S1, S1, "k", {"role": name})])


async def check(graph: Graph, name: str) -> None:
    """Check that every call in a space meets what was put there and nothing else."""
    node, skill, edge = Node(*P1, {"role": name}), Node(*S1, {"role": name}), Edge(*OWNS, {"role": name})
    assert (await graph.get_node(P1), await graph.get_edge(OWNS)) == (node, edge)
    assert list((await graph.get_nodes([P1, S1])).values()) == [node, skill]
    assert list((await graph.get_edges([edge])).values()) == [edge]
    found = await walked(graph.neighbors(P1, direction="both"))
    assert [(one.node, one.edge) for one in found] == [(skill, edge)]
    walk = await graph.traverse(P1, direction="both", max_depth=9)
    assert [(one.label, one.id, one.depth, one.properties) for one in walk.nodes] == [
        ("Skill", "s1", 1, {"role": name})
    ]
    path = await graph.shortest_path(P1, S1)
    assert path is not None
    assert (path.nodes, path.edges) == ((node, skill), (edge,))
    assert await walked(graph.find_nodes("Person")) == [node]
    assert await walked(graph.find_nodes("Skill", {"role": name})) == [skill]
    assert await graph.stats() == GraphStats({"Person": 1, "Skill": 1}, {"OWNS": 2})


def in_spaces(test: Callable[[Graph, dict[tuple[str, ...], str]], Awaitable[None]]) -> None:
    """Run a test on a graph with the same in every space."""

    async def opened() -> None:
        async with reference_storage() as storage:
            names = {space: f"r{number}" for number, space in enumerate(SPACES)}
            for space, name in names.items():
                await fill(storage.graph.at(*space), name)
            await test(storage.graph, names)

    asyncio.run(opened())


def test_every_call_meets_what_is_in_its_space_and_nothing_else() -> None:
    async def test(graph: Graph, names: dict[tuple[str, ...], str]) -> None:
        for space, name in names.items():
            await check(graph.at(*space), name)
        many = len(SPACES)
        assert await graph.total() == GraphStats({"Person": many, "Skill": many}, {"OWNS": 2 * many})
        assert await graph.at("b").total() == await graph.total()

    in_spaces(test)


@pytest.mark.parametrize("cleared", SPACES, ids=lambda space: f"{len(space)}-{'/'.join(space)[:8]}")
def test_clearing_a_space_empties_it_and_no_other(cleared: tuple[str, ...]) -> None:
    async def test(graph: Graph, names: dict[tuple[str, ...], str]) -> None:
        assert await graph.at(*cleared).clear() == 4
        assert await graph.at(*cleared).clear() == 0
        assert await graph.at(*cleared).stats() == GraphStats({}, {})
        for space, name in names.items():
            if space != cleared:
                await check(graph.at(*space), name)
        await fill(graph.at(*cleared), names[cleared])
        await check(graph.at(*cleared), names[cleared])

    in_spaces(test)


def test_a_delete_in_one_space_leaves_the_others() -> None:
    async def test(graph: Graph, names: dict[tuple[str, ...], str]) -> None:
        gone = graph.at("a")
        assert await gone.delete_edges([OWNS]) == {OWNS: True}
        assert await gone.delete_nodes([P1, S1], detach=True) == {P1: True, S1: True}
        for space, name in names.items():
            if space != ("a",):
                await check(graph.at(*space), name)

    in_spaces(test)


def test_a_person_is_erased_in_all_spaces_from_any() -> None:
    async def test(graph: Graph, names: dict[tuple[str, ...], str]) -> None:
        others = [("Person", "xp1"), ("Person", "p1x"), ("Person", "P1"), ("Skill", "p1"), ("Person", "a/p1")]
        inner = graph.at("a", "b")
        await inner.upsert_nodes([*(Node(*ref) for ref in others), Node("Skill", "mine", {}, "p1")])
        await inner.upsert_edges(
            [Edge("ABOUT", S1, ("Skill", "mine")), Edge("ABOUT", S1, ("Skill", "p1"), "", {}, "p1")]
        )
        here = len(SPACES) * 2 + 3
        assert await graph.at("b").owned("p1") == await graph.owned("p1") == here
        assert await graph.at("b").erase("p1") == here
        assert await graph.owned("p1") == await graph.erase("p1") == 0
        assert await graph.total() == GraphStats({"Skill": len(SPACES) + 1, "Person": 4}, {"OWNS": len(SPACES)})
        assert None not in (await inner.get_nodes(others)).values()
        assert await inner.get_node(("Skill", "mine")) is None

    in_spaces(test)


def test_in_the_empty_space_ids_stay_raw_and_elsewhere_the_space_stands_in_front() -> None:
    async def test() -> None:
        backend = ReferenceGraph(ManualClock())
        async with Storage(graph=backend, profile="test") as storage:
            await fill(storage.graph, "raw")
            await fill(storage.graph.at("a", "b"), "inner")
        stored = [("Person", "p1"), ("Person", "a\x1fb\x1fp1")]
        assert [type(one) for one in await backend.get_nodes(stored)] == [Node, Node]
        inner = ("Skill", "a\x1fb\x1fs1")
        edge = EdgeRef("OWNS", stored[1], inner)
        assert await backend.get_edges([edge]) == [Edge(*edge, {"role": "inner"})]
        assert len((await backend.traverse(Traversal((stored[1],), "out", None, 3, 9))).nodes) == 1
        assert await backend.shortest_path(Route(stored[0], inner, "both", None, 9)) is None

    asyncio.run(test())


def test_nodes_are_found_page_by_page_whatever_stands_before_and_after_the_space() -> None:
    async def test(graph: Graph, names: dict[tuple[str, ...], str]) -> None:
        for space in (("a",), ("a", "b")):
            inner = graph.at(*space)
            ids = [f"p{number:02}" for number in range(7)]
            await inner.upsert_nodes(Node("Person", id, {"score": 1}) for id in ids)
            for where in ({}, {"score": 1.0}):
                found: list[str] = []
                page = await inner.find_nodes_page("Person", where, limit=2)
                while page.cursor is not None:
                    found += [node.id for node in page.items]
                    await inner.delete_node(("Person", found[-1]), detach=True)  # a page goes on after what is gone
                    page = await inner.find_nodes_page("Person", where, limit=2, cursor=page.cursor)
                found += [node.id for node in page.items]
                assert found == sorted([*ids, "p1"] if not where else ids)
                await inner.upsert_nodes(Node("Person", id, {"score": 1}) for id in ids)
                await inner.upsert_node(Node(*P1))

    in_spaces(test)


def forged(cursor: str | None, position: str) -> str:
    """Return a cursor of the same listing that stands elsewhere: its digest is no secret."""
    assert cursor is not None
    head = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[:9]
    return base64.urlsafe_b64encode(head + position.encode()).decode().rstrip("=")


POSITIONS = [
    "a",
    "s",
    "s1",
    "t",
    "\x1f",
    "b\x1fs1",
    "\x1f\x1f",
    "OWNS",
    "Z\x1f" * 4,
    "A\x1f" * 4,
    "OWNS\x1fSkill\x1fs1\x1f\x1fx",
]


@pytest.mark.parametrize("position", POSITIONS, ids=ascii)
def test_a_forged_position_moves_the_start_and_leads_out_of_no_space(position: str) -> None:
    async def test(graph: Graph, names: dict[tuple[str, ...], str]) -> None:
        for space in ((), ("a",), ("a", "b")):
            inner = graph.at(*space)
            await inner.upsert_nodes(Node("Skill", f"s{number}") for number in range(2, 5))
            await inner.upsert_edges(Edge("OWNS", P1, ("Skill", f"s{number}")) for number in range(2, 5))
            found = await inner.find_nodes_page("Skill", limit=1)
            page = await inner.find_nodes_page("Skill", cursor=forged(found.cursor, position))
            everything = (await inner.find_nodes_page("Skill")).items
            assert page.items == tuple(node for node in everything if node.id > position)
            first = await inner.neighbors_page(P1, limit=1)
            cursor = forged(first.cursor, position)
            if position.count("\x1f") != 4:
                with pytest.raises(InvalidCursor):
                    await inner.neighbors_page(P1, cursor=cursor)
                continue
            beside = await inner.neighbors_page(P1, cursor=cursor)
            assert set(map(str, beside.items)) <= set(map(str, (await inner.neighbors_page(P1)).items))

    in_spaces(test)


# ------------------------------------------------------------------------------------------------ names, byte by byte


def apart(*names: str) -> list[str]:
    """Return the names with others that folding, normalising or cutting would take for one of them."""
    return [*names, "k", "K", "k.", "k:", "k/", "k-", "k_", "k1", "k10", "k" * 127, "k" * 128, "k" * 127 + "K"]


def test_names_differ_by_every_byte() -> None:
    async def test() -> None:
        async with reference_storage() as storage:
            segments = ["a", "A", "\u00e9", "e\u0301", "\ufb01", "fi", "a/b", "a ", "s" * 254, "s" * 255]
            for graph in (storage.graph, *(storage.graph.at(segment) for segment in segments)):
                for label in ("Person", "Skill"):
                    made = await graph.upsert_nodes(Node(label, id, {"person_id": id}) for id in apart())
                    assert made == [True] * len(apart())
                hub = ("Skill", "k")
                edges = [Edge(type, hub, hub, key, {"role": "on"}) for type in ("OWNS", "ABOUT") for key in apart("")]
                assert all(await graph.upsert_edges(edges))
                for label in ("Person", "Skill"):
                    nodes = [node async for node in graph.find_nodes(label)]
                    assert [node.id for node in nodes] == sorted(apart(), key=str.encode)
                    assert all(node.properties == {"person_id": node.id} for node in nodes)
                found = [one.edge async for one in graph.neighbors(hub)]
                assert [edge.ref for edge in found] == sorted(
                    (edge.ref for edge in edges), key=lambda one: (one.type, one.key.encode())
                )

    asyncio.run(test())
