from __future__ import annotations

import asyncio
import runpy
import secrets
from pathlib import Path

import pluggy
import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from tests.plugins.neo4j.surroundings import context
from tests.services import neo4j, valkey
from unison_storage import Edge, Node, Profile, Storage, hookspecs
from unison_storage.contracts.backend import Durability
from unison_storage.targets import Target
from unison_storage_neo4j import plugin
from unison_storage_neo4j.config import Options


def test_the_examples_of_the_documentation_run(
    started: neo4j.Started, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UNISON_STORAGE_GRAPH_URL", started.url)
    monkeypatch.setenv("UNISON_STORAGE_PROFILE", "development")
    page = Path(__file__).parents[3] / "docs" / "neo4j.md"
    for example in Sybil(parsers=[PythonCodeBlockParser()], path=str(page.parent)).parse(page).examples():
        example.evaluate()
    assert capsys.readouterr().out == (
        "[{'device': 'd1'}]\nNode(label='Device', id='d2', properties={}, person=None)\n"
    )


def test_intents_are_kept_here_and_hot_routes_on_redis(started: neo4j.Started) -> None:
    example = runpy.run_path(str(Path(__file__).parents[3] / "examples" / "intents.py"))
    server = valkey.Started()
    server.start()
    mark = secrets.token_hex(4)

    async def test() -> None:
        async with Storage(graph=started.url, cache=server.url, profile=Profile.DEVELOPMENT) as storage:
            intents = example["Intents"](storage)
            one = example["Intent"](mark, "dinner", mark, "cook", (mark,), "house", "voice", 1_767_225_600)
            await intents.record(one)
            assert await intents.routes("dinner", mark) == []
            await intents.finish(one, "succeeded", 0.8)
            for _ in range(2):
                assert await intents.routes("dinner", mark) == [example["Route"]("cook", 1, 1, 0.8)]
            assert (await storage.erase(person=mark)).complete

    asyncio.run(test())
    server.remove()


def test_it_describes_what_it_serves() -> None:
    [spec] = plugin.backend_specs()
    assert spec.schemes == ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
    assert (spec.name, spec.kinds, spec.durability, spec.options) == ("neo4j", ("graph",), Durability.DURABLE, Options)


def test_its_hooks_are_those_of_the_specification() -> None:
    plugins = pluggy.PluginManager(hookspecs.PROJECT)
    plugins.add_hookspecs(hookspecs)
    plugins.register(plugin)
    plugins.check_pending()
    target = Target.parse("bolt://127.0.0.1:1")
    made = [getattr(plugins.hook, name)(target=target, context=context()) for name in ("graph_backend", "migrations")]
    assert [type(one).__name__ for one in made] == ["Neo4jGraph", "Neo4jMigrations"]


@pytest.mark.parametrize(
    ("url", "broken"),
    [
        ("bolt://graph", True),
        ("neo4j://graph:7687/people", True),
        ("bolt+ssc://graph", True),
        ("bolt://127.0.0.1", False),
        ("neo4j://[::1]:7000", False),
        ("bolt+s://graph", False),
        ("neo4j+s://graph", False),
    ],
)
def test_production_sends_nothing_in_clear_text_to_another_machine(url: str, *, broken: bool) -> None:
    found = Storage(graph=url, profile=Profile.PRODUCTION).findings()
    assert [one.rule for one in found] == (["neo4j-tls"] if broken else [])


def test_a_storage_is_served_by_its_url_alone(started: neo4j.Started) -> None:
    async def test() -> None:
        async with Storage(graph=started.url, profile=Profile.DEVELOPMENT) as storage:
            people = storage.graph.at(secrets.token_hex(4))
            await people.upsert_nodes([Node("Person", "p1"), Node("Device", "d1", person="p1"), Node("Skill", "s1")])
            await people.upsert_edges([Edge("OWNS", ("Person", "p1"), ("Device", "d1"))])
            found = [one.node.id async for one in people.neighbors(("Person", "p1"), types=["OWNS"])]
            assert found == ["d1"]
            path = await people.shortest_path(("Person", "p1"), ("Device", "d1"), max_depth=3)
            assert path is not None
            assert path.length == 1
            assert (await storage.erase(person="p1")).complete
            assert await people.get_node(("Person", "p1")) is None

    asyncio.run(test())
