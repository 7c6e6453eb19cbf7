"""Laws of the graph: what nodes and edges hold, and which are two. Walks stand in ``graph_walks``."""

from __future__ import annotations

import asyncio
from typing import Any

from unison_storage.contracts.graph import Neighbors, Search, Traversal
from unison_storage.errors import InvalidValue, NotFound
from unison_storage.values import Edge, EdgeRef, Node
from unison_storage_conformance.confusable import IDS, NUMBERS
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.graph_rows import LABEL, TYPE, Graph, edge, edges, joined, many, node, nodes
from unison_storage_conformance.outcomes import holds, refuses, same

TEXTS = ("", "a", "A", "ok", "a.b:c-d_e/f", "x" * 128, "null", "true", "1", "0")
LISTS: tuple[list[Any], ...] = ([], ["a"], ["b", "a", "b"], ["x" * 64] * 50, [1, 2, 3], [0.5, 1.5])


@law("graph.1")
async def nodes_come_back_as_they_were_written(ground: Graph) -> None:
    space = ground.below("g")
    made = [Node(LABEL, f"{space}n{place}", {"created_at": number}) for place, number in enumerate(NUMBERS)]
    made += [Node(LABEL, f"{space}t{place}", {"status": text}) for place, text in enumerate(TEXTS)]
    made += [Node(LABEL, f"{space}l{place}", {"tags": items}) for place, items in enumerate(LISTS)]
    made += [
        Node("Session", f"{space}all", {"status": "on", "score": 1, "confidence": 1.0, "tags": ["a"]}, ground.person()),
        Node("Session", f"{space}none"),
    ]
    same(await nodes(ground, *made), [True] * len(made), "each node is made")
    for one in made:
        same(await node(ground, one.ref), one, "a node comes back as it was written, with the types of its values")
    refs = [one.ref for one in reversed(made)]
    same(await ground.backend.get_nodes(refs), list(reversed(made)), "nodes of a batch, in its order")
    twice = [refs[0], ("Agent", f"{space}nobody"), refs[0]]
    same(await ground.backend.get_nodes(twice), [made[-1], None, made[-1]], "a batch with one node twice")


@law("graph.1")
async def edges_come_back_as_they_were_written(ground: Graph) -> None:
    space = ground.below("g")
    await nodes(ground, *many(space, "a", "b"))
    a, b = (LABEL, f"{space}a"), (LABEL, f"{space}b")
    made = [Edge("ABOUT", a, b, f"n{place}", {"score": number}) for place, number in enumerate(NUMBERS)]
    made += [Edge("ABOUT", a, b, f"t{place}", {"role": text}) for place, text in enumerate(TEXTS)]
    made += [Edge("ABOUT", a, b, f"l{place}", {"tags": items}) for place, items in enumerate(LISTS)]
    made += [Edge(TYPE, a, b, "", {"score": 1}, ground.person()), Edge(TYPE, b, a), Edge(TYPE, a, a, "loop")]
    same(await edges(ground, *made), [True] * len(made), "each edge is made")
    for one in made:
        same(await edge(ground, one.ref), one, "an edge comes back as it was written, with the types of its values")
    refs = [one.ref for one in reversed(made)]
    same(await ground.backend.get_edges(refs), list(reversed(made)), "edges of a batch, in its order")
    missing = EdgeRef("HANDLES", a, b, "")
    same(await ground.backend.get_edges([missing, refs[0], missing]), [None, made[-1], None], "a batch with gaps")


@law("graph.2")
async def confusable_ids_are_two(ground: Graph) -> None:
    for place, (one, other) in enumerate(IDS):
        space = ground.below(str(place))
        first, second = (LABEL, space + one), (LABEL, space + other)
        await nodes(ground, Node(*first, {"status": "one"}))
        same(await node(ground, second), None, f"{other!r} is not {one!r}")
        same(await nodes(ground, Node(*second, {"status": "other"})), [True], f"{other!r} is made beside {one!r}")
        found = await node(ground, first)
        same(found and found.properties, {"status": "one"}, f"{one!r} stays as it was")
        await edges(ground, Edge(TYPE, first, second))
        same(await edge(ground, EdgeRef(TYPE, second, first)), None, f"an edge from {one!r} is none from {other!r}")
        same(await ground.backend.delete_nodes([first], True), [True], f"{one!r} is deleted")
        holds(await node(ground, second) is not None, f"a delete of {one!r} leaves {other!r}", expected="the node")


