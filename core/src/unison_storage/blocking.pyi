"""The types of the blocking doorway, made by `python -m tests.tools.blocking_stub`; do not edit."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar, overload

from unison_storage.assembly import Place
from unison_storage.capabilities import Capability
from unison_storage.contracts.graph import Stray
from unison_storage.contracts.migrations import Migrations
from unison_storage.errors import StorageError
from unison_storage.graph_model import GraphModel
from unison_storage.guards import Finding
from unison_storage.keyspaces import Keyspaces
from unison_storage.plan import Plan
from unison_storage.profiles import Profile
from unison_storage.storage import Storage
from unison_storage.stores.arguments import GivenLifetime
from unison_storage.stores.cache import GivenSeconds
from unison_storage.stores.cached import Cached, P, R
from unison_storage.stores.filling import Loader
from unison_storage.stores.leases import Grant
from unison_storage.stores.sources import Source
from unison_storage.stores.upkeep import Repair
from unison_storage.telemetry import Telemetry
from unison_storage.values import (
    Direction,
    Edge,
    EdgeRef,
    Entry,
    ErasureReport,
    Expectation,
    GraphStats,
    Health,
    Missing,
    Neighbor,
    Node,
    NodeRef,
    ObjectInfo,
    Page,
    Path,
    Scalar,
    Stamp,
    Walk,
)

T = TypeVar("T")
D = TypeVar("D")

BlockingSource: TypeAlias = "Source | Iterator[bytes] | BlockingBody"

class BlockingBody:
    """The content of an object: ``async with files.open(…) as body``, then ``info``, ``read()`` or ``async for``.

    Can be read once. Whoever reads a whole object to its end knows that size and SHA-256 are as stored: otherwise
    ``Truncated`` or ``Tampered`` is raised at the end. A range is compared by length alone.
    """

    info: ObjectInfo
    start: int
    end: int
    @property
    def size(self) -> int:
        """How many bytes will be yielded."""
    def __iter__(self) -> Iterator[bytes]: ...
    def read(self) -> bytes:
        """Return all bytes."""
    def close(self) -> None:
        """Let go of the backend's stream."""

class BlockingMemoryStore:
    """What ``storage.memory`` is. Keyspaces with a URL of their own have a backend of their own."""
    @overload
    def at(self, keyspace: str, *namespace: str, person: str | None = None) -> BlockingMemory[Any]: ...
    @overload
    def at(self, keyspace: str, *namespace: str, person: str | None = None, type: type[T]) -> BlockingMemory[T]: ...
    def erase(self, person: str) -> int:
        """Remove every entry of the person, in all keyspaces; return how many were visible."""
    def owned(self, person: str) -> int:
        """Return how many entries ``erase`` would remove."""
    def purge_expired(self, limit: int = 10000) -> int:
        """Remove entries that have expired, at most ``limit`` on each backend; return how many.

        Nothing expired is ever visible, so this only frees room.
        """

