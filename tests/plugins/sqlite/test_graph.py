from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings

from tests.plugins import graph_stories
from tests.plugins.graph_stories import Larger, Pair, Story
from tests.plugins.sqlite.surroundings import context, file_at, template, unsynced
from unison_storage_sqlite.graph import SqliteGraph


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    file = tmp_path_factory.mktemp("graph") / "x.db"
    file.write_bytes(template())
    ours = SqliteGraph(file_at(file), context())
    with asyncio.Runner() as runner:
        runner.run(ours.open())
        runner.run(ours._session.one(unsynced, None))
        yield Pair(runner, ours, partial(ours._session.one, emptied, None, write=True))
        runner.run(ours.close())


def emptied(database: sqlite3.Connection, now: int, items: Sequence[None]) -> list[None]:
    database.execute("DELETE FROM graph_edges")
    database.execute("DELETE FROM graph_nodes")
    return list(items)


@pytest.mark.once
@settings(max_examples=1000, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=graph_stories.stories)
def test_whatever_is_done_it_answers_what_the_reference_answers(pair: Pair, story: Story) -> None:
    graph_stories.check_story(pair, story)


@settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=graph_stories.larger)
def test_walks_through_larger_graphs_are_those_of_the_reference(pair: Pair, drawn: Larger) -> None:
    graph_stories.check_walks(pair, drawn)


def test_pages_of_neighbours_and_nodes_make_the_whole(pair: Pair) -> None:
    graph_stories.check_pages(pair)
