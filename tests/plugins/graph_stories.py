"""What the graphs of all plugins are asked beside the suite: wild names and values, and walks through larger graphs.

Each answer is compared with that of the reference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import pairwise
from typing import Any, TypeAlias

import msgspec
from hypothesis import strategies as st

from tests.plugins.sqlite.surroundings import HandClock, kinds
from unison_storage.contracts.graph import GraphBackend, Neighbors, Route, Search, Traversal, space_of
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.values import Direction, Edge, EdgeRef, Node, NodeRef
from unison_storage.values import Path as Way

Story: TypeAlias = list[tuple[str, tuple[Any, ...]]]
Larger: TypeAlias = tuple[list[tuple[int, int, str]], Direction, tuple[str, ...] | None, int, int]

# spaces that begin alike, ids that differ by case, composition, padding or wildcards, and the ids of persons
SPACES = ["", "a\x1f", "a\x1fb\x1f", "ab\x1f"]
IDS = ["p", "P", "a", "\u00e4", "a\u0308", "%", "_", "p ", "10", "9", "\ufffd", "\U00010000", "'", '"\\']
LABELS = ["Person", "person", "A", "\u00c4"]
TYPES = ["T", "t", "T2"]
KEYS = ["", "k", "K"]
PERSONS = ["p", "P", "q"]
NUMBERS = [0, 1, 1.0, True, False, -0.0, 2**53, 2.0**53, 2**53 + 1, 2**63 - 1, -(2**63), 2.0**63, 0.1]
SCALARS = [*NUMBERS, "1", "true", "", "\u00e4", '"\\\n']

# most nodes stand close together, since they have to meet
REFS: list[NodeRef] = [("A", "p"), ("A", "P"), ("A", "a"), ("Person", "p"), ("A", "a\x1fp"), ("Person", "a\x1fp")]
refs = st.sampled_from(REFS) | st.builds(
    lambda label, space, name: (label, space + name),
    st.sampled_from(LABELS),
    st.sampled_from(SPACES),
    st.sampled_from(IDS),
)
scalars = st.sampled_from(SCALARS)
lists = st.sampled_from([[], [1, 2], [1.0, 0.5], [True], ["a", "\u00e4"]])
names = st.sampled_from(["x", "X", "\u00e4"])
changes = st.dictionaries(names, st.none() | scalars | lists, max_size=3)
persons = st.none() | st.sampled_from(PERSONS)
nodes = st.builds(lambda ref, held, person: Node(ref[0], ref[1], held, person), refs, changes, persons)
keys = st.sampled_from(KEYS)
types = st.sampled_from(TYPES)
close = st.sampled_from(REFS)


def edges_between(ends: st.SearchStrategy[NodeRef]) -> st.SearchStrategy[Edge]:
    """Return edges whose ends lie in one space."""
    pairs = st.tuples(ends, ends).filter(lambda pair: space_of(pair[0][1]) == space_of(pair[1][1]))
    return st.builds(lambda named, pair, *rest: Edge(named, *pair, *rest), types, pairs, keys, changes, persons)


edge_refs = st.builds(EdgeRef, types, refs, refs, keys)
edges = edges_between(refs)
close_edges = edges_between(close)
WAYS: list[Direction] = ["out", "in", "both"]
directions = st.sampled_from(WAYS)
some_types = st.none() | st.lists(types, max_size=2).map(tuple)
positions = st.none() | st.tuples(types, st.sampled_from(LABELS), refs.map(lambda ref: ref[1]), keys, directions)
questions = st.builds(
    Neighbors,
    refs,
    directions,
    some_types,
    st.none() | st.lists(st.sampled_from(LABELS), max_size=2).map(tuple),
    positions,
    st.integers(1, 3) | st.just(100),
)
traversals = st.builds(
    Traversal,
    st.lists(refs, max_size=3).map(tuple),
    directions,
    some_types,
    st.integers(1, 4) | st.just(100),
    st.integers(1, 4) | st.just(1000),
)
routes = st.builds(Route, refs, refs, directions, some_types, st.integers(1, 4) | st.just(100))
searches = st.builds(
    Search,
    st.sampled_from(SPACES),
    st.sampled_from(LABELS),
    st.dictionaries(names, scalars, max_size=2),
    st.just("") | refs.map(lambda ref: ref[1]),
    st.integers(1, 3) | st.just(100),
)


def call(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, tuple[Any, ...]]]:
    return st.tuples(st.just(name), st.tuples(*arguments))


def batch(items: st.SearchStrategy[Any], most: int = 4) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, min_size=1, max_size=most)


calls = st.one_of(
    call("upsert_nodes", batch(nodes)),
    call("upsert_edges", batch(edges | close_edges)),
    call("get_nodes", batch(refs)),
    call("get_edges", batch(edge_refs)),
    call("delete_nodes", batch(refs, 2), st.booleans()),
    call("delete_edges", batch(edge_refs)),
    call("neighbors", batch(questions)),
    call("traverse", traversals),
    call("shortest_path", routes),
    call("find_nodes", searches),
    call("owned", st.sampled_from(PERSONS)),
    call("erase", st.sampled_from(PERSONS)),
    call("clear", st.sampled_from(SPACES)),
    call("stats", st.none() | st.sampled_from(SPACES)),
)
# each begins with a graph that is worth asking about
stories = st.tuples(
    call("upsert_nodes", st.lists(close.map(lambda ref: Node(*ref)) | nodes, max_size=12)),
    call("upsert_edges", st.lists(close_edges, max_size=14)),
    st.lists(calls, max_size=10),
).map(lambda drawn: [drawn[0], drawn[1], *drawn[2]])


class Pair:
    """The reference and a backend, of which the same is asked. ``emptied`` empties the backend."""

    def __init__(self, runner: asyncio.Runner, ours: GraphBackend, emptied: Callable[[], Awaitable[Any]]) -> None:
        self.runner = runner
        self.ours = ours
        self.emptied = emptied

    def begin(self) -> None:
        self.theirs = ReferenceGraph(HandClock())
        self.runner.run(self.called(self.emptied))

    async def called(self, call: Callable[[], Awaitable[Any]]) -> None:
        await call()

    def ask(self, name: str, *arguments: Any) -> None:
        found = self.runner.run(getattr(self.ours, name)(*arguments))
        wanted = self.runner.run(getattr(self.theirs, name)(*arguments))
        if name == "shortest_path" and found is not None and wanted is not None:
            self.follow(arguments[0], found)
            found, wanted = found.length, wanted.length
        assert exact(found) == exact(wanted), (name, arguments)

    def follow(self, route: Route, path: Way) -> None:
        """Check that a path is one, and that each node and edge on it is as the reference holds it."""
        assert (path.nodes[0].ref, path.nodes[-1].ref) == (route.source, route.target)
        assert path.length <= route.max_depth
        for edge, (one, two) in zip(path.edges, pairwise(path.nodes), strict=True):
            ways = {"out": [(one.ref, two.ref)], "in": [(two.ref, one.ref)]}
            assert (edge.source, edge.target) in ways.get(route.direction, ways["out"] + ways["in"])
            assert route.types is None or edge.type in route.types
        held = self.runner.run(self.theirs.get_nodes([node.ref for node in path.nodes]))
        assert exact(list(path.nodes)) == exact(held)
        between = self.runner.run(self.theirs.get_edges([edge.ref for edge in path.edges]))
        assert exact(list(path.edges)) == exact(between)

    def compare(self) -> None:
        """Check that the same is there: all nodes, and with them all edges."""
        for space in (None, *SPACES):
            self.ask("stats", space)
        there = list(self.theirs._nodes)
        self.ask("get_nodes", there)
        self.ask("get_edges", list(self.theirs._edges))
        for direction in WAYS:
            self.ask("neighbors", [Neighbors(ref, direction, None, None, None, 1000) for ref in there])
            for start, end in pairwise(there[:4]):
                self.ask("traverse", Traversal((start,), direction, None, 3, 3))
                self.ask("shortest_path", Route(start, end, direction, None, 9))
        for person in PERSONS:
            self.ask("owned", person)


def exact(found: Any) -> Any:
    """Return what compares equal only if all types are the same: 1, 1.0 and True are three values."""
    if isinstance(found, list):
        return [exact(one) for one in kinds(found)]
    if isinstance(found, tuple):
        return tuple(exact(one) for one in found)
    if isinstance(found, Mapping):
        return {name: exact(value) for name, value in found.items()}
    if isinstance(found, msgspec.Struct):
        return type(found), exact(msgspec.structs.astuple(found))
    return repr(found)


def check_story(pair: Pair, story: Story) -> None:
    """Check that whatever is done, it answers what the reference answers."""
    pair.begin()
    for name, arguments in story:
        pair.ask(name, *arguments)
    pair.compare()


larger = st.tuples(
    st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19), types), max_size=45),
    directions,
    some_types,
    st.integers(1, 7) | st.just(100),
    st.integers(1, 22),
)


def check_walks(pair: Pair, drawn: Larger) -> None:
    """Check that walks through larger graphs are those of the reference."""
    links, direction, chosen, depth, most = drawn
    pair.begin()
    there = [(LABELS[number % 2], f"{number}") for number in range(20)]
    pair.ask("upsert_nodes", [Node(*ref, {"at": number}) for number, ref in enumerate(there)])
    pair.ask("upsert_edges", [Edge(type, there[one], there[two]) for one, two, type in links])
    for start in range(0, 20, 4):
        pair.ask("traverse", Traversal((there[start], there[start + 1]), direction, chosen, depth, most))
        pair.ask("shortest_path", Route(there[start], there[start + 3], direction, chosen, depth))


def check_pages(pair: Pair) -> None:
    """Check that pages of neighbours and of nodes make the whole."""
    pair.begin()
    there = [(label, f"{space}{id}") for label in LABELS for space in SPACES for id in IDS]
    pair.ask("upsert_nodes", [Node(*ref, {"x": NUMBERS[at % len(NUMBERS)]}) for at, ref in enumerate(there)])
    beside = [ref for ref in there if space_of(ref[1]) == space_of(there[0][1])]
    ends = [(there[0], ref) for ref in beside[::3]] + [(ref, there[0]) for ref in beside[::2]]
    pair.ask("upsert_edges", [Edge(TYPES[len(two[1]) % 3], one, two, key) for one, two in ends for key in KEYS])

    async def neighbours(limit: int) -> list[Any]:
        found: list[Any] = []
        after = None
        while True:
            [page] = await pair.ours.neighbors([Neighbors(there[0], "both", None, None, after, limit)])
            assert isinstance(page, list)
            if not page:
                return found
            found += page
            edge, node = page[-1].edge, page[-1].node
            after = (edge.type, node.label, node.id, edge.key, "out" if edge.source == there[0] else "in")

    async def searched(limit: int) -> list[Node]:
        found: list[Node] = []
        while page := await pair.ours.find_nodes(Search("a\x1f", "A", {"x": 1}, found[-1].id if found else "", limit)):
            found += page
        return found

    whole = pair.runner.run(neighbours(1000))
    assert len(whole) == 3 * len(set(ends))
    assert pair.runner.run(neighbours(7)) == whole
    assert pair.runner.run(searched(1)) == pair.runner.run(searched(100)) != []
