"""Laws of the graph: deletes, erasures, spaces and counts. What nodes and edges hold stands in ``graph``."""

from __future__ import annotations

import asyncio
from typing import Any

from unison_storage.errors import HasEdges
from unison_storage.values import Edge, EdgeRef, GraphStats, Node
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.graph_rows import (
    LABEL,
    TYPE,
    Graph,
    beside,
    edge,
    edges,
    joined,
    many,
    node,
    nodes,
    reached,
    sought,
)
from unison_storage_conformance.outcomes import holds, refuses, same


@law("graph.8")
async def a_node_with_edges_is_not_deleted(ground: Graph) -> None:
    space = ground.below("g")
    await nodes(ground, *many(space, "a", "b", "c", "loop", "alone"))
    links = joined(space, ("a", "b"), ("c", "a"), ("loop", "loop"))
    await edges(ground, *links)
    for id in ("a", "b", "c", "loop"):
        ref = (LABEL, space + id)
        before = await node(ground, ref)
        [outcome] = await ground.backend.delete_nodes([ref], False)
        refuses(outcome, HasEdges, f"a delete of {id}, which has an edge")
        same(await node(ground, ref), before, "what is refused changes nothing")
    same(await ground.backend.get_edges([one.ref for one in links]), links, "no edge has gone")
    same(await ground.backend.delete_nodes([(LABEL, f"{space}alone")], False), [True], "a node without edges")
    await ground.backend.delete_edges([links[2].ref])
    same(await ground.backend.delete_nodes([(LABEL, f"{space}loop")], False), [True], "a node whose loop has gone")


@law("graph.8")
async def detaching_takes_edges_of_all_sorts_along(ground: Graph) -> None:
    space = ground.below("g")
    await nodes(ground, *many(space, "a", "b", "c", "d"), *many(space, "a", label="Agent"))
    a, b, c, agent = (LABEL, f"{space}a"), (LABEL, f"{space}b"), (LABEL, f"{space}c"), ("Agent", f"{space}a")
    gone = [
        Edge(TYPE, a, b),
        Edge(TYPE, b, a),
        Edge("ABOUT", a, c, "k"),
        Edge(TYPE, a, a),
        Edge("ABOUT", agent, a),
        Edge(TYPE, a, (LABEL, f"{space}d")),
    ]
    stays = [Edge(TYPE, b, c), Edge(TYPE, agent, b), Edge("ABOUT", c, c)]
    await edges(ground, *gone, *stays)
    same(await ground.backend.delete_nodes([a], True), [True], "a delete that detaches")
    same(await ground.backend.get_edges([one.ref for one in gone]), [None] * len(gone), "its edges have gone")
    same(await ground.backend.get_edges([one.ref for one in stays]), stays, "other edges stay")
    same(await ground.backend.get_nodes([b, c, agent]), [Node(*b), Node(*c), Node(*agent)], "other nodes stay")
    same(await ground.backend.stats(space), GraphStats({LABEL: 3, "Agent": 1}, {TYPE: 2, "ABOUT": 1}), "what is left")
    await nodes(ground, Node(*a))
    same(await beside(ground, a, "both"), [], "a node that comes back has no edges")


@law("graph.9")
async def no_edge_lacks_an_end(ground: Graph) -> None:
    space = ground.below("g")
    for round_ in range(4):
        ids = [f"r{round_}n{number}" for number in range(6)]
        await nodes(ground, *many(space, *ids))
        hub = (LABEL, space + ids[0])
        joins = [ground.backend.upsert_edges([one]) for one in joined(space, *((ids[0], id) for id in ids[1:]))]
        deletes = [
            ground.backend.delete_nodes([hub], True),
            ground.backend.delete_nodes([(LABEL, space + ids[1])], True),
        ]
        await asyncio.gather(*joins[:3], *deletes, *joins[3:])
        refs = [one.ref for one in joined(space, *((ids[0], id) for id in ids[1:]))]
        left = [one for one in await ground.backend.get_edges(refs) if isinstance(one, Edge)]
        ends = [end for one in left for end in (one.source, one.target)]
        there = [found is not None for found in await ground.backend.get_nodes(ends)]
        same(there, [True] * len(ends), "each edge that is there has both its ends")
        counted = (await ground.backend.stats(space)).edges.get(TYPE, 0)
        same(counted, len(left), "no edge is counted that is not there")
        await ground.backend.delete_nodes([(LABEL, space + id) for id in ids], True)
        same((await ground.backend.stats(space)).edges, {}, "no edge is left without nodes")


