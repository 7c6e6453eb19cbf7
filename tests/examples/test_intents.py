"""Intents: whoever asks for routes is answered by what happened, also right after something more did."""

from __future__ import annotations

import asyncio
import runpy
from pathlib import Path
from typing import Any

import pytest

from unison_storage import Node, Storage
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.testing import ManualClock

EXAMPLE = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "intents.py"))
Intent, Intents, Route = (EXAMPLE[name] for name in ("Intent", "Intents", "Route"))


class Counting(ReferenceGraph):
    walks = 0

    async def neighbors(self, asked: Any) -> Any:
        self.walks += 1
        return await super().neighbors(asked)


def intent(id: str, agent: str, *resources: str, type: str = "dinner") -> Any:
    return Intent(id, type, "p1", agent, resources, "house", "voice", 1_767_225_600)


async def tell(storage: Storage, graph: Counting) -> None:
    intents = Intents(storage)
    first, second = intent("i1", "cook", "kitchen", "oven"), intent("i2", "butler", "kitchen")
    for one in (first, first, second):
        await intents.record(one)
    assert await intents.routes("dinner", "kitchen") == []
    await intents.finish(first, "succeeded", 0.8)
    assert await intents.routes("dinner", "kitchen") == [Route("cook", 1, 1, 0.8)]
    walks = graph.walks
    assert await intents.routes("dinner", "kitchen") == [Route("cook", 1, 1, 0.8)]
    assert graph.walks == walks
    await intents.finish(second, "failed", 1)
    assert await intents.routes("dinner", "kitchen") == [Route("cook", 1, 1, 0.8), Route("butler", 1, 0, 0.0)]
    assert await intents.routes("dinner", "oven") == [Route("cook", 1, 1, 0.8)]
    assert await intents.routes("music", "kitchen") == []
    assert await storage.graph.get_node(("PolicyGroup", "house")) == Node("PolicyGroup", "house")


def test_routes_follow_what_happened() -> None:
    async def test() -> None:
        clock = ManualClock()
        graph = Counting(clock)
        async with Storage("reference://", graph=graph, profile="test", clock=clock) as storage:
            await tell(storage, graph)
            assert (await storage.erase(person="p1")).complete
            clock.advance(120)
            assert await Intents(storage).routes("dinner", "kitchen") == []
            assert await storage.graph.get_node(("Agent", "cook")) is not None

    asyncio.run(test())


@pytest.mark.once
def test_it_draws_whom_it_would_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UNISON_STORAGE_PROFILE", "development")
    monkeypatch.setenv("UNISON_STORAGE_DATABASE_URL", f"sqlite:///{tmp_path}/x.db")
    asyncio.run(EXAMPLE["main"]())
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines() if " of " in line] == ["cook", "butler", "gardener"]
