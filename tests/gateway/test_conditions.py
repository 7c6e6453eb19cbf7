from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.service import PROBLEM, asynchronous, service
from unison_storage.errors import InvalidValue, VersionConflict
from unison_storage.values import ABSENT, ANY, PRESENT
from unison_storage_gateway import conditions

ANOTHER = '"never.minted"'
# condition, then the status of PUT where nothing is and where something is, and of DELETE likewise
TABLE: list[tuple[dict[str, str], tuple[int, int, int, int]]] = [
    ({}, (201, 200, 204, 204)),
    ({"If-None-Match": "*"}, (201, 412, 400, 400)),
    ({"If-Match": "*"}, (412, 200, 412, 204)),
    ({"If-Match": "current"}, (412, 200, 412, 204)),
    ({"If-Match": "weak"}, (412, 412, 412, 412)),
    ({"If-Match": ANOTHER}, (412, 412, 412, 412)),
    ({"If-Match": '"a", "b"'}, (400, 400, 400, 400)),
    ({"If-Match": "unquoted"}, (400, 400, 400, 400)),
    ({"If-Match": '"é\';drop"'}, (412, 412, 412, 412)),
    ({"If-None-Match": ANOTHER}, (400, 400, 400, 400)),
    ({"If-Match": "*", "If-None-Match": "*"}, (400, 400, 400, 400)),
]


@pytest.mark.parametrize("kind", ["memory", "objects"])
@pytest.mark.parametrize(("given", "statuses"), TABLE)
@asynchronous
async def test_conditional_writes(kind: str, given: dict[str, str], statuses: tuple[int, ...]) -> None:
    async with service() as it:
        found = []
        for method in ("PUT", "DELETE"):
            for there in (False, True):
                path = f"/v1/{kind}/notes/{method}-{there}"
                version = "never"
                if there:
                    version = (await it.client.put(path, content="1")).json()["version"]
                named = {"current": f'"{version}"', "weak": f'W/"{version}"'}
                headers = {name: named.get(value, value).encode("latin-1") for name, value in given.items()}
                content = b"2" if method == "PUT" else None
                answer = await it.client.request(method, path, content=content, headers=_typed(headers))
                found.append(answer.status_code)
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == PROBLEM
                    after = await it.client.get(path)
                    assert after.status_code == (200 if there else 404)
                    assert not there or after.content == b"1"
        assert tuple(found) == statuses


def _typed(headers: dict[str, bytes]) -> Any:
    return [(name.encode(), value) for name, value in headers.items()]


@pytest.mark.parametrize("kind", ["memory", "objects"])
@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("current", 304),
        ("weak", 304),
        ("*", 304),
        (ANOTHER, 200),
        ("several", 304),
        ("nonsense", 400),
    ],
)
@asynchronous
async def test_what_the_client_has_is_not_sent_again(kind: str, given: str, status: int) -> None:
    async with service() as it:
        path = f"/v1/{kind}/notes/a"
        tag = (await it.client.put(path, content="1")).headers["etag"]
        named = {"current": tag, "weak": f"W/{tag}", "several": f"{ANOTHER} , {tag}"}
        answer = await it.client.get(path, headers={"If-None-Match": named.get(given, given)})
        assert answer.status_code == status
        assert status != 304 or (answer.content == b"" and answer.headers["etag"] == tag)


def test_expectations() -> None:
    assert conditions.expected({}) is ANY
    assert conditions.expected({"if-match": " * "}) is PRESENT
    assert conditions.expected({"if-none-match": "*"}) is ABSENT
    assert conditions.expected({"if-match": ' "v.1" '}) == "v.1"


@pytest.mark.parametrize("text", ["", "canary", '"canary', 'canary"', '"a" "canary"', 'w/"canary"'])
def test_malformed_tags_are_bad_input(text: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        conditions.expected({"if-match": text})
    assert "canary" not in refused.value.message


def test_if_match_of_a_read_compares_strongly() -> None:
    conditions.check_match({"if-match": '"a", "v"'}, "v")
    conditions.check_match({"if-match": "*"}, "v")
    with pytest.raises(VersionConflict):
        conditions.check_match({"if-match": 'W/"v"'}, "v")


@asynchronous
async def test_of_writers_that_expect_one_version_one_wins() -> None:
    import asyncio

    async with service() as it:
        tag = (await it.client.put("/v1/memory/notes/a", content="0")).headers["etag"]
        writes = [it.client.put("/v1/memory/notes/a", json=n, headers={"If-Match": tag}) for n in range(20)]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*writes))
        assert statuses == [200, *[412] * 19]
