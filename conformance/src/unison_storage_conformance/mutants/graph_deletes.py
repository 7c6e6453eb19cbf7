"""The graph, broken on purpose: deletes, spaces, erasures, batches, and what is shared."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.errors import StorageError
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.values import Edge, EdgeRef, GraphStats, Node, NodeRef
from unison_storage_conformance.mutant import mutant

SEPARATOR = "\x1f"


@mutant("graph.8", "a delete takes the edges along unasked")
class AlwaysDetaches(ReferenceGraph):
    def _delete_node(self, ref: NodeRef, *, detach: bool) -> Any:
        return super()._delete_node(ref, detach=True)


@mutant("graph.8", "a loop is no edge that is in the way")
class LoopsDoNotCount(ReferenceGraph):
    def _delete_node(self, ref: NodeRef, *, detach: bool) -> Any:
        for edge in [one for one in self._around(ref) if one.source == one.target]:
            self._drop_edge(edge)
        return super()._delete_node(ref, detach=detach)


@mutant("graph.8", "edges that come in are not in the way")
class InDoesNotCount(ReferenceGraph):
    def _delete_node(self, ref: NodeRef, *, detach: bool) -> Any:
        return super()._delete_node(ref, detach=detach or not self._out.get(ref))


@mutant("graph.8", "detaching leaves the edges that come in")
class LeavesIncoming(ReferenceGraph):
    def _around(self, ref: NodeRef) -> set[EdgeRef]:
        return set(self._out.get(ref, ()))


@mutant("graph.8", "detaching takes the neighbours along")
class TakesNeighbours(ReferenceGraph):
    def _delete_node(self, ref: NodeRef, *, detach: bool) -> Any:
        ends = {end for edge in self._around(ref) for end in (edge.source, edge.target)} - {ref} if detach else set()
        outcome = super()._delete_node(ref, detach=detach)
        for end in ends:
            if not self._around(end):
                self._nodes.pop(end, None)
        return outcome


@mutant("graph.9", "edges of a node that has gone are still counted")
class DanglingCount(ReferenceGraph):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._dangling = 0

    def _delete_node(self, ref: NodeRef, *, detach: bool) -> Any:
        self._dangling += len(self._around(ref)) if detach else 0
        return super()._delete_node(ref, detach=detach)

    async def stats(self, space: Any) -> GraphStats:
        found = await super().stats(space)
        return (
            GraphStats(found.nodes, {**found.edges, "OWNS": found.edges.get("OWNS", 0) + self._dangling})
            if self._dangling
            else found
        )


@mutant("graph.9", "a delete looks for edges, then removes the node")
class DeleteRaces(ReferenceGraph):
    async def delete_nodes(self, refs: Sequence[NodeRef], detach: bool) -> Any:
        outcomes: list[Any] = []
        for ref in refs:
            edges = self._around(ref)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if edges and not detach:
                outcomes += await super().delete_nodes([ref], False)
                continue
            for edge in edges:
                self._drop_edge(edge)
            outcomes.append(self._nodes.pop(ref, None) is not None)
        return outcomes


@mutant("graph.10", "a delete of an edge always says yes")
class EdgeDeleteSaysYes(ReferenceGraph):
    async def delete_edges(self, refs: Sequence[EdgeRef]) -> Any:
        await super().delete_edges(refs)
        return [True] * len(refs)


@mutant("graph.10", "a delete of a node twice says yes twice")
class NodeDeleteTwice(ReferenceGraph):
    async def delete_nodes(self, refs: Sequence[NodeRef], detach: bool) -> Any:
        there = [ref in self._nodes for ref in refs]
        outcomes = await super().delete_nodes(refs, detach)
        return [one if isinstance(one, StorageError) else was for one, was in zip(outcomes, there, strict=True)]


@mutant("graph.10", "a delete that detaches answers whether there were edges")
class AnswersEdges(ReferenceGraph):
    def _delete_node(self, ref: NodeRef, *, detach: bool) -> Any:
        edges = bool(self._around(ref))
        outcome = super()._delete_node(ref, detach=detach)
        return outcome if isinstance(outcome, StorageError) or not detach else edges


@mutant("graph.10", "a delete ignores the label")
class DeletesAnyLabel(ReferenceGraph):
    def _delete_node(self, ref: NodeRef, *, detach: bool) -> Any:
        found = next((one for one in self._nodes if one[1] == ref[1]), ref)
        return super()._delete_node(ref if ref in self._nodes else found, detach=detach)


@mutant("graph.17", "spaces are ignored")
class IgnoresSpaces(ReferenceGraph):
    async def stats(self, space: Any) -> GraphStats:
        return await super().stats(None)


@mutant("graph.17", "a space is met with those below it")
class SpacesNest(ReferenceGraph):
    async def clear(self, space: Any) -> int:
        below = [ref for ref in self._nodes if ref[1].startswith(space)]
        edges = {edge for ref in below for edge in self._around(ref)}
        for ref in below:
            self._delete_node(ref, detach=True)
        return len(below) + len(edges)


@mutant("graph.17", "a space is what its ids begin with, separator or not")
class SpacesBeginAlike(ReferenceGraph):
    async def clear(self, space: Any) -> int:
        start = space.rstrip(SEPARATOR)
        below = [ref for ref in self._nodes if ref[1].rpartition(SEPARATOR)[0].startswith(start)]
        edges = {edge for ref in below for edge in self._around(ref)}
        for ref in below:
            self._delete_node(ref, detach=True)
        return len(below) + len(edges)


@mutant("graph.18", "an erasure leaves the node of the person")
class LeavesPerson(ReferenceGraph):
    def _of(self, person: str) -> Any:
        nodes = {ref for ref, node in self._nodes.items() if node.person == person}
        edges = {ref for ref, edge in self._edges.items() if edge.person == person}
        return nodes, edges.union(*map(self._around, nodes))


@mutant("graph.18", "an erasure takes any node with the id of the person")
class TakesAnyLabel(ReferenceGraph):
    def _of(self, person: str) -> Any:
        nodes, edges = super()._of(person)
        more = {ref for ref in self._nodes if ref[1].rpartition(SEPARATOR)[2] == person}
        return nodes | more, edges.union(*map(self._around, more))


@mutant("graph.18", "an erasure leaves the person's edges between nodes of others")
class LeavesOwnEdges(ReferenceGraph):
    def _of(self, person: str) -> Any:
        nodes, _ = super()._of(person)
        return nodes, set().union(*map(self._around, nodes))


@mutant("graph.18", "an edge at two nodes that go is counted twice")
class CountsTwice(ReferenceGraph):
    async def owned(self, person: str) -> int:
        nodes, edges = self._of(person)
        return len(edges) + len(nodes) + sum(edge.source in nodes and edge.target in nodes for edge in edges)


@mutant("graph.18", "an erasure counts nodes alone")
class EraseCountsNodes(ReferenceGraph):
    async def erase(self, person: str) -> int:
        nodes, _ = self._of(person)
        await super().erase(person)
        return len(nodes)


@mutant("graph.18", "an erasure knows the person's node of the empty space alone")
class PersonOfOneSpace(ReferenceGraph):
    def _of(self, person: str) -> Any:
        nodes = {ref for ref, node in self._nodes.items() if node.person == person or ref == ("Person", person)}
        edges = {ref for ref, edge in self._edges.items() if edge.person == person}
        return nodes, edges.union(*map(self._around, nodes))


@mutant("graph.18", "an erasure takes persons whose ids end alike")
class PersonsEndAlike(ReferenceGraph):
    def _of(self, person: str) -> Any:
        nodes = {
            ref
            for ref, node in self._nodes.items()
            if (node.person or "").startswith(person) or (ref[0] == "Person" and ref[1].endswith(person))
        }
        edges = {ref for ref, edge in self._edges.items() if edge.person == person}
        return nodes, edges.union(*map(self._around, nodes))


@mutant("graph.19", "a clear counts nodes alone")
class ClearCountsNodes(ReferenceGraph):
    async def clear(self, space: Any) -> int:
        nodes = sum((await super().stats(space)).nodes.values())
        await super().clear(space)
        return nodes


@mutant("graph.19", "a clear ends after a thousand")
class ClearsThousand(ReferenceGraph):
    async def clear(self, space: Any) -> int:
        nodes = [ref for ref in self._nodes if ref[1].rpartition(SEPARATOR)[0] + SEPARATOR == space][:1_000]
        edges = {edge for ref in nodes for edge in self._around(ref)}
        for ref in nodes:
            self._delete_node(ref, detach=True)
        return len(nodes) + len(edges)


@mutant("graph.19", "counts keep labels and types that have gone")
class KeepsZeros(ReferenceGraph):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._types: set[str] = set()

    def _upsert_edge(self, edge: Edge) -> Any:
        self._types.add(edge.type)
        return super()._upsert_edge(edge)

    async def stats(self, space: Any) -> GraphStats:
        found = await super().stats(space)
        return GraphStats(found.nodes, {**dict.fromkeys(self._types, 0), **found.edges})


@mutant("graph.19", "a loop is counted twice")
class LoopsTwice(ReferenceGraph):
    async def stats(self, space: Any) -> GraphStats:
        found = await super().stats(space)
        loops = sum(ref.source == ref.target and ref.source[1].startswith(space or "") for ref in self._edges)
        return GraphStats(found.nodes, {type: number + loops for type, number in found.edges.items()})


@mutant("graph.20", "of several upserts of one node in a batch the first holds")
class FirstHolds(ReferenceGraph):
    async def upsert_nodes(self, nodes: Sequence[Node]) -> Any:
        return list(reversed(await super().upsert_nodes(list(reversed(nodes)))))


@mutant("graph.20", "of several upserts of one edge in a batch the last alone is written")
class LastAlone(ReferenceGraph):
    async def upsert_edges(self, edges: Sequence[Edge]) -> Any:
        last = {one.ref: one for one in edges}
        outcomes = dict(zip(last, await super().upsert_edges(list(last.values())), strict=True))
        seen: set[EdgeRef] = set()
        answers = []
        for one in edges:
            outcome = outcomes[one.ref]
            answers.append(outcome if one.ref not in seen or isinstance(outcome, StorageError) else False)
            seen.add(one.ref)
        return answers


@mutant("graph.20", "all nodes of a batch say that they were made")
class AllMade(ReferenceGraph):
    async def upsert_nodes(self, nodes: Sequence[Node]) -> Any:
        fresh = {one.ref for one in nodes} - self._nodes.keys()
        outcomes = await super().upsert_nodes(nodes)
        return [
            out if isinstance(out, StorageError) else one.ref in fresh for one, out in zip(nodes, outcomes, strict=True)
        ]


@mutant("graph.21", "a node keeps the properties that were passed in")
class KeepsPassed(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        fresh = node.ref not in self._nodes
        made = super()._upsert_node(node)
        if fresh and made is True:
            self._nodes[node.ref] = node
        return made


@mutant("graph.21", "a get answers the properties that are kept")
class AnswersKept(ReferenceGraph):
    async def get_nodes(self, refs: Sequence[NodeRef]) -> Any:
        return [self._nodes.get(ref) for ref in refs]


@mutant("graph.21", "a get answers the lists that are kept")
class AnswersKeptLists(ReferenceGraph):
    async def get_edges(self, refs: Sequence[EdgeRef]) -> Any:
        kept = [self._edges.get(ref) for ref in refs]
        return [replace(one, properties=dict(one.properties)) if one is not None else None for one in kept]


@mutant("graph.21", "a search answers the properties that are kept")
class SearchAnswersKept(ReferenceGraph):
    async def find_nodes(self, search: Any) -> Any:
        return [self._nodes[one.ref] for one in await super().find_nodes(search)]
