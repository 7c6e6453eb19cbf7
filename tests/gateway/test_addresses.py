"""What is put over HTTP is found by the Python store under the same address, and the other way round."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.gateway.service import asynchronous, path_of, service
from unison_storage.addresses import check_key, check_namespace
from unison_storage.errors import InvalidKey


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
