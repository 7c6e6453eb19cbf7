from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.plugins.sqlite.surroundings import (
    HandClock,
    context,
    error_of,
    kinds,
    migrated,
    output_of,
    python,
    scans,
    traced,
)
from unison_storage.contracts.graph import Neighbors, Route, Search, Traversal
from unison_storage.errors import HasEdges, InvalidValue, NotFound, NotOpen, Tampered
from unison_storage.values import Edge, EdgeRef, GraphStats, Node, NodeRef, Walk
from unison_storage_sqlite import graph_statements
from unison_storage_sqlite.graph import SqliteGraph


@asynccontextmanager
async def graph_at(path: Path) -> AsyncIterator[SqliteGraph]:
    graph = SqliteGraph(await migrated(path), context())
    await graph.open()
    try:
        yield graph
    finally:
        await graph.close()


def told(tmp_path: Path, story: Callable[[SqliteGraph], Coroutine[Any, Any, Any]]) -> None:
    """Run a story about a new graph."""

    async def run() -> None:
        async with graph_at(tmp_path / "x.db") as graph:
            await story(graph)

    asyncio.run(run())


A, B, C = ("A", "a"), ("A", "b"), ("A", "c")


def chain(*refs: NodeRef, type: str = "T") -> list[Edge]:
    return [Edge(type, one, two) for one, two in pairwise(refs)]


