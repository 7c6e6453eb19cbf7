"""The steps that change the graph. Each reads what is there for all its items, decides, and writes for all that may."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from unison_storage.contracts.backend import Outcome
from unison_storage.contracts.conditions import has_edges, lacks_end, upserted
from unison_storage.contracts.graph import Space
from unison_storage.errors import StorageError
from unison_storage.values import Edge, EdgeRef, Node, NodeRef
from unison_storage_sqlite import graph_rows, graph_statements


def upsert_nodes(database: sqlite3.Connection, now: int, nodes: Sequence[Node]) -> list[Outcome[bool]]:  # noqa: ARG001 - see Step
    """Make or merge each."""
    refs = [node.ref for node in nodes]
    there = dict(zip(refs, graph_rows.nodes(database, refs), strict=True))
    outcomes: list[Outcome[bool]] = []
    rows = []
    for node in nodes:
        old = there[node.ref]
        new = upserted(old, node)
        if isinstance(new, StorageError):
            outcomes.append(new)
            continue
        there[node.ref] = new
        rows.append((*graph_rows.place(node.ref), graph_rows.encoded(new.properties), new.person))
        outcomes.append(old is None)
    database.executemany(graph_statements.NODE_PUT, rows)
    return outcomes


def upsert_edges(database: sqlite3.Connection, now: int, edges: Sequence[Edge]) -> list[Outcome[bool]]:  # noqa: ARG001 - see Step
    """Make or merge each whose ends are there."""
    refs = [edge.ref for edge in edges]
    ends = graph_rows.numbers(database, (end for edge in edges for end in (edge.source, edge.target)))
    there = {ref: found and found[1] for ref, found in zip(refs, graph_rows.edges(database, refs), strict=True)}
    outcomes: list[Outcome[bool]] = []
    rows = []
    for ref, edge in zip(refs, edges, strict=True):
        old = there[ref]
        source, target = ends.get(edge.source), ends.get(edge.target)
        if source is None or target is None:
            outcomes.append(lacks_end())
            continue
        new = upserted(old, edge)
        if isinstance(new, StorageError):
            outcomes.append(new)
            continue
        there[ref] = new
        rows.append((edge.type, source, target, edge.key, graph_rows.encoded(new.properties), new.person))
        outcomes.append(old is None)
    database.executemany(graph_statements.EDGE_PUT, rows)
    return outcomes


def delete_nodes(
    database: sqlite3.Connection,
    now: int,  # noqa: ARG001 - see Step
    deletes: Sequence[tuple[NodeRef, bool]],
) -> list[Outcome[bool]]:
    """Remove each, with its edges where it is to be detached. An edge between two of them goes with the first."""
    there = graph_rows.numbers(database, (ref for ref, _ in deletes))
    outcomes: list[Outcome[bool]] = []
    for ref, detach in deletes:
        node = there.get(ref)
        if node is None:
            outcomes.append(False)
        elif not detach and database.execute(graph_statements.NODE_HAS_EDGES, (node,)).fetchone()[0]:
            outcomes.append(has_edges())
        else:
            _drop(database, graph_rows.encoded([node]))
            del there[ref]
            outcomes.append(True)
    return outcomes


def delete_edges(database: sqlite3.Connection, now: int, refs: Sequence[EdgeRef]) -> list[bool]:  # noqa: ARG001 - see Step
    """Remove each; one that is named twice was there once."""
    there = dict(zip(refs, graph_rows.edges(database, refs), strict=True))
    outcomes = []
    gone = []
    for ref in refs:
        found = there[ref]
        if found is not None:
            gone.append((found[0],))
            there[ref] = None
        outcomes.append(found is not None)
    database.executemany(graph_statements.EDGE_DROP, gone)
    return outcomes


def erase(database: sqlite3.Connection, now: int, persons: Sequence[str]) -> list[int]:  # noqa: ARG001 - see Step
    """Remove what is each person's."""
    outcomes = []
    for person in persons:
        edges = database.execute(graph_statements.EDGES_DROP_OF_PERSON, (person,)).rowcount
        nodes = database.execute(graph_statements.NODES_OF_PERSON, (person,)).fetchone()[0]
        outcomes.append(edges + _drop(database, nodes))
    return outcomes


def clear(database: sqlite3.Connection, now: int, spaces: Sequence[Space]) -> list[int]:  # noqa: ARG001 - see Step
    """Remove each space."""
    return [
        _drop(database, database.execute(graph_statements.NODES_OF_SPACE, (space,)).fetchone()[0]) for space in spaces
    ]


def _drop(database: sqlite3.Connection, nodes: str) -> int:
    """Remove nodes and all their edges, given the numbers as JSON; return how many nodes and edges went."""
    drops = (graph_statements.EDGES_DROP_FROM, graph_statements.EDGES_DROP_INTO, graph_statements.NODES_DROP)
    return sum(database.execute(drop, (nodes,)).rowcount for drop in drops)
