"""Clients, broken on purpose in what they make of a wire that fails, each for all contracts."""

from __future__ import annotations

from typing import Any

from unison_storage.errors import NotFound, StorageError, Unavailable
from unison_storage_conformance.law import PART_OF
from unison_storage_conformance.mutant import mutant
from unison_storage_conformance.mutants.linked import linked
from unison_storage_conformance.served.remote import REMOTES, Connection, Link
from unison_storage_conformance.served.server import Server
from unison_storage_conformance.verdicts import Level


class Denies(Link):
    def lost(self, *, changes: bool) -> StorageError:
        return Unavailable("the connection was lost")


class Claims(Link):
    async def connected(self) -> Connection:
        try:
            return await super().connected()
        except StorageError:
            raise Unavailable("the server can't be reached", outcome_unknown=True) from None


class DoubtsReads(Link):
    def lost(self, *, changes: bool) -> StorageError:
        return Unavailable("the connection was lost", outcome_unknown=True)


class LetsOut(Link):
    def lost(self, *, changes: bool) -> StorageError:
        raise ConnectionResetError("the peer has gone")


class Misnames(Link):
    def lost(self, *, changes: bool) -> StorageError:
        return NotFound("nothing there", outcome_unknown=changes)


class KeepsHalf(Link):
    def leave(self, connection: Connection, *, whole: bool) -> None:
        if self.ready:
            self.idle.append(connection)


class Waits(Link):
    patience = 1_000.0


linked("backend.7", "a lost reply is told as no effect", Denies, Level.FAULTS)
linked("backend.7", "a refused connection is told as an unknown outcome", Claims, Level.FAULTS)
linked("backend.7", "a read is unsure of its effect", DoubtsReads, Level.FAULTS)
linked("backend.6", "what the wire raises gets out", LetsOut, Level.FAULTS)
linked("backend.14", "a lost wire is told as absence", Misnames, Level.FAULTS)
linked("backend.14", "a connection that was left in the middle is used again", KeepsHalf, Level.FAULTS)
linked("backend.10", "a silent server is waited for", Waits, Level.FAULTS)


def _again(part: str, operation: str) -> type[Any]:
    made: Any = REMOTES[part]

    async def call(self: Any, *given: Any, **named: Any) -> Any:
        try:
            return await getattr(made, operation)(self, *given, **named)
        except StorageError as error:
            if not error.outcome_unknown:
                raise
        return await getattr(made, operation)(self, *given, **named)

    return type(f"Repeats{part.title()}", (made,), {operation: call})


mutant(
    "backend.15", "memory: an increment is repeated after a lost reply", on="memory", server=Server, level=Level.FAULTS
)(_again("memory", "increment_many"))
mutant(
    "backend.15", "cache: an increment is repeated after a lost reply", on="cache", server=Server, level=Level.FAULTS
)(_again("cache", "increment_many"))


def _finds_nothing(law: str, contract: str, operation: str) -> None:
    made: Any = REMOTES[PART_OF[contract]]

    async def call(self: Any, asked: Any, *given: Any, **named: Any) -> Any:
        try:
            return await getattr(made, operation)(self, asked, *given, **named)
        except StorageError:
            return [None] * len(asked)

    name = f"FindsNothing{contract.title()}"
    sentence = f"{contract}: a read that is lost among others finds nothing"
    mutant(law, sentence, on=contract, server=Server, level=Level.FAULTS)(type(name, (made,), {operation: call}))


_finds_nothing("memory.19", "memory", "get_many")
_finds_nothing("cache.18", "cache", "get_many")
_finds_nothing("index.13", "index", "get_many")
_finds_nothing("graph.24", "graph", "get_nodes")
