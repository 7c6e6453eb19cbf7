"""Bookmarks over HTTP: a write answers them, and whatever names them waits until they are seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pytest

from tests.gateway.service import PROBLEM, asynchronous, service
from unison_storage.capabilities import Capability
from unison_storage.errors import DeadlineExceeded, InvalidValue
from unison_storage.reference.graph import ReferenceGraph

HEADER = "X-Unison-Bookmarks"
NODE = "/v1/graph/nodes/Device/d1"
WRITES: Sequence[tuple[str, str, object]] = [
    ("PUT", NODE, {"properties": {}}),
    ("POST", "/v1/graph/nodes", {"nodes": [{"label": "Device", "id": "d2"}]}),
    ("POST", "/v1/graph/edges", {"edges": []}),
    ("POST", "/v1/graph/edges:delete", {"edges": []}),
    ("POST", "/v1/graph/nodes:delete", {"nodes": [{"label": "Device", "id": "d2"}]}),
    ("DELETE", NODE, None),
    ("DELETE", "/v1/graph/?recursive=true", None),
]
READS: Sequence[tuple[str, str, object]] = [
    ("GET", NODE, None),
    ("GET", f"{NODE}/neighbors", None),
    ("GET", "/v1/graph:stats", None),
    ("POST", "/v1/graph/nodes:get", {"nodes": [{"label": "Device", "id": "d1"}]}),
    ("POST", "/v1/graph:traverse", {"starts": [{"label": "Device", "id": "d1"}]}),
]


class Marked(ReferenceGraph):
    """A graph whose bookmarks are numbers; it has caught up with those up to ``reached``."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.BOOKMARKS})
    reached = 5
    seen: Sequence[str] = ()

    async def bookmarks(self) -> Sequence[str]:
        return ["3", "4"]

    async def catch_up(self, bookmarks: Sequence[str]) -> None:
        self.seen = bookmarks
        if not all(one.isdecimal() for one in bookmarks):
            raise InvalidValue("that is no bookmark")
        if any(int(one) > self.reached for one in bookmarks):
            raise DeadlineExceeded("the server fell behind for too long")


@asynchronous
async def test_a_write_answers_bookmarks_and_a_read_none() -> None:
    async with service(graph=Marked) as it:
        for method, path, body in WRITES:
            answer = await it.client.request(method, path, json=body)
            assert answer.is_success
            assert answer.headers[HEADER] == "3,4"
        for method, path, body in READS:
            assert HEADER not in (await it.client.request(method, path, json=body)).headers


@asynchronous
async def test_whatever_names_bookmarks_waits_for_them() -> None:
    async with service(graph=Marked) as it:
        await it.client.put(NODE, json={})
        for method, path, body in (*READS, *WRITES):
            it.graph.seen = ()  # type: ignore[attr-defined]
            answer = await it.client.request(method, path, json=body, headers={HEADER: "5, 4,5"})
            assert answer.status_code < 500
            assert it.graph.seen == ["5", "4"]  # type: ignore[attr-defined]
            late = await it.client.request(method, path, json=body, headers={HEADER: "6"})
            assert late.status_code == 504


@asynchronous
@pytest.mark.parametrize("header", ["", "nothing", "3,,4", "a b", "x" * 600])
async def test_what_is_no_bookmark_is_bad_input_and_nothing_is_done(header: str) -> None:
    async with service(graph=Marked) as it:
        answer = await it.client.put(NODE, json={}, headers={HEADER: header})
        assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
        assert "bookmark" in answer.text
        assert HEADER.lower() in answer.text
        assert HEADER not in answer.headers
        assert (await it.client.get(NODE)).status_code == 404


@asynchronous
async def test_who_may_not_read_waits_for_nothing() -> None:
    async with service(graph=Marked) as it:
        answer = await it.client.get(NODE, headers={HEADER: "1", "Authorization": "Bearer nobody"})
        assert answer.status_code == 401
        assert it.graph.seen == ()  # type: ignore[attr-defined]


@asynchronous
async def test_a_graph_without_bookmarks_says_so() -> None:
    async with service() as it:
        assert HEADER not in (await it.client.put(NODE, json={})).headers
        assert (await it.client.get(NODE, headers={HEADER: "1"})).status_code == 501
