"""Neighbourhoods of 1 to 3 hops on PostgreSQL at 1 and at 8 callers: the graph against a recursive query by hand.

Both arms return every node within so many hops with its depth and properties, sorted by depth and id. The one by hand
walks edges by id, prepared and in binary, over connections that are handed out fairly.
"""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from graphs import EDGES, HOPS, Ask, graph, ours, rate, shown
from measuring import Figure, ratio, save
from postgres import CONNECTIONS, ByHand

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.services.postgres import Started

ROUNDS = 7
COUNTS = (1, 8)
GOAL = 0.5
DDL = (
    'CREATE TABLE items (id text COLLATE "C" PRIMARY KEY, properties json NOT NULL)',
    """
    CREATE TABLE leads_to (
        source text COLLATE "C" REFERENCES items, target text COLLATE "C" REFERENCES items, PRIMARY KEY (source, target)
    )
    """,
)
WALK = """
    WITH RECURSIVE walk (id, depth) AS (
        SELECT $1::text COLLATE "C", 0
        UNION
        SELECT l.target, w.depth + 1 FROM walk AS w JOIN leads_to AS l ON l.source = w.id WHERE w.depth < $2
    )
    SELECT w.depth, i.id, i.properties::text
    FROM (SELECT id, min(depth) AS depth FROM walk WHERE id <> $1 GROUP BY id) AS w
    CROSS JOIN LATERAL (SELECT * FROM items WHERE items.id = w.id OFFSET 0) AS i
    ORDER BY w.depth, i.id
"""


async def by_hand(stack: AsyncExitStack, url: str, nodes: dict[str, dict[str, Any]], edges: list[Any]) -> Ask:
    pool = ByHand(None)
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in DDL:
            cursor.execute(statement)
        with cursor.copy("COPY items FROM STDIN") as copy:
            for id, properties in nodes.items():
                copy.write_row((id, pool.encode(properties).decode()))
        with cursor.copy("COPY leads_to FROM STDIN") as copy:
            for edge in edges:
                copy.write_row(edge)
        cursor.execute("VACUUM ANALYZE")
    await pool.connect(stack, url)

    async def ask(start: str, hops: int) -> list[Any]:
        rows = await pool.rows(WALK, (start, hops))
        return [(depth, id, pool.decode(properties)) for depth, id, properties in rows]

    return ask


async def compared(url: Any) -> list[Figure]:
    nodes, edges = graph()
    starts = random.Random(11).sample(sorted(nodes), 500)
    figures = []
    async with AsyncExitStack() as stack:
        with psycopg.connect(url("postgres"), autocommit=True) as connection:
            for name in ("ours", "hand"):
                connection.execute(f"CREATE DATABASE {name}")
        options = f"connections={CONNECTIONS}&statement_timeout=60"
        arms = {
            "ours": await stack.enter_async_context(ours(f"{url('ours')}?{options}", nodes, edges)),
            "hand": await by_hand(stack, url("hand"), nodes, edges),
        }
        with psycopg.connect(url("ours"), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE graph_nodes, graph_edges")
        for hops in HOPS:
            for start in starts[:20]:
                assert shown(await arms["ours"](start, hops)) == shown(await arms["hand"](start, hops))
            for callers in COUNTS:
                found: dict[str, list[float]] = {arm: [] for arm in arms}
                for number in range(ROUNDS + 1):
                    for arm in random.sample(list(arms), len(arms)):
                        answer = await rate(arms[arm], hops, starts, callers)
                        if number:
                            found[arm].append(answer)
                figures.append(_figure(found, hops, callers))
    return figures


def _figure(found: dict[str, list[float]], hops: int, callers: int) -> Figure:
    times = ratio(found, "ours", "hand")
    return Figure(
        f"{hops} hop{'s' if hops > 1 else ''}, {callers} caller{'s' if callers > 1 else ''}, against a query by hand",
        f"≥ {GOAL:g} ×",
        f"{times:.2f} ×",
        times >= GOAL,
        f"{median(found['ours']):,.0f}/s against {median(found['hand']):,.0f}/s",
    )


def measure() -> list[Figure]:
    server = Started()
    server.start()
    return asyncio.run(compared(server.url))


if __name__ == "__main__":
    save("postgres_graph", f"The graph on PostgreSQL 18 ({EDGES:,} edges, eight connections)", measure())
