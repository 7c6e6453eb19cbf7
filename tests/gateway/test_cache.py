from __future__ import annotations

import json
from typing import Any

import pytest

from tests.gateway.service import PERSONAL, PROBLEM, asynchronous, service
from unison_storage import Keyspace
from unison_storage.errors import Unavailable
from unison_storage.reference.cache import ReferenceCache

PATH = "/v1/cache/notes/a/b"
BOUNDED = Keyspace(name="bounded", lifetime=60, floor=10, ceiling=3600)
LEASE = "/v1/cache/notes/rebuild"


@asynchronous
async def test_a_value_is_written_read_and_removed() -> None:
    async with service() as it:
        for value in ({"text": "hello"}, [1], None):
            written = await it.client.put(PATH, content=json.dumps(value), headers={"Content-Type": "application/json"})
            assert (written.status_code, written.content) == (204, b"")
            read = await it.client.get(PATH)
            assert (read.status_code, read.json()) == (200, value)
            assert read.headers["content-type"] == "application/json"
            assert read.headers["x-content-type-options"] == "nosniff"
            assert not {"etag", "expires-at"} & {*written.headers, *read.headers}
        head = await it.client.head(PATH)
        assert (head.status_code, head.content) == (200, b"")
        for _ in range(2):
            gone = await it.client.delete(PATH)
            assert (gone.status_code, gone.content) == (204, b"")
        absent = await it.client.get(PATH)
        assert (absent.status_code, absent.headers["content-type"]) == (404, PROBLEM)


@asynchronous
async def test_lifetimes() -> None:
    async with service(keyspaces=[BOUNDED]) as it:
        path = "/v1/cache/bounded/a"
        for query, seconds in (("", 60), ("?lifetime=10.5", 10.5), ("?lifetime=3600", 3600)):
            assert (await it.client.put(path + query, json=1)).status_code == 204
            it.clock.advance(seconds - 0.000001)
            assert (await it.client.get(path)).status_code == 200
            it.clock.advance(0.000001)
            assert (await it.client.get(path)).status_code == 404
        for method, target in (("PUT", path), ("POST", path + ":add")):
            for wrong in ("keep", "none", "3601", "9", "0", "-1", "nan", "", "1e3", "9" * 400):
                answer = await it.client.request(method, f"{target}?lifetime={wrong}", json=1)
                assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-lifetime")
                assert answer.json()["errors"][0]["loc"] == ["query", "lifetime"]
        assert (await it.client.put(path + "?lifetime=keep", json=1)).json()["detail"].startswith("a lifetime in the")
        assert (await it.client.get(path)).status_code == 404


@asynchronous
async def test_adding_writes_where_nothing_is() -> None:
    async with service() as it:
        added = await it.client.post(PATH + ":add?lifetime=10", json=1)
        assert (added.status_code, added.json()) == (201, {"added": True})
        again = await it.client.post(PATH + ":add?lifetime=10", json=2)
        assert (again.status_code, again.json()) == (200, {"added": False})
        assert (await it.client.get(PATH)).json() == 1
        it.clock.advance(10)
        assert (await it.client.post(PATH + ":add", json=3)).status_code == 201
        assert (await it.client.get(PATH)).json() == 3


@asynchronous
async def test_touch() -> None:
    async with service() as it:
        assert (await it.client.post(PATH + ":touch", json={"lifetime": 5})).status_code == 404
        await it.client.put(PATH + "?lifetime=5", json=1)
        it.clock.advance(4)
        touched = await it.client.post(PATH + ":touch", json={"lifetime": 5})
        assert (touched.status_code, touched.content) == (204, b"")
        it.clock.advance(4)
        assert (await it.client.get(PATH)).status_code == 200
        it.clock.advance(1)
        assert (await it.client.get(PATH)).status_code == 404


@asynchronous
async def test_counters() -> None:
    async with service() as it:
        path = "/v1/cache/notes/visits"
        assert (await it.client.post(path + ":increment")).json() == {"value": 1}
        assert (await it.client.post(path + ":increment", json={"by": -5})).json() == {"value": -4}
        read = await it.client.get(path)
        assert (read.headers["content-type"], read.content) == ("application/json", b"-4")
        for bound, step in ((2**63 - 1, 1), (-(2**63), -1)):
            await it.client.put(path, json=bound)
            past = await it.client.post(path + ":increment", json={"by": step})
            assert (past.status_code, past.json()["type"]) == (400, "/problems/invalid-value")
            assert (await it.client.get(path)).json() == bound
        for by in (2**63 - 1, -(2**63)):
            await it.client.delete(path)
            assert (await it.client.post(path + ":increment", json={"by": by})).json() == {"value": by}
        await it.client.put(path, json="1")
        assert (await it.client.post(path + ":increment")).status_code == 400
        assert (await it.client.get(path)).json() == "1"