@law("graph.2")
async def confusable_keys_are_two(ground: Graph) -> None:
    space = ground.below("g")
    await nodes(ground, *many(space, "a", "b"))
    a, b = (LABEL, f"{space}a"), (LABEL, f"{space}b")
    keys = tuple(dict.fromkeys(key for pair in IDS for key in pair))
    for number, key in enumerate(("", *keys)):
        same(await edges(ground, Edge(TYPE, a, b, key, {"score": number})), [True], f"an edge with the key {key!r}")
    for number, key in enumerate(("", *keys)):
        found = await edge(ground, EdgeRef(TYPE, a, b, key))
        same(found and found.properties, {"score": number}, f"the edge with the key {key!r}")


@law("graph.2")
async def labels_types_and_names_are_compared_as_bytes(ground: Graph) -> None:
    space = ground.below("g")
    labels = ("Device", "device", "DEVICE", "Devices", "Agent")
    made = [Node(label, f"{space}a", {"status": label}) for label in labels]
    same(await nodes(ground, *made), [True] * len(labels), "one id under several labels is several nodes")
    same(await ground.backend.get_nodes([one.ref for one in made]), made, "each label has its own node")
    first, last = made[0].ref, made[-1].ref
    kinds = ("OWNS", "owns", "OWNS_", "ABOUT")
    links = [Edge(type, first, last, "", {"role": type}) for type in kinds]
    same(await edges(ground, *links), [True] * len(kinds), "one pair of ends under several types is several edges")
    same(await ground.backend.get_edges([one.ref for one in links]), links, "each type has its own edge")
    names: dict[str, Any] = {"status": "a", "Status": "b", "status_": "c", "statu": "d"}
    await nodes(ground, Node(*last, names))
    found = await node(ground, last)
    same(found and found.properties, names, "each name has its own value")


@law("graph.3")
async def upserts_merge_properties(ground: Graph) -> None:
    space = ground.below("g")
    a, b = (LABEL, f"{space}a"), (LABEL, f"{space}b")
    await nodes(ground, Node(*a, {"status": "on", "score": 1, "tags": ["x", "y"]}), Node(*b))
    await edges(ground, Edge(TYPE, a, b, "", {"status": "on", "score": 1, "tags": ["x", "y"]}))
    changes: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"role": "r"}, {"status": "on", "score": 1, "tags": ["x", "y"], "role": "r"}),
        ({"score": 1.0}, {"status": "on", "score": 1.0, "tags": ["x", "y"], "role": "r"}),
        ({"tags": ["z"]}, {"status": "on", "score": 1.0, "tags": ["z"], "role": "r"}),
        ({"tags": []}, {"status": "on", "score": 1.0, "tags": [], "role": "r"}),
        ({"status": None, "outcome": None}, {"score": 1.0, "tags": [], "role": "r"}),
        ({}, {"score": 1.0, "tags": [], "role": "r"}),
        ({"status": "", "score": 0}, {"score": 0, "tags": [], "role": "r", "status": ""}),
        ({"score": None, "tags": None, "role": None, "status": None}, {}),
    ]
    for change, wanted in changes:
        same(await nodes(ground, Node(*a, change)), [False], "a node that is there is not made")
        found = await node(ground, a)
        same(found and found.properties, wanted, f"a node after {change}")
        same(await edges(ground, Edge(TYPE, a, b, "", change)), [False], "an edge that is there is not made")
        link = await edge(ground, EdgeRef(TYPE, a, b))
        same(link and link.properties, wanted, f"an edge after {change}")
    await nodes(ground, Node(LABEL, f"{space}new", {"status": None, "score": 1}))
    found = await node(ground, (LABEL, f"{space}new"))
    same(found and found.properties, {"score": 1}, "None in a new node is nothing")


