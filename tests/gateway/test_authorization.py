from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.service import asynchronous, bearer, service
from tests.gateway.two_persons import ALL, CANARY, NODE, bodies, contents, fill, operations, two_persons
from unison_storage import AccessDenied, Keyspace
from unison_storage_gateway import authorize
from unison_storage_gateway.principals import PERMISSIONS, Principal
from unison_storage_gateway.problems import MISSING, Refused

pytestmark = pytest.mark.once

OWN = Keyspace(name="personal", person_scoped=True)
SHARED = Keyspace(name="shared")


def allowed(principal: Principal, permission: str, keyspace: Keyspace | None, person: str | None) -> str:
    try:
        authorize(principal, permission, keyspace, person)
    except AccessDenied:
        return "no"
    except Refused as refused:
        return "missing" if refused.problem == MISSING else "?"
    return "yes"


@pytest.mark.parametrize("permission", sorted(PERMISSIONS))
def test_the_default_is_no(permission: str) -> None:
    nobody = Principal("p", None, frozenset())
    others = Principal("p", None, PERMISSIONS - {permission})
    assert allowed(nobody, permission, OWN, "ann") == allowed(others, permission, OWN, "ann") == "no"


@pytest.mark.parametrize(
    ("permission", "keyspace", "person", "limited", "anybody"),
    [
        ("memory:read", OWN, "ann", "yes", "yes"),
        ("memory:read", OWN, "bob", "missing", "yes"),
        ("memory:read", OWN, None, "missing", "yes"),
        ("memory:read", SHARED, None, "no", "yes"),
        ("memory:read", SHARED, "ann", "no", "yes"),
        ("graph:read", None, None, "no", "yes"),
        ("graph:read", OWN, "ann", "no", "yes"),
        ("erase", None, "ann", "yes", "yes"),
        ("erase", None, "bob", "missing", "yes"),
        ("metrics:read", None, None, "yes", "yes"),
    ],
)
def test_decisions(permission: str, keyspace: Keyspace | None, person: str | None, limited: str, anybody: str) -> None:
    assert allowed(Principal("p", frozenset(("ann",)), ALL), permission, keyspace, person) == limited
    assert allowed(Principal("p", None, ALL), permission, keyspace, person) == anybody


ADDRESSES = st.sampled_from(
    [
        *(
            "personal/ann/entry",
            "personal/ann/deep/count",
            "personal/ann",
            "personal/ann/absent",
            "personal/%61nn/entry",
        ),
        *("personal", "personal/bob%2F..%2Fann/entry", "personal/bob/../ann/entry", "personal/ann%1Fentry/x"),
        *("personal/ann%00/entry", "personal/ANN/entry", "shared/entry", "shared", "shared/ann/entry", "unknown/x"),
        *("id", "shared-id", "ann", "..", "%", ""),
    ]
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "X-Unison-Person": st.sampled_from(["ann", "bob", "", "ann, bob"]),
        "If-Match": st.sampled_from(["*", '"x"']),
        "If-None-Match": st.just("*"),
        "Range": st.just("bytes=0-3"),
    },
)
QUERIES = st.sampled_from(
    [
        *("", "?recursive=true", "?touch=5", "?lifetime=5", "?limit=1", "?values=false"),
        *("?detach=true", "?space=ann", "?direction=both", "?dry_run=true"),
    ]
)
NODES = st.sampled_from(["Person/ann", "Device/d", "Device/%64", "Device/absent", "Person/bob", "X/ann", "Person/%FF"])


def test_nothing_crosses_from_one_person_to_another(tmp_path: Path) -> None:
    tokens = two_persons(tmp_path)

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(ADDRESSES, NODES, HEADERS, QUERIES), min_size=3, max_size=6))
    @asynchronous
    async def fuzz(attempts: list[tuple[str, str, dict[str, str], str]]) -> None:
        async with service(tokens=tokens) as it:
            names = await fill(it)
            before = await contents(it)
            for address, node, headers, query in attempts:
                known = address.replace("shared-id", names["shared"]) if "-id" in address else address
                known = names["id"] if known == "id" else known
                for method, path in operations(it.app):
                    target = path.replace("{address}", known).replace(NODE, node) + query
                    answer = await it.client.request(
                        method, target, headers={**bearer("bob"), **headers}, json=bodies(path)
                    )
                    assert CANARY not in answer.text, (method, target)
                    assert names["version"] not in answer.text, (method, target)
                    assert answer.status_code < 500, (method, target)
            assert await contents(it) == before

    fuzz()


def test_what_belongs_to_another_looks_as_what_is_missing(tmp_path: Path) -> None:
    tokens = two_persons(tmp_path)

    @asynchronous
    async def check() -> None:
        async with service(tokens=tokens) as it:
            names = await fill(it)
            missing = await it.client.get("/v1/memory/personal/bob/absent", headers=bearer("bob"))
            assert (missing.status_code, missing.json()) == (404, MISSING.shown())
            of_object = await it.client.get("/v1/objects/personal/bob/absent", headers=bearer("bob"))
            assert of_object.content == missing.content
            for method, path in operations(it.app):
                if path.endswith(":batch") or path.startswith("/v1/graph"):
                    continue
                own = {"/v1/objects:by-id/{address}": names["id"], "/v1/persons/{address}:erase": "ann"}
                for key in ("entry", "absent"):
                    target = path.replace("{address}", own.get(path, f"personal/ann/{key}"))
                    for more in ({}, {"X-Unison-Person": "bob"}, {"X-Unison-Person": "ann"}):
                        headers = {**bearer("bob"), **more}
                        answer = await it.client.request(method, target, headers=headers, json=bodies(path))
                        assert answer.status_code == 404, (method, target)
                        assert method == "HEAD" or answer.content == missing.content, (method, target)
                        assert {*answer.headers} == {*missing.headers}
            # where an object lies can't be told from its id, whichever rule hides it
            for id in (names["shared"], "0" * 32):
                answer = await it.client.get(f"/v1/objects:by-id/{id}", headers=bearer("bob"))
                assert answer.content == missing.content

    check()


