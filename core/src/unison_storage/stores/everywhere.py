"""A graph as a whole: all of its spaces at once, with ids as they are stored. One space of it is ``graph``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeVar

from unison_storage.contracts.graph import GraphBackend, Neighbors, Position, Stray
from unison_storage.errors import StorageError
from unison_storage.graph_model import GraphModel
from unison_storage.stores.border import EVERYWHERE, Border, Route
from unison_storage.values import Edge, EdgeRef, GraphStats, Neighbor, Node, NodeRef

T = TypeVar("T")

PART: Final = 1_000
"""Nodes, or edges of one node, that are asked for at once."""


class Everywhere:
    """All spaces of a graph, for backups and checks. No model is asked of what passes here."""

    __slots__ = ("_backend", "_route", "model")

    def __init__(self, border: Border, kind: str, backend: GraphBackend, model: GraphModel) -> None:
        self._backend = backend
        self._route = Route(border, kind, backend, EVERYWHERE, declared=True)
        self.model = model

    async def nodes(self) -> AsyncIterator[Sequence[Node]]:
        """Yield all nodes in parts, each once; those that come meanwhile may be left out."""
        after = None
        while page := await self._route.whole("scan", self._backend.scan, after, PART):
            yield page
            after = page[-1].ref

    async def edges_from(self, nodes: Sequence[Node]) -> AsyncIterator[Sequence[Edge]]:
        """Yield the edges that lead out of nodes, in parts."""
        asked = [Neighbors(node.ref, "out", None, None, None, PART) for node in nodes]
        while asked:
            found: list[list[Neighbor]] = _answered(await self._route.many("neighbors", self._backend.neighbors, asked))
            going_on: list[Neighbors] = []
            edges: list[Edge] = []
            for one, beside in zip(asked, found, strict=True):
                edges += [neighbor.edge for neighbor in beside]
                if len(beside) == PART:
                    going_on.append(Neighbors(one.start, "out", None, None, _place(beside[-1]), PART))
            yield edges
            asked = going_on

    async def get_nodes(self, refs: Sequence[NodeRef]) -> list[Node | None]:
        """Return each node or ``None``."""
        return _answered(await self._route.many("get_nodes", self._backend.get_nodes, refs))

    async def get_edges(self, refs: Sequence[EdgeRef]) -> list[Edge | None]:
        """Return each edge or ``None``."""
        return _answered(await self._route.many("get_edges", self._backend.get_edges, refs))

    async def upsert_nodes(self, nodes: Sequence[Node]) -> list[bool | StorageError]:
        """Make or merge each; an error stands in the place of the node that it is of."""
        return await self._route.many("upsert_nodes", self._backend.upsert_nodes, nodes)

    async def upsert_edges(self, edges: Sequence[Edge]) -> list[bool | StorageError]:
        """Make or merge each; an error stands in the place of its edge, ``NotFound`` for a missing end."""
        return await self._route.many("upsert_edges", self._backend.upsert_edges, edges)

    async def stats(self) -> GraphStats:
        """Return how many nodes of each label and edges of each type there are."""
        return await self._route.whole("stats", self._backend.stats, None)

    async def strays(self) -> Sequence[Stray]:
        """Return what lies in the database though no call answers it."""
        return await self._route.whole("strays", self._backend.strays)


def _answered(answers: list[T | StorageError]) -> list[T]:
    """Return the answers of a batch that has no errors; raises the first that it has."""
    for answer in answers:
        if isinstance(answer, StorageError):
            raise answer
    return answers  # type: ignore[return-value]  # what is no error is an answer


def _place(found: Neighbor) -> Position:
    return found.edge.type, found.node.label, found.node.id, found.edge.key, "out"