class BlockingMemory(Generic[T]):
    """One namespace of memory. Immutable, cheap to make, and safe to keep while the storage is open.

    A put overwrites unless ``expect`` says otherwise. What has expired is not there, for any call. Calls that run
    at the same time have no order among them; each takes effect at one moment.
    """

    namespace: tuple[str, ...]
    person: str | None
    @property
    def keyspace(self) -> str:
        """The name of the keyspace."""
    @property
    def limit(self) -> int:
        """How many bytes a value may have as JSON."""
    def get(self, key: str, *, touch: float | Literal[Missing.MISSING] | None = ...) -> Entry[T] | None:
        """Return the entry, or ``None``. With ``touch`` its lifetime starts anew with that many seconds, in one step.

        Raises ``InvalidKey``, ``InvalidLifetime``; ``InvalidValue`` if what is stored does not fit the type.
        """
    def put(self, key: str, value: T, *, lifetime: GivenLifetime = ..., expect: Expectation = ...) -> Stamp:
        """Write the value and return its stamp. ``lifetime`` in seconds; ``KEEP`` keeps the expiry that is there.

        Raises ``InvalidKey``, ``InvalidValue``, ``InvalidLifetime``, ``TooLarge``, and for ``expect``
        ``AlreadyExists``, ``NotFound``, ``VersionConflict``. Nothing is changed then.
        """
    def delete(self, key: str, *, expect: Expectation = ...) -> bool:
        """Remove the entry; return whether it was there. With a version: ``NotFound``, ``VersionConflict``."""
    def touch(self, key: str, *, lifetime: float | None) -> bool:
        """Start the lifetime anew; return whether the entry was there. Value and version stay."""
    def increment(self, key: str, by: int = 1, *, lifetime: float | Literal[Missing.MISSING] | None = ...) -> int:
        """Add to a counter and return its new value. One that is absent starts at 0, then gets the lifetime.

        Raises ``InvalidValue`` if what is stored is no integer, or past -2^63 … 2^63-1; it is unchanged then.
        """
    def exists(self, key: str) -> bool:
        """Return whether the entry is there."""
    def count(self, *namespace: str) -> int:
        """Return how many entries lie below this handle, deeper namespaces included."""
    def delete_prefix(self, *namespace: str) -> int:
        """Remove everything below this handle, deeper namespaces included; return how many entries that were."""
    def page(self, *namespace: str, cursor: str | None = None, limit: int = ..., values: bool = True) -> Page[Entry[T]]:
        """Return one page of what lies below, in byte order of the address; ``limit`` from 1 to 1,000.

        ``values=False`` leaves the values out (``None``). Raises ``InvalidCursor``, ``InvalidValue`` (limit).
        """
    def entries(self, *namespace: str, values: bool = True) -> Iterator[Entry[T]]:
        """Yield the entries below this handle in byte order of the address, page by page."""
    def keys(self, *namespace: str) -> Iterator[str]:
        """Yield the key of each entry below this handle; that of a deeper namespace comes without its segments."""
    def get_many(
        self, keys: Iterable[str], *, touch: float | Literal[Missing.MISSING] | None = ...
    ) -> dict[str, Entry[T] | None]:
        """Return the entry or ``None`` for each key; ``BatchFailed`` if any failed."""
    def put_many(
        self, values: Mapping[str, T], *, lifetime: GivenLifetime = ..., expect: Mapping[str, Expectation] | None = None
    ) -> dict[str, Stamp]:
        """Write each value; each stands or fails by itself. ``BatchFailed`` if any failed."""
    def delete_many(self, keys: Iterable[str], *, expect: Mapping[str, Expectation] | None = None) -> dict[str, bool]:
        """Remove each; return which were there. ``BatchFailed`` if any failed."""
    def touch_many(self, keys: Iterable[str], *, lifetime: float | None) -> dict[str, bool]:
        """Start the lifetime of each anew; return which were there. ``BatchFailed`` if any failed."""
    def increment_many(
        self, amounts: Mapping[str, int], *, lifetime: float | Literal[Missing.MISSING] | None = ...
    ) -> dict[str, int]:
        """Add to each counter; return the new values. ``BatchFailed`` if any failed."""

