"""The graph, broken on purpose: neighbours and traversals. Paths and searches stand in ``graph_paths``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.contracts.graph import Neighbors, Traversal
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.values import Walk
from unison_storage_conformance.mutant import mutant


class _Asked(ReferenceGraph):
    """A graph that takes questions for others."""

    def question(self, asked: Neighbors) -> Neighbors:
        return asked

    def _neighbors(self, asked: Neighbors) -> Any:
        return super()._neighbors(self.question(asked))


@mutant("graph.11", "the direction of neighbours is ignored")
class NeighborsBothWays(_Asked):
    def question(self, asked: Neighbors) -> Neighbors:
        return replace(asked, direction="both")


@mutant("graph.11", "directions of neighbours are swapped")
class NeighborsSwapped(_Asked):
    def question(self, asked: Neighbors) -> Neighbors:
        return replace(asked, direction={"in": "out", "out": "in", "both": "both"}[asked.direction])


@mutant("graph.11", "of several types the first counts")
class FirstType(_Asked):
    def question(self, asked: Neighbors) -> Neighbors:
        return replace(asked, types=asked.types and asked.types[:1])


@mutant("graph.11", "labels are ignored")
class NeighborsAnyLabel(_Asked):
    def question(self, asked: Neighbors) -> Neighbors:
        return replace(asked, labels=None)


@mutant("graph.11", "types are ignored where labels are given")
class LabelsHideTypes(_Asked):
    def question(self, asked: Neighbors) -> Neighbors:
        return replace(asked, types=None) if asked.labels else asked


@mutant("graph.11", "the limit counts before labels are chosen")
class LimitsFirst(ReferenceGraph):
    def _neighbors(self, asked: Neighbors) -> Any:
        found = super()._neighbors(replace(asked, labels=None))
        return [one for one in found if asked.labels is None or one.node.label in asked.labels]


@mutant("graph.11", "neighbours come in the order in which they were made")
class NeighborsAsMade(ReferenceGraph):
    def _neighbors(self, asked: Neighbors) -> Any:
        found = super()._neighbors(replace(asked, limit=10**6))
        made = {ref: place for place, ref in enumerate(self._edges)}
        return sorted(found, key=lambda one: made[one.edge.ref])[: asked.limit]


@mutant("graph.11", "neighbours are ordered by id alone")
class NeighborsById(ReferenceGraph):
    def _neighbors(self, asked: Neighbors) -> Any:
        found = super()._neighbors(replace(asked, limit=10**6))
        return sorted(found, key=lambda one: one.node.id)[: asked.limit]


@mutant("graph.11", "ids of neighbours are ordered without case")
class NeighborsWithoutCase(ReferenceGraph):
    def _neighbors(self, asked: Neighbors) -> Any:
        found = super()._neighbors(replace(asked, limit=10**6))
        return sorted(found, key=lambda one: (one.edge.type, one.node.label, one.node.id.lower()))[: asked.limit]


@mutant("graph.11", "a page of neighbours begins with its position")
class NeighborsBeginAt(ReferenceGraph):
    def _neighbors(self, asked: Neighbors) -> Any:
        if asked.after is None:
            return super()._neighbors(asked)
        earlier = super()._neighbors(replace(asked, after=None, limit=10**6))
        later = super()._neighbors(replace(asked, limit=10**6))
        return earlier[len(earlier) - len(later) - 1 :][: asked.limit]


@mutant("graph.11", "a position compares all but the direction")
class PositionWithoutWay(ReferenceGraph):
    def _neighbors(self, asked: Neighbors) -> Any:
        after = asked.after and (*asked.after[:4], "out")
        return super()._neighbors(replace(asked, after=after))


@mutant("graph.11", "a position forgets the key")
class PositionWithoutKey(ReferenceGraph):
    def _neighbors(self, asked: Neighbors) -> Any:
        after = asked.after and (*asked.after[:3], "\uffff", "out")
        return super()._neighbors(replace(asked, after=after))


@mutant("graph.11", "a loop comes twice")
class LoopTwice(ReferenceGraph):
    def _hops(self, ref: Any, direction: Any, types: Any) -> Any:
        yield from super()._hops(ref, direction, types)
        if direction == "both":
            yield from (hop for hop in super()._hops(ref, "in", types) if hop[0].source == hop[0].target)


@mutant("graph.11", "a loop is left out")
class LoopLeftOut(ReferenceGraph):
    def _hops(self, ref: Any, direction: Any, types: Any) -> Any:
        yield from (hop for hop in super()._hops(ref, direction, types) if hop[0].source != hop[0].target)


@mutant("graph.11", "several edges to one neighbour are one")
class NeighborsOnce(ReferenceGraph):
    def _neighbors(self, asked: Neighbors) -> Any:
        found = super()._neighbors(replace(asked, limit=10**6))
        return list({one.node.ref: one for one in reversed(found)}.values())[::-1][: asked.limit]


@mutant("graph.11", "a batch of questions is answered like the first")
class AsksFirst(ReferenceGraph):
    async def neighbors(self, asked: Sequence[Neighbors]) -> Any:
        return [self._neighbors(replace(one, direction=asked[0].direction)) for one in asked]


@mutant("graph.11", "a neighbour has no properties on its edge")
class NeighborBareEdge(ReferenceGraph):
    def _neighbors(self, asked: Neighbors) -> Any:
        return [replace(one, edge=replace(one.edge, properties={})) for one in super()._neighbors(asked)]


class _Walked(ReferenceGraph):
    """A graph that takes traversals for others."""

    def other(self, traversal: Traversal) -> Traversal:
        return traversal

    async def traverse(self, traversal: Traversal) -> Walk:
        return await super().traverse(self.other(traversal))


@mutant("graph.12", "a traversal goes one hop too far")
class OneTooFar(_Walked):
    def other(self, traversal: Traversal) -> Traversal:
        return replace(traversal, max_depth=traversal.max_depth + 1)


@mutant("graph.12", "a traversal ends one hop too early")
class OneTooNear(_Walked):
    def other(self, traversal: Traversal) -> Traversal:
        return replace(traversal, max_depth=max(traversal.max_depth - 1, 1))


@mutant("graph.12", "the direction of a traversal is ignored")
class WalksBothWays(_Walked):
    def other(self, traversal: Traversal) -> Traversal:
        return replace(traversal, direction="both")


@mutant("graph.12", "types hold at the first hop alone")
class TypesAtFirst(ReferenceGraph):
    async def traverse(self, traversal: Traversal) -> Walk:
        first = await super().traverse(replace(traversal, max_depth=1, max_nodes=10**6))
        if traversal.types is None or traversal.max_depth == 1:
            return await super().traverse(traversal)
        rest = await super().traverse(
            Traversal(
                tuple((one.label, one.id) for one in first.nodes),
                traversal.direction,
                None,
                traversal.max_depth - 1,
                10**6,
            )
        )
        nodes = [
            *first.nodes,
            *(replace(one, depth=one.depth + 1) for one in rest.nodes if (one.label, one.id) not in traversal.starts),
        ]
        return Walk(tuple(nodes[: traversal.max_nodes]), len(nodes) > traversal.max_nodes)


@mutant("graph.12", "the starts are part of what is reached")
class StartsIncluded(ReferenceGraph):
    async def traverse(self, traversal: Traversal) -> Walk:
        walk = await super().traverse(traversal)
        if not walk.nodes:
            return walk
        starts = [replace(walk.nodes[0], label=label, id=id, depth=0, properties={}) for label, id in traversal.starts]
        return Walk((*starts, *walk.nodes), walk.cut)


@mutant("graph.12", "only the first of several starts counts")
class FirstStart(_Walked):
    def other(self, traversal: Traversal) -> Traversal:
        return replace(traversal, starts=traversal.starts[:1])


@mutant("graph.12", "a traversal is depth first")
class DepthFirst(ReferenceGraph):
    async def traverse(self, traversal: Traversal) -> Walk:
        walk = await super().traverse(replace(traversal, max_nodes=10**6))
        nodes = sorted(walk.nodes, key=lambda one: (one.id, one.label))
        return Walk(tuple(nodes[: traversal.max_nodes]), len(nodes) > traversal.max_nodes)


@mutant("graph.12", "within a depth the order is that of ids, labels aside")
class OrderedByIds(ReferenceGraph):
    async def traverse(self, traversal: Traversal) -> Walk:
        walk = await super().traverse(replace(traversal, max_nodes=10**6))
        nodes = sorted(walk.nodes, key=lambda one: (one.depth, one.id, one.label))
        return Walk(tuple(nodes[: traversal.max_nodes]), len(nodes) > traversal.max_nodes)


@mutant("graph.12", "ids are ordered as numbers where they are some")
class OrderedAsNumbers(ReferenceGraph):
    async def traverse(self, traversal: Traversal) -> Walk:
        walk = await super().traverse(replace(traversal, max_nodes=10**6))

        def place(id: str) -> tuple[int, str]:
            last = id.rpartition("\x1f")[2]
            return (int(last), "") if last.isdecimal() else (10**9, last)

        nodes = sorted(walk.nodes, key=lambda one: (one.depth, one.label, place(one.id)))
        return Walk(tuple(nodes[: traversal.max_nodes]), len(nodes) > traversal.max_nodes)


@mutant("graph.12", "a node that several ways lead to comes several times")
class ComesAgain(ReferenceGraph):
    async def traverse(self, traversal: Traversal) -> Walk:
        walk = await super().traverse(replace(traversal, max_nodes=10**6))
        many = [one for one in walk.nodes for _ in self._in.get((one.label, one.id), {}) or (0,)]
        return Walk(tuple(many[: traversal.max_nodes]), len(many) > traversal.max_nodes)


@mutant("graph.12", "the depth is that of the last way found")
class LastDepth(ReferenceGraph):
    async def traverse(self, traversal: Traversal) -> Walk:
        walk = await super().traverse(traversal)
        deepest = max((one.depth for one in walk.nodes), default=0)
        return Walk(
            tuple(
                replace(one, depth=deepest if self._out.get((one.label, one.id)) else one.depth) for one in walk.nodes
            ),
            walk.cut,
        )


@mutant("graph.12", "a walk tells nothing of what nodes hold")
class WalksBare(ReferenceGraph):
    async def traverse(self, traversal: Traversal) -> Walk:
        walk = await super().traverse(traversal)
        return Walk(tuple(replace(one, properties={}) for one in walk.nodes), walk.cut)


@mutant("graph.12", "a walk tells no persons")
class WalksWithoutPersons(ReferenceGraph):
    async def traverse(self, traversal: Traversal) -> Walk:
        walk = await super().traverse(traversal)
        return Walk(tuple(replace(one, person=None) for one in walk.nodes), walk.cut)


@mutant("graph.13", "a walk that is exactly full says that it is cut")
class CutWhenFull(ReferenceGraph):
    async def traverse(self, traversal: Traversal) -> Walk:
        walk = await super().traverse(traversal)
        return Walk(walk.nodes, len(walk.nodes) == traversal.max_nodes)


@mutant("graph.13", "a walk never says that it is cut")
class NeverCut(ReferenceGraph):
    async def traverse(self, traversal: Traversal) -> Walk:
        return Walk((await super().traverse(traversal)).nodes, cut=False)


@mutant("graph.13", "a walk that its depth ends says that it is cut")
class CutByDepth(ReferenceGraph):
    async def traverse(self, traversal: Traversal) -> Walk:
        walk = await super().traverse(traversal)
        more = await super().traverse(replace(traversal, max_depth=100, max_nodes=10**6))
        return Walk(walk.nodes, len(more.nodes) > len(walk.nodes))


@mutant("graph.13", "a walk has one node too many")
class OneTooMany(_Walked):
    def other(self, traversal: Traversal) -> Traversal:
        return replace(traversal, max_nodes=traversal.max_nodes + 1)


@mutant("graph.13", "a walk is cut at the end of a depth")
class CutAtDepth(ReferenceGraph):
    async def traverse(self, traversal: Traversal) -> Walk:
        walk = await super().traverse(traversal)
        if not walk.cut:
            return walk
        last = walk.nodes[-1].depth
        return Walk(tuple(one for one in walk.nodes if one.depth < last) or walk.nodes, cut=True)
