"""A graph goes from Neo4j into a backup and back, and what other programs left there is told."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from pathlib import Path

from tests.plugins.neo4j.surroundings import asked
from tests.services import neo4j
from unison_storage import Edge, Node, Profile, Storage
from unison_storage.graph_backup import lines, restore
from unison_storage.graph_lint import misfits


def untold(_number: int) -> None:
    pass


async def backed_up(storage: Storage) -> Sequence[bytes]:
    parts = [part async for part in lines(storage.graph.everywhere(), untold)]
    return b"".join(parts).splitlines(keepends=True)


def test_a_graph_goes_into_a_backup_and_back(started: neo4j.Started, tmp_path: Path) -> None:
    asked(started, "MATCH (n) WHERE NOT labels(n)[0] STARTS WITH '__' DETACH DELETE n")

    async def test() -> None:
        async with (
            Storage(graph=started.url, profile=Profile.DEVELOPMENT) as storage,
            Storage(graph=f"sqlite:///{tmp_path}/x.db", profile=Profile.DEVELOPMENT) as other,
        ):
            for space in ((), ("a",), ("a", "b")):
                graph = storage.graph.at(*space)
                devices = [Node("Device", f"d{number}", {"confidence": 0.5}) for number in range(1_200)]
                await graph.upsert_nodes([Node("Person", "p1", {"tags": ["x"]}, "p1"), *devices])
                await graph.upsert_edges([Edge("OWNS", ("Person", "p1"), one.ref, "k", {}, "p1") for one in devices])
            backup = await backed_up(storage)
            assert len(backup) == 2 + 3 * 2_401
            await restore(other.graph.everywhere(), lambda: backup, untold)
            elsewhere = await backed_up(other)
            assert sorted(elsewhere[1:-1]) == sorted(backup[1:-1])
            for space in ((), ("a",), ("a", "b")):
                await storage.graph.at(*space).clear()
            assert (await storage.graph.total()).nodes == {}
            came = await restore(storage.graph.everywhere(), lambda: elsewhere, untold)
            assert (came.nodes, came.edges) == (3_603, 3_600)
            assert sorted((await backed_up(storage))[1:-1]) == sorted(backup[1:-1])

    asyncio.run(test())
    asked(started, "MATCH (n) WHERE NOT labels(n)[0] STARTS WITH '__' DETACH DELETE n")


def test_what_other_programs_left_is_told(started: neo4j.Started) -> None:
    asked(started, "MATCH (n) WHERE NOT labels(n)[0] STARTS WITH '__' DETACH DELETE n")
    id = secrets.token_hex(4)
    asked(started, "CREATE (:Device {nickname: 'x'}), (:Device {id: 5}), (:Device {id: $id, nickname: 'y'})", id=id)
    asked(started, "CREATE (:Person:Admin {id: $id})-[:OWNS]->(:Dragon {id: $id})", id=id)

    async def test() -> None:
        async with Storage(graph=started.url, profile=Profile.DEVELOPMENT) as storage:
            found = await misfits(storage.graph.everywhere(), untold)
            beside = [one async for one in storage.graph.neighbors(("Person", id), direction="both")]
            assert [one.node.ref for one in beside] == [("Dragon", id)]
        listed = {(one.where, one.what): one.number for one in found}
        several = next(where for where, what in listed if what == "several labels")
        assert set(several.split(":")) == {"", "Person", "Admin"}
        del listed[several, "several labels"]
        assert listed == {
            ("Device", "no id that is a text"): 2,
            ("Device.nickname", "the model has no such property"): 1,
            ("Dragon", "ids that may be there twice"): 1,
            ("Dragon", "the model has no such label"): 1,
            ("OWNS", "no key that is a text"): 1,
        }

    asyncio.run(test())
    asked(started, "MATCH (n) WHERE NOT labels(n)[0] STARTS WITH '__' DETACH DELETE n")
