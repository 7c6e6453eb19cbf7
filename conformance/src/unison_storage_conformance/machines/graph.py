"""Stories of the graph."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from unison_storage.contracts.graph import Neighbors, Route, Search, Traversal
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.values import Edge, EdgeRef, Node, NodeRef, Path
from unison_storage_conformance.confusable import IDS
from unison_storage_conformance.law import machine
from unison_storage_conformance.stories import Play, Story, few

TYPES = ("OWNS", "ABOUT")
LABELS = ("Device", "Agent", "Person")
SCALARS = (0, 1, 1.0, 0.5, "", "on", "1", None, None)

spots = st.integers(0, 7)
types = st.sampled_from(TYPES)
keys = st.sampled_from(["", "", "k"])
persons = st.sampled_from([0, 0, 0, 1, 2])
changes = st.dictionaries(
    st.sampled_from(["status", "score"]), st.sampled_from(SCALARS), max_size=2
) | st.fixed_dictionaries({"tags": st.sampled_from([["a"], ["b", "a"], []])})
directions = st.sampled_from(["out", "in", "both"])
some_types = st.sampled_from([None, None, ("OWNS",), ("ABOUT", "OWNS"), ("HANDLES",)])
some_labels = st.sampled_from([None, None, ("Device",), ("Agent", "Person")])
ends = st.tuples(types, spots, spots, keys)


@machine("graph.22")
class GraphStories(RuleBasedStateMachine):
    """Nodes, edges, walks, searches, persons, spaces and re-opening, in any order."""

    RULES = (
        *("upsert_nodes", "upsert_edges", "get_nodes", "delete_nodes", "delete_edges", "neighbors", "traverse"),
        *("shortest_path", "find_nodes", "owned"),
    )
    REACH = (
        *("erase", "clear", "stats", "a path", "a cut", "upsert_edges: NotFound", "upsert_nodes: InvalidValue"),
        *("upsert_edges: InvalidValue", "delete_nodes: HasEdges"),
    )

    def __init__(self, play: Play) -> None:
        super().__init__()
        self.story = Story(play, ReferenceGraph)
        self.ground = self.story.ground
        self.refs: list[NodeRef] = []

    @initialize(
        pair=st.sampled_from(IDS),
        there=st.lists(st.tuples(spots, changes, persons), min_size=4, max_size=14),
        joins=st.lists(st.tuples(ends, persons), min_size=2, max_size=14),
    )
    def names(self, pair: tuple[str, str], there: list[Any], joins: list[Any]) -> None:
        """Choose few nodes: of two ids, labels and spaces that could be taken for one, and persons; and join some."""
        near, far = self.ground.below("g"), self.ground.below("g", "h")
        self.spaces = [near, far, self.ground.below("gh")]
        one, other = pair
        person = self.ground.person(1)
        self.refs = [
            *(("Device", near + one), ("Device", near + other), ("Agent", near + one), ("Device", near + "m")),
            *(("Person", near + person), ("Device", far + one), ("Person", far + person), ("Device", far + other)),
        ]
        self.nodes(there)
        self.edges([(join, {}, person) for join, person in joins])

    def pair(self, source: int, target: int) -> tuple[NodeRef, NodeRef]:
        """Return two ends in one space: the first five nodes lie in one, the others in another."""
        if source < 5:
            return self.refs[source], self.refs[target % 5]
        return self.refs[source], self.refs[5 + target % 3]

    def node(self, ref: NodeRef, held: Any, person: int) -> Node:
        return Node(ref[0], ref[1], dict(held), self.story.person(person))

    @rule(batch=st.lists(st.tuples(spots, changes, persons), min_size=1, max_size=6))
    def nodes(self, batch: list[Any]) -> None:
        made = [self.node(self.refs[spot], held, person) for spot, held, person in batch]
        self.story.ask("upsert_nodes", made)

    @rule(batch=st.lists(st.tuples(ends, changes, persons), min_size=1, max_size=6))
    def edges(self, batch: list[Any]) -> None:
        made = []
        for (type, one, other, key), held, person in batch:
            made.append(Edge(type, *self.pair(one, other), key, dict(held), self.story.person(person)))
        self.story.ask("upsert_edges", made)

    @rule(batch=few(spots))
    def get(self, batch: list[int]) -> None:
        self.story.ask("get_nodes", [self.refs[spot] for spot in batch])

    @rule(batch=few(spots), detach=st.sampled_from([False, False, True]))
    def delete_nodes(self, batch: list[int], detach: bool) -> None:
        self.story.ask("delete_nodes", [self.refs[spot] for spot in batch[:2]], detach)

    @rule(batch=few(ends))
    def delete_edges(self, batch: list[Any]) -> None:
        refs = [EdgeRef(type, *self.pair(one, other), key) for type, one, other, key in batch]
        self.story.ask("delete_edges", refs)

    @rule(batch=few(st.tuples(spots, directions, some_types, some_labels, st.integers(1, 3) | st.just(100))))
    def neighbors(self, batch: list[Any]) -> None:
        asked = [
            Neighbors(self.refs[spot], direction, types, labels, None, limit)
            for spot, direction, types, labels, limit in batch
        ]
        self.story.ask("neighbors", asked)

    @rule(
        starts=few(spots),
        direction=directions,
        types=some_types,
        depth=st.integers(1, 3) | st.just(100),
        most=st.integers(1, 3) | st.just(100),
    )
    def traverse(self, starts: list[int], direction: Any, types: Any, depth: int, most: int) -> None:
        refs = tuple(self.refs[spot] for spot in starts)
        if self.story.ask("traverse", Traversal(refs, direction, types, depth, most)).cut:
            self.story.reach("a cut")

    @rule(source=spots, goal=spots, direction=directions, types=some_types, depth=st.integers(1, 3) | st.just(100))
    def path(self, source: int, goal: int, direction: Any, types: Any, depth: int) -> None:
        route = Route(*self.pair(source, goal), direction, types, depth)
        found = self.story.ask("shortest_path", route, alter=_length)
        if isinstance(found, int) and found:
            self.story.reach("a path")

    @rule(
        space=st.integers(0, 2),
        label=st.sampled_from(LABELS),
        where=st.dictionaries(st.sampled_from(["status", "score"]), st.sampled_from(SCALARS[:-2]), max_size=2),
        after=st.none() | spots,
        limit=st.integers(1, 2) | st.just(100),
    )
    def find(self, space: int, label: str, where: Any, after: int | None, limit: int) -> None:
        start = "" if after is None else self.refs[after][1]
        self.story.ask("find_nodes", Search(self.spaces[space], label, dict(where), start, limit))

    @rule(person=st.integers(1, 2), erase=st.booleans())
    def own(self, person: int, erase: bool) -> None:
        self.story.ask("owned", self.ground.person(person))
        if erase:
            self.story.ask("erase", self.ground.person(person))

    @rule(space=st.integers(0, 2), clear=st.booleans())
    def space(self, space: int, clear: bool) -> None:
        self.story.ask("stats", self.spaces[space])
        if clear:
            self.story.ask("clear", self.spaces[space])

    @precondition(lambda self: self.story.reopens)
    @rule()
    def reopen(self) -> None:
        self.story.reopen()

    @invariant()
    def everything_is_as_the_reference_has_it(self) -> None:
        if self.refs:
            everywhere = [Neighbors(ref, "both", None, None, None, 1_000) for ref in self.refs]
            stats = [("stats", (space,)) for space in self.spaces[:2]]
            self.story.read_back(("get_nodes", (self.refs,)), ("neighbors", (everywhere,)), *stats)


def _length(path: Path | None) -> int | None:
    """Return what of a path has to be the same: any of several may be answered."""
    return None if path is None else path.length
