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

pytestmark = pytest.mark.once

KILLS = 20
MEMORY_WRITERS = 8
OBJECT_WRITERS = 4
GRAPH_WRITERS = 4
KEYS = 12
GRAPH = "/v1/graph/"


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
    if path.startswith(f"{GRAPH}edges/"):
        reply = await client.post(f"{GRAPH}edges", content=b'{"edges":[%b]}' % body)
        statuses = {one["status"] for one in reply.json()["results"]}
    else:
        reply = await client.put(path, content=body, headers={"Content-Type": "application/json"})
        statuses = {reply.status_code}
    assert statuses <= {200, 201}, reply.text
    written.acknowledged[path] = body
    written.under_way[path] = []
    written.count += 1


async def read(client: httpx.AsyncClient, path: str) -> bytes | None:
    """Return what a path holds, spelled as it was written."""
    if path.startswith(f"{GRAPH}edges/"):
        _, _, one, two = path.removeprefix("/v1/").split("/")
        reply = await client.post(f"{GRAPH}edges:get", content=b'{"edges":[%b]}' % edge(one, two, 0))
        (found,) = reply.json()["results"]
        return edge(one, two, found["properties"]["created_at"]) if found["status"] == 200 else None
    reply = await client.get(path)
    assert reply.status_code in {200, 404}, reply.text
    if reply.status_code == 404:
        return None
    return node(reply.json()["properties"]["created_at"]) if path.startswith(GRAPH) else reply.content


def node(step: int) -> bytes:
    return b'{"properties":{"created_at":%d}}' % step


def edge(one: str, two: str, step: int) -> bytes:
    ends = f'"source":{{"label":"Device","id":"{one}"}},"target":{{"label":"Device","id":"{two}"}}'
    return f'{{"type":"OWNS",{ends},"properties":{{"created_at":{step}}}}}'.encode()


async def linker(client: httpx.AsyncClient, written: Written, number: int) -> None:
    """Write nodes of its own and lead an edge from each to the one before, until the server dies."""
    for step in range(1_000_000):
        one, before = f"w{number}-{step % KEYS}", f"w{number}-{(step - 1) % KEYS}"
        await write(client, written, f"{GRAPH}nodes/Device/{one}", node(step))
        if step:
            await write(client, written, f"{GRAPH}edges/{one}/{before}", edge(one, before, step))


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
        tasks += [asyncio.create_task(linker(client, written, number)) for number in range(GRAPH_WRITERS)]
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
            found = await read(client, path)
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
        links = {tuple(path.split("/")[-2:]) for path in written.acknowledged if path.startswith(f"{GRAPH}edges/")}
        nodes = {path.split("/")[-1] for path in written.acknowledged if path.startswith(f"{GRAPH}nodes/")}
        stats = storage.graph.stats()
        assert (stats.nodes, stats.edges) == ({"Device": len(nodes)}, {"OWNS": len(links)})
        assert len(links) > GRAPH_WRITERS
        for start in nodes:
            beside = {found.node.id for found in storage.graph.neighbors(("Device", start))}
            assert beside == {two for one, two in links if one == start}
