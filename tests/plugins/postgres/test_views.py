from __future__ import annotations

import asyncio
import time

from tests.plugins.postgres.surroundings import asked, memory, opened, put
from tests.plugins.postgres.test_objects import draft
from unison_storage import Storage
from unison_storage_postgres.objects import PostgresObjectIndex

HOUR = 3_600
MEMORY = (
    "SELECT keyspace, namespace, session_id, person_id, payload::text, ttl FROM memory_sessions ORDER BY session_id"
)


def test_memory_is_shown_as_sessions_with_json_and_what_is_left_of_their_lives(url: str) -> None:
    async def test() -> None:
        async with Storage(url, profile="test") as storage:
            notes = storage.memory.at("notes", "house", "kitchen", person="ann")
            await notes.put("a", {"text": "ä"}, lifetime=HOUR)
            await storage.memory.at("notes").put("b", [1.0])
        async with memory(url) as backend:
            await backend.put_many([put("other\x1fc", b"\xff\x00", lifetime=None)])

    asyncio.run(test())
    [(*named, ttl), second, third] = asked(url, MEMORY)
    assert named == ["notes", ["house", "kitchen"], "a", "ann", '{"text":"ä"}']
    assert HOUR - 60 < ttl <= HOUR
    assert second == ("notes", [], "b", None, "[1.0]", None)
    assert third == ("other", [], "c", None, None, None)
    [(age,)] = asked(url, "SELECT extract(epoch FROM max(created_at))::bigint FROM memory_sessions")
    assert abs(age - time.time()) < 60


def test_what_has_expired_is_not_shown(url: str) -> None:
    async def test() -> None:
        async with Storage(url, profile="test") as storage:
            await storage.memory.at("notes").put("a", 1, lifetime=HOUR)

    asyncio.run(test())
    asked(url, "UPDATE memory_entries SET expires = unison_storage_now()")
    assert asked(url, MEMORY) == []


def test_objects_are_shown_with_their_times(url: str) -> None:
    async def test() -> None:
        async with opened(url, PostgresObjectIndex) as index:
            await index.commit(await draft(index, "files\x1fann\x1freport"))

    asyncio.run(test())
    shown = "SELECT keyspace, namespace, key, person_id, content_type, size_bytes, expires_at FROM object_files"
    assert asked(url, shown) == [("files", ["ann"], "report", None, "text/plain", 3, None)]