class BlockingObjectStore:
    """What ``storage.objects`` is.

    Laws of objects, as blobs and index come to together:

    objects.1  A get answers what the last put wrote, byte for byte, whatever its size and the chunks it came in.
    objects.2  A range is half-open and clipped to the size.
    objects.3  Size, SHA-256, type, person and times that are told of an object are those of its last put.
    objects.4  Expectations, persons and lifetimes hold as in memory. A put that is refused leaves all as it was.
    objects.5  An overwrite keeps id and time of creation; what comes after a delete or an expiry starts anew.
    objects.6  A put whose bytes do not match their digest, or whose source fails, leaves all as it was.
    objects.7  A delete answers whether something was there. Counts, listings and deletes below a prefix see the same.
    objects.8  A copy is an object of its own, with the bytes and the type of its source.
    objects.9  Calls of several callers at once are answered as if each took effect at one moment between call and
               answer: a get reads one content whole, whatever is put or deleted meanwhile.
    objects.10 A put or delete whose caller dies is done or undone: the old content or the new one, whole. No bytes are
               left of which the index does not know.
    """

    max_size: int
    def at(self, keyspace: str, *namespace: str, person: str | None = None) -> BlockingObjects:
        """Return the handle of a namespace. In a person-scoped keyspace the first segment is the person.

        Raises ``UnknownKeyspace``, ``InvalidKey``, ``InvalidValue`` for a person other than the first segment, and
        ``ClassificationViolation`` for a keyspace of a data class that objects do not accept.
        """
    def by_id(self, id: str) -> ObjectInfo | None:
        """Return the object with that id wherever it lies, or ``None``."""
    def erase(self, person: str) -> tuple[int, int]:
        """Make all objects of the person invisible and remove their bytes; return how many blobs went, and stay."""
    def owned(self, person: str) -> int:
        """Return of how many blobs ``erase`` would remove the bytes."""

class BlockingObjects:
    """One namespace of objects. Immutable, cheap to make, and safe to keep while the storage is open.

    A reader sees an object whole or not at all: a new content becomes visible in one step after all its bytes are
    stored, and who reads the old one meanwhile reads it to the end.
    """

    namespace: tuple[str, ...]
    person: str | None
    @property
    def keyspace(self) -> str:
        """The name of the keyspace."""
    def put(
        self,
        key: str,
        source: BlockingSource,
        *,
        content_type: str = ...,
        lifetime: float | Literal[Missing.MISSING] | None = ...,
        expect: Expectation = ...,
        sha256: bytes | None = None,
    ) -> ObjectInfo:
        """Store the bytes and return what is known of them. ``sha256`` is what the caller expects them to be.

        Raises ``InvalidKey``, ``InvalidValue`` (source, content type, digest), ``InvalidLifetime``, ``TooLarge``, and
        for ``expect`` ``AlreadyExists``, ``NotFound``, ``VersionConflict``. What was there is unchanged then.
        """
    def head(self, key: str) -> ObjectInfo | None:
        """Return what is known of the object, or ``None``."""
    def exists(self, key: str) -> bool:
        """Return whether the object is there."""
    def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes | None:
        """Return the bytes from ``start`` up to ``end``, clipped to the size; ``None`` if there is no object.

        Raises ``InvalidValue`` for a negative or reversed range; ``ObjectMissing``, ``Tampered``, ``Truncated``.
        """
    def open(self, key: str, *, start: int = 0, end: int | None = None) -> AbstractContextManager[BlockingBody]:
        """Return a context manager that gives the body, for reading in chunks; entering raises ``NotFound``."""
    def download(self, key: str, path: os.PathLike[str]) -> ObjectInfo:
        """Write the object to a file, which appears when it is complete; return what is known of the object.

        Raises ``NotFound``; ``OSError`` where the file can't be written.
        """
    def copy(self, key: str, to: BlockingObjects, to_key: str, *, expect: Expectation = ...) -> ObjectInfo:
        """Store the object a second time; return what is known of the copy. Raises as ``put``, and ``NotFound``."""
    def url(self, key: str, *, lifetime: float) -> str:
        """Return a URL that reads the bytes for so many seconds; ``NotFound``, ``Unsupported``."""
    def delete(self, key: str, *, expect: Expectation = ...) -> bool:
        """Remove the object; return whether it was there. With a version: ``NotFound``, ``VersionConflict``.

        It is invisible at once; its bytes go when no reader can be at them any more.
        """
    def count(self, *namespace: str) -> int:
        """Return how many objects lie below this handle, deeper namespaces included."""
    def delete_prefix(self, *namespace: str) -> int:
        """Remove every object below this handle, page by page; return how many that were."""
    def page(self, *namespace: str, cursor: str | None = None, limit: int = ...) -> Page[ObjectInfo]:
        """Return one page of what lies below, in byte order of the address; ``limit`` from 1 to 1,000.

        Raises ``InvalidCursor``, ``InvalidValue`` (limit).
        """
    def entries(self, *namespace: str) -> Iterator[ObjectInfo]:
        """Yield the objects below this handle in byte order of the address, page by page."""
    def keys(self, *namespace: str) -> Iterator[str]:
        """Yield the key of each object below this handle; that of a deeper namespace comes without its segments."""
    def head_many(self, keys: Iterable[str]) -> dict[str, ObjectInfo | None]:
        """Return what is known of each object, or ``None``; ``BatchFailed`` if any failed."""
    def delete_many(self, keys: Iterable[str], *, expect: Mapping[str, Expectation] | None = None) -> dict[str, bool]:
        """Remove each; return which were there. ``BatchFailed`` if any failed."""