@law("graph.10")
async def a_delete_says_whether_something_was_there(ground: Graph) -> None:
    space = ground.below("g")
    await nodes(ground, *many(space, "a", "b", "c"))
    await edges(ground, *joined(space, ("a", "b")))
    link, none = (
        EdgeRef(TYPE, (LABEL, f"{space}a"), (LABEL, f"{space}b")),
        EdgeRef(TYPE, (LABEL, f"{space}b"), (LABEL, f"{space}a")),
    )
    same(await ground.backend.delete_edges([none, link, none, link]), [False, True, False, False], "deletes of edges")
    same(await edge(ground, link), None, "an edge that was deleted is gone")
    await edges(ground, Edge(*link, {"score": 1}, ground.person()))
    await ground.backend.delete_edges([link])
    same(await edges(ground, Edge(*link)), [True], "an edge after its delete is made anew")
    same(await edge(ground, link), Edge(*link), "nothing of an edge comes back after its delete")
    await ground.backend.delete_edges([link])
    refs = [(LABEL, space + id) for id in ("x", "c", "x", "c", "a")]
    for detach in (False, True):
        wanted = [False, True, False, False, True] if not detach else [False] * 5
        same(await ground.backend.delete_nodes(refs, detach), wanted, f"deletes of nodes (detach={detach})")
    same(await node(ground, (LABEL, f"{space}c")), None, "a node that was deleted is gone")
    same(await nodes(ground, Node(LABEL, f"{space}c", {"score": 1})), [True], "a node after its delete is made anew")
    c = (LABEL, f"{space}c")
    same(await ground.backend.delete_nodes([c], True), [True], "a delete that detaches a node without edges")
    await nodes(ground, Node(*c))
    same(await node(ground, c), Node(*c), "nothing of a node comes back after its delete")
    same(await ground.backend.delete_nodes([("Agent", f"{space}c")], True), [False], "a node of another label")
    holds(
        await node(ground, (LABEL, f"{space}c")) is not None, "which leaves the one of this label", expected="the node"
    )


@law("graph.16")
async def a_search_finds_the_nodes_of_a_label_in_order(ground: Graph) -> None:
    space = ground.below("g")
    ids = ["10", "9", "A", "a", "a-b", "a.b", "a/b", "a:b", "a_b", "ab", "b", "Z"]
    await nodes(
        ground, *many(space, *ids), *many(space, "a", "c", label="Agent"), *many(ground.below("g", "a"), "a", "x")
    )
    await nodes(ground, *many(ground.below("ga"), "y"), *many(ground.below(), "z"))
    wanted = [space + id for id in sorted(ids)]
    same(await sought(ground, space), wanted, "all nodes of a label in exactly this space, in byte order")
    same(await sought(ground, space, "Agent"), [f"{space}a", f"{space}c"], "the nodes of another label")
    same(await sought(ground, space, "Session"), [], "a label that has none")
    for limit in (1, 2, 5, len(ids), 100):
        found: list[str] = []
        while page := await sought(ground, space, after=found[-1] if found else "", limit=limit):
            holds(len(page) <= limit, "a page holds at most as many as were asked for", expected=limit, found=len(page))
            holds(not found or page[0] > found[-1], "a page begins strictly after its position", found=page)
            found += page
        same(found, wanted, f"pages of {limit}")
    same(
        await sought(ground, space, after=f"{space}a.", limit=2),
        [f"{space}a.b", f"{space}a/b"],
        "after an id that is not there",
    )


