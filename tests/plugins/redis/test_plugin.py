from __future__ import annotations

import asyncio

import pluggy
import pytest

from tests.plugins.redis.surroundings import context
from unison_storage import Keyspace, Profile, Storage, hookspecs
from unison_storage.contracts.backend import Durability
from unison_storage.errors import GuardViolation, InvalidConfig
from unison_storage.targets import Target
from unison_storage_redis import plugin
from unison_storage_redis.config import Options

NOWHERE = "redis://127.0.0.1:1"


def test_it_describes_what_it_serves() -> None:
    alone, cluster = plugin.backend_specs()
    assert alone.schemes == ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
    assert cluster.schemes == ("redis+cluster", "rediss+cluster")
    assert (alone.kinds, cluster.kinds) == (("cache", "memory"), ("cache",))
    for spec in (alone, cluster):
        assert (spec.name, spec.durability, spec.options) == ("redis", Durability.EPHEMERAL, Options)


def test_its_hooks_are_those_of_the_specification() -> None:
    plugins = pluggy.PluginManager(hookspecs.PROJECT)
    plugins.add_hookspecs(hookspecs)
    plugins.register(plugin)
    plugins.check_pending()
    target = Target.parse(NOWHERE)
    made = [getattr(plugins.hook, f"{kind}_backend")(target=target, context=context()) for kind in ("cache", "memory")]
    assert [type(one).__name__ for one in made] == ["RedisCache", "RedisMemory"]


def test_a_storage_is_served_by_its_url_alone(url: str) -> None:
    async def test() -> None:
        async with Storage(memory=url, cache=url, profile=Profile.DEVELOPMENT) as storage:
            notes = storage.memory.at("ui:session", "person-1", "chat")
            stamp = await notes.put("draft", {"text": "hello"}, lifetime=3_600)
            entry = await notes.get("draft")
            assert entry is not None
            assert (entry.value, entry.version, entry.person) == ({"text": "hello"}, stamp.version, "person-1")
            assert await notes.increment("visits", by=2) == 2
            assert [one.key async for one in notes.entries()] == ["draft", "visits"]
            routes = storage.cache.at("intent:cache", "agent-7")
            await routes.set("route", ["skill-9"], lifetime=60)
            assert await routes.get("route") == ["skill-9"]
            async with routes.lease("rebuild", lifetime=30) as lease:
                assert lease.fence > 0
            assert (await storage.erase(person="person-1")).complete
            assert await notes.get("draft") is None

    asyncio.run(test())


def test_production_keeps_on_it_only_what_need_not_be_durable() -> None:
    durable = Storage(memory=NOWHERE, profile=Profile.PRODUCTION)
    with pytest.raises(GuardViolation, match="loses what it holds"):
        asyncio.run(durable.open())
    tokens = Keyspace(name="auth:tokens", lifetime=60, durable=False, url=NOWHERE)
    found = Storage(keyspaces=[tokens], profile=Profile.PRODUCTION).findings()
    assert [one.rule for one in found] == []


def test_a_cluster_serves_no_memory() -> None:
    with pytest.raises(InvalidConfig, match=r"does not serve memory at redis\+cluster: it serves cache"):
        Storage(memory="redis+cluster://a").places()


@pytest.mark.parametrize(
    ("url", "broken"),
    [
        ("redis://cache/0", True),
        ("redis://127.0.0.1/0", False),
        ("redis://[::1]:7000", False),
        ("redis://localhost", False),
        ("rediss://cache/0", False),
        ("unix:///run/redis.sock", False),
        ("redis+sentinel://127.0.0.1,watch-2/main", True),
        ("rediss+sentinel://watch-1,watch-2/main", False),
        ("redis+cluster://node-1", True),
    ],
)
def test_production_sends_nothing_in_clear_text_to_another_machine(url: str, *, broken: bool) -> None:
    found = Storage(cache=url, profile=Profile.PRODUCTION).findings()
    assert [one.rule for one in found] == (["redis-tls"] if broken else [])