class BlockingUpkeep:
    """The upkeep of one object store. Safe to run while the store is in use, and in several processes."""
    def sweep(self, *, grace: float = ..., stale: float = ..., limit: int = 10000) -> int:
        """Remove bytes that nobody wants any more, of at most ``limit`` objects; return how many.

        They were deleted, overwritten or expired ``grace`` seconds ago, or their upload died ``stale`` seconds ago.
        """
    def reconcile(self, *, dry_run: bool = False, stale: float = ...) -> Repair:
        """Compare blobs and index both ways.

        Blobs without a row that are older than ``stale`` seconds are removed; objects whose bytes are gone are
        named, since only their owner can put them right.
        """
    def scrub(self) -> Repair:
        """Read every object and compare size and SHA-256; name those that are gone or damaged."""

class BlockingGraph:
    """One space of the graph; ``storage.graph`` is the empty one. Immutable and cheap to make.

    Labels, relationship types and properties are those of the graph model. An upsert merges properties into what is
    there, and ``None`` removes one. Whatever begins at a node that is not there answers nothing. Raises everywhere
    ``InvalidValue`` for names that the model lacks, ``InvalidKey`` for what is no id, ``ClassificationViolation`` for a
    value that is none of its property's.
    """

    model: GraphModel
    space: tuple[str, ...]
    def at(self, *space: str) -> BlockingGraph:
        """Return the handle of a space, named by its segments. Nothing of one space is met in another."""
    def everywhere(self) -> BlockingEverywhere:
        """Return the handle of all spaces at once, for backups and checks; no model is asked there."""
    def upsert_node(self, node: Node) -> bool:
        """Make or merge a node; return whether it was made. A person other than the stored one: ``InvalidValue``."""
    def upsert_nodes(self, nodes: Iterable[Node]) -> list[bool]:
        """Make or merge each, in order; return which were made.

        Each stands or fails by itself: ``BatchFailed`` if any failed, whose results are by position in ``nodes``.
        """
    def upsert_edge(self, edge: Edge) -> bool:
        """Make or merge an edge; return whether it was made. ``NotFound`` where one of its ends is not there."""
    def upsert_edges(self, edges: Iterable[Edge]) -> list[bool]:
        """Make or merge each, in order; return which were made. ``BatchFailed`` as for ``upsert_nodes``."""
    def get_node(self, ref: NodeRef) -> Node | None:
        """Return the node of a label and id, or ``None``."""
    def get_nodes(self, refs: Iterable[NodeRef]) -> dict[NodeRef, Node | None]:
        """Return the node or ``None`` for each label and id; ``BatchFailed`` if any failed."""
    def get_edge(self, ref: EdgeRef | Edge) -> Edge | None:
        """Return the edge, or ``None``; of an ``Edge`` only what identifies it counts."""
    def get_edges(self, refs: Iterable[EdgeRef | Edge]) -> dict[EdgeRef, Edge | None]:
        """Return the edge or ``None`` for each; ``BatchFailed`` if any failed."""
    def delete_node(self, ref: NodeRef, *, detach: bool = False) -> bool:
        """Remove a node; return whether it was there. ``HasEdges`` while it has some, unless ``detach`` drops them."""
    def delete_nodes(self, refs: Iterable[NodeRef], *, detach: bool = False) -> dict[NodeRef, bool]:
        """Remove each; return which were there. ``BatchFailed`` if any failed."""
    def delete_edge(self, ref: EdgeRef | Edge) -> bool:
        """Remove an edge; return whether it was there."""
    def delete_edges(self, refs: Iterable[EdgeRef | Edge]) -> dict[EdgeRef, bool]:
        """Remove each; return which were there. ``BatchFailed`` if any failed."""
    def neighbors_page(
        self,
        ref: NodeRef,
        *,
        direction: Direction = "out",
        types: Collection[str] | None = None,
        labels: Collection[str] | None = None,
        cursor: str | None = None,
        limit: int = ...,
    ) -> Page[Neighbor]:
        """Return one page of the nodes beside one, with the edges that lead there; ``limit`` from 1 to 1,000.

        In order of the edge's type, the node's label and id, and the edge's key. A loop comes once.
        """
    def neighbors(
        self,
        ref: NodeRef,
        *,
        direction: Direction = "out",
        types: Collection[str] | None = None,
        labels: Collection[str] | None = None,
    ) -> Iterator[Neighbor]:
        """Yield the nodes beside one, with the edges that lead there, page by page, in the order of a page."""
    def traverse(
        self,
        *starts: NodeRef,
        direction: Direction = "out",
        types: Collection[str] | None = None,
        max_depth: int = 3,
        max_nodes: int = 1000,
    ) -> Walk:
        """Return the nodes within ``max_depth`` edges of the starts, breadth first, each once, starts left out.

        In order of depth, label and id; ``walk.cut`` says that ``max_nodes`` (at most 10,000) left something out.
        """
    def shortest_path(
        self,
        source: NodeRef,
        target: NodeRef,
        *,
        direction: Direction = "out",
        types: Collection[str] | None = None,
        max_depth: int = 6,
    ) -> Path | None:
        """Return a path of the least number of edges, any of several, or ``None`` where none has ``max_depth`` or less.

        From a node that is there to itself it has no edges.
        """
    def find_nodes_page(
        self, label: str, where: Mapping[str, Scalar] | None = None, *, cursor: str | None = None, limit: int = ...
    ) -> Page[Node]:
        """Return one page of the nodes of a label whose properties equal ``where``, in byte order of the id."""
    def find_nodes(self, label: str, where: Mapping[str, Scalar] | None = None) -> Iterator[Node]:
        """Yield the nodes of a label whose properties equal ``where``, in byte order of the id, page by page."""
    def stats(self) -> GraphStats:
        """Return how many nodes of each label and edges of each type this space has. May read all of it."""
    def clear(self) -> int:
        """Remove every node and edge of this space, and of no other; return how many that were."""
    def erase(self, person: str) -> int:
        """Remove the person's nodes with their edges, the person's edges and the node ``Person`` of that id.

        In all spaces; returns how many nodes and edges went.
        """
    def owned(self, person: str) -> int:
        """Return how many nodes and edges ``erase`` would remove."""
    def total(self) -> GraphStats:
        """Return what all spaces have together."""
    def query(
        self,
        text: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        read_only: bool = True,
        timeout: float = ...,
        max_rows: int = ...,
    ) -> Sequence[Mapping[str, Any]]:
        """Run a query of trusted code in the backend's own language; it sees all spaces and no model checks it.

        Returns its rows by name. Values go into ``parameters``, never into ``text``; ``timeout`` is in seconds.
        ``Unsupported`` where the backend has no such language, ``TooLarge`` for more rows than ``max_rows``,
        ``DeadlineExceeded``, ``AccessDenied`` for what would write though it is ``read_only``, or would administer the
        server: then nothing is changed.
        """
    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the backend offers beyond the contract."""
    def bookmarks(self) -> Sequence[str]:
        """Return what names all that this process has written, for ``catch_up`` of another one.

        ``Unsupported`` where the backend has no bookmarks; a single server that answers all needs none.
        """
    def catch_up(self, bookmarks: Sequence[str]) -> None:
        """Wait until every read of this process sees what the bookmarks name.

        ``Unsupported``, ``InvalidValue`` for what is no bookmark, ``DeadlineExceeded`` where the server falls behind.
        """

class BlockingEverywhere:
    """All spaces of a graph, for backups and checks. No model is asked of what passes here."""

    model: GraphModel
    def nodes(self) -> Iterator[Sequence[Node]]:
        """Yield all nodes in parts, each once; those that come meanwhile may be left out."""
    def edges_from(self, nodes: Sequence[Node]) -> Iterator[Sequence[Edge]]:
        """Yield the edges that lead out of nodes, in parts."""
    def get_nodes(self, refs: Sequence[NodeRef]) -> list[Node | None]:
        """Return each node or ``None``."""
    def get_edges(self, refs: Sequence[EdgeRef]) -> list[Edge | None]:
        """Return each edge or ``None``."""
    def upsert_nodes(self, nodes: Sequence[Node]) -> list[bool | StorageError]:
        """Make or merge each; an error stands in the place of the node that it is of."""
    def upsert_edges(self, edges: Sequence[Edge]) -> list[bool | StorageError]:
        """Make or merge each; an error stands in the place of its edge, ``NotFound`` for a missing end."""
    def stats(self) -> GraphStats:
        """Return how many nodes of each label and edges of each type there are."""
    def strays(self) -> Sequence[Stray]:
        """Return what lies in the database though no call answers it."""

class BlockingLease:
    """``async with cache.lease(…) as lease``: taken at the beginning, let go of at the end."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    @property
    def fence(self) -> int:
        """A number that is greater than that of every earlier holder. ``InvalidValue`` before the lease is taken."""
    @property
    def owner(self) -> str:
        """The token of this holder."""
    def renew(self, *, lifetime: float | None = None) -> None:
        """Start the lifetime anew, by default as long as before. ``NotFound`` if the lease was lost meanwhile."""

