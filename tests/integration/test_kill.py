"""What was acknowledged survives SIGKILL, and nothing half written is ever seen."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from tests.integration.server import Server
from unison_storage.storage import Storage

KILLS = 20
MEMORY_WRITERS = 8
OBJECT_WRITERS = 4
KEYS = 12


@dataclass
class Written:
    """What the server has acknowledged, and what it was writing when it died, by path."""

    acknowledged: dict[str, bytes] = field(default_factory=dict)
    under_way: dict[str, list[bytes]] = field(default_factory=dict)
    count: int = 0

    def possible(self, path: str) -> list[bytes | None]:
        """Return what a path may hold: the last acknowledged content or one whose fate nobody knows."""
        return [self.acknowledged.get(path), *self.under_way.get(path, [])]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.stop()


async def write(client: httpx.AsyncClient, written: Written, path: str, body: bytes) -> None:
    written.under_way.setdefault(path, []).append(body)
    reply = await client.put(path, content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code in {200, 201}, reply.text
    written.acknowledged[path] = body
    written.under_way[path] = []
    written.count += 1


async def writer(client: httpx.AsyncClient, written: Written, kind: str, number: int, dice: random.Random) -> None:
    """Write to paths of its own until the server dies; some are new, some are written over."""
    for step in range(1_000_000):
        path = f"/v1/{kind}/kept/writer-{number}/key-{step % KEYS}"
        if kind == "memory":
            body = b'{"step":%d,"text":"%s"}' % (step, b"x" * dice.randrange(2_000))
        else:
            body = dice.randbytes(dice.randrange(300_000))
        await write(client, written, path, body)


async def until_killed(server: Server, written: Written, dice: random.Random) -> int:
    """Write from many tasks, kill the server in the middle, and return how many writes were not acknowledged."""
    async with server.client() as client:
        tasks = [
            asyncio.create_task(writer(client, written, kind, number, dice))
            for kind, count in (("memory", MEMORY_WRITERS), ("objects", OBJECT_WRITERS))
            for number in range(count)
        ]
        wanted = written.count + dice.randrange(5, 200)
        while written.count < wanted:
            # at the end of this wait the writers stand wherever they are just then
            done, _ = await asyncio.wait(tasks, timeout=dice.random() * 0.02, return_when=asyncio.FIRST_EXCEPTION)
            assert not done, "the server failed before it was killed"
        unanswered = sum(1 for bodies in written.under_way.values() if bodies)
        server.kill()
        failures = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(failure, httpx.HTTPError) for failure in failures), failures
    return unanswered


async def read_back(server: Server, written: Written) -> None:
    """Compare everything with what it may be, and take what is there as the new truth."""
    async with server.client() as client:
        for path in {*written.acknowledged, *written.under_way}:
            reply = await client.get(path)
            assert reply.status_code in {200, 404}, reply.text
            found = reply.content if reply.status_code == 200 else None
            assert found in written.possible(path), f"{path}: what is there was never written, or was lost"
            if found is not None:
                written.acknowledged[path] = found
        written.under_way.clear()


async def listed(server: Server) -> None:
    """Every object that is listed can be read whole."""
    async with server.client() as client:
        page = (await client.get("/v1/objects/kept/", params={"limit": "1000"})).json()
        for item in page["items"]:
            reply = await client.get("/".join(("/v1/objects/kept", *item["namespace"], item["key"])))
            assert reply.status_code == 200
            assert sha256(reply.content).hexdigest() == item["sha256"]
            assert len(reply.content) == item["size"]


def test_nothing_acknowledged_is_lost_and_nothing_half_is_seen_in_twenty_kills(server: Server, tmp_path: Path) -> None:
    dice = random.Random(20_261_124)
    written = Written()
    for _ in range(KILLS):
        server.start()
        asyncio.run(read_back(server, written))
        assert asyncio.run(until_killed(server, written, dice)) >= 1
    server.start()
    asyncio.run(read_back(server, written))
    asyncio.run(listed(server))
    assert server.stop() == 0
    with Storage(f"sqlite:///{tmp_path}/storage.db", profile="development").blocking() as storage:
        found = storage.upkeep.reconcile()
        assert (found.missing, found.damaged) == ((), ())
        assert storage.upkeep.scrub().damaged == ()