@law("graph.4")
async def of_upserts_at_once_one_makes_and_all_merge(ground: Graph) -> None:
    space = ground.below("g")
    await nodes(ground, *many(space, "a", "b"))
    names = ("status", "role", "type", "outcome", "score", "confidence", "created_at", "updated_at")
    for place in range(4):
        ref = (LABEL, f"{space}n{place}")
        upserts = [ground.backend.upsert_nodes([Node(*ref, {name: place})]) for name in names]
        made = [answer for [answer] in await asyncio.gather(*upserts)]
        same(sorted(map(str, made)), ["False"] * 7 + ["True"], "of upserts of one node at once one makes it")
        found = await node(ground, ref)
        same(found and found.properties, dict.fromkeys(names, place), "all of them merge")
        link = EdgeRef(TYPE, (LABEL, f"{space}a"), (LABEL, f"{space}b"), str(place))
        joins = [ground.backend.upsert_edges([Edge(*link, {name: place})]) for name in names]
        made = [answer for [answer] in await asyncio.gather(*joins)]
        same(sorted(map(str, made)), ["False"] * 7 + ["True"], "of upserts of one edge at once one makes it")
        joined_ = await edge(ground, link)
        same(joined_ and joined_.properties, dict.fromkeys(names, place), "all of them merge")
    stats = await ground.backend.stats(space)
    same((stats.nodes, stats.edges), ({LABEL: 6}, {TYPE: 4}), "nothing was made twice")


@law("graph.5")
async def an_edge_is_its_type_ends_and_key(ground: Graph) -> None:
    space = ground.below("g")
    await nodes(ground, *many(space, "a", "b", "c"))
    a, b, c = ((LABEL, f"{space}{id}") for id in "abc")
    refs = [
        *(EdgeRef(TYPE, a, b, ""), EdgeRef(TYPE, a, b, "k"), EdgeRef(TYPE, a, b, "K"), EdgeRef(TYPE, b, a, "")),
        *(EdgeRef("ABOUT", a, b, ""), EdgeRef(TYPE, a, c, ""), EdgeRef(TYPE, a, a, ""), EdgeRef(TYPE, a, a, "k")),
    ]
    made = [Edge(*ref, {"score": number}) for number, ref in enumerate(refs)]
    for one in made:
        same(await edges(ground, one), [True], "an edge that differs in one part is another edge")
    same(await ground.backend.get_edges(refs), made, "each edge stands beside the others")
    same((await ground.backend.stats(space)).edges, {TYPE: 7, "ABOUT": 1}, "each edge is counted")
    for number, ref in enumerate(refs):
        same(await ground.backend.delete_edges([ref]), [True], "an edge is deleted by all its parts")
        left = await ground.backend.get_edges(refs)
        same(left, [None] * (number + 1) + made[number + 1 :], "and no other one")


@law("graph.6")
async def an_edge_needs_both_ends(ground: Graph) -> None:
    space = ground.below("g")
    await nodes(ground, *many(space, "a"))
    a, nobody = (LABEL, f"{space}a"), (LABEL, f"{space}nobody")
    other_label, other_space = ("Agent", f"{space}a"), (LABEL, f"{ground.below('g', 'h')}a")
    for source, target in (
        (a, nobody),
        (nobody, a),
        (nobody, nobody),
        (a, other_label),
        (other_label, a),
        (a, other_space),
    ):
        if source[1].rpartition("\x1f")[0] != target[1].rpartition("\x1f")[0]:
            continue  # both ends of an edge lie in one space, which the store sees to
        [outcome] = await ground.backend.upsert_edges([Edge(TYPE, source, target, "", {"score": 1})])
        refuses(outcome, NotFound, "an edge without an end")
        same(await edge(ground, EdgeRef(TYPE, source, target)), None, "an edge that is refused is not made")
    same(await ground.backend.get_nodes([nobody, other_label]), [None, None], "an edge makes no node")
    stats = await ground.backend.stats(space)
    same((stats.nodes, stats.edges), ({LABEL: 1}, {}), "nothing was made")
    await nodes(ground, *many(space, "nobody"))
    same(await ground.backend.upsert_edges(joined(space, ("a", "nobody"))), [True], "the edge, once its end is there")


