"""Backups of a graph: one JSON document a line, through all spaces, with a checksum at the end. No bytes are kept here.

The first line names the format, the last one counts and seals what stands between: nodes, each followed by the edges
that lead out of it. A backup is made while others write: it holds what was there all the time, and perhaps some of
what came meanwhile.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from unison_storage.errors import IntegrityError, NotFound, StorageError, Tampered, Truncated, UnsupportedFormat
from unison_storage.graph_documents import GivenEdge, GivenNode, edge_document, node_document
from unison_storage.stores.everywhere import Everywhere
from unison_storage.values import GraphStats

FORMAT: Final = "unison-storage graph"
VERSION: Final = 1
_PART: Final = 1_000

T = TypeVar("T")
Told = Callable[[int], None]
"""Is told of each part how many nodes and edges it had."""


class _Head(Struct, frozen=True):
    format: str
    version: int
    made: str


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    node: GivenNode | None = None
    edge: GivenEdge | None = None


class End(Struct, frozen=True, forbid_unknown_fields=True):
    """The last line: how many nodes of each label and edges of each type there are, and SHA-256 of all lines before."""

    nodes: dict[str, int]
    edges: dict[str, int]
    sha256: str

    @property
    def total(self) -> int:
        """How many nodes and edges the backup has."""
        return sum(self.nodes.values()) + sum(self.edges.values())


class Restored(Struct, frozen=True):
    """What came of a restore. ``left_out`` are edges that lead to nodes that came while the backup was made."""

    nodes: int
    edges: int
    left_out: int


_encode: Final = msgspec.json.Encoder().encode
_head: Final = msgspec.json.Decoder(_Head).decode
_line: Final = msgspec.json.Decoder(_Line).decode
_end: Final = msgspec.json.Decoder(End).decode


async def lines(graph: Everywhere, told: Told) -> AsyncIterator[bytes]:
    """Yield a backup in parts of whole lines."""
    seal, nodes, edges = hashlib.sha256(), Counter[str](), Counter[str]()

    def sealed(documents: Iterable[Any]) -> bytes:
        part = b"".join(_encode(one) + b"\n" for one in documents)
        seal.update(part)
        return part

    yield sealed([_Head(FORMAT, VERSION, datetime.now(UTC).isoformat(timespec="seconds"))])
    async for page in graph.nodes():
        nodes.update(node.label for node in page)
        yield sealed({"node": node_document(node)} for node in page)
        told(len(page))
        async for part in graph.edges_from(page):
            edges.update(edge.type for edge in part)
            yield sealed({"edge": edge_document(edge)} for edge in part)
            told(len(part))
    yield _encode(End(dict(nodes), dict(edges), seal.hexdigest())) + b"\n"


def checked(backup: Iterable[bytes]) -> End:
    """Read a backup, given its lines, and return what it has; restores nothing.

    ``UnsupportedFormat`` for anything else, ``Truncated`` where the end is missing, ``Tampered`` where it does not fit.
    """
    seal, nodes, edges = hashlib.sha256(), Counter[str](), Counter[str]()
    rest = iter(backup)
    first = next(rest, b"")
    _check_head(first)
    seal.update(first)
    last = None
    for number, line in enumerate(rest, 2):
        if last is not None:
            raise Tampered(f"the backup goes on after its end, in line {number}")
        if line.startswith(b'{"nodes"'):
            last = _decoded(_end, line, number)
            continue
        one = _decoded(_line, line, number)
        nodes.update([one.node.label] if one.node else [])
        edges.update([one.edge.type] if one.edge else [])
        seal.update(line)
    if last is None:
        raise Truncated("the backup has no end: it was cut, or is still being made")
    if (seal.hexdigest(), nodes, edges) != (last.sha256, last.nodes, last.edges):
        raise Tampered("the backup is not what was written: its checksum or its counts do not fit")
    return last


async def restore(graph: Everywhere, backup: Callable[[], Iterable[bytes]], told: Told) -> Restored:
    """Put a backup back, given a way to read its lines anew: nodes first, then edges. What is there already is merged.

    It is read to its end before anything is written, and may be restored again after any error. Raises as ``checked``,
    what a backend raises, and ``IntegrityError`` where the graph was empty and has something else afterwards.
    """
    end = checked(backup())
    before = await graph.stats()
    nodes = edges = 0
    left_out = Counter[str]()
    for some in _parts(one.node.node for one in _between(backup()) if one.node):
        _raise_first(await graph.upsert_nodes(some), ())
        nodes += len(some)
        told(len(some))
    for links in _parts(one.edge.edge for one in _between(backup()) if one.edge):
        answers = await graph.upsert_edges(links)
        _raise_first(answers, NotFound)
        missing = [edge.type for edge, answer in zip(links, answers, strict=True) if isinstance(answer, NotFound)]
        left_out.update(missing)
        edges += len(links) - len(missing)
        told(len(links))
    wanted = GraphStats(end.nodes, dict(Counter(end.edges) - left_out))
    if not before.nodes and await graph.stats() != wanted:
        raise IntegrityError("the graph has not what the backup has: something else has written to it meanwhile")
    return Restored(nodes, edges, left_out.total())


def _check_head(line: bytes) -> None:
    try:
        head = _head(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise UnsupportedFormat("this is no backup of a graph") from None
    if (head.format, head.version) != (FORMAT, VERSION):
        raise UnsupportedFormat(f"this is a backup of version {head.version}, and {VERSION} is what can be read")


def _between(backup: Iterable[bytes]) -> Iterator[_Line]:
    """Yield what stands between the first and the last line of a backup that was checked."""
    for number, line in enumerate(backup, 1):
        if number > 1 and not line.startswith(b'{"nodes"'):
            yield _decoded(_line, line, number)


def _decoded(decode: Callable[[bytes], T], line: bytes, number: int) -> T:
    try:
        return decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        if not line.endswith(b"\n"):
            raise Truncated(f"the backup is cut in line {number}") from None
        raise Tampered(f"line {number} of the backup is no node and no edge") from None


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    part: list[T] = []
    for item in items:
        part.append(item)
        if len(part) == _PART:
            yield part
            part = []
    if part:
        yield part


def _raise_first(answers: Sequence[bool | StorageError], but: type[StorageError] | tuple[()]) -> None:
    for answer in answers:
        if isinstance(answer, StorageError) and not isinstance(answer, but):
            raise answer