class BlockingCacheStore:
    """What ``storage.cache`` is. Keyspaces with a URL of their own have a backend of their own."""
    @overload
    def at(self, keyspace: str, *namespace: str) -> BlockingCache[Any]: ...
    @overload
    def at(self, keyspace: str, *namespace: str, type: type[T]) -> BlockingCache[T]: ...
    def erase(self, person: str) -> int:
        """Remove every entry of the person, in all person-scoped keyspaces; return how many there were."""
    def owned(self, person: str) -> int:
        """Return how many entries ``erase`` would remove."""
    def purge_expired(self, limit: int = 10000) -> int:
        """Free the room of entries that have expired, at most ``limit`` on each backend; return of how many."""

class BlockingCache(Generic[T]):
    """One namespace of the cache. Immutable, cheap to make, and safe to keep while the storage is open.

    Any entry may vanish at any time; what was overwritten or deleted, or has expired, never comes back. While the
    backend does not answer, a keyspace that is declared ``on_failure="degrade"`` reads as if nothing were there and
    lets writes of values go, which is counted; everything else raises, as all calls of other keyspaces do.
    """

    namespace: tuple[str, ...]
    @property
    def keyspace(self) -> str:
        """The name of the keyspace."""
    @property
    def codec(self) -> str:
        """How values of the keyspace are encoded: ``json``, ``msgpack`` or ``raw``."""
    @property
    def limit(self) -> int:
        """How many bytes a value may have, encoded."""
    def get(self, key: str, default: D | None = None) -> T | D | None:
        """Return the value, or ``default``; with ``MISSING`` a stored ``None`` is told from nothing."""
    def set(self, key: str, value: T, *, lifetime: GivenSeconds = ...) -> None:
        """Write the value. ``lifetime`` in seconds; the keyspace's default where it is left out."""
    def add(self, key: str, value: T, *, lifetime: GivenSeconds = ...) -> bool:
        """Write the value if nothing is there; return whether it was written. Of concurrent calls one wins."""
    def delete(self, key: str) -> bool:
        """Remove the entry; return whether it was there. What is being computed for it is not kept."""
    def touch(self, key: str, *, lifetime: float) -> bool:
        """Start the lifetime anew; return whether the entry was there."""
    def increment(self, key: str, by: int = 1, *, lifetime: GivenSeconds = ...) -> int:
        """Add to a counter and return its new value. One that is absent starts at 0, and gets the lifetime then.

        Raises ``InvalidValue`` if what is stored is no counter, or past -2^63 … 2^63-1; it is unchanged then.
        """
    def get_many(self, keys: Iterable[str], default: D | None = None) -> dict[str, T | D | None]:
        """Return the value or ``default`` for each key; ``BatchFailed`` if any failed."""
    def set_many(self, values: Mapping[str, T], *, lifetime: GivenSeconds = ...) -> None:
        """Write each value; each stands or fails by itself. ``BatchFailed`` if any failed."""
    def add_many(self, values: Mapping[str, T], *, lifetime: GivenSeconds = ...) -> dict[str, bool]:
        """Write each value where nothing is; return which were written. ``BatchFailed`` if any failed."""
    def delete_many(self, keys: Iterable[str]) -> dict[str, bool]:
        """Remove each; return which were there. ``BatchFailed`` if any failed."""
    def touch_many(self, keys: Iterable[str], *, lifetime: float) -> dict[str, bool]:
        """Start the lifetime of each anew; return which were there. ``BatchFailed`` if any failed."""
    def increment_many(self, amounts: Mapping[str, int], *, lifetime: GivenSeconds = ...) -> dict[str, int]:
        """Add to each counter; return the new values. ``BatchFailed`` if any failed."""
    def count(self, *namespace: str) -> int:
        """Return how many entries lie below this handle. A server may have to look at everything it holds."""
    def delete_prefix(self, *namespace: str) -> int:
        """Remove everything below this handle; return how many entries that were. Costs as ``count``; not atomic."""
    def get_or_compute(
        self,
        key: str,
        loader: Loader,
        *,
        lifetime: GivenSeconds = ...,
        early: float | None = None,
        negative: float | Literal[Missing.MISSING] | None = ...,
        lease: float = ...,
    ) -> T:
        """Return the value, or what ``loader`` returns (it may be a coroutine function), which is kept then.

        Callers that miss it at the same time wait for one of them; other processes wait for it for at most ``lease``
        seconds. ``early`` seconds before its end a value is computed anew behind the caller's back, who gets the one
        that is there. ``negative`` is the lifetime of a ``None``; with ``negative=None`` a ``None`` is not kept. What
        is computed across a delete is returned to those who asked before it, and not kept.

        Raises what ``loader`` raises, at all who wait for it; ``InvalidValue`` if it waits for its own key.
        """
    def cached(
        self,
        *,
        lifetime: GivenSeconds = ...,
        early: float | None = None,
        negative: float | Literal[Missing.MISSING] | None = ...,
        lease: float = ...,
    ) -> Callable[[Callable[P, R]], Cached[P, R]]:
        """Return a decorator that keeps what a function returns, by its arguments; options as ``get_or_compute``."""
    def lease(self, name: str, *, lifetime: float, wait: float = 0) -> BlockingLease:
        """Return a lease for ``async with``: ``LeaseHeld`` if another has it and goes on so for ``wait`` seconds.

        Names of leases and keys of values are apart. Advisory: compare ``lease.fence`` where it matters.
        """
    def acquire(self, name: str, *, lifetime: float, owner: str | None = None) -> Grant:
        """Take a lease without ``async with``; ``LeaseHeld`` while another owner has it.

        Taking it again as its ``owner`` starts its lifetime anew, and leaves the fence.
        """
    def renew(self, name: str, owner: str, *, lifetime: float) -> bool:
        """Start the lifetime of a lease anew; return whether ``owner`` still held it."""
    def release(self, name: str, owner: str) -> bool:
        """Let go of a lease; return whether ``owner`` still held it."""

