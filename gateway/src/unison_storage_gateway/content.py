"""The content of an object as a response: conditions, ranges, and bytes that are sent only when they are sure.

Which object it is, and who may read it, is decided before (``objects``).
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Final, cast

from msgspec import Struct
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from unison_storage.errors import NotFound, TransactionConflict
from unison_storage.stores.body import Body, Opening
from unison_storage.values import ObjectInfo
from unison_storage_gateway import conditions, ranges, records
from unison_storage_gateway.intake import ClientGone
from unison_storage_gateway.problems import MISSING, Refused, named

SEND_SECONDS: Final = 60.0
"""How long a client may take to accept one chunk."""
_TRIES: Final = 5
_UNSATISFIABLE: Final = named("Range not satisfiable", 416, "no byte of the object lies in the range")


class Verdict(Struct, frozen=True):
    """What conditions and range come to, for one version of the object."""

    status: int
    start: int
    end: int


def judged(info: ObjectInfo, request: Mapping[str, str], *, ranged: bool) -> Verdict:
    """Return what is to be sent; ``Refused`` where the range, ``VersionConflict`` where a condition fails."""
    conditions.check_match(request, info.version)
    if conditions.not_modified(request, info.version):
        return Verdict(304, 0, 0)
    wanted = request.get("range") if ranged and conditions.range_holds(request, info.version) else None
    try:
        part = ranges.span(wanted, info.size)
    except ranges.Unsatisfiable:
        headers = {"Content-Range": f"bytes */{info.size}", "Accept-Ranges": "bytes"}
        raise Refused(_UNSATISFIABLE, headers) from None
    return Verdict(200, 0, info.size) if part is None else Verdict(206, part.start, part.end)


def headers_of(info: ObjectInfo, verdict: Verdict) -> dict[str, str]:
    """Return the headers of the answer. What is stored is never rendered: it may be a page of somebody's making."""
    headers = {"ETag": conditions.etag(info.version), "Accept-Ranges": "bytes"}
    if info.expires_at is not None:
        headers["Expires-At"] = records.rfc3339(info.expires_at)
    if verdict.status == 304:
        return headers
    headers |= {
        "Content-Type": info.content_type,
        "Content-Length": str(verdict.end - verdict.start),
        "Content-Disposition": "attachment",
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(info.sha256)).decode()}:",
        "X-Unison-Object-Id": info.id,
    }
    if verdict.status == 206:
        headers["Content-Range"] = f"bytes {verdict.start}-{verdict.end - 1}/{info.size}"
    return headers


class Content(Response):
    """Sends an object, or the part that was asked for. It is opened while it is sent, and closed whatever comes."""

    def __init__(self, opened: Callable[[int, int | None], Opening], id: str | None = None) -> None:
        self._opened = opened
        self._id = id
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open what conditions and range come to; the object may become another one between two looks at it."""
        request = Headers(scope=scope)
        start, end = 0, cast("int | None", None)
        for _ in range(_TRIES):
            try:
                async with self._opened(start, end) as body:
                    if self._id is not None and body.info.id != self._id:
                        raise Refused(MISSING)
                    verdict = judged(body.info, request, ranged=scope["method"] == "GET")
                    if verdict.status == 304 or (verdict.start, verdict.end) == (body.start, body.end):
                        await _send(body, verdict, receive, send, bare=scope["method"] == "HEAD")
                        return
            except NotFound:
                raise Refused(MISSING) from None
            start, end = verdict.start, verdict.end
        raise TransactionConflict("the object keeps changing", kind="object", operation="open")


async def _send(body: Body, verdict: Verdict, receive: Receive, send: Send, *, bare: bool) -> None:
    headers = headers_of(body.info, verdict)
    opening = {
        "type": "http.response.start",
        "status": verdict.status,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    if bare or verdict.status == 304:
        await send(opening)
        await send({"type": "http.response.body", "body": b""})
        return
    async with aclosing(cast("AsyncGenerator[bytes, None]", aiter(body))) as chunks:
        # the last chunk is held back until the whole has proved to be intact: with all bytes of Content-Length in hand
        # a client takes the answer for complete; and damage that shows at once still makes a proper problem
        held, following = await anext(chunks, b""), await anext(chunks, None)
        await send(opening)
        watch = asyncio.ensure_future(_gone(receive))
        try:
            while following is not None:
                await _offer(send, held, more=True)
                if watch.done():
                    raise ClientGone
                held, following = following, await anext(chunks, None)
            await _offer(send, held, more=False)
        finally:
            watch.cancel()


async def _offer(send: Send, chunk: bytes, *, more: bool) -> None:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": chunk, "more_body": more})
    except TimeoutError:
        raise ClientGone from None


async def _gone(receive: Receive) -> None:
    """Return when the client has closed the connection; some servers swallow what is sent after that."""
    while (await receive())["type"] != "http.disconnect":
        pass
