"""The stores over HTTP: handles that ask a gateway, so that laws of stores can be tried through it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from tests.gateway.service import TOKEN, settings_of
from unison_storage import Storage, errors
from unison_storage.errors import BatchFailed, StorageError
from unison_storage.profiles import Profile
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.values import ABSENT, ANY, KEEP, MISSING, PRESENT, Entry, ObjectInfo, Page, Stamp
from unison_storage_gateway import create_app

ABSENCE = 404


class Surface:
    """What has ``memory`` and ``objects`` as a storage has them."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.memory = Store(client, "memory", HttpMemory)
        self.objects = Store(client, "object", HttpObjects)


class Store:
    """A store: handles by namespace, and what is asked of a person."""

    def __init__(self, client: httpx.AsyncClient, kind: str, handle: Any) -> None:
        self._client = client
        self._kind = kind
        self._handle = handle

    def at(self, keyspace: str, *namespace: str, person: str | None = None) -> Any:
        return self._handle(self._client, (keyspace, *namespace), person)

    async def erase(self, person: str) -> int:
        return await self._erased(person, dry_run="false")

    async def owned(self, person: str) -> int:
        return await self._erased(person, dry_run="true")

    async def _erased(self, person: str, **query: str) -> int:
        path = f"/v1/persons/{quote(person, safe='')}:erase"
        found = answered(await self._client.post(path, params=query)).json()
        return int(found["kinds"][self._kind]["erased"])


class Handle:
    """What both stores have in common over HTTP: paths, headers, pages, deletes."""

    area = ""

    def __init__(self, client: httpx.AsyncClient, segments: tuple[str, ...], person: str | None) -> None:
        self._client = client
        self._segments = segments
        self._headers = {} if person is None else {"X-Unison-Person": person}

    def _path(self, *more: str) -> str:
        return "/".join((f"/v1/{self.area}", *(quote(part, safe="") for part in (*self._segments, *more))))

    async def _send(
        self, method: str, *key: str, below: bool = False, suffix: str = "", **given: Any
    ) -> httpx.Response:
        headers = {**self._headers, **given.pop("headers", {})}
        path = self._path(*key) + ("/" if below else suffix)
        return await self._client.request(method, path, headers=headers, **given)

    async def delete(self, key: str, *, expect: Any = ANY) -> bool:
        there = await self.exists(key)
        answered(await self._send("DELETE", key, headers=expected(expect)))
        return there

    async def delete_many(self, keys: Iterable[str], *, expect: Mapping[str, Any] | None = None) -> dict[str, bool]:
        expectations = expect or {}
        return await each(dict.fromkeys(keys), lambda key: self.delete(key, expect=expectations.get(key, ANY)))

    async def delete_prefix(self, *namespace: str) -> int:
        found = answered(await self._send("DELETE", *namespace, below=True, params={"recursive": "true"}))
        return int(found.json()["deleted"])

    async def count(self, *namespace: str) -> int:
        return len([one async for one in self.entries(*namespace)])

    async def keys(self, *namespace: str) -> AsyncIterator[str]:
        async for one in self.entries(*namespace):
            yield one.key

    async def page(
        self, *namespace: str, cursor: str | None = None, limit: int = 100, values: bool | None = None
    ) -> Page[Any]:
        query: dict[str, Any] = {"limit": limit}
        if cursor is not None:
            query["cursor"] = cursor
        if values is False:
            query["values"] = "false"
        found = answered(await self._send("GET", *namespace, below=True, params=query)).json()
        return Page(tuple(self._record(one) for one in found["items"]), found["cursor"])

    async def entries(self, *namespace: str, values: bool | None = None) -> AsyncIterator[Any]:
        cursor = None
        while True:
            found = await self.page(*namespace, cursor=cursor, values=values)
            for one in found.items:
                yield one
            if found.cursor is None:
                return
            cursor = found.cursor

    async def exists(self, key: str) -> bool:
        raise NotImplementedError

    def _record(self, members: Mapping[str, Any]) -> Any:
        raise NotImplementedError


