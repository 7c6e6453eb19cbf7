"""The records that cross the border between a caller and a store. What backends see stands in ``contracts``."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Expect(Enum):
    """What a write expects to find; a version string is the fourth possibility."""

    ANY = "any"
    ABSENT = "absent"
    PRESENT = "present"


class Keep(Enum):
    """The type of ``KEEP``."""

    KEEP = "keep"


class Missing(Enum):
    """The type of ``MISSING``."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False


ANY: Final = Expect.ANY
ABSENT: Final = Expect.ABSENT
PRESENT: Final = Expect.PRESENT
KEEP: Final = Keep.KEEP
MISSING: Final = Missing.MISSING

Expectation = Expect | str
Lifetime = float | None | Literal[Keep.KEEP]

COUNTER_MIN: Final = -(2**63)
COUNTER_MAX: Final = 2**63 - 1


class Entry(Struct, Generic[T], frozen=True):
    """What memory holds at one address. Times are UTC with microseconds."""

    namespace: tuple[str, ...]
    key: str
    value: T
    version: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    person: str | None


class Stamp(Struct, frozen=True):
    """What a write leaves behind; ``created`` tells whether nothing was there before."""

    version: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    created: bool


class ObjectInfo(Struct, frozen=True):
    """What is known of an object without its bytes. ``size`` is in bytes, ``sha256`` in hex.

    ``id`` stays the same when the object is overwritten, so that a graph or another store may refer by it.
    """

    keyspace: str
    namespace: tuple[str, ...]
    key: str
    id: str
    size: int
    sha256: str
    content_type: str
    version: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    person: str | None
    created: bool = False


Scalar = str | int | float | bool
Property = Scalar | list[str] | list[int] | list[float] | list[bool]
"""What a node or an edge may hold under a name: a scalar, or a flat list of one type."""

Direction = Literal["out", "in", "both"]

NodeRef = tuple[str, str]
"""What identifies a node in its space: label and id."""


class EdgeRef(NamedTuple):
    """What identifies an edge. Edges of one type between the same two nodes differ by ``key``."""

    type: str
    source: NodeRef
    target: NodeRef
    key: str = ""


class Node(Struct, frozen=True):
    """One node. In an upsert ``properties`` are merged into what is there, and ``None`` removes one."""

    label: str
    id: str
    properties: dict[str, Any] = {}
    person: str | None = None

    @property
    def ref(self) -> NodeRef:
        """What identifies it."""
        return self.label, self.id


class Edge(Struct, frozen=True):
    """One edge, from ``source`` to ``target``. In an upsert ``properties`` are merged as those of a node."""

    type: str
    source: NodeRef
    target: NodeRef
    key: str = ""
    properties: dict[str, Any] = {}
    person: str | None = None

    @property
    def ref(self) -> EdgeRef:
        """What identifies it."""
        return EdgeRef(self.type, self.source, self.target, self.key)


class Neighbor(Struct, frozen=True):
    """A node beside the one that was asked for, and the edge that leads there."""

    node: Node
    edge: Edge


# a walk makes hundreds of them, and none is part of a circle that only a garbage collector could free
class Reached(Struct, frozen=True, gc=False):
    """A node that a traversal has reached, ``depth`` edges away from the nearest start."""

    label: str
    id: str
    depth: int
    properties: dict[str, Any]
    person: str | None = None


class Walk(Struct, frozen=True):
    """What a traversal reached, by depth, then label, then id; ``cut`` where ``max_nodes`` left something out."""

    nodes: tuple[Reached, ...]
    cut: bool


class Path(Struct, frozen=True):
    """A chain of nodes and the edges between them: one edge less than nodes, each in its own direction."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def length(self) -> int:
        """How many edges long it is."""
        return len(self.edges)


class GraphStats(Struct, frozen=True):
    """How many nodes there are of each label and edges of each type; what there is none of is left out."""

    nodes: dict[str, int]
    edges: dict[str, int]

    @property
    def total(self) -> int:
        """How many nodes and edges there are together."""
        return sum(self.nodes.values()) + sum(self.edges.values())


class Page(Struct, Generic[T], frozen=True):
    """One page of a listing; ``cursor`` is ``None`` on the last."""

    items: tuple[T, ...]
    cursor: str | None


class Health(Struct, frozen=True):
    """What a backend says of itself when asked; ``seconds`` is how long the server took to answer."""

    ok: bool
    detail: str
    seconds: float


class ErasedKind(Struct, frozen=True):
    """What an erasure did in one kind; ``pending`` counts what is marked and still to be removed."""

    erased: int
    pending: int = 0
    error: str | None = None


class ErasureReport(Struct, frozen=True):
    """What ``storage.erase(person)`` did, per kind. ``complete`` is false while anything is left.

    Of a dry run it is what would be done: ``erased`` counts what there is, and ``complete`` is false.
    """

    person: str
    kinds: dict[str, ErasedKind]
    dry_run: bool = False

    @property
    def complete(self) -> bool:
        """Whether every kind answered and left nothing behind."""
        return not self.dry_run and all(kind.error is None and kind.pending == 0 for kind in self.kinds.values())


def moment(micros: int) -> datetime:
    """Return microseconds since the epoch as an aware UTC datetime, exact to the microsecond."""
    return datetime.fromtimestamp(micros / 1_000_000, UTC)


def moment_or_none(micros: int | None) -> datetime | None:
    """Return ``None`` for ``None``, else as ``moment``."""
    return None if micros is None else datetime.fromtimestamp(micros / 1_000_000, UTC)


def micros(at: datetime) -> int:
    """Return an aware datetime as microseconds since the epoch."""
    delta = at - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Json = Any  # the portable JSON domain can't be written as a finite type; ``portable`` checks it
