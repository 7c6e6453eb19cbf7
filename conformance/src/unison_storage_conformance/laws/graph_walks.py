"""Laws of the graph: neighbours, traversals and paths. What nodes and edges hold stands in ``graph``."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from unison_storage.contracts.graph import Neighbors, Route, Traversal
from unison_storage.values import Direction, Edge, Neighbor, Node
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.graph_rows import (
    LABEL,
    TYPE,
    Graph,
    beside,
    edges,
    joined,
    length,
    many,
    nodes,
    reached,
)
from unison_storage_conformance.outcomes import holds, same, value

DIRECTIONS: tuple[Direction, ...] = ("out", "in", "both")


async def star(ground: Graph) -> tuple[str, tuple[str, str], list[tuple[str, str, str, str, str]]]:
    """Make a node with edges of all sorts, and return its space, its ref, and the places of its neighbours in order."""
    space = ground.below("g")
    hub = (LABEL, f"{space}m")
    ids = ["10", "9", "A", "a", "z"]
    await nodes(ground, Node(*hub), *many(space, *ids), *many(space, "a", "Z", label="Agent"))
    others = [(LABEL, space + id) for id in ids] + [("Agent", f"{space}a"), ("Agent", f"{space}Z")]
    links = [Edge(type, hub, other, key) for type in (TYPE, "ABOUT") for other in others for key in ("", "k")]
    links += [Edge(type, other, hub, key) for type in (TYPE, "HANDLES") for other in others[:4] for key in ("", "K")]
    links += [Edge(TYPE, hub, hub), Edge(TYPE, hub, hub, "loop")]
    await edges(ground, *links)
    places = [(one.type, *one.target, one.key, "out") for one in links if one.source == hub]
    places += [(one.type, *one.source, one.key, "in") for one in links if one.target == hub and one.source != hub]
    return space, hub, sorted(places)


@law("graph.11")
async def neighbours_come_in_order(ground: Graph) -> None:
    _, hub, places = await star(ground)
    loops = [(TYPE, *hub, key, "in") for key in ("", "loop")]
    for direction in DIRECTIONS:
        wanted = [one for one in places if direction in ("both", one[-1])]
        # position() can't tell a loop's direction, since both its ends are the start
        found = await beside(ground, hub, direction)
        if direction == "in":
            wanted = sorted([*wanted, *loops])
            found = [(*one[:4], "in") for one in found]
        same(found, wanted, f"neighbours in direction {direction}, in order of type, label, id, key and direction")


@law("graph.11")
async def neighbours_come_in_pages(ground: Graph) -> None:
    _, hub, places = await star(ground)
    for limit in (1, 3, 7, len(places), 1_000):
        found: list[Any] = []
        while True:
            page = await beside(ground, hub, "both", limit=limit, after=found[-1] if found else None)
            holds(len(page) <= limit, "a page holds at most as many as were asked for", expected=limit, found=len(page))
            holds(
                not found or not page or page[0] > found[-1],
                "a page begins strictly after its position",
                found=page[:1],
            )
            found += page
            if len(page) < limit:
                break
        same(found, places, f"pages of {limit}")
    nowhere = (TYPE, LABEL, places[0][2][:-1] + "!", "k", "out")
    same(
        await beside(ground, hub, "both", after=nowhere),
        [one for one in places if one > nowhere],
        "after a place where nothing is",
    )


@law("graph.11")
async def neighbours_are_chosen_by_type_and_label(ground: Graph) -> None:
    _, hub, places = await star(ground)
    for types in (None, (TYPE,), ("ABOUT", "HANDLES"), ("PRODUCED",), ("owns",)):
        for labels in (None, (LABEL,), ("Agent",), (LABEL, "Agent"), ("Session",), ("agent",)):
            wanted = [
                one for one in places if (types is None or one[0] in types) and (labels is None or one[1] in labels)
            ]
            same(
                await beside(ground, hub, "both", types=types, labels=labels),
                wanted,
                f"neighbours by {types} and {labels}",
            )
            same(await beside(ground, hub, "both", types=types, labels=labels, limit=2), wanted[:2], "a page of those")


@law("graph.11")
async def a_neighbour_is_the_whole_node_and_edge(ground: Graph) -> None:
    space, person = ground.below("g"), ground.person()
    a, b = Node(LABEL, f"{space}a", {"score": 1}), Node("Agent", f"{space}b", {"tags": ["x"], "status": "on"}, person)
    await nodes(ground, a, b)
    link = Edge(TYPE, a.ref, b.ref, "k", {"score": 0.5, "tags": ["y"]}, person)
    await edges(ground, link)
    asked: list[Any] = [
        *(Neighbors(a.ref, "out", None, None, None, 5), Neighbors(b.ref, "in", None, None, None, 5)),
        *(Neighbors(b.ref, "out", None, None, None, 5), Neighbors((LABEL, f"{space}none"), "out", None, None, None, 5)),
        Neighbors(b.ref, "both", None, None, None, 5),
    ]
    wanted: list[Any] = [[Neighbor(b, link)], [Neighbor(a, link)], [], [], [Neighbor(a, link)]]
    same(await ground.backend.neighbors(asked), wanted, "several questions, answered in order")


@law("graph.12")
async def a_traversal_is_breadth_first(ground: Graph) -> None:
    space = ground.below("g")
    await nodes(ground, *many(space, *"abcdefgh", "10", "9", "Z"), *many(space, "b", label="Agent"))
    pairs = [
        ("a", "c"),
        ("a", "b"),
        ("b", "d"),
        ("c", "d"),
        ("d", "e"),
        ("a", "e"),
        ("e", "f"),
        ("f", "a"),
        ("e", "e"),
        ("h", "a"),
    ]
    pairs += [("a", "10"), ("a", "9"), ("a", "Z"), ("g", "h")]
    await edges(ground, *joined(space, *pairs), Edge(TYPE, (LABEL, f"{space}a"), ("Agent", f"{space}b")))
    await edges(
        ground, *joined(space, ("a", "d"), type="ABOUT"), Edge(TYPE, (LABEL, f"{space}a"), (LABEL, f"{space}b"), "k")
    )
    a = (LABEL, f"{space}a")

    def at(depth: int, *ids: str, label: str = LABEL) -> list[tuple[int, str, str]]:
        return [(depth, label, space + id) for id in ids]

    first = [*at(1, "b", label="Agent"), *at(1, "10", "9", "Z", "b", "c", "e")]
    same(
        await reached(ground, [a], types=(TYPE,)),
        ([*first, *at(2, "d", "f")], False),
        "each node once, at its least depth, in order",
    )
    same(await reached(ground, [a], types=(TYPE,), depth=1), (first, False), "a traversal ends at its depth")
    same(
        await reached(ground, [a], types=(TYPE,), depth=2),
        ([*first, *at(2, "d", "f")], False),
        "a traversal of two hops",
    )
    same(await reached(ground, [a], types=("ABOUT",)), (at(1, "d"), False), "types hold at each hop")
    both = await reached(ground, [(LABEL, f"{space}d")], "both", types=(TYPE,), depth=1)
    same(both, (at(1, "b", "c", "e"), False), "both directions")
    back = await reached(ground, [a], "in", types=(TYPE,))
    same(back, ([*at(1, "f", "h"), *at(2, "e", "g"), *at(3, "d"), *at(4, "b", "c")], False), "against the edges")
    several = await reached(ground, [a, (LABEL, f"{space}e"), a, (LABEL, f"{space}nobody")], types=(TYPE,), depth=1)
    same(
        several,
        ([*at(1, "b", label="Agent"), *at(1, "10", "9", "Z", "b", "c", "f")], False),
        "several starts are left out",
    )


@law("graph.12")
async def a_chain_is_walked_hop_by_hop(ground: Graph) -> None:
    space = ground.below("g")
    ids = [f"{number}" for number in range(8)]
    await nodes(ground, *many(space, *ids))
    await edges(ground, *joined(space, *pairwise(ids)))
    for depth in (1, 3, 7, 100):
        found, cut = await reached(ground, [(LABEL, f"{space}0")], depth=depth)
        wanted = [(hop, LABEL, f"{space}{hop}") for hop in range(1, min(depth, 7) + 1)]
        same((found, cut), (wanted, False), f"a chain, at most {depth} hops")


@law("graph.12")
async def a_traversal_tells_what_nodes_hold(ground: Graph) -> None:
    space, person = ground.below("g"), ground.person()
    await nodes(ground, *many(space, "a"), Node("Agent", f"{space}b", {"score": 1.0, "tags": ["x"]}, person))
    await edges(ground, Edge(TYPE, (LABEL, f"{space}a"), ("Agent", f"{space}b")))
    walk = await ground.backend.traverse(Traversal(((LABEL, f"{space}a"),), "out", None, 5, 5))
    [found] = walk.nodes
    same(
        (found.properties, found.person, found.depth),
        ({"score": 1.0, "tags": ["x"]}, person, 1),
        "what a walk tells of a node",
    )


@law("graph.12")
async def circles_end(ground: Graph) -> None:
    space = ground.below("g")
    ids = [f"{number:02}" for number in range(20)]
    await nodes(ground, *many(space, *ids))
    pairs = [
        (one, other) for place, one in enumerate(ids) for other in (ids[(place + 1) % 20], ids[(place + 7) % 20], one)
    ]
    await edges(ground, *joined(space, *pairs))
    for direction in DIRECTIONS:
        found, cut = await reached(ground, [(LABEL, space + ids[0])], direction)
        same(
            (sorted(id for _, _, id in found), cut),
            ([space + id for id in ids[1:]], False),
            f"all of a circle once, {direction}",
        )
        holds(found == sorted(found), "in order of depth, label and id", found=found)


@law("graph.13")
async def a_traversal_is_cut_in_its_order(ground: Graph) -> None:
    space = ground.below("g")
    await nodes(ground, *many(space, "a", *(f"{number}" for number in range(12))))
    await edges(
        ground,
        *joined(space, *(("a", f"{number}") for number in range(8)), *(("3", f"{number}") for number in range(8, 12))),
    )
    whole, cut = await reached(ground, [(LABEL, f"{space}a")])
    same((len(whole), cut), (12, False), "nothing is cut that fits")
    for most in (1, 5, 8, 9, 11, 12, 13):
        same(
            await reached(ground, [(LABEL, f"{space}a")], most=most), (whole[:most], most < 12), f"at most {most} of 12"
        )
    same(
        await reached(ground, [(LABEL, f"{space}a")], depth=1, most=8),
        (whole[:8], False),
        "the depth leaves out, not the cut",
    )


@law("graph.14")
async def a_shortest_path_is_shortest(ground: Graph) -> None:
    space = ground.below("g")
    await nodes(ground, *many(space, *"abcdefz"))
    await edges(
        ground, *joined(space, ("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "a"), ("b", "b"), ("f", "e"))
    )
    await edges(ground, *joined(space, ("a", "d"), type="ABOUT"), *joined(space, ("a", "c"), type="HANDLES"))
    at = {id: (LABEL, space + id) for id in "abcdefz"}
    cases: list[tuple[str, str, Direction, Any, int, int | None]] = [
        *(("a", "e", "out", (TYPE,), 100, 4), ("a", "e", "out", (TYPE,), 4, 4), ("a", "e", "out", (TYPE,), 3, None)),
        *(
            ("a", "d", "out", None, 100, 1),
            ("a", "c", "out", None, 9, 1),
            ("a", "e", "out", None, 100, 2),
            ("a", "e", "out", (TYPE, "HANDLES"), 100, 3),
            ("a", "e", "in", (TYPE,), 100, 1),
        ),
        *(("a", "e", "both", (TYPE,), 100, 1), ("a", "f", "out", None, 100, None), ("a", "f", "both", None, 100, 2)),
        *(("f", "a", "out", None, 100, 2), ("a", "a", "out", None, 100, 0), ("b", "b", "out", None, 1, 0)),
        *(
            ("a", "z", "both", None, 100, None),
            ("z", "z", "in", (TYPE,), 1, 0),
            ("a", "b", "out", ("ABOUT",), 100, None),
        ),
        *(
            ("a", "d", "out", (TYPE, "ABOUT"), 1, 1),
            ("d", "a", "out", ("ABOUT",), 100, None),
            ("d", "a", "in", ("ABOUT",), 1, 1),
        ),
    ]
    for source, target, direction, types, depth, wanted in cases:
        words = f"from {source} to {target}, {direction}, by {types}, at most {depth}"
        same(await length(ground, at[source], at[target], direction, types=types, depth=depth), wanted, words)
        if wanted is not None:
            route = Route(at[source], at[target], direction, types, depth)
            await holds_together(ground, route, words)


async def holds_together(ground: Graph, route: Route, words: str) -> None:
    """Say that the law is broken unless a path leads from its source to its target by edges that are there."""
    path = await ground.backend.shortest_path(route)
    if path is None:
        return
    same((path.nodes[0].ref, path.nodes[-1].ref), (route.source, route.target), f"{words}: its ends")
    same(len(path.nodes), len(path.edges) + 1, f"{words}: one node more than edges")
    stored = await ground.backend.get_edges([one.ref for one in path.edges])
    same(list(path.edges), stored, f"{words}: its edges are there")
    same(
        list(path.nodes),
        await ground.backend.get_nodes([one.ref for one in path.nodes]),
        f"{words}: its nodes are there",
    )
    for number, link in enumerate(path.edges):
        here, there = path.nodes[number].ref, path.nodes[number + 1].ref
        forward, backward = (link.source, link.target) == (here, there), (link.target, link.source) == (here, there)
        fits = {"out": forward, "in": backward, "both": forward or backward}[route.direction]
        holds(fits and (route.types is None or link.type in route.types), f"{words}: an edge of it", found=link)


@law("graph.15")
async def what_begins_nowhere_answers_nothing(ground: Graph) -> None:
    space = ground.below("g")
    await nodes(ground, *many(space, "a", "b"))
    await edges(ground, *joined(space, ("a", "b")))
    a, nobody, other = (LABEL, f"{space}a"), (LABEL, f"{space}nobody"), ("Agent", f"{space}a")
    for start in (nobody, other):
        for direction in DIRECTIONS:
            same(await beside(ground, start, direction), [], "neighbours of a node that is not there")
            same(await reached(ground, [start], direction), ([], False), "a traversal from a node that is not there")
            for source, target in ((start, a), (a, start), (start, start)):
                path = await ground.backend.shortest_path(Route(source, target, direction, None, 9))
                same(value(path, "a path"), None, "a path from or to a node that is not there")
    same(await reached(ground, []), ([], False), "a traversal from nowhere")
