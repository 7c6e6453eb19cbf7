"""Intents in a graph: who asked which agent for what, how it went, and whom to ask the next time.

Try it, with any storage; it draws whom it would ask, by how that went before:

    UNISON_STORAGE_PROFILE=development UNISON_STORAGE_DATABASE_URL=sqlite:///intents.db python examples/intents.py
    UNISON_STORAGE_PROFILE=development UNISON_STORAGE_GRAPH_URL=bolt://neo4j:secret@127.0.0.1/neo4j \
        UNISON_STORAGE_CACHE_URL=redis://127.0.0.1:6379 python examples/intents.py
"""

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import asdict, dataclass

from unison_storage import Edge, Node, Storage

SUCCEEDED = "succeeded"


@dataclass(frozen=True)
class Intent:
    """What somebody wants of an agent: about some resources, allowed by a policy, and what set it off."""

    id: str
    type: str
    person: str
    agent: str
    resources: tuple[str, ...]
    policy: str
    trigger: str
    at: int


@dataclass(frozen=True)
class Route:
    """An agent that has handled such an intent, how often, and how well."""

    agent: str
    tried: int
    succeeded: int
    confidence: float


class Intents:
    """Intents of a storage. The graph holds ids, tags, times and scores, and nothing of what was said."""

    def __init__(self, storage: Storage) -> None:
        self._graph = storage.graph
        self._hot = storage.cache.at("graph:hot", "routes")

    async def record(self, intent: Intent) -> None:
        """Record an intent with all that it is joined to; may be called again with the same one."""
        own = ("IntentInstance", intent.id)
        properties = {"type": intent.type, "agent_id": intent.agent, "occurred_at": intent.at}
        edges = [
            Edge("REQUESTED_BY", own, ("Person", intent.person)),
            Edge("HANDLES", ("Agent", intent.agent), own),
            Edge("ALLOWED_BY", own, ("PolicyGroup", intent.policy)),
            Edge("TRIGGERED", ("Service", intent.trigger), own),
            *(Edge("ABOUT", own, ("Resource", one)) for one in intent.resources),
        ]
        ends = {end for edge in edges for end in (edge.source, edge.target)} - {own}
        await self._graph.upsert_nodes([Node(*own, properties, intent.person), *(Node(*end) for end in ends)])
        await self._graph.upsert_edges(edges)

    async def finish(self, intent: Intent, outcome: str, confidence: float) -> None:
        """Record how an intent ended; whoever asks for routes from now on is answered with it."""
        end = {"outcome": outcome, "confidence": confidence}
        await self._graph.upsert_node(Node("IntentInstance", intent.id, end))
        await self._hot.delete_many([_key(intent.type, one) for one in intent.resources])

    async def routes(self, type: str, resource: str) -> list[Route]:
        """Return who has handled intents of a type about a resource, the best first; kept for a minute, or a change."""
        found = await self._hot.get_or_compute(_key(type, resource), lambda: self._walk(type, resource))
        return [Route(**one) for one in found]

    async def _walk(self, type: str, resource: str) -> list[dict[str, object]]:
        scores: dict[str, list[float]] = defaultdict(list)
        beside = self._graph.neighbors(
            ("Resource", resource), direction="in", types=["ABOUT"], labels=["IntentInstance"]
        )
        async for one in beside:
            held = one.node.properties
            if held["type"] == type and "outcome" in held:
                scores[held["agent_id"]].append(held["confidence"] if held["outcome"] == SUCCEEDED else 0.0)
        routes = [
            Route(agent, len(found), sum(map(bool, found)), sum(found) / len(found)) for agent, found in scores.items()
        ]
        return [asdict(one) for one in sorted(routes, key=lambda route: (-route.confidence, route.agent))]


def _key(type: str, resource: str) -> str:
    return f"{type}:{resource}"


async def main() -> None:
    from rich.console import Console
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    skill = {"cook": 0.9, "butler": 0.6, "gardener": 0.2}
    dice = random.Random(1)  # noqa: S311 - made-up intents
    async with Storage.from_env() as storage:
        intents = Intents(storage)
        for number in range(150):
            agent = dice.choice([*skill])
            intent = Intent(f"i{number}", "dinner", "p1", agent, ("kitchen",), "house", "voice", 1_767_225_600 + number)
            await intents.record(intent)
            ends = (SUCCEEDED, dice.uniform(0.7, 1)) if dice.random() < skill[agent] else ("failed", 1)
            await intents.finish(intent, *ends)
        took = []
        for _ in range(2):
            started = time.perf_counter()
            routes = await intents.routes("dinner", "kitchen")
            took.append(1_000 * (time.perf_counter() - started))
    table = Table("ask", "succeeded", "", "confidence", title="dinner in the kitchen", box=None)
    for one in routes:
        bar = ProgressBar(total=1, completed=one.confidence, width=30)
        table.add_row(one.agent, f"{one.succeeded} of {one.tried}", bar, f"{one.confidence:.2f}")
    Console().print(table, f"walked in {took[0]:.1f} ms, and again in {took[1]:.1f} ms")


if __name__ == "__main__":
    asyncio.run(main())