@law("graph.16")
async def a_search_compares_values(ground: Graph) -> None:
    space = ground.below("g")
    rows: list[Any] = [
        *(
            ("a", {"score": 1, "status": "on"}),
            ("b", {"score": 1.0, "status": "on"}),
            ("c", {"score": 2, "status": "off"}),
        ),
        *(("d", {"status": "1"}), ("e", {"status": ""}), ("f", {}), ("g", {"score": 0}), ("h", {"status": "ON"})),
        *(("i", {"role": "on"}), ("j", {"status": "on", "role": "on", "score": 0.1})),
    ]
    await nodes(ground, *(Node(LABEL, space + id, dict(properties)) for id, properties in rows))
    cases: list[Any] = [
        *(
            ({"score": 1}, "ab"),
            ({"score": 1.0}, "ab"),
            ({"score": 2}, "c"),
            ({"score": 0}, "g"),
            ({"score": 0.1}, "j"),
        ),
        *(({"status": "on"}, "abj"), ({"status": ""}, "e"), ({"status": "1"}, "d"), ({"status": "ON"}, "h")),
        *(({"status": "on", "score": 1}, "ab"), ({"status": "on", "role": "on"}, "j"), ({"status": "none"}, "")),
        *(({"outcome": "on"}, ""), ({"score": 3}, ""), ({}, "abcdefghij")),
    ]
    for where, wanted in cases:
        same(await sought(ground, space, where=where), [space + id for id in wanted], f"nodes where {where}")
    same(await sought(ground, space, where={"status": "off"}, limit=1), [f"{space}c"], "a page of what is found late")
    same(
        await sought(ground, space, where={"status": "on"}, limit=2),
        [f"{space}a", f"{space}b"],
        "a page of those found",
    )
    same(await sought(ground, space, where={"status": "on"}, after=f"{space}b"), [f"{space}j"], "and the next one")


@law("graph.17")
async def spaces_are_apart(ground: Graph) -> None:
    spaces = [ground.below(*one) for one in (("g",), ("g", "a"), ("ga",), ("G",), ("g", "a", "b"), ())]
    for number, space in enumerate(spaces):
        await nodes(
            ground, *(Node(LABEL, space + id, {"score": number}) for id in ("a", "b")), Node("Agent", f"{space}a")
        )
        await edges(ground, *joined(space, ("a", "b")), *joined(space, ("a", "a"), type="ABOUT"))
    for number, space in enumerate(spaces):
        a, b = (LABEL, f"{space}a"), (LABEL, f"{space}b")
        found = await node(ground, a)
        same(found and found.properties, {"score": number}, "each space has its own node of an id")
        same(
            await beside(ground, a, types=(TYPE,)),
            [(TYPE, LABEL, f"{space}b", "", "out")],
            "neighbours lie in one space",
        )
        same(await reached(ground, [a], "both"), ([(1, LABEL, f"{space}b")], False), "a walk stays in its space")
        same(await sought(ground, space), [f"{space}a", f"{space}b"], "a search stays in its space")
        same(
            await ground.backend.stats(space),
            GraphStats({LABEL: 2, "Agent": 1}, {TYPE: 1, "ABOUT": 1}),
            "counts of one space",
        )
        same(
            await ground.backend.delete_nodes([(LABEL, f"{space}none"), b], True),
            [False, True],
            "a delete in one space",
        )
        await nodes(ground, Node(*b))
        await edges(ground, *joined(space, ("a", "b")))
    before = await ground.backend.stats(None)
    same(await ground.backend.clear(spaces[0]), 5, "a clear answers how many nodes and edges went")
    same(await ground.backend.stats(spaces[0]), GraphStats({}, {}), "the space is empty")
    for space in spaces[1:]:
        same(
            await ground.backend.stats(space),
            GraphStats({LABEL: 2, "Agent": 1}, {TYPE: 1, "ABOUT": 1}),
            "other spaces stay",
        )
    after = await ground.backend.stats(None)
    gone = (before.nodes[LABEL] - after.nodes[LABEL], before.edges[TYPE] - after.edges[TYPE])
    same(gone, (2, 1), "counts of all spaces together")


