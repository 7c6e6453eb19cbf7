"""Two persons with a token each, what one of them has in every kind, and a request for every route there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.gateway.service import Service, tokens_file
from unison_storage import Edge, Node
from unison_storage_gateway.principals import KINDS

ALL = frozenset(f"{kind}:*" for kind in KINDS) | {"erase", "metrics:read"}
CANARY = "canary-of-ann"
NODE = "{label}/{id}"


async def fill(it: Service) -> dict[str, str]:
    """Store things of ann everywhere; return what names them."""
    await it.storage.memory.at("personal", "ann").put("entry", CANARY)
    await it.storage.memory.at("personal", "ann", "deep").put("count", 5)
    await it.storage.memory.at("shared", person="ann").put("entry", CANARY)
    info = await it.storage.objects.at("personal", "ann").put("entry", CANARY.encode())
    shared = await it.storage.objects.at("shared", person="ann").put("entry", CANARY.encode())
    for handle in (it.storage.cache.at("personal", "ann"), it.storage.cache.at("shared")):
        await handle.set("entry", CANARY)
        await handle.acquire("entry", lifetime=3600, owner=CANARY)
    graph = it.storage.graph
    await graph.upsert_nodes([Node("Person", "ann"), Node("Device", "d", {"status": CANARY}, person="ann")])
    await graph.upsert_edge(Edge("OWNS", ("Person", "ann"), ("Device", "d"), CANARY, person="ann"))
    return {"id": info.id, "shared": shared.id, "version": info.version}


async def contents(it: Service) -> list[Any]:
    entries = [
        (entry.namespace, entry.key, entry.value, entry.version, entry.expires_at)
        for keyspace, namespace in (("personal", ("ann",)), ("shared", ()))
        async for entry in it.storage.memory.at(keyspace, *namespace).entries()
    ]
    infos = [
        (info.key, info.sha256, info.version)
        for keyspace, namespace in (("personal", ("ann",)), ("shared", ()))
        async for info in it.storage.objects.at(keyspace, *namespace).entries()
    ]
    graph = it.storage.graph
    devices = [found async for found in graph.neighbors(("Person", "ann"))]
    cached = {
        keyspace: (await it.storage.cache.at(keyspace, *namespace).get_many(("entry", "absent", "stolen")))
        for keyspace, namespace in (("personal", ("ann",)), ("shared", ()))
    }
    return [*entries, *infos, *devices, await graph.total(), cached]


def two_persons(folder: Path) -> Path:
    permissions = sorted(ALL)
    return tokens_file(
        folder,
        ann={"persons": ["ann"], "permissions": permissions},
        bob={"persons": ["bob"], "permissions": permissions},
        reader={"persons": "*", "permissions": ["memory:read", "object:read", "cache:read", "graph:read"]},
    )


def operations(app: Any) -> list[tuple[str, str]]:
    return [
        (method.upper(), path)
        for path, item in app.openapi()["paths"].items()
        for method in item
        if path.startswith("/v1")
    ]


def bodies(operation: str) -> Any:
    if operation.startswith("/v1/graph"):
        return asked_of_the_graph(operation)
    if operation.endswith((":acquire", ":renew", ":release")):
        return {"owner": CANARY} | ({} if operation.endswith(":release") else {"lifetime": 5})
    if operation.endswith("memory:batch"):
        one = {"keyspace": "personal", "namespace": ["ann"], "key": "entry"}
        return {"operations": [{"op": "get", **one}, {"op": "put", "value": 1, **one}, {"op": "delete", **one}]}
    if operation.endswith(":copy"):
        return {"keyspace": "personal", "namespace": ["bob"], "key": "stolen"}
    if operation.endswith(":touch"):
        return {"lifetime": 5}
    return {"by": 1} if operation.endswith(":increment") else "overwritten"


def asked_of_the_graph(operation: str) -> Any:
    person, device = {"label": "Person", "id": "ann"}, {"label": "Device", "id": "d"}
    if operation.endswith(":path"):
        return {"source": person, "target": device}
    if operation.endswith(":find"):
        return {"label": "Device"}
    if operation.endswith(":traverse"):
        return {"starts": [person]}
    if "/edges" in operation:
        return {"edges": [{"type": "OWNS", "source": person, "target": device, "key": CANARY}]}
    if re.search("/nodes(:|$)", operation):
        return {"nodes": [{**device, "properties": {"status": "overwritten"}}]}
    return {"properties": {"status": "overwritten"}}
