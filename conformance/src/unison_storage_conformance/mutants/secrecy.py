"""Backends and clients that tell what they keep, or how they reach it, to somebody who did not ask."""

from __future__ import annotations

import asyncio
import logging
import sys
import warnings
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from unison_storage.errors import NotFound, StorageError, Unavailable
from unison_storage.reference.cache import ReferenceCache
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.values import Health
from unison_storage_conformance.changes import flow
from unison_storage_conformance.mutant import mutant
from unison_storage_conformance.mutants.linked import linked
from unison_storage_conformance.served.remote import REMOTES, Connection, Link
from unison_storage_conformance.served.server import Server
from unison_storage_conformance.verdicts import Level

LOGGER: Final = logging.getLogger("a_driver")

ROWS: Final = ("memory", "index", "graph", "cache")
"""Contracts whose calls are given all that they write, and no stream."""
VALUES: Final = ("memory", "blobs", "graph", "cache")
"""Contracts that keep values; the index keeps where they are."""


def _tells(law: str, sentence: str, on: str, server: type[Server] | None = None) -> Any:
    return mutant(law, sentence, on=on, server=server, level=Level.SECRECY)


class LogsCalls(Link):
    async def send(
        self, connection: Connection, operation: str, given: Any, named: Mapping[str, Any], body: Any
    ) -> None:
        LOGGER.debug("%s%r", operation, given)
        await super().send(connection, operation, given, named, body)


class LogsLosses(Link):
    def lost(self, *, changes: bool) -> StorageError:
        LOGGER.warning("lost :%s@%s:%d", self.password, *self.address)
        return super().lost(changes=changes)


class QuotesPassword(Link):
    async def connected(self) -> Connection:
        try:
            return await super().connected()
        except StorageError as error:
            raise Unavailable("the server can't be reached") from ConnectionError(f"{error} with {self.password}")


class QuotesCall(Link):
    given: Any = ()

    async def send(
        self, connection: Connection, operation: str, given: Any, named: Mapping[str, Any], body: Any
    ) -> None:
        self.given = given
        if body is not None:
            chunks = [chunk async for chunk in body]
            self.given, body = chunks, flow(chunks)
        await super().send(connection, operation, given, named, body)

    def lost(self, *, changes: bool) -> StorageError:
        error = super().lost(changes=changes)
        error.__cause__ = ConnectionResetError(f"while sending {self.given!r}")
        return error


linked(
    "backend.16",
    "every call is logged with what it was given",
    LogsCalls,
    Level.SECRECY,
    ROWS,
)
linked("backend.16", "a lost connection is logged with the password", LogsLosses, Level.SECRECY)
linked("backend.6", "a refused connection quotes the password", QuotesPassword, Level.SECRECY)
linked(
    "backend.6",
    "a lost connection quotes what was sent",
    QuotesCall,
    Level.SECRECY,
    VALUES,
)


Memory: Any = REMOTES["memory"]
Graph: Any = REMOTES["graph"]


@_tells("backend.16", "a client shows its password", "memory", Server)
class ShowsPassword(Memory):  # type: ignore[misc]
    def __repr__(self) -> str:
        return f"<client of :{self.link.password}@{self.link.address}>"


@_tells("backend.16", "health shows the password", "graph", Server)
class HealthShowsPassword(Graph):  # type: ignore[misc]
    async def health(self) -> Health:
        well = await super().health()
        return Health(ok=well.ok, detail=f"{well.detail} at :{self.link.password}@", seconds=well.seconds)


@_tells("backend.16", "puts are printed", "memory")
class PrintsPuts(ReferenceMemory):
    async def put_many(self, puts: Sequence[Any]) -> Any:
        sys.stdout.writelines(f"{put.value[:40]!r}\n" for put in puts)
        return await super().put_many(puts)


@_tells("backend.16", "what is no number is warned of with its value", "cache")
class WarnsOfText(ReferenceCache):
    async def increment_many(self, increments: Sequence[Any]) -> Any:
        for value in await self.get_many([one.address for one in increments]):
            if isinstance(value, bytes) and not value.isdigit():
                warnings.warn(f"{value!r} is no number", stacklevel=2)
        return await super().increment_many(increments)


@_tells("backend.16", "metrics are labelled with addresses", "index")
class LabelsAddresses(ReferenceObjectIndex):
    telemetry: Any = None

    async def commit(self, draft: Any) -> Any:
        self.telemetry.counters["commits", "object", "reference", draft.address] += 1
        return await super().commit(draft)


@_tells("backend.16", "an address is logged where nothing is found", "index")
class LogsMisses(ReferenceObjectIndex):
    async def delete_many(self, deletes: Sequence[Any]) -> Any:
        answers = await super().delete_many(deletes)
        for one, answer in zip(deletes, answers, strict=True):
            if isinstance(answer, StorageError):
                LOGGER.info("nothing to delete at %s", one.address)
        return answers


@_tells("backend.16", "a task that nobody awaits fails with what it was to write", "blobs")
class FailsUnheard(ReferenceBlobs):
    async def write(self, id: str, chunks: AsyncIterator[bytes]) -> int:
        pieces = [chunk async for chunk in chunks]
        asyncio.ensure_future(_failing(pieces))  # noqa: RUF006 - this is what is wrong
        await asyncio.sleep(0)
        return await super().write(id, flow(pieces))


async def _failing(pieces: Sequence[bytes]) -> None:
    raise NotFound(f"no room for {pieces[0]!r}")


@_tells("backend.16", "what a caller gives up is logged", "graph")
class LogsGivenUp(ReferenceGraph):
    async def upsert_nodes(self, nodes: Sequence[Any]) -> Any:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            LOGGER.info("given up: %r", nodes)
            raise
        return await super().upsert_nodes(nodes)
