"""The graph, broken on purpose: what nodes and edges hold, and whose they are. Deletes and walks stand beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from unison_storage.errors import InvalidValue, NotFound, StorageError
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.values import Edge, EdgeRef, Node, NodeRef
from unison_storage_conformance.mutant import mutant

SEPARATOR = "\x1f"


class _Named(ReferenceGraph):
    """A graph that mistakes ids."""

    @staticmethod
    def mistaken(id: str) -> str:
        return id

    def ref(self, ref: NodeRef) -> NodeRef:
        head, separator, id = ref[1].rpartition(SEPARATOR)
        return ref[0], head + separator + self.mistaken(id)

    async def get_nodes(self, refs: Sequence[NodeRef]) -> Any:
        return await super().get_nodes([self.ref(one) for one in refs])

    async def upsert_nodes(self, nodes: Sequence[Node]) -> Any:
        return await super().upsert_nodes([replace(one, id=self.ref(one.ref)[1]) for one in nodes])

    async def delete_nodes(self, refs: Sequence[NodeRef], detach: bool) -> Any:
        return await super().delete_nodes([self.ref(one) for one in refs], detach)

    async def upsert_edges(self, edges: Sequence[Edge]) -> Any:
        return await super().upsert_edges(
            [replace(one, source=self.ref(one.source), target=self.ref(one.target)) for one in edges]
        )


def mistaking(sentence: str, name: str, mistaken: Callable[[str], str]) -> None:
    """Register a graph that takes ids for others."""
    mutant("graph.2", sentence)(type(name, (_Named,), {"mistaken": staticmethod(mistaken)}))


mistaking("ids are folded to lower case", "GraphFoldsCase", str.lower)


mistaking(
    "ids are numbers where they look like some",
    "GraphNumbers",
    lambda name: str(int(name)) if name.isdecimal() else name,
)


mistaking("ids are cut at 64 characters", "GraphCuts", lambda name: name[:64])


mistaking(
    "what is no letter in an id is an underscore",
    "GraphUnderscores",
    lambda name: "".join(c if c.isalnum() else "_" for c in name),
)


mistaking("an id ends at a slash", "GraphEndsAtSlash", lambda name: name.partition("/")[0])


mistaking("an id ends at a dot", "GraphEndsAtDot", lambda name: name.partition(".")[0])


class _Held(ReferenceGraph):
    """A graph that keeps properties otherwise than they are."""

    @staticmethod
    def kept(value: Any) -> Any:
        return value

    def _all(self, properties: dict[str, Any]) -> dict[str, Any]:
        return {name: self.kept(value) for name, value in properties.items()}

    def _upsert_node(self, node: Node) -> Any:
        return super()._upsert_node(replace(node, properties=self._all(node.properties)))

    def _upsert_edge(self, edge: Edge) -> Any:
        return super()._upsert_edge(replace(edge, properties=self._all(edge.properties)))


def keeping(sentence: str, name: str, kept: Callable[[Any], Any]) -> None:
    """Register a graph that keeps properties otherwise than they are."""
    mutant("graph.1", sentence)(type(name, (_Held,), {"kept": staticmethod(kept)}))


keeping("ints become floats", "IntsAreFloats", lambda value: float(value) if type(value) is int else value)


keeping(
    "whole floats become ints",
    "FloatsAreInts",
    lambda value: int(value) if type(value) is float and value.is_integer() else value,
)


keeping("numbers are kept with 32 bits", "Single", lambda value: round(value, 2) if type(value) is float else value)


keeping("empty texts are nothing", "EmptyIsNone", lambda value: None if value == "" else value)


keeping("empty lists are nothing", "EmptyListIsNone", lambda value: None if value == [] else value)


keeping("lists are sets", "ListsAreSets", lambda value: sorted(set(value)) if isinstance(value, list) else value)


keeping(
    "a list of one is its item",
    "ListOfOne",
    lambda value: value[0] if isinstance(value, list) and len(value) == 1 else value,
)


keeping(
    "texts that look like numbers are numbers",
    "TextsAreNumbers",
    lambda value: int(value) if isinstance(value, str) and value.isdecimal() else value,
)


keeping("texts are cut at 64 characters", "CutsTexts", lambda value: value[:64] if isinstance(value, str) else value)


keeping("null as a text is nothing", "NullText", lambda value: None if value == "null" else value)


keeping("lists are cut at 20 items", "CutsLists", lambda value: value[:20] if isinstance(value, list) else value)


@mutant("graph.1", "persons are not kept")
class DropsPersons(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        return super()._upsert_node(replace(node, person=None))


@mutant("graph.1", "nodes of a batch come in the order of their ids")
class SortsNodes(ReferenceGraph):
    async def get_nodes(self, refs: Sequence[NodeRef]) -> Any:
        return await super().get_nodes(sorted(refs))


@mutant("graph.1", "a node twice in a batch is answered once")
class NodesOnce(ReferenceGraph):
    async def get_nodes(self, refs: Sequence[NodeRef]) -> Any:
        found = await super().get_nodes(refs)
        return [None if ref in refs[:place] else one for place, (ref, one) in enumerate(zip(refs, found, strict=True))]


@mutant("graph.1", "properties of edges are not kept")
class BareEdges(ReferenceGraph):
    def _upsert_edge(self, edge: Edge) -> Any:
        return super()._upsert_edge(replace(edge, properties={}))


@mutant("graph.2", "labels are compared without case")
class LabelsFold(ReferenceGraph):
    async def get_nodes(self, refs: Sequence[NodeRef]) -> Any:
        known = {(label.lower(), id): (label, id) for label, id in self._nodes}
        return await super().get_nodes([known.get((label.lower(), id), (label, id)) for label, id in refs])


@mutant("graph.2", "a node is its id, whatever its label")
class IgnoresLabels(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        same = next((label for label, id in self._nodes if id == node.id), node.label)
        return super()._upsert_node(replace(node, label=same))


@mutant("graph.2", "names of properties are folded")
class NamesFold(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        return super()._upsert_node(
            replace(node, properties={name.lower(): value for name, value in node.properties.items()})
        )


@mutant("graph.2", "keys of edges are compared without case")
class KeysFold(ReferenceGraph):
    def _upsert_edge(self, edge: Edge) -> Any:
        return super()._upsert_edge(replace(edge, key=edge.key.lower()))


@mutant("graph.3", "an upsert replaces the properties of a node")
class Replaces(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        old = self._nodes.get(node.ref)
        if old is not None:
            self._nodes[node.ref] = replace(old, properties={})
        return super()._upsert_node(node)


@mutant("graph.3", "an upsert replaces the properties of an edge")
class ReplacesOfEdges(ReferenceGraph):
    def _upsert_edge(self, edge: Edge) -> Any:
        old = self._edges.get(edge.ref)
        if old is not None:
            self._edges[edge.ref] = replace(old, properties={})
        return super()._upsert_edge(edge)


@mutant("graph.3", "None leaves a property as it is")
class NoneLeaves(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        return super()._upsert_node(
            replace(node, properties={name: value for name, value in node.properties.items() if value is not None})
        )


@mutant("graph.3", "None of an edge is kept as a value")
class NoneIsKept(ReferenceGraph):
    def _upsert_edge(self, edge: Edge) -> Any:
        made = super()._upsert_edge(edge)
        if isinstance(made, bool):
            gone = {name: None for name, value in edge.properties.items() if value is None}
            stored = self._edges[edge.ref]
            self._edges[edge.ref] = replace(stored, properties={**stored.properties, **gone})
        return made


@mutant("graph.3", "lists are appended to")
class ListsGrow(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        old = self._nodes.get(node.ref)
        held = {
            name: [*old.properties[name], *value]
            if old and isinstance(value, list) and name in old.properties
            else value
            for name, value in node.properties.items()
        }
        return super()._upsert_node(replace(node, properties=held))


@mutant("graph.3", "an upsert without properties clears them")
class EmptyClears(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        if not node.properties and node.ref in self._nodes:
            self._nodes[node.ref] = replace(self._nodes[node.ref], properties={})
        return super()._upsert_node(node)


@mutant("graph.3", "falsy values are not written")
class FalsyUnwritten(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        held = {
            name: value
            for name, value in node.properties.items()
            if value or value is None or node.ref not in self._nodes
        }
        return super()._upsert_node(replace(node, properties=held))


@mutant("graph.4", "an upsert always says that it made the node")
class AlwaysMade(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        made = super()._upsert_node(node)
        return made if isinstance(made, StorageError) else True


@mutant("graph.4", "an upsert reads, merges, then writes")
class MergesThenWrites(ReferenceGraph):
    async def upsert_nodes(self, nodes: Sequence[Node]) -> Any:
        outcomes: list[Any] = []
        for node in nodes:
            old = self._nodes.get(node.ref)
            await asyncio.sleep(0)
            if old is not None:
                self._nodes[node.ref] = old
            else:
                self._nodes.pop(node.ref, None)
            outcomes += await super().upsert_nodes([node])
        return outcomes


@mutant("graph.4", "edges at once are all made")
class EdgesRace(ReferenceGraph):
    async def upsert_edges(self, edges: Sequence[Edge]) -> Any:
        fresh = [one.ref not in self._edges for one in edges]
        await asyncio.sleep(0)
        outcomes = await super().upsert_edges(edges)
        return [made if isinstance(made, StorageError) else new for made, new in zip(outcomes, fresh, strict=True)]


@mutant("graph.5", "edges with another key are one")
class IgnoresKeys(ReferenceGraph):
    async def upsert_edges(self, edges: Sequence[Edge]) -> Any:
        return await super().upsert_edges([replace(one, key="") for one in edges])


@mutant("graph.5", "there is one edge between two nodes")
class OneEdgePerPair(ReferenceGraph):
    def _upsert_edge(self, edge: Edge) -> Any:
        for ref in [
            ref
            for ref in self._edges
            if (ref.source, ref.target, ref.key) == (edge.source, edge.target, edge.key) and ref.type != edge.type
        ]:
            self._drop_edge(ref)
        return super()._upsert_edge(edge)


@mutant("graph.5", "an edge has no direction")
class Undirected(ReferenceGraph):
    def _upsert_edge(self, edge: Edge) -> Any:
        back = EdgeRef(edge.type, edge.target, edge.source, edge.key)
        if back in self._edges:
            return False
        return super()._upsert_edge(edge)


@mutant("graph.5", "a delete of an edge takes those with other keys along")
class DeletesAllKeys(ReferenceGraph):
    def _drop_edge(self, ref: EdgeRef) -> bool:
        for other in [one for one in self._edges if one[:3] == ref[:3] and one != ref]:
            super()._drop_edge(other)
        return super()._drop_edge(ref)


@mutant("graph.6", "an edge makes the nodes that it lacks")
class MakesEnds(ReferenceGraph):
    def _upsert_edge(self, edge: Edge) -> Any:
        for label, id in (edge.source, edge.target):
            self._nodes.setdefault((label, id), Node(label, id))
        return super()._upsert_edge(edge)


@mutant("graph.6", "an edge without an end is passed over")
class PassesOver(ReferenceGraph):
    def _upsert_edge(self, edge: Edge) -> Any:
        outcome = super()._upsert_edge(edge)
        return False if isinstance(outcome, NotFound) else outcome


@mutant("graph.6", "only the source of an edge has to be there")
class SourceOnly(ReferenceGraph):
    def _upsert_edge(self, edge: Edge) -> Any:
        there = edge.target in self._nodes
        if not there and edge.source in self._nodes:
            self._nodes[edge.target] = Node(*edge.target)
            outcome = super()._upsert_edge(edge)
            del self._nodes[edge.target]
            return outcome
        return super()._upsert_edge(edge)


@mutant("graph.6", "a lacking end is an invalid value")
class WrongLack(ReferenceGraph):
    def _upsert_edge(self, edge: Edge) -> Any:
        outcome = super()._upsert_edge(edge)
        return InvalidValue("an end is not there") if isinstance(outcome, NotFound) else outcome


@mutant("graph.7", "a node that names another person is taken over")
class GraphTakesOver(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        old = self._nodes.get(node.ref)
        if old is not None and node.person:
            self._nodes[node.ref] = replace(old, person=node.person)
        return super()._upsert_node(node)


@mutant("graph.7", "an edge that names another person is taken over")
class EdgeTakesOver(ReferenceGraph):
    def _upsert_edge(self, edge: Edge) -> Any:
        old = self._edges.get(edge.ref)
        if old is not None and edge.person:
            self._edges[edge.ref] = replace(old, person=edge.person)
        return super()._upsert_edge(edge)


@mutant("graph.7", "an upsert that names nobody frees the node")
class FreesNode(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        made = super()._upsert_node(node)
        if isinstance(made, bool):
            self._nodes[node.ref] = replace(self._nodes[node.ref], person=node.person)
        return made


@mutant("graph.7", "a refused upsert writes the properties")
class RefusedWrites(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        outcome = super()._upsert_node(node)
        if isinstance(outcome, StorageError):
            super()._upsert_node(replace(node, person=None))
        return outcome


@mutant("graph.7", "a person is not set on a node that is there")
class NeverAdoptsNode(ReferenceGraph):
    def _upsert_node(self, node: Node) -> Any:
        old = self._nodes.get(node.ref)
        return super()._upsert_node(
            replace(node, person=old.person) if old is not None and old.person is None else node
        )


@mutant("graph.10", "an edge that comes back after a delete has its old properties")
class EdgesRemember(ReferenceGraph):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._gone: dict[EdgeRef, Edge] = {}

    def _drop_edge(self, ref: EdgeRef) -> bool:
        if ref in self._edges:
            self._gone[ref] = self._edges[ref]
        return super()._drop_edge(ref)

    def _upsert_edge(self, edge: Edge) -> Any:
        made = super()._upsert_edge(edge)
        if made is True and edge.ref in self._gone:
            old = self._gone.pop(edge.ref)
            self._edges[edge.ref] = replace(self._edges[edge.ref], properties={**old.properties, **edge.properties})
        return made


@mutant("graph.22", "after an erasure a delete takes the edges along unasked")
class DetachesAfterErase(ReferenceGraph):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._erased = False

    async def erase(self, person: str) -> int:
        self._erased = True
        return await super().erase(person)

    def _delete_node(self, ref: NodeRef, *, detach: bool) -> Any:
        return super()._delete_node(ref, detach=detach or self._erased)


@mutant("graph.21", "reads at once get one answer together")
class SharesAnswers(ReferenceGraph):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._asked: dict[str, Any] = {}

    async def get_nodes(self, refs: Sequence[Any]) -> Any:
        key = repr(refs)
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(super().get_nodes(refs))
            self._asked[key].add_done_callback(lambda _: self._asked.pop(key))
        return await asyncio.shield(self._asked[key])