class HttpMemory(Handle):
    """One namespace of memory."""

    area = "memory"

    async def put(self, key: str, value: Any, *, lifetime: Any = MISSING, expect: Any = ANY) -> Stamp:
        query = {} if lifetime is MISSING else {"lifetime": length(lifetime)}
        # not as `json=`, with which None would be no body at all
        headers = {"Content-Type": "application/json", **expected(expect)}
        answer = await self._send("PUT", key, content=msgspec.json.encode(value), params=query, headers=headers)
        stamp = answered(answer).json()
        assert answer.headers["etag"] == f'"{stamp["version"]}"'
        assert answer.status_code == (201 if stamp["created"] else 200)
        return Stamp(stamp["version"], *times(stamp), stamp["created"])

    async def get(self, key: str, *, touch: Any = MISSING) -> Entry[Any] | None:
        query = {} if touch is MISSING else {"touch": length(touch)}
        answer = await self._send("GET", key, params=query)
        if answer.status_code == ABSENCE:
            return None
        keyspace, *namespace = self._segments
        asked = {"op": "get", "keyspace": keyspace, "namespace": namespace, "key": key}
        batch = await self._client.post("/v1/memory:batch", json={"operations": [asked]}, headers=self._headers)
        [found] = answered(batch).json()["results"]
        entry = self._record(found)
        assert answered(answer).json() == entry.value
        assert answer.headers["etag"] == f'"{entry.version}"'
        return entry

    async def exists(self, key: str) -> bool:
        answer = await self._send("GET", key)
        return answer.status_code != ABSENCE and bool(answered(answer))

    async def touch(self, key: str, *, lifetime: float | None) -> bool:
        answer = await self._send("POST", key, suffix=":touch", json={"lifetime": lifetime})
        return answer.status_code != ABSENCE and bool(answered(answer))

    async def increment(self, key: str, by: int = 1, *, lifetime: Any = MISSING) -> int:
        given = {"by": by} if lifetime is MISSING else {"by": by, "lifetime": lifetime}
        return int(answered(await self._send("POST", key, suffix=":increment", json=given)).json()["value"])

    async def get_many(self, keys: Iterable[str], *, touch: Any = MISSING) -> dict[str, Entry[Any] | None]:
        return await each(dict.fromkeys(keys), lambda key: self.get(key, touch=touch))

    async def put_many(
        self, values: Mapping[str, Any], *, lifetime: Any = MISSING, expect: Mapping[str, Any] | None = None
    ) -> dict[str, Stamp]:
        expectations = expect or {}
        keyspace, *namespace = self._segments
        operations = [
            {
                "op": "put",
                "keyspace": keyspace,
                "namespace": namespace,
                "key": key,
                "value": value,
                **({} if lifetime is MISSING else {"lifetime": length(lifetime)}),
                **{name.lower().replace("-", "_"): one for name, one in expected(expectations.get(key, ANY)).items()},
            }
            for key, value in values.items()
        ]
        sent = await self._client.post("/v1/memory:batch", json={"operations": operations}, headers=self._headers)
        results: dict[str, Any] = {}
        for key, found in zip(values, answered(sent).json()["results"], strict=True):
            results[key] = (
                problem(found["problem"])
                if "problem" in found
                else Stamp(found["version"], *times(found), found["status"] == 201)
            )
        return whole(results)

    async def touch_many(self, keys: Iterable[str], *, lifetime: float | None) -> dict[str, bool]:
        return await each(dict.fromkeys(keys), lambda key: self.touch(key, lifetime=lifetime))

    async def increment_many(self, amounts: Mapping[str, int], *, lifetime: Any = MISSING) -> dict[str, int]:
        return await each(amounts, lambda key: self.increment(key, amounts[key], lifetime=lifetime))

    def _record(self, members: Mapping[str, Any]) -> Entry[Any]:
        return Entry(
            tuple(members["namespace"]),
            members["key"],
            members.get("value"),
            members["version"],
            *times(members),
            members["person"],
        )


