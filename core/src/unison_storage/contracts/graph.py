"""The contract of the graph: nodes and edges between them. What names and values there may be is the model's business.

Ids of nodes come with their space in front: the segments of the space and the id, joined by U+001F. In the empty space
an id is raw, so that nodes of other programs are met. Both ends of an edge lie in one space.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from unison_storage.addresses import SEPARATOR
from unison_storage.capabilities import Capability
from unison_storage.contracts.backend import Backend, Outcome
from unison_storage.errors import Unsupported
from unison_storage.values import (
    Direction,
    Edge,
    EdgeRef,
    GraphStats,
    Neighbor,
    Node,
    NodeRef,
    Path,
    Scalar,
    Walk,
)

PERSON: Final = "Person"
"""The label whose id is the person: ``erase`` removes that node too."""

Position = tuple[str, str, str, str, str]
"""Where a neighbour stands: type of the edge, label and id of the node, key of the edge, ``in`` or ``out``."""

Space = str
"""The segments of a space, each followed by U+001F; empty for the empty space."""


def space_of(id: str) -> Space:
    """Return the space that a stored id begins with."""
    return id[: id.rfind(SEPARATOR) + 1]


class Neighbors(Struct, frozen=True):
    """Which neighbours are asked for. ``None`` for types and labels means all of them."""

    start: NodeRef
    direction: Direction
    types: tuple[str, ...] | None
    labels: tuple[str, ...] | None
    after: Position | None
    limit: int


class Traversal(Struct, frozen=True):
    """Which nodes are to be reached; ``types`` hold at every hop."""

    starts: tuple[NodeRef, ...]
    direction: Direction
    types: tuple[str, ...] | None
    max_depth: int
    max_nodes: int


class Route(Struct, frozen=True):
    """Between which two nodes a path is sought."""

    source: NodeRef
    target: NodeRef
    direction: Direction
    types: tuple[str, ...] | None
    max_depth: int


class Stray(Struct, frozen=True):
    """What no call answers: ``what`` says why, ``name`` where it lies, ``number`` how many there are."""

    what: str
    name: str
    number: int


class Search(Struct, frozen=True):
    """Which nodes of a space are sought: ``where`` names properties and the value that each has to equal.

    Numbers are compared as numbers, so that 1 equals 1.0; a truth value equals no number.
    """

    space: Space
    label: str
    where: dict[str, Scalar]
    after: str
    limit: int


Nodes = list[Outcome[Node | None]]
Edges = list[Outcome[Edge | None]]
Flags = list[Outcome[bool]]


class GraphBackend(Backend):
    """Laws of the graph.

    graph.1   A get answers the node or edge as its upserts left it, with the types that its values had, or ``None``.
    graph.2   Labels, types, ids and keys are compared as bytes: no folding, no normalising, no cutting.
    graph.3   An upsert merges properties into those that are there; ``None`` removes one; others stay as they are.
    graph.4   An upsert answers whether it made the node or edge. Concurrent upserts of one make it once, and all merge.
    graph.5   An edge is its type, source, target and key: with another key it is another edge, beside the first.
    graph.6   An edge whose source or target is not there → ``NotFound``, and nothing is made.
    graph.7   An upsert that names another person than the stored one → ``InvalidValue``, unchanged; one that names
              none keeps it.
    graph.8   Deleting a node that has edges, loops included → ``HasEdges``, unchanged; with ``detach`` they go first.
    graph.9   No edge ever lacks an end.
    graph.10  A delete answers whether something was there.
    graph.11  Neighbours come in order of type, label, id, key and direction (in before out), strictly after ``after``.
              In direction ``both`` a loop comes once, as ``out``.
    graph.12  A traversal is breadth first: each node once, at its least depth, starts left out, in order of depth,
              label and id, as bytes. It ends at ``max_depth``, whatever circles there are.
    graph.13  ``max_nodes`` cuts in that order; ``cut`` is true only if it left something out.
    graph.14  A shortest path has the least possible number of edges, at most ``max_depth``, each of the types and in
              the direction asked for; any of several. From a node that is there to itself it has none.
    graph.15  What begins at a node that is not there answers nothing: no neighbours, no nodes, no path.
    graph.16  ``find_nodes`` answers nodes of the label and of exactly that space, in order of the id, strictly after.
    graph.17  Spaces are apart: nothing of one is met, counted or cleared in another, nor in one below it.
    graph.18  ``erase`` removes the person's nodes with all their edges, the person's edges, and in every space the
              node ``Person`` of that id; it answers how many nodes and edges went. ``owned`` counts them before.
    graph.19  ``clear`` removes all nodes and edges of exactly one space and answers how many; ``stats`` counts them.
    graph.20  Several writes to one node or edge in one batch take effect in order.
    graph.21  What is answered shares no mutable value with what is kept or with another answer, and what was passed in
              is not kept.
    graph.22  Whatever is called in whatever order, with re-opening between the calls, is answered as the reference
              answers it; of several shortest paths any.
    graph.23  Capability ``query``: a query answers its rows by name; one that is read-only changes nothing. More rows
              than ``max_rows`` → ``TooLarge``, and nothing is changed.
    graph.24  Calls of several clients at once are answered as if each item took effect at one moment between call and
              answer.
    graph.25  Capability ``bookmarks``: what a client wrote before it was asked for bookmarks is seen by each read of a
              client that has caught up with them. What is no bookmark → ``InvalidValue``; later calls are as before.
    graph.26  A scan answers every node of all spaces once, in parts; after the last one it answers nothing.
    """

    @abstractmethod
    async def upsert_nodes(self, nodes: Sequence[Node]) -> Flags:
        """Make or merge each and answer whether it was made; errors: ``InvalidValue`` (person)."""

    @abstractmethod
    async def upsert_edges(self, edges: Sequence[Edge]) -> Flags:
        """Make or merge each and answer whether it was made; errors: ``NotFound`` (an end), ``InvalidValue``."""

    @abstractmethod
    async def get_nodes(self, refs: Sequence[NodeRef]) -> Nodes:
        """Return each node or ``None``."""

    @abstractmethod
    async def get_edges(self, refs: Sequence[EdgeRef]) -> Edges:
        """Return each edge or ``None``."""

    @abstractmethod
    async def delete_nodes(self, refs: Sequence[NodeRef], detach: bool) -> Flags:  # noqa: FBT001 - one for all items
        """Remove each and answer whether it was there; errors: ``HasEdges``, unless ``detach``."""

    @abstractmethod
    async def delete_edges(self, refs: Sequence[EdgeRef]) -> Flags:
        """Remove each and answer whether it was there."""

    @abstractmethod
    async def neighbors(self, asked: Sequence[Neighbors]) -> list[Outcome[list[Neighbor]]]:
        """Return at most ``limit`` neighbours for each question, in order (graph.11)."""

    @abstractmethod
    async def traverse(self, traversal: Traversal) -> Walk:
        """Return what can be reached (graph.12)."""

    @abstractmethod
    async def shortest_path(self, route: Route) -> Path | None:
        """Return a path of least length, or ``None`` where there is none of at most ``max_depth`` edges."""

    @abstractmethod
    async def find_nodes(self, search: Search) -> Sequence[Node]:
        """Return at most ``limit`` nodes after the id ``after`` (``""``: from the start), in order of their ids."""

    @abstractmethod
    async def owned(self, person: str) -> int:
        """Return how many nodes and edges ``erase`` would remove."""

    @abstractmethod
    async def erase(self, person: str) -> int:
        """Remove what is the person's in all spaces, and return how many nodes and edges went (graph.18)."""

    @abstractmethod
    async def clear(self, space: Space) -> int:
        """Remove everything of one space and return how many nodes and edges went."""

    @abstractmethod
    async def stats(self, space: Space | None) -> GraphStats:
        """Count what is in one space, or in all of them for ``None``."""

    @abstractmethod
    async def scan(self, after: NodeRef | None, limit: int) -> Sequence[Node]:
        """Return nodes of all spaces in an order of the backend's own, strictly after one that stands there or did."""

    async def strays(self) -> Sequence[Stray]:
        """Return what lies in the database though no call answers it; nothing where no other program can write."""
        return ()

    async def query(
        self,
        text: str,
        parameters: Mapping[str, Any],
        *,
        read_only: bool,
        timeout: float,  # noqa: ASYNC109 - the server ends the query, not this coroutine
        max_rows: int,
    ) -> Sequence[Mapping[str, Any]]:
        """Capability ``query``: run a parametrised query of trusted code; ``timeout`` in seconds."""
        raise Unsupported("this backend takes no queries", capability=Capability.QUERY)

    async def bookmarks(self) -> Sequence[str]:
        """Capability ``bookmarks``: return what names all that this client has written."""
        raise Unsupported("this backend has no bookmarks", capability=Capability.BOOKMARKS)

    async def catch_up(self, bookmarks: Sequence[str]) -> None:
        """Capability ``bookmarks``: wait until reads of this client see what bookmarks of any client name."""
        raise Unsupported("this backend has no bookmarks", capability=Capability.BOOKMARKS)