@law("graph.7")
async def persons_are_kept_and_never_exchanged(ground: Graph) -> None:
    space, own, other = ground.below("g"), ground.person(1), ground.person(2)
    await nodes(ground, *many(space, "a", "b"))
    a, b = (LABEL, f"{space}a"), (LABEL, f"{space}b")
    link = EdgeRef(TYPE, a, b)
    await edges(ground, Edge(*link))
    await nodes(ground, Node(*a, {"score": 1}, own))
    await edges(ground, Edge(*link, {"score": 1}, own))
    await nodes(ground, Node(*a, {"role": "r"}))
    await edges(ground, Edge(*link, {"role": "r"}))
    before, linked = await node(ground, a), await edge(ground, link)
    same(
        (before and before.person, linked and linked.person), (own, own), "an upsert that names nobody keeps the person"
    )
    for stranger in (other, own[:-1], own + "0", own.upper()):
        [outcome] = await ground.backend.upsert_nodes([Node(*a, {"score": 2, "status": "x"}, stranger)])
        refuses(outcome, InvalidValue, "a node that names another person")
        [outcome] = await ground.backend.upsert_edges([Edge(*link, {"score": 2, "status": "x"}, stranger)])
        refuses(outcome, InvalidValue, "an edge that names another person")
        same((await node(ground, a), await edge(ground, link)), (before, linked), "what is refused changes nothing")
    same(await nodes(ground, Node(*a, {}, own)), [False], "an upsert that names the person itself")
    await ground.backend.delete_nodes([a], True)
    await nodes(ground, Node(*a, {}, other))
    found = await node(ground, a)
    same(found, Node(*a, {}, other), "what comes after a delete starts anew")


@law("graph.20")
async def writes_of_one_batch_take_effect_in_order(ground: Graph) -> None:
    space, own, other = ground.below("g"), ground.person(1), ground.person(2)
    a, b = (LABEL, f"{space}a"), (LABEL, f"{space}b")
    outcomes = await ground.backend.upsert_nodes(
        [
            *(Node(*a, {"score": 1, "role": "x"}), Node(*b, {"score": 1}), Node(*a, {"score": 2, "role": None})),
            *(Node(*a, {"status": "s"}, own), Node(*a, {"score": 9}, other), Node(*b, {"score": None})),
        ]
    )
    same(
        [one if isinstance(one, bool) else "error" for one in outcomes],
        [True, True, False, False, "error", False],
        "in order",
    )
    found = await ground.backend.get_nodes([a, b])
    same(found, [Node(*a, {"score": 2, "status": "s"}, own), Node(*b)], "the last upsert of a name holds")
    link = EdgeRef(TYPE, a, b)
    links = [
        Edge(*link, {"score": 1, "role": "x"}),
        Edge(*link, {"score": 2, "role": None}),
        Edge(*link, {"status": "s"}),
    ]
    same(await edges(ground, *links), [True, False, False], "an edge three times in one batch")
    same(await edge(ground, link), Edge(*link, {"score": 2, "status": "s"}), "the last upsert of a name holds")
    same(await ground.backend.delete_edges([link, link]), [True, False], "a delete of one edge twice")
    same(await ground.backend.delete_nodes([a, b, a], False), [True, True, False], "a delete of one node twice")


@law("graph.21")
async def nothing_is_shared_with_what_is_kept(ground: Graph) -> None:
    space = ground.below("g")
    a, b = (LABEL, f"{space}a"), (LABEL, f"{space}b")
    given: dict[str, Any] = {"tags": ["x"], "status": "on"}
    await nodes(ground, Node(*a, given), Node(*b))
    link = EdgeRef(TYPE, a, b)
    await edges(ground, Edge(*link, given))
    given["tags"].append("y")
    given["status"] = "off"
    wanted = {"tags": ["x"], "status": "on"}
    for turn in ("what was passed in", "what was answered"):
        found, linked = await node(ground, a), await edge(ground, link)
        same(found and found.properties, wanted, f"a node keeps nothing of {turn}")
        same(linked and linked.properties, wanted, f"an edge keeps nothing of {turn}")
        for one in (found, linked):
            if one is not None:
                one.properties["tags"].append("z")
                one.properties["status"] = "changed"
    near: Any
    [near] = await ground.backend.neighbors([Neighbors(b, "in", None, None, None, 5)])
    walk = await ground.backend.traverse(Traversal((b,), "in", None, 2, 10))
    search = await ground.backend.find_nodes(Search(space, LABEL, {}, "", 10))
    for properties in (
        near[0].node.properties,
        near[0].edge.properties,
        walk.nodes[0].properties,
        search[0].properties,
    ):
        same(properties, wanted, "what a walk answers")
        properties["tags"].append("z")
    found = await node(ground, a)
    same(found and found.properties, wanted, "a node keeps nothing of what walks have answered")