@asynchronous
async def test_a_counter_gets_its_lifetime_when_it_is_made() -> None:
    async with service() as it:
        path = "/v1/cache/notes/short"
        await it.client.post(path + ":increment", json={"lifetime": 5})
        it.clock.advance(4)
        assert (await it.client.post(path + ":increment", json={"lifetime": 60})).json() == {"value": 2}
        it.clock.advance(1)
        assert (await it.client.post(path + ":increment", json={"lifetime": 5})).json() == {"value": 1}


@asynchronous
async def test_a_lease_is_held_by_one_owner_at_a_time() -> None:
    async with service() as it:
        taken = await it.client.post(LEASE + ":acquire", json={"lifetime": 30})
        assert taken.status_code == 200
        owner, fence = taken.json()["owner"], taken.json()["fence"]
        held = await it.client.post(LEASE + ":acquire", json={"lifetime": 30})
        assert (held.status_code, held.json()["type"], held.json()["retryable"]) == (409, "/problems/lease-held", True)
        assert owner not in held.text
        again = await it.client.post(LEASE + ":acquire", json={"lifetime": 30, "owner": owner})
        assert (again.status_code, again.json()) == (200, {"owner": owner, "fence": fence})
        it.clock.advance(29)
        renewed = await it.client.post(LEASE + ":renew", json={"owner": owner, "lifetime": 30})
        assert (renewed.status_code, renewed.content) == (204, b"")
        it.clock.advance(29)
        assert (await it.client.post(LEASE + ":acquire", json={"lifetime": 1, "owner": "other"})).status_code == 409
        assert (await it.client.post(LEASE + ":release", json={"owner": "other"})).status_code == 404
        for status in (204, 404):
            assert (await it.client.post(LEASE + ":release", json={"owner": owner})).status_code == status
        assert (await it.client.post(LEASE + ":renew", json={"owner": owner, "lifetime": 30})).status_code == 404
        # a lease is no value, and no value a lease
        assert (await it.client.get(LEASE)).status_code == 404


@asynchronous
async def test_a_lease_that_has_expired_is_lost_to_its_old_owner() -> None:
    async with service() as it:
        old = (await it.client.post(LEASE + ":acquire", json={"lifetime": 30, "owner": "old"})).json()
        it.clock.advance(30)
        assert (await it.client.post(LEASE + ":renew", json={"owner": "old", "lifetime": 30})).status_code == 404
        new = (await it.client.post(LEASE + ":acquire", json={"lifetime": 30, "owner": "new"})).json()
        assert new["fence"] > old["fence"]
        for action, body in (("renew", {"lifetime": 30}), ("release", {})):
            answer = await it.client.post(f"{LEASE}:{action}", json={"owner": "old", **body})
            assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
        assert (await it.client.post(LEASE + ":acquire", json={"lifetime": 30, "owner": "old"})).status_code == 409
        assert (await it.client.post(LEASE + ":release", json={"owner": "new"})).status_code == 204


OWNERS = ("", " ", "a b", "a" * 65, "caf\u00e9", "a\u0000", "`", "'")
BAD: list[tuple[str, Any, list[Any]]] = [
    ("touch", {}, ["body"]),
    ("touch", {"lifetime": "keep"}, ["body", "lifetime"]),
    ("touch", {"lifetime": "none"}, ["body", "lifetime"]),
    ("touch", {"lifetime": None}, ["body", "lifetime"]),
    ("touch", {"lifetime": True}, ["body", "lifetime"]),
    ("touch", {"lifetime": 0}, ["body", "lifetime"]),
    ("touch", {"lifetime": -1}, ["body", "lifetime"]),
    ("touch", {"lifetime": 86_401}, ["body", "lifetime"]),
    ("increment", {"by": 1.5}, ["body", "by"]),
    ("increment", {"by": "1"}, ["body", "by"]),
    ("increment", {"by": True}, ["body", "by"]),
    ("increment", {"by": None}, ["body", "by"]),
    ("increment", {"by": 2**63}, ["body"]),
    ("increment", {"by": -(2**63) - 1}, ["body"]),
    ("increment", {"by": 10**400}, ["body"]),
    ("increment", {"lifetime": None}, ["body", "lifetime"]),
    ("increment", {"lifetime": "none"}, ["body", "lifetime"]),
    ("increment", {"lifetime": 0}, ["body", "lifetime"]),
    ("acquire", {}, ["body"]),
    ("acquire", {"lifetime": "keep"}, ["body", "lifetime"]),
    ("acquire", {"lifetime": 0}, ["body", "lifetime"]),
    ("acquire", {"lifetime": 5, "owner": 1}, ["body", "owner"]),
    ("renew", {"lifetime": 5}, ["body"]),
    ("renew", {"owner": "a"}, ["body"]),
    ("renew", {"owner": "a", "lifetime": None}, ["body", "lifetime"]),
    ("renew", {"owner": None, "lifetime": 5}, ["body", "owner"]),
    ("release", {}, ["body"]),
    ("release", {"owner": "a", "lifetime": 5}, ["body"]),
    *(("acquire", {"lifetime": 5, "owner": owner}, ["body"]) for owner in OWNERS),
    *(("renew", {"lifetime": 5, "owner": owner}, ["body"]) for owner in OWNERS),
    *(("release", {"owner": owner}, ["body"]) for owner in OWNERS),
]


