from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from tests.plugins import graph_stories
from tests.plugins.graph_stories import Larger, Pair, Story
from tests.plugins.postgres.surroundings import asked, opened
from tests.services import postgres
from unison_storage.contracts.graph import Traversal
from unison_storage.errors import NotFound
from unison_storage.values import Edge, Node, NodeRef
from unison_storage_postgres.graph import PostgresGraph

EDGES = "SELECT count(*) FROM graph_edges"


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    url = postgres.database(f"graph_{os.getpid()}")

    async def emptied() -> None:
        await asyncio.to_thread(asked, url, "TRUNCATE graph_edges, graph_nodes")

    with asyncio.Runner() as runner:
        graph = opened(url, PostgresGraph)
        yield Pair(runner, runner.run(graph.__aenter__()), emptied)
        runner.run(graph.__aexit__(None, None, None))


@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=graph_stories.stories)
def test_whatever_is_done_it_answers_what_the_reference_answers(pair: Pair, story: Story) -> None:
    graph_stories.check_story(pair, story)


@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=graph_stories.larger)
def test_walks_through_larger_graphs_are_those_of_the_reference(pair: Pair, drawn: Larger) -> None:
    graph_stories.check_walks(pair, drawn)


def test_pages_of_neighbours_and_nodes_make_the_whole(pair: Pair) -> None:
    graph_stories.check_pages(pair)


def test_nodes_go_and_edges_come_at_once_and_no_edge_lacks_an_end(url: str) -> None:
    hub: NodeRef = ("A", "hub")
    rest: list[NodeRef] = [("A", f"{number}") for number in range(20)]

    async def test() -> None:
        async with opened(url, PostgresGraph) as graph:
            for _ in range(20):
                await graph.upsert_nodes([Node(*hub), *(Node(*ref) for ref in rest)])
                coming = (graph.upsert_edges([Edge("T", hub, ref), Edge("T", ref, hub)]) for ref in rest)
                gone, *came = await asyncio.gather(graph.delete_nodes([hub], True), *coming)
                assert gone == [True]
                for outcomes in came:
                    assert all(outcome is True or isinstance(outcome, NotFound) for outcome in outcomes)
                assert await asyncio.to_thread(asked, url, EDGES) == [(0,)]

    asyncio.run(test())


def test_a_circle_is_walked_once_however_deep_a_walk_may_go(url: str) -> None:
    ring: list[NodeRef] = [("A", f"{number:04}") for number in range(500)]

    async def test() -> None:
        async with opened(url, PostgresGraph) as graph:
            await graph.upsert_nodes([Node(*ref) for ref in ring])
            await graph.upsert_edges([Edge("T", one, two) for one, two in zip(ring, ring[1:] + ring[:1], strict=True)])
            walk = await graph.traverse(Traversal((ring[0],), "out", None, 1_000_000, 10_000))
            assert [node.id for node in walk.nodes] == [id for _, id in ring[1:]]
            assert not walk.cut

    asyncio.run(test())


def test_what_is_asked_for_twice_in_one_batch_shares_nothing(url: str) -> None:
    ref: NodeRef = ("A", "a")
    edge = Edge("T", ref, ref, properties={"x": 1})

    async def test() -> None:
        async with opened(url, PostgresGraph) as graph:
            await graph.upsert_nodes([Node(*ref, {"x": 1})])
            await graph.upsert_edges([edge])
            for one, two in (await graph.get_nodes([ref, ref]), await graph.get_edges([edge.ref, edge.ref])):
                assert isinstance(one, Node | Edge)
                assert isinstance(two, Node | Edge)
                assert one.properties == two.properties == {"x": 1}
                assert one.properties is not two.properties

    asyncio.run(test())
