"""The graph, broken on purpose: paths, searches and queries. Neighbours and traversals stand in ``graph_walks``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.contracts.graph import Neighbors, Route, Search
from unison_storage.errors import NotFound
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.values import Node, NodeRef, Path
from unison_storage_conformance.mutant import mutant
from unison_storage_conformance.mutants.benign import MarkingGraph, QueryingGraph


class _Routed(ReferenceGraph):
    """A graph that takes routes for others."""

    def other(self, route: Route) -> Route:
        return route

    async def shortest_path(self, route: Route) -> Path | None:
        return await super().shortest_path(self.other(route))


@mutant("graph.14", "a path may be one edge too long")
class PathTooLong(_Routed):
    def other(self, route: Route) -> Route:
        return replace(route, max_depth=route.max_depth + 1)


@mutant("graph.14", "a path ends one edge too early")
class PathTooShort(_Routed):
    def other(self, route: Route) -> Route:
        return replace(route, max_depth=max(route.max_depth - 1, 1))


@mutant("graph.14", "the direction of a path is ignored")
class PathBothWays(_Routed):
    def other(self, route: Route) -> Route:
        return replace(route, direction="both")


@mutant("graph.14", "the types of a path are ignored")
class PathAnyType(_Routed):
    def other(self, route: Route) -> Route:
        return replace(route, types=None)


@mutant("graph.14", "there is no path from a node to itself")
class NoPathToItself(ReferenceGraph):
    async def shortest_path(self, route: Route) -> Path | None:
        return None if route.source == route.target else await super().shortest_path(route)


@mutant("graph.14", "a path from a node to itself takes a loop or a circle")
class PathAround(ReferenceGraph):
    async def shortest_path(self, route: Route) -> Path | None:
        path = await super().shortest_path(route)
        loops = [edge for edge in self._out.get(route.source, {}) if edge.target == route.source]
        if path is not None and route.source == route.target and loops:
            return Path((*path.nodes, *path.nodes), (self._edges[loops[0]],))
        return path


@mutant("graph.14", "a path is turned around")
class PathReversed(ReferenceGraph):
    async def shortest_path(self, route: Route) -> Path | None:
        path = await super().shortest_path(route)
        return None if path is None else Path(tuple(reversed(path.nodes)), tuple(reversed(path.edges)))


@mutant("graph.14", "a path is any, not the shortest")
class AnyPath(ReferenceGraph):
    async def shortest_path(self, route: Route) -> Path | None:
        path = await super().shortest_path(route)
        if path is None or path.length != 1 or route.types is not None:
            return path
        typed = await super().shortest_path(replace(route, types=("OWNS",)))
        return typed or path


@mutant("graph.14", "edges of a path are bare")
class PathWithoutNodes(ReferenceGraph):
    async def shortest_path(self, route: Route) -> Path | None:
        path = await super().shortest_path(route)
        return (
            None if path is None else Path(path.nodes[:1] + path.nodes[-1:] if path.length else path.nodes, path.edges)
        )


@mutant("graph.15", "a path from a node that is not there to itself is empty")
class PathOfNobody(ReferenceGraph):
    async def shortest_path(self, route: Route) -> Path | None:
        if route.source == route.target:
            return Path((), ())
        return await super().shortest_path(route)


@mutant("graph.15", "neighbours of a node that is not there are not found")
class NobodyIsAnError(ReferenceGraph):
    async def neighbors(self, asked: Sequence[Neighbors]) -> Any:
        return [
            NotFound("there is no such node") if one.start not in self._nodes else self._neighbors(one) for one in asked
        ]


class _Searched(ReferenceGraph):
    """A graph that takes searches for others."""

    def other(self, search: Search) -> Search:
        return search

    async def find_nodes(self, search: Search) -> Any:
        return await super().find_nodes(self.other(search))


@mutant("graph.16", "a search compares the first property alone")
class FirstProperty(_Searched):
    def other(self, search: Search) -> Search:
        return replace(search, where=dict(list(search.where.items())[:1]))


@mutant("graph.16", "a search is not bounded by its limit")
class SearchOneMore(_Searched):
    def other(self, search: Search) -> Search:
        return replace(search, limit=search.limit + 1)


@mutant("graph.16", "a search cuts before it compares")
class SearchCutsFirst(ReferenceGraph):
    async def find_nodes(self, search: Search) -> Any:
        page = await super().find_nodes(replace(search, where={}))
        found = {one.id for one in await super().find_nodes(replace(search, limit=10**6))}
        return [one for one in page if one.id in found]


@mutant("graph.16", "a search compares numbers by their type")
class SearchByType(ReferenceGraph):
    async def find_nodes(self, search: Search) -> Any:
        found = await super().find_nodes(replace(search, limit=10**6))
        exact = [
            one
            for one in found
            if all(type(one.properties[name]) is type(value) for name, value in search.where.items())
        ]
        return exact[: search.limit]


@mutant("graph.16", "a search compares texts without case")
class SearchFolds(ReferenceGraph):
    async def find_nodes(self, search: Search) -> Any:
        def low(value: Any) -> Any:
            return value.lower() if isinstance(value, str) else value

        found = await super().find_nodes(replace(search, where={}, limit=10**6))
        fits = [
            one
            for one in found
            if all(
                name in one.properties and low(one.properties[name]) == low(value)
                for name, value in search.where.items()
            )
        ]
        return fits[: search.limit]


@mutant("graph.16", "a search compares everything as text")
class SearchAsText(ReferenceGraph):
    async def find_nodes(self, search: Search) -> Any:
        found = await super().find_nodes(replace(search, where={}, limit=10**6))
        fits = [
            one
            for one in found
            if all(str(one.properties.get(name)) == str(value) for name, value in search.where.items())
        ]
        return fits[: search.limit]


@mutant("graph.16", "an empty value is sought nowhere")
class SearchSkipsEmpty(_Searched):
    def other(self, search: Search) -> Search:
        return replace(search, where={name: value for name, value in search.where.items() if value})


@mutant("graph.16", "a search begins with its position")
class SearchBeginsAt(ReferenceGraph):
    async def find_nodes(self, search: Search) -> Any:
        found = list(await super().find_nodes(search))
        at = self._nodes.get((search.label, search.after))
        return ([at, *found] if at is not None else found)[: search.limit]


@mutant("graph.16", "a search goes into spaces below")
class SearchGoesDeep(ReferenceGraph):
    async def find_nodes(self, search: Search) -> Any:
        deep = [
            node
            for (label, id), node in self._nodes.items()
            if label == search.label and id.startswith(search.space) and id > search.after
        ]
        fits = {one.id for one in await super().find_nodes(replace(search, limit=10**6))}
        return sorted([one for one in deep if one.id in fits or not search.where], key=lambda one: one.id)[
            : search.limit
        ]


@mutant("graph.16", "a search orders ids without case")
class SearchWithoutCase(ReferenceGraph):
    async def find_nodes(self, search: Search) -> Any:
        found = await super().find_nodes(replace(search, limit=10**6))
        return sorted(found, key=lambda one: (one.id.lower(), one.id))[: search.limit]


@mutant("graph.16", "a search ignores the label")
class SearchAnyLabel(ReferenceGraph):
    async def find_nodes(self, search: Search) -> Any:
        labels = {label for label, _ in self._nodes}
        found = [
            one
            for label in labels
            for one in await super(SearchAnyLabel, self).find_nodes(replace(search, label=label, limit=10**6))
        ]
        return sorted(found, key=lambda one: one.id)[: search.limit]


@mutant("graph.23", "a query that is read-only writes")
class QueryWrites(QueryingGraph):
    async def query(self, text: str, parameters: Any, **limits: Any) -> Any:
        if "CREATE" in text:
            await self.upsert_nodes([Node("Device", parameters["id"])])
            return []
        return await super().query(text, parameters, **limits)


@mutant("graph.23", "a query answers its values without their names")
class QueryNamesNothing(QueryingGraph):
    async def query(self, text: str, parameters: Any, **limits: Any) -> Any:
        rows = await super().query(text, parameters, **limits)
        return [{str(place): value for place, value in enumerate(row.values())} for row in rows]


@mutant("graph.23", "a query that has too many rows answers the first of them")
class QueryCuts(QueryingGraph):
    async def query(self, text: str, parameters: Any, **limits: Any) -> Any:
        rows = await super().query(text, parameters, **{**limits, "max_rows": 1_000})
        return rows[: limits["max_rows"]]


@mutant("graph.26", "a scan answers the last node again")
class ScanRepeats(ReferenceGraph):
    async def scan(self, after: NodeRef | None, limit: int) -> Sequence[Node]:
        found = sorted(ref for ref in self._nodes if after is None or ref >= after)
        return [] if found == [after] else [self._nodes[ref] for ref in found[:limit]]


@mutant("graph.26", "a scan passes over spaces below another one")
class ScanShallow(ReferenceGraph):
    async def scan(self, after: NodeRef | None, limit: int) -> Sequence[Node]:
        return [one for one in await super().scan(after, limit) if "deeper" not in one.id] or await super().scan(
            after, limit
        )


@mutant("graph.26", "a scan skips a node at the end of each part")
class ScanSkips(ReferenceGraph):
    async def scan(self, after: NodeRef | None, limit: int) -> Sequence[Node]:
        found = await super().scan(after, limit + 1)
        return found[1:] if after is not None and len(found) > limit else found[:limit]


@mutant("graph.25", "whatever is given is a bookmark")
class MarksAnything(MarkingGraph):
    async def catch_up(self, bookmarks: Any) -> None:
        pass


@mutant("graph.25", "a client that has caught up misses what was written last")
class CatchesUpLate(MarkingGraph):
    _late: Any = None

    async def catch_up(self, bookmarks: Any) -> None:
        await super().catch_up(bookmarks)
        self._late = next(reversed(self._nodes), None)

    async def get_nodes(self, refs: Any) -> Any:
        return [
            None if ref == self._late else one for ref, one in zip(refs, await super().get_nodes(refs), strict=True)
        ]