@asynchronous
async def test_bodies_that_say_nothing_of_what_to_do() -> None:
    async with service() as it:
        for action, body, loc in BAD:
            answer = await it.client.post(f"{PATH}:{action}", json=body)
            assert answer.status_code == 400, (action, body)
            assert answer.json()["errors"][0]["loc"] == loc, (action, body)
        for action in ("touch", "increment", "acquire", "renew", "release"):
            for content in (b"{", b"[]", b"null", b'{"canary":1}', b"\xff", b"[" * 10_000):
                answer = await it.client.post(f"{PATH}:{action}", content=content)
                assert answer.status_code == 400
                assert "canary" not in answer.text
            assert (await it.client.post(f"{PATH}:{action}", content=b" " * 65_537)).status_code == 413
            assert (await it.client.post(f"{PATH}:{action}?lifetime=5")).status_code == 400


@asynchronous
async def test_deleting_everything_below_must_be_meant() -> None:
    async with service() as it:
        for path in ("ann/a", "ann/b/c", "anna/d"):
            await it.client.put(f"/v1/cache/notes/{path}", json=1)
        for query in ("", "?recursive=false", "?recursive"):
            assert (await it.client.delete(f"/v1/cache/notes/ann/{query}")).status_code == 400
        assert (await it.client.delete("/v1/cache/notes/ann/?recursive=true")).json() == {"deleted": 2}
        assert (await it.client.get("/v1/cache/notes/anna/d")).status_code == 200
        assert (await it.client.delete("/v1/cache/notes/?recursive=true")).json() == {"deleted": 1}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/cache/notes/", 400),  # no key is empty, and there is no listing
        ("GET", "/v1/cache/notes/a/", 400),
        ("PUT", "/v1/cache/notes/", 400),
        ("GET", "/v1/cache/notes", 400),
        ("GET", "/v1/cache/", 400),
        ("GET", "/v1/cache", 404),
        ("GET", "/v1/cache/UPPER/a", 400),
        ("GET", "/v1/cache/notes/%FF", 400),
        ("GET", "/v1/cache/notes/%00", 400),
        ("GET", "/v1/cache/notes/..", 400),
        ("POST", "/v1/cache/notes/%00:touch", 400),
        ("POST", "/v1/cache/notes/:touch", 400),
        ("POST", "/v1/cache/notes/a", 405),
        ("POST", "/v1/cache/notes/a:Touch", 405),
        ("POST", "/v1/cache/notes/a%3Atouch", 405),
        ("POST", "/v1/cache:batch", 404),
        ("GET", "/v1/cache/connectors/ann/a", 422),
        ("GET", "/v1/cache/personal/a", 400),
        ("GET", "/v1/cache/notes/a?touch=5", 400),
        ("DELETE", "/v1/cache/notes/a?recursive=true", 400),
        ("PUT", "/v1/cache/notes/a?ttl=5", 400),
    ],
)
@asynchronous
async def test_requests_that_reach_nothing(method: str, path: str, status: int) -> None:
    async with service() as it:
        answer = await it.raw(method, path.encode(), {"content-type": "application/json"}, (b"{}",))
        assert (answer.status, answer.headers["content-type"]) == (status, PROBLEM)
        if status == 400:
            assert answer.json()["errors"][0]["loc"][0] == ("query" if "?" in path else "path")


@asynchronous
async def test_the_person_of_the_header_is_compared_where_the_path_names_one() -> None:
    async with service(keyspaces=[PERSONAL]) as it:
        ann = {"X-Unison-Person": "ann"}
        assert (await it.client.put("/v1/cache/personal/ann/x", json=1, headers=ann)).status_code == 204
        assert (await it.client.put("/v1/cache/notes/x", json=1, headers=ann)).status_code == 204
        for person, status in (("ann", 200), ("bob", 400), ("not a person", 400)):
            answer = await it.client.get("/v1/cache/personal/ann/x", headers={"X-Unison-Person": person})
            assert answer.status_code == status
            if status == 400:
                assert answer.json()["errors"][0]["loc"] == ["header", "x-unison-person"]


class Failing(ReferenceCache):
    async def get_many(self, addresses: Any) -> Any:
        raise Unavailable("no route to cache.internal")

    async def set_many(self, sets: Any) -> Any:
        return await self.get_many(sets)


@asynchronous
async def test_a_backend_that_fails_is_told_of_unless_the_keyspace_does_without_it() -> None:
    async with service(cache=Failing, keyspaces=[Keyspace(name="lossy", on_failure="degrade")]) as it:
        for method in ("GET", "PUT"):
            answer = await it.client.request(method, PATH, json=1)
            assert (answer.status_code, answer.json()["retryable"]) == (503, True)
            assert "internal" not in answer.text
        assert (await it.client.put("/v1/cache/lossy/a", json=1)).status_code == 204
        assert (await it.client.get("/v1/cache/lossy/a")).status_code == 404