class BlockingStorage:
    """Owns the stores. ``async with storage:`` opens and closes it; making one does no I/O.

    URLs or ready backends may be given for each kind; ``database_url`` serves each kind that its plugin offers and
    nothing else names. ``memory_read`` and ``object_index_read`` are URLs of replicas, whose answers may be
    ``read_staleness`` seconds old. The profile is ``production`` unless another is asked for. ``graph_model`` is a
    ``GraphModel`` or where one is (``module:name``); without it the graph has the model of UnisonOS.
    """

    profile: Profile
    keyspaces: Keyspaces
    telemetry: Telemetry
    def __init__(self, storage: Storage) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    @property
    def memory(self) -> BlockingMemoryStore:
        """Values with lifetimes. Raises ``NotOpen``, ``Closed``; ``InvalidConfig`` if nothing serves it."""
    @property
    def objects(self) -> BlockingObjectStore:
        """Bytes of any size. Raises ``NotOpen``, ``Closed``; ``InvalidConfig`` if nothing serves it."""
    @property
    def upkeep(self) -> BlockingUpkeep:
        """Sweeping and repairing objects. Raises as ``objects``."""
    @property
    def vault(self) -> Any:
        """Secrets: ``InvalidConfig``, since this version does not serve the vault."""
    @property
    def audit(self) -> Any:
        """The audit log: ``InvalidConfig``, since this version does not serve it."""
    @property
    def graph(self) -> BlockingGraph:
        """Relations between ids. Raises ``NotOpen``, ``Closed``; ``InvalidConfig`` if nothing serves it."""
    @property
    def cache(self) -> BlockingCacheStore:
        """Short-lived values. Raises ``NotOpen``, ``Closed``; ``InvalidConfig`` if nothing serves it."""
    @property
    def was_open(self) -> bool:
        """Whether it has been opened at least once."""
    def open(self) -> Self:
        """Check the guard rails, migrate in development and test, open the backends. Opening twice is an error.

        Raises configuration errors, ``SchemaOutOfDate`` and availability errors; nothing stays open then.
        """
    def close(self) -> None:
        """Close everything, last opened first; idempotent. Calls that are under way may fail."""
    def health(self) -> dict[str, Health]:
        """Return how each backend answers now, by kind, all asked at once; never raises for a backend."""
    def erase(self, person: str, *, dry_run: bool = False) -> ErasureReport:
        """Remove all data of a person from every kind, and report. Kinds that fail do not stop the others.

        A dry run only counts what there is.
        """
    def sweep(self, *, limit: int = 10000) -> dict[str, int]:
        """Remove what has expired or is unwanted, at most ``limit`` on each backend; return how much, by kind."""
    def measure(self) -> None:
        """Count what is too dear to count at each change, for the gauges; what is younger than a minute stays."""
    def graph_model(self) -> GraphModel:
        """Return what the graph may hold, importing it where it is named; ``InvalidConfig``."""
    def findings(self) -> Sequence[Finding]:
        """Return every guard rail that this set-up breaks, without opening anything."""
    def places(self) -> Sequence[Place]:
        """Return where each kind is kept, without opening anything."""
    def migrations(self) -> Mapping[str, Migrations]:
        """Return the migrations of every database of this set-up by masked URL, without opening anything.

        ``migration_url`` replaces the URLs of its own scheme here, and nowhere else.
        """
    def plan(self) -> Plan:
        """Return what this set-up comes to, without opening anything: for tools that need the backends themselves."""

def refuse_running_loop() -> None:
    """Raise ``WrongLoop`` if this thread runs an event loop, which a blocking call would stop."""
