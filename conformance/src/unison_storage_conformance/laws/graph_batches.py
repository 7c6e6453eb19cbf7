"""Laws of all backends, as the graph has to keep them, and queries where they are declared."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from unison_storage.addresses import MAX_SEGMENTS, SEPARATOR
from unison_storage.capabilities import Capability
from unison_storage.contracts.graph import Neighbors
from unison_storage.errors import HasEdges, InvalidValue, NotFound, StorageError, TooLarge
from unison_storage.values import Edge, EdgeRef, GraphStats, Node
from unison_storage_conformance.confusable import LONG_SEGMENT
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.graph_rows import (
    LABEL,
    TYPE,
    Graph,
    beside,
    edges,
    joined,
    many,
    node,
    nodes,
    reached,
)
from unison_storage_conformance.line import answered
from unison_storage_conformance.outcomes import holds, refuses, same, told
from unison_storage_conformance.target import survives


@law("backend.4", on=("graph",))
async def one_bad_item_fails_no_other(ground: Graph) -> None:
    space, own, other = ground.below("g"), ground.person(1), ground.person(2)
    await nodes(ground, Node(LABEL, f"{space}owned", {"score": 1}, own), *many(space, "x", "y"))
    await edges(ground, *joined(space, ("x", "y")))
    for place in range(3):
        ids = [f"{place}{number}" for number in range(3)]
        made = many(space, *ids)
        made.insert(place, Node(LABEL, f"{space}owned", {"score": 2}, other))
        outcomes = await ground.backend.upsert_nodes(made)
        refuses(outcomes.pop(place), InvalidValue, "a node of another person")
        same(outcomes, [True] * 3, "nodes beside a bad one")
        links = joined(space, *(("x", id) for id in ids))
        links.insert(place, *joined(space, ("x", "nobody")))
        outcomes = await ground.backend.upsert_edges(links)
        refuses(outcomes.pop(place), NotFound, "an edge without an end")
        same(outcomes, [True] * 3, "edges beside a bad one")
        alone = [(LABEL, f"{space}{place}alone{number}") for number in range(3)]
        await nodes(ground, *(Node(*ref) for ref in alone))
        refs = [*alone]
        refs.insert(place, (LABEL, f"{space}y"))
        outcomes = await ground.backend.delete_nodes(refs, False)
        refuses(outcomes.pop(place), HasEdges, "a node with edges")
        same(outcomes, [True] * 3, "deletes beside a bad one")
    same(
        await node(ground, (LABEL, f"{space}owned")),
        Node(LABEL, f"{space}owned", {"score": 1}, own),
        "the bad item changed nothing",
    )
    stats = await ground.backend.stats(space)
    same(stats, GraphStats({LABEL: 12}, {TYPE: 10}), "neighbours are written")


async def refusals(ground: Graph, canary: str) -> list[Any]:
    """Return what is refused, with a value that nobody may tell."""
    space, own, other = ground.below("g"), ground.person(1), ground.person(2)
    await nodes(ground, Node(LABEL, f"{space}a", {"status": canary}, own), *many(space, "b"))
    await edges(ground, Edge(TYPE, (LABEL, f"{space}a"), (LABEL, f"{space}b"), "", {"status": canary}, own))
    return [
        *await ground.backend.upsert_nodes([Node(LABEL, f"{space}a", {"status": canary}, other)]),
        *await ground.backend.upsert_edges(
            [Edge(TYPE, (LABEL, f"{space}a"), (LABEL, f"{space}b"), "", {"status": canary}, other)]
        ),
        *await ground.backend.upsert_edges(
            [Edge(TYPE, (LABEL, f"{space}a"), (LABEL, f"{space}none"), "", {"status": canary})]
        ),
        *await ground.backend.delete_nodes([(LABEL, f"{space}a")], False),
    ]


@law("backend.6", on=("graph",))
async def errors_hold_no_value(ground: Graph) -> None:
    canary = "canary-7f3a91c5"
    for outcome in await refusals(ground, canary):
        refuses(outcome, StorageError, "what is not as expected")
        holds(canary not in told(outcome), "an error holds no value", found=type(outcome).__name__)


@law("backend.7", on=("graph",))
async def a_refusal_says_that_nothing_has_happened(ground: Graph) -> None:
    for outcome in await refusals(ground, "x"):
        refuses(outcome, StorageError, "what is not as expected")
        same((outcome.outcome_unknown, outcome.retryable), (False, False), "a refusal is sure, and for good")


@law("backend.9", on=("graph",))
async def another_client_sees_what_was_acknowledged(ground: Graph) -> None:
    other, space = await ground.another(), ground.below("g")
    await nodes(ground, Node(LABEL, f"{space}a", {"score": 1}), *many(space, "b"))
    await edges(ground, *joined(space, ("a", "b")))
    a = (LABEL, f"{space}a")
    same(await other.get_nodes([a]), [Node(*a, {"score": 1})], "another client reads what was written")
    same(await other.stats(space), GraphStats({LABEL: 2}, {TYPE: 1}), "another client counts what was written")
    await other.upsert_nodes([Node(*a, {"score": 2})])
    same(await node(ground, a), Node(*a, {"score": 2}), "what another client has written is there")
    await other.delete_nodes([a], True)
    same(await node(ground, a), None, "what another client has deleted is gone")
    same(await reached(ground, [(LABEL, f"{space}b")], "both"), ([], False), "with its edges")


@law("backend.9", on=("graph",))
async def what_was_acknowledged_is_there_after_reopening(ground: Graph) -> None:
    space = ground.below("g")
    made = [Node(LABEL, f"{space}{number}", {"score": number, "tags": ["a"]}, ground.person()) for number in range(20)]
    await nodes(ground, *made)
    links = joined(space, *((str(number), str(number + 1)) for number in range(19)))
    await edges(ground, *links)
    await ground.reopen()
    same(await ground.backend.get_nodes([one.ref for one in made]), made, "every node is as it was")
    same(await ground.backend.get_edges([one.ref for one in links]), links, "every edge is as it was")
    same(len((await reached(ground, [made[0].ref]))[0]), 19, "and they hang together")


@law("backend.11", on=("graph",))
async def the_fullest_batch_and_long_names_are_taken_whole(ground: Graph) -> None:
    space, size = ground.below("g"), ground.limits.batch
    made = [Node(LABEL, f"{space}{number:05}", {"score": number}) for number in range(size)]
    same(await nodes(ground, *made), [True] * size, "a full batch of nodes")
    same(await ground.backend.get_nodes([one.ref for one in made]), made, "a full batch is kept whole")
    links = [Edge(TYPE, made[0].ref, one.ref, "", {"score": 1}) for one in made]
    same(await edges(ground, *links), [True] * size, "a full batch of edges")
    same(await ground.backend.get_edges([one.ref for one in links]), links, "a full batch of edges is kept whole")
    same(len(await beside(ground, made[0].ref, limit=2 * size)), size, "all of them are neighbours")
    same(await ground.backend.delete_edges([one.ref for one in links]), [True] * size, "a full batch of deletes")
    own = ground.root.count(SEPARATOR)
    deep = ground.below(*[LONG_SEGMENT] * (MAX_SEGMENTS - own))
    long = [Node(LABEL, deep + "i" * 127 + end, {"status": "s" * 64, "person_id": "p" * 127 + end}) for end in "xy"]
    await nodes(ground, *long)
    same(await ground.backend.get_nodes([one.ref for one in long]), long, "the longest ids are taken whole")
    tags = [f"{number:04}" * 16 for number in range(1_000)]
    await nodes(ground, Node(LABEL, f"{space}tags", {"tags": tags}))
    found = await node(ground, (LABEL, f"{space}tags"))
    same(found and found.properties["tags"], tags, "the longest list is taken whole")


@law("graph.23", capability=Capability.QUERY)
async def a_query_answers_rows(ground: Graph) -> None:
    limits: dict[str, Any] = {"read_only": True, "timeout": 5.0, "max_rows": 2}
    rows = await ground.backend.query("RETURN $x AS x", {"x": 7}, **limits)
    same([dict(row) for row in rows], [{"x": 7}], "a query answers its rows by name")
    space = ground.below("g")
    before = await ground.backend.stats(space)
    with suppress(StorageError):
        await ground.backend.query("CREATE (n:Device {id: $id})", {"id": f"{space}x"}, **limits)
    same(await ground.backend.stats(space), before, "a query that is read-only changes nothing")
    rows = await ground.backend.query("UNWIND $x AS x RETURN x", {"x": [1, 2]}, **limits)
    same([dict(row) for row in rows], [{"x": 1}, {"x": 2}], "as many rows as may be")
    more = await answered(ground.backend.query("UNWIND $x AS x RETURN x", {"x": [1, 2, 3]}, **limits))
    refuses(more, TooLarge, "a query that has too many rows")


@law("graph.26")
async def a_scan_answers_every_node_once(ground: Graph) -> None:
    spaces = [ground.below("s"), ground.below("s", "deeper"), ground.below("t")]
    made = [one for space in spaces for label in (LABEL, "Person") for one in many(space, *"abc", label=label)]
    await nodes(ground, *made)
    found: list[Node] = []
    for limit in (5, 100):
        found = []
        while page := await ground.backend.scan(found[-1].ref if found else None, limit):
            holds(len(page) <= limit, "a part of a scan is no longer than asked for", expected=limit, found=len(page))
            found += page
        of_ours = [one for one in found if one.id.startswith(ground.below())]
        same(sorted(of_ours, key=lambda one: one.ref), sorted(made, key=lambda one: one.ref), "nodes of all spaces")
    last = found[-1].ref
    await ground.backend.delete_nodes([one.ref for one in made], True)
    same([one for one in await ground.backend.scan(last, 5) if one in made], [], "after the last one")


@law("graph.25", capability=Capability.BOOKMARKS)
async def a_client_catches_up_with_bookmarks(ground: Graph) -> None:
    other = await ground.another() if survives(ground.site.backend) else ground.backend
    space = ground.below("g")
    made = many(space, *"abcde")
    marks: Sequence[str] = ()
    for one in made:
        await nodes(ground, one)
        marks = await ground.backend.bookmarks()
        await other.catch_up(marks)
        same(await other.get_nodes([one.ref]), [one], "what was written before the bookmarks")
    refuses(await answered(other.catch_up(["nothing of the kind"])), InvalidValue, "what is no bookmark")
    same(await other.get_nodes([made[-1].ref]), [made[-1]], "a read after a bookmark was refused")
    await other.catch_up(marks)


@law("graph.21")
async def calls_at_once_share_no_answer(ground: Graph) -> None:
    space = ground.below("g")
    a, b = (LABEL, f"{space}a"), (LABEL, f"{space}b")
    await nodes(ground, Node(*a, {"tags": ["x"]}), Node(*b))
    link = EdgeRef(TYPE, a, b)
    await edges(ground, Edge(*link, {"tags": ["x"]}))
    backend: Any = ground.backend
    near = Neighbors(a, "out", None, None, None, 5)
    for name, given in (("get_nodes", a), ("get_edges", link), ("neighbors", near)):
        first, *others = await asyncio.gather(*(getattr(backend, name)([given]) for _ in range(12)))
        changed = first[0][0].edge if isinstance(first[0], list) else first[0]
        changed.properties["tags"].append("z")
        found = [one for one in others if "z" in repr(one[0])]
        same(len(found), 0, "answers that another one changed")