class TestWrites:
    def test_what_was_acknowledged_is_there_after_opening_again(self, tmp_path: Path) -> None:
        async def story() -> None:
            for number in range(3):
                async with graph_at(tmp_path / "x.db") as graph:
                    assert await graph.upsert_nodes([Node(*A, {f"x{number}": number}), Node(*B)]) == [number == 0] * 2
                    assert await graph.upsert_edges([Edge("T", A, B, "", {"x": number})]) == [number == 0]
            async with graph_at(tmp_path / "x.db") as graph:
                assert await graph.get_nodes([A]) == [Node(*A, {"x0": 0, "x1": 1, "x2": 2})]
                assert await graph.get_edges([EdgeRef("T", A, B)]) == [Edge("T", A, B, "", {"x": 2})]

        asyncio.run(story())

    def test_what_cannot_be_stored_spoils_nothing_else(self, tmp_path: Path) -> None:
        async def story(graph: SqliteGraph) -> None:
            found = await graph.upsert_nodes([Node(*A), Node("A", "\ud800"), Node(*B, {"x": "\ud800"}), Node(*C)])
            assert kinds(found) == [True, InvalidValue, InvalidValue, True]
            edges = [Edge("T", A, C), Edge("T", A, B), Edge("T", A, C, person="p"), Edge("T", A, C, person="q")]
            assert kinds(await graph.upsert_edges(edges)) == [True, NotFound, False, InvalidValue]
            assert await graph.stats(None) == GraphStats({"A": 2}, {"T": 1})

        told(tmp_path, story)

    def test_deleting_both_ends_in_one_batch_removes_their_edge_once(self, tmp_path: Path) -> None:
        async def story(graph: SqliteGraph) -> None:
            await graph.upsert_nodes([Node(*A), Node(*B), Node(*C)])
            await graph.upsert_edges([*chain(A, B, C), Edge("T", A, A)])
            assert kinds(await graph.delete_nodes([A, B, B], False)) == [HasEdges] * 3
            assert kinds(await graph.delete_nodes([A, A, C, B], True)) == [True, False, True, True]
            assert await graph.stats(None) == GraphStats({}, {})

        told(tmp_path, story)

    def test_many_callers_at_once_make_one_node_and_all_merge(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with graph_at(tmp_path / "x.db") as graph, graph_at(tmp_path / "x.db") as other:
                calls = [
                    (graph, other)[number % 2].upsert_nodes([Node(*A, {f"x{number}": number})]) for number in range(60)
                ]
                assert sum(made is True for [made] in await asyncio.gather(*calls)) == 1
                assert await graph.get_nodes([A]) == [Node(*A, {f"x{number}": number for number in range(60)})]

        asyncio.run(story())

    def test_of_processes_that_race_one_makes_each_edge_and_all_merge(self, tmp_path: Path) -> None:
        told(tmp_path, lambda graph: graph.upsert_nodes([Node(*A), Node(*B)]))
        made = [int(output_of(process)) for process in [python(RACE, tmp_path / "x.db", name) for name in "xyz"]]
        assert sum(made) == 40

        async def story(graph: SqliteGraph) -> None:
            found = await graph.get_edges([EdgeRef("T", A, B, f"{number}") for number in range(40)])
            assert [edge.properties for edge in found if isinstance(edge, Edge)] == [{"x": 1, "y": 1, "z": 1}] * 40
            assert await graph.stats(None) == GraphStats({"A": 2}, {"T": 40})

        told(tmp_path, story)


RACE = """
import asyncio, sys
from pathlib import Path
from tests.plugins.sqlite.surroundings import context, file_at
from unison_storage.values import Edge
from unison_storage_sqlite.graph import SqliteGraph

async def race():
    graph = SqliteGraph(file_at(Path(sys.argv[1])), context())
    await graph.open()
    made = 0
    for number in range(40):
        made += (await graph.upsert_edges([Edge("T", ("A", "a"), ("A", "b"), f"{number}", {sys.argv[2]: 1})]))[0]
    await graph.close()
    print(made)

asyncio.run(race())
"""


class TestWalks:
    def test_a_circle_ends_whatever_depth_is_asked_for(self, tmp_path: Path) -> None:
        async def story(graph: SqliteGraph) -> None:
            there = [("A", f"{number:03}") for number in range(150)]
            await graph.upsert_nodes([Node(*ref) for ref in there])
            # every node has two ways on, so that there are 2^100 walks of a hundred hops
            await graph.upsert_edges([*chain(*there, there[0]), *chain(*there, there[0], type="U")])
            walk = await graph.traverse(Traversal((there[0],), "out", None, 100, 1000))
            assert [(one.id, one.depth) for one in walk.nodes] == [(ref[1], at) for at, ref in enumerate(there)][1:101]
            assert not walk.cut
            path = await graph.shortest_path(Route(there[0], there[100], "out", None, 100))
            assert path is not None
            assert [node.ref for node in path.nodes] == there[:101]
            assert await graph.shortest_path(Route(there[0], there[101], "out", None, 100)) is None
            back = await graph.shortest_path(Route(there[0], there[101], "both", None, 100))
            assert back is not None
            assert back.length == 49

        told(tmp_path, story)

    def test_a_level_of_more_nodes_than_one_statement_takes_is_cut_in_order(self, tmp_path: Path) -> None:
        async def story(graph: SqliteGraph) -> None:
            level = [("A", f"{number}") for number in range(2500)]
            await graph.upsert_nodes([Node(*A), Node("B", "z"), *(Node(*ref) for ref in level)])
            await graph.upsert_edges([Edge("T", A, ref) for ref in level])
            await graph.upsert_edges([Edge("T", level[-1], ("B", "z"))])
            cut = await graph.traverse(Traversal((A,), "out", None, 2, 2400))
            assert cut.cut
            assert [one.id for one in cut.nodes] == sorted(id for _, id in level)[:2400]
            whole = await graph.traverse(Traversal((A,), "out", None, 2, 2501))
            assert not whole.cut
            assert (whole.nodes[-1].label, whole.nodes[-1].depth, len(whole.nodes)) == ("B", 2, 2501)
            path = await graph.shortest_path(Route(("B", "z"), A, "in", None, 9))
            assert path is not None
            assert [edge.ref for edge in path.edges] == [
                EdgeRef("T", level[-1], ("B", "z")),
                EdgeRef("T", A, level[-1]),
            ]

        told(tmp_path, story)

    def test_a_walk_sees_one_state_whatever_is_written_meanwhile(self, tmp_path: Path) -> None:
        async def story(graph: SqliteGraph) -> None:
            await graph.upsert_nodes([Node(*A), Node(*B), Node(*C)])
            await graph.upsert_edges(chain(A, B, C))
            other = sqlite3.connect(tmp_path / "x.db", isolation_level=None, check_same_thread=False)

            def meddle(statement: str) -> None:
                if "json_group_array(n.label)" in statement:  # the last statement of a walk
                    other.executescript("DELETE FROM graph_edges; DELETE FROM graph_nodes;")

            await graph._session.one(traced, meddle)
            walk = await graph.traverse(Traversal((A,), "out", None, 9, 9))
            assert [node.id for node in walk.nodes] == ["b", "c"]
            await graph._session.one(traced, None)
            assert await graph.traverse(Traversal((A,), "out", None, 9, 9)) == Walk((), cut=False)
            other.close()

        told(tmp_path, story)

    def test_properties_that_are_no_json_are_damage(self, tmp_path: Path) -> None:
        async def story(graph: SqliteGraph) -> None:
            await graph.upsert_nodes([Node(*A), Node(*B)])
            await graph.upsert_edges(chain(A, B))
            with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as database:
                database.execute("UPDATE graph_nodes SET properties = '{' WHERE id = 'b'")
            asked = Neighbors(A, "out", None, None, None, 9)
            for call in (
                graph.traverse(Traversal((A,), "out", None, 9, 9)),
                graph.get_nodes([B]),
                graph.neighbors([asked]),
                graph.shortest_path(Route(A, B, "out", None, 9)),
            ):
                with pytest.raises(Tampered):
                    await call
            assert await graph.get_nodes([A]) == [Node(*A)]

        told(tmp_path, story)


class TestSearch:
    numbers: ClassVar = [0, 1, 1.0, True, 2**53, 2.0**53, 2**53 + 1, -0.0, False]

    def test_numbers_are_compared_as_numbers_and_keep_their_types(self, tmp_path: Path) -> None:
        async def story(graph: SqliteGraph) -> None:
            await graph.upsert_nodes([Node("A", f"{at}", {"x": value}) for at, value in enumerate(self.numbers)])
            for wanted, places in ((1, "12"), (1.0, "12"), (True, "3"), (0, "07"), (2.0**53, "45"), (2**53 + 1, "6")):
                found = await graph.find_nodes(Search("", "A", {"x": wanted}, "", 99))
                assert [node.id for node in found] == list(places)
                assert [repr(node.properties["x"]) for node in found] == [repr(self.numbers[int(at)]) for at in places]

        told(tmp_path, story)

    def test_a_rare_value_is_sought_in_parts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("unison_storage_sqlite.graph._LOOKED_AT", 4)

        async def story(graph: SqliteGraph) -> None:
            there = [Node("A", f"{number:02}", {"x": number % 10}) for number in range(40)]
            await graph.upsert_nodes(there)
            for value, limit in ((3, 99), (0, 2), (9, 4), (9, 5), (10, 1)):
                wanted = [node for node in there if node.properties["x"] == value][:limit]
                assert await graph.find_nodes(Search("", "A", {"x": value}, "", limit)) == wanted
            assert await graph.find_nodes(Search("", "A", {}, "20", 99)) == there[21:]

        told(tmp_path, story)


def test_an_erasure_is_one_transaction(tmp_path: Path) -> None:
    async def story(graph: SqliteGraph) -> None:
        await graph.upsert_nodes([Node(*A, person="p"), Node(*B), Node("Person", "s\x1fp"), Node("Person", "s\x1fpp")])
        await graph.upsert_edges([*chain(A, B, A), Edge("T", B, B, person="p")])
        heard: list[str] = []
        await graph._session.one(traced, heard.append)
        assert await graph.owned("p") == 5
        assert await graph.erase("p") == 5
        await graph._session.one(traced, None)
        assert [one for one in heard if one in ("BEGIN IMMEDIATE", "COMMIT")] == ["BEGIN IMMEDIATE", "COMMIT"]
        assert await graph.stats(None) == GraphStats({"A": 1, "Person": 1}, {})
        assert await graph.stats("s\x1f") == GraphStats({"Person": 1}, {})

    told(tmp_path, story)


def test_an_empty_batch_asks_nobody(tmp_path: Path) -> None:
    async def story(graph: SqliteGraph) -> None:
        other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        assert await graph.upsert_nodes([]) == await graph.upsert_edges([]) == await graph.delete_nodes([], True) == []
        assert await graph.get_nodes([]) == await graph.get_edges([]) == await graph.neighbors([]) == []
        assert await graph.delete_edges([]) == []
        other.close()

    told(tmp_path, story)


def test_it_answers_between_open_and_close_alone(tmp_path: Path) -> None:
    graph = SqliteGraph(asyncio.run(migrated(tmp_path / "x.db")), context())
    assert isinstance(error_of(graph.get_nodes([A])), NotOpen)

    async def story() -> None:
        assert not (await graph.health()).ok
        await graph.open()
        assert (await graph.health()).ok
        assert await graph.now() == HandClock().now()
        await graph.close()
        await graph.close()
        assert not (await graph.health()).ok

    asyncio.run(story())


def test_nothing_but_counting_all_reads_a_table_from_end_to_end(tmp_path: Path) -> None:
    asyncio.run(migrated(tmp_path / "x.db"))
    found = scans(tmp_path / "x.db", graph_statements)
    assert found.pop("STATS") == ["graph_edges", "graph_nodes"]
    # common tables: the node that was asked about, and those that an erasure removes
    assert {name for names in found.values() for name in names} <= {"start", "gone"}


def test_edges_of_the_types_asked_for_are_found_by_an_index(tmp_path: Path) -> None:
    asyncio.run(migrated(tmp_path / "x.db"))
    with closing(sqlite3.connect(tmp_path / "x.db")) as database:
        for name in ("NEIGHBORS_OF_TYPES", "HOPS_OF_TYPES", "LINKS_OF_TYPES"):
            statement = getattr(graph_statements, name)
            assert "/*" not in statement
            arguments = dict.fromkeys(re.findall(r":([a-z_]+)", statement))
            plan = repr(database.execute(f"EXPLAIN QUERY PLAN {statement}", arguments).fetchall())
            assert "(source=? AND type=?)" in plan
            assert "(target=? AND type=?)" in plan
