from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.service import TOKEN, asynchronous, bearer, call, service
from unison_storage.errors import InvalidKey
from unison_storage_gateway.paths import Address, address, below, raw_path, segment

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(st.lists(TEXTS, min_size=2, max_size=6))
def test_an_encoded_address_is_read_back(parts: list[str]) -> None:
    keyspace, *namespace, key = parts
    encoded = "/".join(quote(part, safe="") for part in parts)
    assert address(encoded) == Address(keyspace, tuple(namespace), key)
    assert below(encoded) == (keyspace, (*namespace, key))


@pytest.mark.parametrize(
    "encoded", ["%", "%4", "a%zzb", "%-1", "%C3", "%ff", "%ED%A0%80", "%C0%AF", "\u00e9", "a%u0041"]
)
def test_what_is_no_percent_encoded_utf_8_is_refused(encoded: str) -> None:
    with pytest.raises(InvalidKey) as refused:
        segment(encoded)
    assert encoded not in refused.value.message


@pytest.mark.parametrize("encoded", ["", "notes", "/key"])
def test_an_address_has_a_keyspace_and_a_key(encoded: str) -> None:
    with pytest.raises(InvalidKey):
        address(encoded)


@pytest.mark.parametrize(
    ("root", "raw", "path"),
    [
        ("", b"/v1/memory/a%2Fb", "/v1/memory/a%2Fb"),
        ("", b"/v1/a?touch=1", "/v1/a"),
        ("/api", b"/api/v1/a%2Fb", "/v1/a%2Fb"),
        ("/api/", b"/api/v1/a", "/v1/a"),
        ("/my api", b"/my%20api/v1/a%20b", "/v1/a%20b"),
        ("/a/b", b"/a/b/v1/a/b", "/v1/a/b"),
        ("/api", b"/v1/memory/api", "/v1/memory/api"),
        ("/api", b"/apis/v1", "/apis/v1"),
        ("/api", b"/api", "/"),
    ],
)
def test_mount_point_and_query_are_no_part_of_the_path(root: str, raw: bytes, path: str) -> None:
    assert raw_path({"root_path": root, "raw_path": raw, "path": "?"}) == path


def test_a_server_without_raw_path_is_served_as_well_as_can_be() -> None:
    assert raw_path({"path": "/v1/memory/a b"}) == "/v1/memory/a%20b"


def test_each_mount_point_is_cut_off_anew() -> None:
    scope = {"root_path": "", "raw_path": b"/api/v1/a", "path": "/api/v1/a"}
    assert raw_path(scope) == "/api/v1/a"
    scope["root_path"] = "/api"
    assert raw_path(scope) == "/v1/a"


@pytest.mark.parametrize(
    "path", [b"/v1/memory/notes/%", b"/v1/memory/notes/%FF", b"/v1/memory/notes/a%0Ab", b"/v1/memory/notes/.."]
)
@asynchronous
async def test_a_bad_path_is_bad_input(path: bytes) -> None:
    async with service() as it:
        answer = await it.raw("GET", path)
        assert answer.status == 400
        assert answer.json()["type"] == "/problems/invalid-key"
        assert answer.json()["errors"][0]["loc"] == ["path"]


@asynchronous
async def test_bytes_outside_of_ascii_are_bad_input() -> None:
    async with service() as it:
        answer = await call(it.app, "GET", b"/v1/memory/notes/\xc3\xa9", bearer(TOKEN))
        assert answer.status == 400