class HttpObjects(Handle):
    """One namespace of objects."""

    area = "objects"

    async def put(
        self,
        key: str,
        source: Any,
        *,
        content_type: str = "application/octet-stream",
        lifetime: Any = MISSING,
        expect: Any = ANY,
        sha256: bytes | None = None,
    ) -> ObjectInfo:
        digest = {} if sha256 is None else {"Content-Digest": f"sha-256=:{b64encode(sha256).decode()}:"}
        answer = await self._send(
            "PUT",
            key,
            content=source,
            params={} if lifetime is MISSING else {"lifetime": length(lifetime)},
            headers={"Content-Type": content_type, **digest, **expected(expect)},
        )
        info = self._record(answered(answer).json())
        assert answer.headers["etag"] == f'"{info.version}"'
        return info

    async def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes | None:
        info = await self.head(key)
        if info is None:
            return None
        first, last = min(start, info.size), info.size if end is None else min(end, info.size)
        if first >= last:
            return b""
        headers = {} if (first, last) == (0, info.size) else {"Range": f"bytes={first}-{last - 1}"}
        answer = answered(await self._send("GET", key, headers=headers))
        assert answer.status_code == (206 if headers else 200)
        return answer.content

    async def head(self, key: str) -> ObjectInfo | None:
        answer = await self._send("HEAD", key)
        if answer.status_code == ABSENCE:
            return None
        found = [one async for one in self.entries() if one.key == key and one.namespace == self._segments[1:]]
        assert len(found) == 1
        assert answered(answer).headers["etag"] == f'"{found[0].version}"'
        assert answer.headers["content-length"] == str(found[0].size)
        return found[0]  # type: ignore[no-any-return]

    async def exists(self, key: str) -> bool:
        return (await self._send("HEAD", key)).status_code != ABSENCE

    async def head_many(self, keys: Iterable[str]) -> dict[str, ObjectInfo | None]:
        return await each(dict.fromkeys(keys), self.head)

    async def copy(self, key: str, to: HttpObjects, to_key: str, *, expect: Any = ANY) -> ObjectInfo:
        keyspace, *namespace = to._segments
        given = {"keyspace": keyspace, "namespace": namespace, "key": to_key}
        return self._record(
            answered(await self._send("POST", key, suffix=":copy", json=given, headers=expected(expect))).json()
        )

    def _record(self, members: Mapping[str, Any]) -> ObjectInfo:
        plain = {name: one for name, one in members.items() if not name.endswith("_at")}
        made, changed, ends = times(members)
        plain["namespace"] = tuple(plain["namespace"])
        return ObjectInfo(**plain, created_at=made, updated_at=changed, expires_at=ends)


def expected(expect: Any) -> dict[str, str]:
    """Return an expectation as headers."""
    if expect is ANY:
        return {}
    if expect is ABSENT:
        return {"If-None-Match": "*"}
    return {"If-Match": "*" if expect is PRESENT else f'"{expect}"'}


def length(lifetime: Any) -> str:
    """Return a lifetime as a query has it."""
    return "keep" if lifetime is KEEP else "none" if lifetime is None else repr(lifetime)


def times(members: Mapping[str, Any]) -> tuple[datetime, datetime, datetime | None]:
    """Return when something was made, was changed, and will expire."""
    ends = members["expires_at"]
    made, changed = (datetime.fromisoformat(members[name]) for name in ("created_at", "updated_at"))
    return made, changed, None if ends is None else datetime.fromisoformat(ends)


def answered(answer: httpx.Response) -> httpx.Response:
    """Return the answer, or raise the error that its problem names."""
    if answer.is_success:
        return answer
    raise problem(answer.json())


def problem(members: Mapping[str, Any]) -> StorageError:
    """Return the error of core that a problem is."""
    name = "".join(word.capitalize() for word in members["type"].removeprefix("/problems/").split("-"))
    made: StorageError = getattr(errors, name, StorageError)(members["detail"], retryable=members["retryable"])
    return made


async def each(keys: Iterable[str], ask: Any) -> dict[str, Any]:
    """Ask for each key, one after the other."""
    results: dict[str, Any] = {}
    for key in keys:
        try:
            results[key] = await ask(key)
        except StorageError as error:
            results[key] = error
    return whole(results)


def whole(results: dict[str, Any]) -> dict[str, Any]:
    """Return the results; ``BatchFailed`` with all of them if any is an error."""
    failed: Sequence[StorageError] = [one for one in results.values() if isinstance(one, StorageError)]
    if failed:
        raise BatchFailed(f"{len(failed)} of {len(results)} failed", results=results)
    return results


@asynccontextmanager
async def gateway(clock: Any) -> AsyncIterator[Surface]:
    """Open a gateway in front of reference backends that go by a clock."""
    backends = ReferenceMemory(clock), ReferenceBlobs(clock), ReferenceObjectIndex(clock)
    storage = Storage(memory=backends[0], object=backends[1], object_index=backends[2], profile="test", clock=clock)
    app = create_app(storage, settings_of(Profile.TEST, TOKEN, None))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    transport = httpx.ASGITransport(app)
    async with storage, httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield Surface(client)
