"""On random graphs Neo4j answers what the reference answers, and so what PostgreSQL and SQLite do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from tests.plugins import graph_stories
from tests.plugins.graph_stories import Larger, Pair, Story
from tests.plugins.neo4j.surroundings import asked, graph
from tests.services import neo4j

SERVER = neo4j.server()


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    if not isinstance(SERVER, neo4j.Started):
        pytest.skip("takes a server of these tests' own, which is emptied")
    server = SERVER
    server.start()

    async def emptied() -> None:
        await asyncio.to_thread(asked, server, "MATCH (n) WHERE n.id IS NOT NULL DETACH DELETE n")

    with asyncio.Runner() as runner:
        opened = graph(server.url)
        yield Pair(runner, runner.run(opened.__aenter__()), emptied)
        runner.run(opened.__aexit__(None, None, None))


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=graph_stories.stories)
def test_whatever_is_done_it_answers_what_the_reference_answers(pair: Pair, story: Story) -> None:
    graph_stories.check_story(pair, story)


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=graph_stories.larger)
def test_walks_through_larger_graphs_are_those_of_the_reference(pair: Pair, drawn: Larger) -> None:
    graph_stories.check_walks(pair, drawn)


def test_pages_of_neighbours_and_nodes_make_the_whole(pair: Pair) -> None:
    graph_stories.check_pages(pair)
