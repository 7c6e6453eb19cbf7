"""Where the packages are kept: a storage in this process, or one behind the gateway. Both do the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from package_reading import Summary

from unison_storage import Edge, EdgeRef, Entry, Node, ObjectInfo

KEYSPACE = "packages"
SPACE = "installed"
LABEL = "Package"
NEEDS = "REQUIRES"
HOUR = 3_600.0
DEEPEST = 100
MOST = 10_000
AT_A_TIME = 500

Address = tuple[str, ...]
"""Where an object lies: the package, folders, the name of the file."""
Properties = dict[str, Any]
Pair = tuple[str, str]
T = TypeVar("T")


class Stored(msgspec.Struct):
    """What is known of an object without its bytes."""

    namespace: tuple[str, ...]
    key: str
    id: str
    size: int
    sha256: str


class Place(Protocol):
    """What the example needs of a storage. Packages are named by their normalised names."""

    async def objects(self) -> dict[Address, Stored]:
        """Return all objects."""

    async def put(self, address: Address, content: bytes) -> str:
        """Store an object and return its id."""

    async def drop(self, address: Address) -> None:
        """Remove an object."""

    async def summaries(self) -> dict[str, Summary]:
        """Return all summaries."""

    async def note(self, name: str, summary: Summary) -> None:
        """Store a summary."""

    async def forget(self, name: str) -> None:
        """Remove a summary."""

    async def nodes(self, state: str | None = None) -> dict[str, Properties]:
        """Return the packages of the graph, all or those of a state."""

    async def needs(self, name: str) -> dict[str, Properties]:
        """Return what a package requires, with the properties of the edges."""

    async def needed_by(self, name: str) -> list[str]:
        """Return what requires a package."""

    async def write_nodes(self, nodes: Mapping[str, Properties]) -> None:
        """Make or merge packages."""

    async def write_edges(self, edges: Mapping[Pair, Properties]) -> None:
        """Make or merge requirements."""

    async def drop_edges(self, pairs: Iterable[Pair]) -> None:
        """Remove requirements."""

    async def drop_node(self, name: str) -> None:
        """Remove a package with all its requirements."""

    async def reaching(self, name: str) -> dict[str, int]:
        """Return what requires a package, at whatever distance, with that distance."""

    async def chain(self, source: str, target: str) -> list[str] | None:
        """Return a shortest chain of requirements."""

    async def answer(self, namespace: str, key: str, compute: Callable[[], Awaitable[Any]]) -> Any:
        """Return a cached answer, computing it where there is none."""


class Embedded:
    """The storage in this process."""

    def __init__(self, storage: Any) -> None:
        self._objects = storage.objects
        self._summaries = storage.memory.at(KEYSPACE, type=Summary)
        self._graph = storage.graph.at(SPACE)
        self._cache = storage.cache

    async def objects(self) -> dict[Address, Stored]:
        found: AsyncIterator[ObjectInfo] = self._objects.at(KEYSPACE).entries()
        return {
            (*info.namespace, info.key): Stored(info.namespace, info.key, info.id, info.size, info.sha256)
            async for info in found
        }

    async def put(self, address: Address, content: bytes) -> str:
        *namespace, key = address
        info: ObjectInfo = await self._objects.at(KEYSPACE, *namespace).put(key, content, content_type="text/plain")
        return info.id

    async def drop(self, address: Address) -> None:
        *namespace, key = address
        await self._objects.at(KEYSPACE, *namespace).delete(key)

    async def summaries(self) -> dict[str, Summary]:
        entries: AsyncIterator[Entry[Summary]] = self._summaries.entries()
        return {entry.key: entry.value async for entry in entries}

    async def note(self, name: str, summary: Summary) -> None:
        await self._summaries.put(name, summary)

    async def forget(self, name: str) -> None:
        await self._summaries.delete(name)

    async def nodes(self, state: str | None = None) -> dict[str, Properties]:
        where = {} if state is None else {"state": state}
        return {node.id: node.properties async for node in self._graph.find_nodes(LABEL, where)}

    async def needs(self, name: str) -> dict[str, Properties]:
        return {one.node.id: one.edge.properties async for one in self._graph.neighbors((LABEL, name))}

    async def needed_by(self, name: str) -> list[str]:
        return [one.node.id async for one in self._graph.neighbors((LABEL, name), direction="in")]

    async def write_nodes(self, nodes: Mapping[str, Properties]) -> None:
        await self._graph.upsert_nodes(Node(LABEL, name, properties) for name, properties in nodes.items())

    async def write_edges(self, edges: Mapping[Pair, Properties]) -> None:
        await self._graph.upsert_edges(
            Edge(NEEDS, (LABEL, source), (LABEL, target), properties=properties)
            for (source, target), properties in edges.items()
        )

    async def drop_edges(self, pairs: Iterable[Pair]) -> None:
        await self._graph.delete_edges(EdgeRef(NEEDS, (LABEL, source), (LABEL, target)) for source, target in pairs)

    async def drop_node(self, name: str) -> None:
        await self._graph.delete_node((LABEL, name), detach=True)

    async def reaching(self, name: str) -> dict[str, int]:
        walk = await self._graph.traverse((LABEL, name), direction="in", max_depth=DEEPEST, max_nodes=MOST)
        return {node.id: node.depth for node in walk.nodes}

    async def chain(self, source: str, target: str) -> list[str] | None:
        path = await self._graph.shortest_path((LABEL, source), (LABEL, target), max_depth=DEEPEST)
        return None if path is None else [node.id for node in path.nodes]

    async def answer(self, namespace: str, key: str, compute: Callable[[], Awaitable[Any]]) -> Any:
        return await self._cache.at(KEYSPACE, namespace).get_or_compute(key, compute, lifetime=HOUR)


class Gateway:
    """The storage behind its HTTP API."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def objects(self) -> dict[Address, Stored]:
        found = [msgspec.convert(item, Stored) async for item in self._pages("GET", _path("objects", KEYSPACE, ""))]
        return {(*info.namespace, info.key): info for info in found}

    async def put(self, address: Address, content: bytes) -> str:
        headers = {"Content-Type": "text/plain"}
        reply = await self._client.put(_path("objects", KEYSPACE, *address), content=content, headers=headers)
        return str(_good(reply).json()["id"])

    async def drop(self, address: Address) -> None:
        _good(await self._client.delete(_path("objects", KEYSPACE, *address)))

    async def summaries(self) -> dict[str, Summary]:
        pages = self._pages("GET", _path("memory", KEYSPACE, ""))
        return {item["key"]: msgspec.convert(item["value"], Summary) async for item in pages}

    async def note(self, name: str, summary: Summary) -> None:
        await self._json(_path("memory", KEYSPACE, name), summary)

    async def forget(self, name: str) -> None:
        _good(await self._client.delete(_path("memory", KEYSPACE, name)))

    async def nodes(self, state: str | None = None) -> dict[str, Properties]:
        body = {"label": LABEL, "where": {} if state is None else {"state": state}}
        return {item["id"]: item["properties"] async for item in self._pages("POST", "/v1/graph:find", body)}

    async def needs(self, name: str) -> dict[str, Properties]:
        return {item["node"]["id"]: item["edge"]["properties"] async for item in self._neighbors(name, "out")}

    async def needed_by(self, name: str) -> list[str]:
        return [item["node"]["id"] async for item in self._neighbors(name, "in")]

    async def write_nodes(self, nodes: Mapping[str, Properties]) -> None:
        records = [{"label": LABEL, "id": name, "properties": properties} for name, properties in nodes.items()]
        await self._bulk("/v1/graph/nodes", "nodes", records)

    async def write_edges(self, edges: Mapping[Pair, Properties]) -> None:
        records = [{**_edge(pair), "properties": properties} for pair, properties in edges.items()]
        await self._bulk("/v1/graph/edges", "edges", records)

    async def drop_edges(self, pairs: Iterable[Pair]) -> None:
        await self._bulk("/v1/graph/edges:delete", "edges", [_edge(pair) for pair in pairs])

    async def drop_node(self, name: str) -> None:
        params = {"space": SPACE, "detach": "true"}
        _good(await self._client.delete(_path("graph", "nodes", LABEL, name), params=params))

    async def reaching(self, name: str) -> dict[str, int]:
        body = {"starts": [_ref(name)], "direction": "in", "max_depth": DEEPEST, "max_nodes": MOST}
        walk = await self._graph("traverse", body)
        return {node["id"]: node["depth"] for node in walk["nodes"]}

    async def chain(self, source: str, target: str) -> list[str] | None:
        body = {"source": _ref(source), "target": _ref(target), "max_depth": DEEPEST}
        path = (await self._graph("path", body))["path"]
        return None if path is None else [node["id"] for node in path["nodes"]]

    async def answer(self, namespace: str, key: str, compute: Callable[[], Awaitable[Any]]) -> Any:
        path = _path("cache", KEYSPACE, namespace, key)
        reply = await self._client.get(path)
        if reply.status_code != 404:
            return _good(reply).json()
        answer = await compute()
        await self._json(path, answer, lifetime=str(HOUR))
        return answer

    async def _json(self, path: str, value: Any, **params: str) -> None:
        # not by json=, which sends nothing at all for None
        content, headers = msgspec.json.encode(value), {"Content-Type": "application/json"}
        _good(await self._client.put(path, content=content, headers=headers, params=params))

    def _neighbors(self, name: str, direction: str) -> AsyncIterator[Any]:
        path = _path("graph", "nodes", LABEL, name, "neighbors")
        return self._pages("GET", path, {"space": SPACE, "direction": direction})

    async def _graph(self, question: str, body: dict[str, Any]) -> Any:
        reply = await self._client.post(f"/v1/graph:{question}", json=body, params={"space": SPACE})
        return _good(reply).json()

    async def _bulk(self, path: str, name: str, records: Sequence[Any]) -> None:
        for start in range(0, len(records), AT_A_TIME):
            body = {name: records[start : start + AT_A_TIME]}
            reply = _good(await self._client.post(path, json=body, params={"space": SPACE}))
            failed = [result for result in reply.json()["results"] if result["status"] >= 400]
            if failed:
                raise SystemExit(f"the gateway refused {len(failed)} of {len(records)}: {failed[0]}")

    async def _pages(self, method: str, path: str, given: dict[str, Any] | None = None) -> AsyncIterator[Any]:
        """Yield the items of all pages. What is given stands in the query of a GET and in the body of a POST."""
        cursor: str | None = None
        while True:
            asked = {**(given or {}), "limit": AT_A_TIME, **({"cursor": cursor} if cursor else {})}
            if method == "GET":
                reply = await self._client.get(path, params=asked)
            else:
                reply = await self._client.post(path, json=asked, params={"space": SPACE})
            page = _good(reply).json()
            for item in page["items"]:
                yield item
            cursor = page["cursor"]
            if cursor is None:
                return


def _ref(name: str) -> dict[str, str]:
    return {"label": LABEL, "id": name}


def _edge(pair: Pair) -> dict[str, Any]:
    return {"type": NEEDS, "source": _ref(pair[0]), "target": _ref(pair[1])}


def _path(*parts: str) -> str:
    return "/".join(("/v1", *(quote(part, safe="") for part in parts)))


def _good(reply: httpx.Response) -> httpx.Response:
    if reply.is_success:
        return reply
    raise SystemExit(f"the gateway answered {reply.status_code}: {reply.text}")
