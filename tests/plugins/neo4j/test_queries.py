"""Cypher of trusted code: what it may do, what its rows hold, and reads that catch up with what others wrote."""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
from typing import Any

import pytest

from tests.plugins.neo4j.surroundings import graph
from tests.services import neo4j
from unison_storage import Node, Profile, Storage
from unison_storage.errors import AccessDenied, DeadlineExceeded, InvalidValue, TooLarge
from unison_storage.stores.graph import Graph

CANARY = "canary-9b1f"


def on(started: neo4j.Started, test: Any) -> None:
    async def run() -> None:
        async with Storage(graph=started.url, profile=Profile.DEVELOPMENT) as storage:
            await test(storage.graph)

    asyncio.run(run())


@pytest.mark.parametrize(
    "text",
    [
        "LOAD CSV FROM 'file:///etc/hostname' AS line RETURN line",
        "load /* a comment */ csv from 'http://127.0.0.1:9/' as line return line",
        "CYPHER 5 LOAD CSV FROM 'file:///etc/hostname' AS line RETURN line",
        "SHOW USERS",
        "SHOW SETTINGS",
        "SHOW TRANSACTIONS",
        "TERMINATE TRANSACTIONS 'neo4j-transaction-1'",
        "CALL dbms.listConfig() YIELD name RETURN name",
        "RETURN 1 AS x UNION CALL dbms.components() YIELD name AS x RETURN x",
        "CREATE USER somebody SET PASSWORD 'long enough 1'",
        "CREATE INDEX FOR (n:Anything) ON (n.p)",
        "DROP CONSTRAINT anything IF EXISTS",
        "UNWIND [1] AS x CALL (x) { CREATE (:Anything) } IN TRANSACTIONS RETURN x",
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_nothing_but_the_graph_is_read_or_written(started: neo4j.Started, text: str, *, read_only: bool) -> None:
    async def test(graph: Graph) -> None:
        with pytest.raises(AccessDenied):
            await graph.query(text, read_only=read_only)

    on(started, test)


def test_a_query_writes_only_where_it_may_and_answers_plain_values(started: neo4j.Started) -> None:
    id = secrets.token_hex(4)
    create = "CREATE (a:Device {id: $id})-[:LINKED {key: '', w: 1}]->(b:Device {id: $id + 'b'})"

    async def test(graph: Graph) -> None:
        with pytest.raises(AccessDenied):
            await graph.query(create, {"id": id})
        assert await graph.get_node(("Device", id)) is None
        assert await graph.query(create, {"id": id}, read_only=False) == []
        assert await graph.get_node(("Device", id)) == Node("Device", id)
        [row] = await graph.query(
            "MATCH p = (a:Device {id: $id})-[e]->() "
            "RETURN a, e, p, date('2026-01-02') AS day, [point({x: 1, y: 2})] AS at",
            {"id": id},
        )
        a, e, b = {"id": id}, {"key": "", "w": 1}, {"id": f"{id}b"}
        assert row == {"a": a, "e": e, "p": [a, e, b], "day": "2026-01-02", "at": [[1.0, 2.0]]}
        labels = await graph.query("CALL db.labels() YIELD label WHERE label = 'Device' RETURN label")
        assert labels == [{"label": "Device"}]
        await graph.query("MATCH (n:Device) WHERE n.id STARTS WITH $id DETACH DELETE n", {"id": id}, read_only=False)

    on(started, test)


def test_too_many_rows_are_refused_and_undone(started: neo4j.Started) -> None:
    async def test(graph: Graph) -> None:
        rows = "UNWIND range(1, $n) AS x RETURN x"
        assert len(await graph.query(rows, {"n": 1_000}, max_rows=1_000)) == 1_000
        with pytest.raises(TooLarge, match="raise max_rows"):
            await graph.query(rows, {"n": 1_001}, max_rows=1_000)
        made = "UNWIND range(1, 10) AS x CREATE (n:Device {id: $id + toString(x)}) RETURN n"
        id = secrets.token_hex(4)
        with pytest.raises(TooLarge):
            await graph.query(made, {"id": id}, read_only=False, max_rows=9)
        assert await graph.query("MATCH (n:Device) WHERE n.id STARTS WITH $id RETURN n", {"id": id}) == []

    on(started, test)


def test_a_query_ends_with_its_time(started: neo4j.Started) -> None:
    async def test(graph: Graph) -> None:
        with pytest.raises(DeadlineExceeded):
            await graph.query("UNWIND range(1, 1000000000) AS x RETURN count(x * x % 7)", timeout=0.5)
        assert await graph.query("RETURN 1 AS x") == [{"x": 1}]

    on(started, test)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"RETURN '{CANARY}' +", "line 1, column"),
        (f"MATCH (n) WHERE x = '{CANARY}' RETURN n", "line 1, column"),
        (f"RETURN $missing, '{CANARY}'", "it needs the parameters missing"),
        (f"RETURN toInteger(date('{CANARY}'))", "can't carry out the query"),
    ],
)
def test_what_the_server_can_not_read_is_told_with_its_place_and_no_value(
    started: neo4j.Started, text: str, told: str
) -> None:
    async def test(graph: Graph) -> None:
        with pytest.raises(InvalidValue, match=re.escape(told)) as raised:
            await graph.query(text, {"x": CANARY})
        assert CANARY not in str(raised.value)

    on(started, test)