@law("graph.18")
async def an_erasure_takes_what_is_the_persons_in_all_spaces(ground: Graph) -> None:
    gone, stays = ground.person(1), ground.person(2)
    count = 0
    for space in (ground.below("g"), ground.below("g", "h"), ground.below()):
        await nodes(
            ground,
            *many(space, "a", "b"),
            Node(LABEL, f"{space}owned", {}, gone),
            Node(LABEL, f"{space}other", {}, stays),
        )
        await nodes(ground, Node("Person", space + gone), Node("Person", space + stays), Node(LABEL, space + gone))
        a, b, owned, person = (
            (LABEL, f"{space}a"),
            (LABEL, f"{space}b"),
            (LABEL, f"{space}owned"),
            ("Person", space + gone),
        )
        await edges(
            ground, Edge(TYPE, owned, a), Edge(TYPE, a, owned, "k", {}, stays), Edge("ABOUT", a, b, "", {}, gone)
        )
        await edges(
            ground, Edge(TYPE, person, b), Edge(TYPE, person, owned), Edge(TYPE, a, b, "", {}, stays), Edge(TYPE, b, b)
        )
        count += 7
    for name in (gone[:-1], gone + "0", gone.upper(), gone.replace(".", "_")):
        same(await ground.backend.owned(name), 0, f"{name!r} is somebody else")
        same(await ground.backend.erase(name), 0, f"erasing {name!r} erases nothing")
    same(await ground.backend.owned(gone), count, "how many nodes and edges are a person's, each once")
    same(await ground.backend.erase(gone), count, "an erasure answers how many went")
    same((await ground.backend.owned(gone), await ground.backend.erase(gone)), (0, 0), "nothing is left")
    for space in (ground.below("g"), ground.below("g", "h"), ground.below()):
        wanted = GraphStats({LABEL: 4, "Person": 1}, {TYPE: 2})
        same(await ground.backend.stats(space), wanted, "what others have stays, and nodes that only share the id")
        same(
            await node(ground, (LABEL, space + gone)), Node(LABEL, space + gone), "a node of another label with that id"
        )
    same(await ground.backend.owned(stays), 9, "another person's nodes and edges stay")


@law("graph.19")
async def a_clear_counts_what_it_removes(ground: Graph) -> None:
    space = ground.below("g")
    same(
        (await ground.backend.stats(space), await ground.backend.clear(space)),
        (GraphStats({}, {}), 0),
        "an empty space",
    )
    await nodes(ground, *many(space, "a", "b"), *many(space, "a", label="Agent"))
    await edges(ground, *joined(space, ("a", "b"), ("b", "a"), ("a", "a")), *joined(space, ("a", "b"), type="ABOUT"))
    same(
        await ground.backend.stats(space),
        GraphStats({LABEL: 2, "Agent": 1}, {TYPE: 3, "ABOUT": 1}),
        "by label and type",
    )
    await ground.backend.delete_edges([joined(space, ("a", "b"), type="ABOUT")[0].ref])
    same(
        await ground.backend.stats(space),
        GraphStats({LABEL: 2, "Agent": 1}, {TYPE: 3}),
        "what there is none of is left out",
    )
    same(await ground.backend.clear(space), 6, "a clear answers how many nodes and edges went")
    same(await ground.backend.stats(space), GraphStats({}, {}), "nothing is left")
    same(await ground.backend.get_nodes([(LABEL, f"{space}a")]), [None], "no node is left")


@law("graph.19")
async def a_large_space_is_cleared_whole(ground: Graph) -> None:
    space, size = ground.below("g"), min(300, ground.limits.batch)
    made = many(space, *(f"{number:05}" for number in range(1_200)))
    for start in range(0, len(made), size):
        await nodes(ground, *made[start : start + size])
    same(len(await sought(ground, space, limit=10_000)), 1_200, "a search of 1,200")
    same(await ground.backend.stats(space), GraphStats({LABEL: 1_200}, {}), "a count of 1,200")
    same(await ground.backend.clear(space), 1_200, "a clear of 1,200")
    same(await ground.backend.stats(space), GraphStats({}, {}), "nothing is left")