def test_a_token_that_is_limited_to_persons_reaches_nothing_of_the_graph(tmp_path: Path) -> None:
    tokens = two_persons(tmp_path)

    @asynchronous
    async def check() -> None:
        async with service(tokens=tokens) as it:
            await fill(it)
            asked = [one for one in operations(it.app) if one[1].startswith("/v1/graph")]
            assert len(asked) == 15
            answers = set()
            for method, path in asked:
                for node in ("Person/ann", "Device/absent", "X/y"):
                    for token, person in (("ann", {}), ("ann", {"X-Unison-Person": "ann"}), ("bob", {})):
                        target = path.replace(NODE, node)
                        headers = {**bearer(token), **person}
                        answer = await it.client.request(method, target, headers=headers, json=bodies(path))
                        assert answer.status_code == 403, (method, target)
                        answers.add(answer.json()["detail"])
            assert answers == {"this token is limited to persons, and the graph is not divided by person"}

    check()


def test_what_a_token_may_not_do_is_forbidden(tmp_path: Path) -> None:
    tokens = two_persons(tmp_path)

    @asynchronous
    async def check() -> None:
        async with service(tokens=tokens) as it:
            names = await fill(it)
            shared = await it.client.get("/v1/memory/shared/entry", headers=bearer("ann"))
            assert (shared.status_code, shared.json()["type"]) == (403, "/problems/access-denied")
            for method, path, status in (
                ("GET", "/v1/memory/shared/entry", 200),
                ("GET", "/v1/memory/shared/entry?touch=5", 403),
                ("PUT", "/v1/memory/shared/entry", 403),
                ("DELETE", "/v1/memory/shared/entry", 403),
                ("DELETE", "/v1/memory/shared/?recursive=true", 403),
                ("POST", "/v1/memory/shared/entry:increment", 403),
                ("POST", "/v1/memory/shared/entry:touch", 403),
                ("GET", "/v1/objects/shared/entry", 200),
                ("GET", f"/v1/objects:by-id/{names['shared']}", 200),
                ("PUT", "/v1/objects/shared/entry", 403),
                ("DELETE", "/v1/objects/shared/entry", 403),
                ("POST", "/v1/objects/shared/entry:copy", 403),
                ("POST", "/v1/persons/ann:erase", 403),
                ("POST", "/v1/persons/ann:erase?dry_run=true", 403),
                ("GET", "/v1/cache/shared/entry", 200),
                ("PUT", "/v1/cache/shared/entry", 403),
                ("DELETE", "/v1/cache/shared/entry", 403),
                ("DELETE", "/v1/cache/shared/?recursive=true", 403),
                *(
                    ("POST", f"/v1/cache/shared/entry:{action}", 403)
                    for action in ("add", "touch", "increment", "acquire", "renew", "release")
                ),
                ("PUT", "/v1/graph/nodes/Device/d", 403),
                ("GET", "/v1/graph/nodes/Device/d", 200),
                ("DELETE", "/v1/graph/nodes/Device/d?detach=true", 403),
                ("GET", "/v1/graph/nodes/Device/d/neighbors", 200),
                ("DELETE", "/v1/graph/?recursive=true", 403),
                ("GET", "/v1/graph:stats", 200),
                *(("POST", f"/v1/graph:{action}", 200) for action in ("traverse", "path", "find")),
                *(
                    ("POST", f"/v1/graph/{items}{action}", 200 if action == ":get" else 403)
                    for items in ("nodes", "edges")
                    for action in ("", ":get", ":delete")
                ),
            ):
                answer = await it.client.request(method, path, headers=bearer("reader"), json=bodies(path))
                assert answer.status_code == status, (method, path)

    check()


def test_a_person_reaches_what_is_its_own(tmp_path: Path) -> None:
    tokens = two_persons(tmp_path)

    @asynchronous
    async def check() -> None:
        async with service(tokens=tokens) as it:
            names = await fill(it)
            ann = bearer("ann")
            assert (await it.client.get("/v1/memory/personal/ann/entry", headers=ann)).json() == CANARY
            assert (await it.client.get("/v1/objects/personal/ann/entry", headers=ann)).text == CANARY
            assert (await it.client.get("/v1/cache/personal/ann/entry", headers=ann)).json() == CANARY
            assert (await it.client.get("/v1/cache/shared/entry", headers=ann)).status_code == 403
            assert (await it.client.get(f"/v1/objects:by-id/{names['id']}", headers=ann)).text == CANARY
            listed = await it.client.get("/v1/memory/personal/ann/", headers=ann)
            assert [item["person"] for item in listed.json()["items"]] == ["ann", "ann"]
            copied = await it.client.post(
                "/v1/objects/personal/ann/entry:copy", json={"namespace": ["bob"], "key": "x"}, headers=ann
            )
            assert copied.status_code == 404
            named = await it.client.get("/v1/memory/personal/ann/entry", headers={**ann, "X-Unison-Person": "bob"})
            assert named.status_code == 404
            assert (
                await it.client.get(f"/v1/memory/personal/{quote('ann', safe='')}/", headers=ann)
            ).status_code == 200

    check()
