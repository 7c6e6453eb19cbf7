"""Neighbourhoods of 1 to 3 hops at 32 callers: ours on SQLite and in dicts, a plain dict search, and ladybug.

All arms return the same: every node within so many hops with its depth and properties, sorted by depth and id. Ours
hands out records whose properties are the caller's own. Beside the dict search that does so too stands the barest one,
which hands out the very dicts that it keeps; ladybug's rows are taken as they come.
"""

from __future__ import annotations

import asyncio
import csv
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import ladybug
from measuring import Figure, ratio, save

from unison_storage import Edge, Grammar, GraphModel, GraphProperty, Node, Reached, Relationship, Storage

NODES = 10_000
EDGES = 50_000
CALLERS = 32
SECONDS = 0.5
ROUNDS = 7
HOPS = (1, 2, 3)
MODEL = GraphModel(
    labels=("Item",),
    relationships=[Relationship("LEADS_TO")],
    properties=[GraphProperty("created_at", Grammar.TIME), GraphProperty("type", Grammar.TAG)],
)

Ask = Callable[[str, int], Awaitable[Any]]


def graph() -> tuple[dict[str, dict[str, Any]], list[tuple[str, str]]]:
    dice = random.Random(7)
    nodes = {
        f"n{number:05}": {"created_at": 1_700_000_000 + number, "type": f"t{number % 9}"} for number in range(NODES)
    }
    ids = list(nodes)
    edges: set[tuple[str, str]] = set()
    while len(edges) < EDGES:
        edges.add((dice.choice(ids), dice.choice(ids)))
    return nodes, sorted(edges)


def plain(nodes: dict[str, dict[str, Any]], edges: list[tuple[str, str]], make: Callable[..., Any]) -> Ask:
    """Return the search that anybody would write on a dict of lists; ``make`` makes what it hands out of a node."""
    out: dict[str, list[str]] = {id: [] for id in nodes}
    for source, target in edges:
        out[source].append(target)

    async def ask(start: str, hops: int) -> list[Any]:
        seen, frontier, found = {start}, [start], []
        for depth in range(1, hops + 1):
            reached = []
            for id in frontier:
                for other in out[id]:
                    if other not in seen:
                        seen.add(other)
                        reached.append(other)
            frontier = sorted(reached)
            found += [make("Item", id, depth, nodes[id]) for id in frontier]
        return found

    return ask


def record(label: str, id: str, depth: int, properties: dict[str, Any]) -> Reached:
    return Reached(label, id, depth, dict(properties))


def bare(_label: str, id: str, depth: int, properties: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
    return depth, id, properties


def shown(found: Any) -> list[tuple[int, str, dict[str, Any]]]:
    """Return what any arm answered in one form, to be compared."""
    return [(one.depth, one.id, one.properties) if isinstance(one, Reached) else tuple(one[:3]) for one in found]


@asynccontextmanager
async def ours(url: str, nodes: dict[str, dict[str, Any]], edges: list[tuple[str, str]]) -> AsyncIterator[Ask]:
    async with Storage(url, profile="development", graph_model=MODEL) as storage:
        await storage.graph.upsert_nodes([Node("Item", id, properties) for id, properties in nodes.items()])
        await storage.graph.upsert_edges([Edge("LEADS_TO", ("Item", one), ("Item", two)) for one, two in edges])

        async def ask(start: str, hops: int) -> tuple[Reached, ...]:
            return (await storage.graph.traverse(("Item", start), max_depth=hops, max_nodes=10_000)).nodes

        yield ask


@asynccontextmanager
async def peer(folder: Path, nodes: dict[str, dict[str, Any]], edges: list[tuple[str, str]]) -> AsyncIterator[Ask]:
    """Ladybug by its asyncio connection, loaded by COPY, with prepared statements."""
    for name, rows in (
        ("nodes", ((id, one["created_at"], one["type"]) for id, one in nodes.items())),
        ("edges", iter(edges)),
    ):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    database = ladybug.Database(str(folder / "graph.lbug"), buffer_pool_size=512 << 20)
    connection = ladybug.AsyncConnection(database, max_concurrent_queries=4)
    for statement in (
        "CREATE NODE TABLE Item(id STRING PRIMARY KEY, created_at INT64, type STRING)",
        "CREATE REL TABLE LEADS_TO(FROM Item TO Item)",
        f'COPY Item FROM "{folder}/nodes.csv"',
        f'COPY LEADS_TO FROM "{folder}/edges.csv"',
    ):
        await connection.execute(statement)
    text = (
        "MATCH p = (a:Item {{id: $id}})-[:LEADS_TO* SHORTEST 1..{hops}]->(b:Item) WHERE b.id <> $id "
        "RETURN length(p) AS depth, b.id, {{created_at: b.created_at, type: b.type}} ORDER BY depth, b.id"
    )

    async def ask(start: str, hops: int) -> list[Any]:
        answer = await connection.execute(text.format(hops=hops), {"id": start})
        rows: list[Any] = answer.get_all()
        return rows

    try:
        yield ask
    finally:
        connection.close()
        database.close()


async def rate(ask: Ask, hops: int, starts: list[str], callers: int = CALLERS) -> float:
    """Return answers a second for all callers together, each waiting for its answer before it asks again."""
    done = 0
    until = time.perf_counter() + SECONDS

    async def caller(dice: random.Random) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await ask(dice.choice(starts), hops)
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(caller(random.Random(number)) for number in range(callers)))
    return done / (time.perf_counter() - started)


