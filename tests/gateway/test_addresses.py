"""What is put over HTTP is found by the Python store under the same address, and the other way round."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.gateway.service import asynchronous, path_of, service
from unison_storage.addresses import check_key, check_namespace
from unison_storage.errors import InvalidKey
from unison_storage.values import Node


def fits(text: str) -> bool:
    try:
        check_key(text)
        check_namespace((text,))
    except InvalidKey:
        return False
    return True


HOSTILE = [
    "%",
    "%2F",
    "_",
    "*",
    "?",
    "[",
    "]",
    ":",
    "/",
    "\\",
    ". .",
    "...",
    "a/../b",
    " ",
    "+",
    "#",
    ";",
    "&=",
    "k:touch",
]
HOSTILE += [
    "k:copy",
    "v1/memory",
    "\u00e9",
    "e\u0301",
    "\U0001f600",
    "\u202e",
    "\ufeff",
    "'\"",
    "<b>",
    "~",
    "|",
    "%00",
    "a//b",
]
SEGMENTS = (st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)).filter(fits)
ADDRESSES = st.tuples(st.lists(SEGMENTS, max_size=3), SEGMENTS)


@settings(max_examples=60, deadline=None)
@given(st.lists(ADDRESSES, min_size=1, max_size=8))
@example([(["a"], "b"), ([], "a/b"), (["a/b"], "c"), (["a"], "b/c")])
@asynchronous
async def test_memory_over_http_and_in_python_is_one(addresses: list[tuple[list[str], str]]) -> None:
    async with service() as it:
        for number, (namespace, key) in enumerate(addresses):
            answer = await it.client.put(path_of("notes", *namespace, key), json=number)
            assert answer.status_code in (200, 201)
            entry = await it.storage.memory.at("notes", *namespace).get(key)
            assert entry is not None
            assert entry.value == number
            await it.storage.memory.at("notes", *namespace).put(key, -number)
            read = await it.client.get(path_of("notes", *namespace, key))
            assert read.json() == -number
        wanted = {(tuple(namespace), key) for namespace, key in addresses}
        listed = (await it.client.get("/v1/memory/notes/")).json()["items"]
        assert {(tuple(item["namespace"]), item["key"]) for item in listed} == wanted
        for segments, key in wanted:
            assert (await it.client.delete(path_of("notes", *segments, key))).status_code == 204
        assert await it.storage.memory.at("notes").count() == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(ADDRESSES, min_size=1, max_size=5))
@asynchronous
async def test_objects_over_http_and_in_python_are_one(addresses: list[tuple[list[str], str]]) -> None:
    async with service() as it:
        for number, (namespace, key) in enumerate(addresses):
            path = path_of("files", *namespace, key, below="/v1/objects")
            assert (await it.client.put(path, content=b"%d" % number)).status_code in (200, 201)
            assert await it.storage.objects.at("files", *namespace).get(key) == b"%d" % number
            await it.storage.objects.at("files", *namespace).put(key, b"other")
            assert (await it.client.get(path)).content == b"other"
            assert (await it.client.post(path + ":copy", json={"keyspace": "copies", "key": key})).status_code in (
                200,
                201,
            )
            assert await it.storage.objects.at("copies", *namespace).get(key) == b"other"


@settings(max_examples=30, deadline=None)
@given(st.lists(ADDRESSES, min_size=1, max_size=5))
@asynchronous
async def test_the_cache_over_http_and_in_python_is_one(addresses: list[tuple[list[str], str]]) -> None:
    async with service() as it:
        for number, (namespace, key) in enumerate(addresses):
            path = path_of("notes", *namespace, key, below="/v1/cache")
            assert (await it.client.put(path, json=number)).status_code == 204
            handle = it.storage.cache.at("notes", *namespace)
            assert await handle.get(key) == number
            await handle.set(key, -number)
            assert (await it.client.get(path)).json() == -number
            assert (await it.client.post(path + ":add", json=1)).json() == {"added": False}
            assert (await it.client.post(path + ":increment", json={"by": 1 + number})).json() == {"value": 1}
            taken = await it.client.post(path + ":acquire", json={"lifetime": 9, "owner": "me"})
            assert (taken.status_code, await handle.release(key, "me")) == (200, True)
        wanted = {(tuple(namespace), key) for namespace, key in addresses}
        assert await it.storage.cache.at("notes").count() == len(wanted)
        for segments, key in wanted:
            path = path_of("notes", *segments, key, below="/v1/cache")
            assert (await it.client.delete(path)).status_code == 204
        assert await it.storage.cache.at("notes").count() == 0


IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,20}", fullmatch=True)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.lists(SEGMENTS, max_size=3), IDS), min_size=1, max_size=5))
@example([([], "a/b"), (["a"], "b"), ([], "a/neighbors"), ([], "a:delete")])
@asynchronous
async def test_the_graph_over_http_and_in_python_is_one(nodes: list[tuple[list[str], str]]) -> None:
    async with service() as it:
        for number, (space, id) in enumerate(nodes):
            path, segments = path_of("Device", id, below="/v1/graph/nodes"), {"space": space}
            answer = await it.client.put(path, params=segments, json={"properties": {"last_seen": number}})
            assert answer.status_code in (200, 201)
            found = await it.storage.graph.at(*space).get_node(("Device", id))
            assert found is not None
            assert (found.id, found.properties["last_seen"]) == (id, number)
            await it.storage.graph.at(*space).upsert_node(Node("Device", id, {"score": 1}))
            read = await it.client.get(path, params=segments)
            assert read.json()["properties"] == {"last_seen": number, "score": 1}
            beside = await it.client.get(path + "/neighbors", params=segments)
            assert beside.json() == {"items": [], "cursor": None}
        wanted = {(tuple(space), id) for space, id in nodes}
        for within in {within for within, _ in wanted}:
            search = await it.client.post("/v1/graph:find", params={"space": list(within)}, json={"label": "Device"})
            found_there = {(within, one["id"]) for one in search.json()["items"]}
            assert found_there == {one for one in wanted if one[0] == within}
        for within, id in wanted:
            path = path_of("Device", id, below="/v1/graph/nodes")
            assert (await it.client.delete(path, params={"space": list(within)})).status_code == 204
        assert (await it.storage.graph.total()).nodes == {}


@settings(max_examples=30, deadline=None)
@given(ADDRESSES)
@asynchronous
async def test_actions_reach_the_address_before_the_last_colon(address: tuple[list[str], str]) -> None:
    namespace, key = address
    async with service() as it:
        path = path_of("notes", *namespace, key)
        assert (await it.client.post(path + ":increment", json={"by": 3})).json() == {"value": 3}
        assert (await it.client.post(path + ":touch", json={"lifetime": 60})).status_code == 204
        entry = await it.storage.memory.at("notes", *namespace).get(key)
        assert entry is not None
        assert (entry.value, entry.expires_at is not None) == (3, True)
