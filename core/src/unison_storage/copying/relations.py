"""Copying a graph, of all spaces: first its nodes, then the edges between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.copying.pages import raise_first
from unison_storage.copying.side import Side
from unison_storage.errors import InvalidConfig, InvalidValue, NotFound
from unison_storage.stores.everywhere import Everywhere
from unison_storage.values import Edge, Node


class _Relations:
    def __init__(self, source: Side, target: Side) -> None:
        assert source.graph is not None  # noqa: S101 - only made where there is one
        self._from = source.graph
        self._to = target.graph

    async def check(self) -> None:
        """Raise ``InvalidConfig`` where TO keeps no graph."""
        if self._to is None:
            raise InvalidConfig("TO keeps no graph: name a graph_url or a database_url that does")

    async def ending(self, _one: object) -> bool:
        """Return ``False``: nothing here expires."""
        return False

    @property
    def _there(self) -> Everywhere:
        assert self._to is not None  # noqa: S101 - ``check`` was called
        return self._to


class Nodes(_Relations):
    """The nodes of two sides."""

    kind = "nodes"

    async def count(self) -> int:
        """Return how many FROM has."""
        return sum((await self._from.stats()).nodes.values())

    async def there(self) -> int:
        """Return how many TO has."""
        return 0 if self._to is None else sum((await self._to.stats()).nodes.values())

    def pages(self) -> AsyncIterator[Sequence[Node]]:
        """Yield what FROM has."""
        return self._from.nodes()

    async def found(self, page: Sequence[Node]) -> list[Node | None]:
        """Return what TO has of each."""
        return await self._there.get_nodes([node.ref for node in page])

    async def same(self, node: Node, there: Node) -> bool:
        """Return whether a node is what FROM has."""
        return bool(self.seal(node, None) == self.seal(node, there))

    async def write(self, items: Sequence[tuple[Node, Node | None]]) -> None:
        """Make what FROM has of what TO has."""
        answers = await self._there.upsert_nodes([_merged(node, old) for node, old in items])
        for (node, _), answer in zip(items, answers, strict=True):
            if isinstance(answer, InvalidValue):
                raise InvalidValue(f"TO has a node {node.label} of another person at the same id: remove it there")
        raise_first(answers)

    def seal(self, node: Node, there: Node | None) -> Any:
        """Return what is digested of a node, of FROM or, with ``there``, of TO."""
        one = there or node
        return one.label, one.id, _typed(one.properties), one.person


class Edges(_Relations):
    """The edges of two sides."""

    kind = "edges"

    async def count(self) -> int:
        """Return how many FROM has."""
        return sum((await self._from.stats()).edges.values())

    async def there(self) -> int:
        """Return how many TO has."""
        return 0 if self._to is None else sum((await self._to.stats()).edges.values())

    async def pages(self) -> AsyncIterator[Sequence[Edge]]:
        """Yield what FROM has."""
        async for nodes in self._from.nodes():
            async for edges in self._from.edges_from(nodes):
                yield edges

    async def found(self, page: Sequence[Edge]) -> list[Edge | None]:
        """Return what TO has of each."""
        return await self._there.get_edges([edge.ref for edge in page])

    async def same(self, edge: Edge, there: Edge) -> bool:
        """Return whether an edge is what FROM has."""
        return bool(self.seal(edge, None) == self.seal(edge, there))

    async def write(self, items: Sequence[tuple[Edge, Edge | None]]) -> None:
        """Make what FROM has of what TO has; edges of nodes that came to FROM meanwhile are left out."""
        answers = await self._there.upsert_edges([_merged(edge, old) for edge, old in items])
        for (edge, _), answer in zip(items, answers, strict=True):
            if isinstance(answer, InvalidValue):
                raise InvalidValue(f"TO has an edge {edge.type} of another person in the same place: remove it there")
        raise_first(answer for answer in answers if not isinstance(answer, NotFound))

    def seal(self, edge: Edge, there: Edge | None) -> Any:
        """Return what is digested of an edge, of FROM or, with ``there``, of TO."""
        one = there or edge
        return one.type, one.source, one.target, one.key, _typed(one.properties), one.person


def _merged(one: Any, old: Any) -> Any:
    """Return an upsert after which the properties are those of ``one`` and no others."""
    if old is None:
        return one
    gone = dict.fromkeys(name for name in old.properties if name not in one.properties)
    return replace(one, properties={**gone, **one.properties})


def _typed(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties so that ``1`` and ``1.0`` and ``True`` differ."""
    return {name: (_type(value), value) for name, value in properties.items()}


def _type(value: Any) -> str:
    if isinstance(value, list):
        return f"list of {type(value[0]).__name__}" if value else "list"
    return type(value).__name__