def later(bookmark: str) -> str:
    """Return the bookmark of the transaction after one, which is still to come.

    A bookmark is a list in https://neo4j.com/docs/bolt/current/packstream/: the database, the transaction, and a list.
    """
    raw = base64.b64decode(bookmark.removeprefix("FB:"))
    database, number = raw[:19], raw[19:-1]
    next_one = int.from_bytes(number if len(number) == 1 else number[1:]) + 1
    return "FB:" + base64.b64encode(database + b"\xcb" + next_one.to_bytes(8) + raw[-1:]).decode()


def test_a_client_waits_for_what_is_to_come(started: neo4j.Started) -> None:
    id = secrets.token_hex(4)

    async def test() -> None:
        async with graph(started.url) as one, graph(f"{started.url}?timeout=1&connect_timeout=1") as other:
            await one.upsert_nodes([Node("Device", id)])
            coming = [later(mark) for mark in await one.bookmarks()]
            with pytest.raises(DeadlineExceeded):
                await other.catch_up(coming)
            assert await other.get_nodes([("Device", id)]) == [Node("Device", id)]
            waiting = asyncio.create_task(other.catch_up(coming))
            await asyncio.wait([waiting], timeout=0.2)
            assert not waiting.done()
            await one.delete_nodes([("Device", id)], True)
            await waiting
            assert await other.get_nodes([("Device", id)]) == [None]

    asyncio.run(test())


@pytest.mark.parametrize("bad", ["nothing", "FB:" + "k" * 24, "FB:kcwQ"])
def test_what_is_no_bookmark_spoils_no_later_call(started: neo4j.Started, bad: str) -> None:
    async def test() -> None:
        async with graph(started.url) as backend:
            with pytest.raises(InvalidValue, match="no bookmark"):
                await backend.catch_up([bad])
            assert await backend.get_nodes([("Device", "none")]) == [None]

    asyncio.run(test())


def test_what_a_text_does_is_looked_at_once(started: neo4j.Started) -> None:
    async def test() -> None:
        async with graph(started.url) as backend:
            for number in range(3):
                for text in ("RETURN $x AS x", "RETURN $x AS y"):
                    rows = await backend.query(text, {"x": number}, read_only=True, timeout=5.0, max_rows=1)
                    assert [*rows[0].values()] == [number]
            assert len(backend._examined) == 2

    asyncio.run(test())
