"""A server that does not want: what callers are told, how soon, and that no value is in it."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

import neo4j as driver
import pytest

from tests.plugins.neo4j.surroundings import asked, graph
from tests.services import neo4j
from tests.services.ports import free_port
from unison_storage.errors import DeadlineExceeded, InvalidConfig, InvalidValue, StorageError, Unavailable
from unison_storage.values import Edge, Node

CANARY = "c4n4ry-7d1e"


async def refused(url: str) -> StorageError:
    """Return why a graph can't be opened."""
    with pytest.raises(StorageError) as failure:
        async with graph(url):
            pass
    return failure.value


def test_a_wrong_password_and_a_database_that_is_not_there_are_settings_to_mend(started: neo4j.Started) -> None:
    for url in (
        started.url.replace(started.password, CANARY),
        started.url.replace("/neo4j", f"/{CANARY}") if started.url.endswith("/neo4j") else "",
    ):
        error = asyncio.run(refused(url))
        assert isinstance(error, InvalidConfig), error
        assert CANARY not in str(error)


def test_a_dead_port_is_told_at_once(started: neo4j.Started) -> None:
    begun = time.monotonic()
    error = asyncio.run(refused(f"bolt://neo4j:{started.password}@127.0.0.1:{free_port()}"))
    assert isinstance(error, Unavailable), error
    assert error.retryable
    assert not error.outcome_unknown
    assert time.monotonic() - begun < 5


def test_a_lock_that_somebody_else_holds_is_not_waited_for_longer_than_said(started: neo4j.Started) -> None:
    id = secrets.token_hex(4)

    async def test() -> None:
        async with graph(f"{started.url}?timeout=1") as backend:
            await backend.upsert_nodes([Node("Device", id)])
            auth = ("neo4j", started.password)
            async with (
                driver.AsyncGraphDatabase.driver(f"bolt://127.0.0.1:{started.port}", auth=auth) as other,
                other.session(database="neo4j") as session,
                await session.begin_transaction() as transaction,
            ):
                await transaction.run("MATCH (n:Device {id: $id}) SET n.held = true", id=id)
                begun = time.monotonic()
                with pytest.raises(DeadlineExceeded):
                    await backend.upsert_nodes([Node("Device", id, {"confidence": 0.5})])
                assert time.monotonic() - begun < 5
                assert await backend.get_nodes([("Device", id)]) == [Node("Device", id)]
            assert await backend.upsert_nodes([Node("Device", id, {"confidence": 1})]) == [False]
            await backend.delete_nodes([("Device", id)], True)

    asyncio.run(test())


@pytest.mark.parametrize(
    "value",
    [{"a": CANARY}, [{"a": CANARY}], [[CANARY]], 2**70, f"{CANARY}\ud800", [CANARY, 1], object(), {CANARY}],
    ids=lambda value: type(value).__name__ + str(len(repr(value))),
)
def test_a_value_that_no_property_takes_is_refused_and_not_told(started: neo4j.Started, value: Any) -> None:
    id = secrets.token_hex(4)

    async def test() -> None:
        async with graph(started.url) as backend:
            ends = [Node("Device", id), Node("Device", f"{id}b")]
            await backend.upsert_nodes(ends)
            for call in (
                backend.upsert_nodes([Node("Device", id, {"confidence": value})]),
                backend.upsert_edges([Edge("OWNS", ends[0].ref, ends[1].ref, "", {"confidence": value})]),
            ):
                with pytest.raises(InvalidValue) as raised:
                    await call
                assert CANARY not in str(raised.value)
                assert raised.value.__cause__ is None
            assert await backend.get_nodes([("Device", id)]) == [Node("Device", id)]

    asyncio.run(test())
    asked(started, "MATCH (n:Device) WHERE n.id STARTS WITH $id DETACH DELETE n", id=id)