async def _measure() -> list[Figure]:
    nodes, edges = graph()
    starts = random.Random(11).sample(sorted(nodes), 500)
    figures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            ours(f"sqlite:///{folder}/ours.db", nodes, edges) as sqlite,
            ours("reference://", nodes, edges) as reference,
            peer(folder, nodes, edges) as other,
        ):
            arms = {"dict": plain(nodes, edges, record), "bare dict": plain(nodes, edges, bare)}
            arms |= {"sqlite": sqlite, "reference": reference, "ladybug": other}
            for hops in HOPS:
                for start in starts[:20]:
                    wanted = shown(await arms["dict"](start, hops))
                    for arm, ask in arms.items():
                        assert shown(await ask(start, hops)) == wanted, f"{arm} answers something else"
                found: dict[str, list[float]] = {arm: [] for arm in arms}
                for number in range(ROUNDS + 1):
                    for arm in random.sample(list(arms), len(arms)):
                        answer = await rate(arms[arm], hops, starts)
                        if number:
                            found[arm].append(answer)
                figures += _figures(found, hops)
    return figures


def _figures(found: dict[str, list[float]], hops: int) -> list[Figure]:
    hop = f"{hops} hop{'s' if hops > 1 else ''}"
    rates = {arm: f"{median(rates):,.0f}/s" for arm, rates in found.items()}
    figures = []
    for arm, name, theirs, what in (
        ("sqlite", "SQLite", "dict", "a plain dict search that makes the same records"),
        ("reference", "the reference", "dict", "the same"),
        ("sqlite", "SQLite", "bare dict", "a plain dict search that hands out its own dicts"),
    ):
        times = ratio(found, theirs, arm)
        goal = "≤ 4 ×" if hops == max(HOPS) else "–"
        note = f"{rates[arm]} against {rates[theirs]}"
        if theirs == "bare dict":
            note += "; the rest is a record and a dict of its own for each node, which no caller shares"
        figures.append(Figure(f"{hop} on {name}: times {what}", goal, f"{times:.2f} ×", times <= 4, note))
    times = ratio(found, "sqlite", "ladybug")
    note = f"{rates['sqlite']} against {rates['ladybug']}"
    return [*figures, Figure(f"{hop} on SQLite, against ladybug", "≥ 2 ×", f"{times:.2f} ×", times >= 2, note)]


def measure() -> list[Figure]:
    return asyncio.run(_measure())


if __name__ == "__main__":
    title = f"Neighbourhoods in a graph of {NODES:,} nodes and {EDGES:,} edges, {CALLERS} callers"
    save("graphs", title, measure())
