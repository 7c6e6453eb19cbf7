"""Laws of objects as a caller of the store meets them: blobs and index together. Each half stands in its own module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

from unison_storage.errors import AlreadyExists, InvalidValue, NotFound, StorageError, VersionConflict
from unison_storage.values import ABSENT, PRESENT
from unison_storage_conformance.confusable import BYTES
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.blobs import PATTERN, stream
from unison_storage_conformance.outcomes import broken, holds, same
from unison_storage_conformance.store_ground import StoreGround

TYPE = 'text/plain; charset="utf-8"'


async def refused(call: Any, error: type[StorageError], message: str) -> None:
    """Say that the law is broken unless a call raises that error."""
    try:
        found = await call
    except error:
        return
    except StorageError as other:
        broken(message, expected=error.__name__, found=other)
    broken(message, expected=error.__name__, found=found)


@law("objects.1", face="store")
async def bytes_come_back_as_they_were_put(ground: StoreGround) -> None:
    files = ground.objects("a")
    contents = [*BYTES, PATTERN, PATTERN * 3 + b"end"]
    for number, content in enumerate(contents):
        await files.put(str(number), content)
    for number, content in enumerate(contents):
        holds(await files.get(str(number)) == content, "a get answers what was put", expected=f"{len(content)} bytes")
    same(
        (await files.get("none"), await files.head("none"), await files.exists("none")), (None, None, False), "nothing"
    )
    cases: list[list[bytes]] = [
        [],
        [b""],
        [b"a", b"", b"b"],
        [PATTERN[at : at + 999] for at in range(0, 9_990, 999)],
        [PATTERN] * 3,
    ]
    for chunks in cases:
        await files.put("chunks", stream(chunks))
        content = b"".join(chunks)
        holds(
            await files.get("chunks") == content, f"a get after {len(chunks)} chunks", expected=f"{len(content)} bytes"
        )


@law("objects.2", face="store")
async def ranges_are_half_open_and_clipped(ground: StoreGround) -> None:
    files = ground.objects("a")
    for name, content in (("empty", b""), ("digits", b"0123456789"), ("large", PATTERN)):
        await files.put(name, content)
        size = len(content)
        edges = sorted({0, 1, 5, max(size - 1, 0), size, size + 1, 262_144, 10**9})
        for start in edges:
            for end in (None, *(edge for edge in edges if edge >= start)):
                found = await files.get(name, start=start, end=end)
                holds(
                    found == content[start:end],
                    f"bytes {start} to {end} of {size}",
                    expected=content[start:end],
                    found=found,
                )


@law("objects.3", face="store")
async def what_is_told_is_that_of_the_last_put(ground: StoreGround) -> None:
    files, person = ground.objects("a"), ground.person()
    own = ground.objects("a", person=person)
    put = await files.put("k", b"before", content_type="a/b")
    for content in (b"", b"x", PATTERN):
        put = await own.put("k", content, content_type=TYPE, lifetime=50 * ground.tick)
        info = await files.head("k")
        for found in (put, info):
            facts = (found.key, found.size, found.sha256, found.content_type, found.person)
            same(facts, ("k", len(content), sha256(content).hexdigest(), TYPE, person), "what is told of an object")
            holds(found.expires_at is not None, "an object that has a lifetime tells its end")
        same(
            (info.version, info.id, info.created_at, info.updated_at),
            (put.version, put.id, put.created_at, put.updated_at),
            "a head tells what the put told",
        )
    left = [one async for one in files.entries()]
    same(
        [(one.key, one.version, one.size, one.content_type) for one in left],
        [("k", put.version, len(PATTERN), TYPE)],
        "and so does a listing",
    )


@law("objects.4", face="store")
async def expectations_hold_or_refuse(ground: StoreGround) -> None:
    files = ground.objects("a")
    first = await files.put("k", b"1", expect=ABSENT)
    second = await files.put("k", b"2", expect=first.version)
    same((first.created, second.created), (True, False), "whether a put has made the object")
    for expect, error in ((ABSENT, AlreadyExists), (first.version, VersionConflict), ("never", VersionConflict)):
        await refused(files.put("k", b"3", expect=expect), error, f"a put that expects {expect}")
        same(await files.get("k"), b"2", "a put that is refused changes nothing")
    for expect in (PRESENT, first.version):
        await refused(files.put("none", b"3", expect=expect), NotFound, "a put that expects what is not there")
    same(await files.exists("none"), False, "a put that is refused makes nothing")
    await refused(files.delete("k", expect=first.version), VersionConflict, "a delete of another version")
    await files.put("k", b"4", expect=PRESENT)
    same(await files.get("k"), b"4", "a put whose expectation holds")


@law("objects.4", face="store")
async def persons_and_lifetimes_hold(ground: StoreGround) -> None:
    own, other = ground.objects("a", person=ground.person(1)), ground.objects("a", person=ground.person(2))
    await own.put("k", b"1")
    await refused(other.put("k", b"2"), InvalidValue, "a put that names another person")
    same(await own.get("k"), b"1", "a put that is refused changes nothing")
    kept = await ground.objects("a").put("k", b"3")
    same(kept.person, ground.person(1), "a put that names nobody keeps the person")
    await own.put("short", b"1", lifetime=ground.tick)
    await own.put("long", b"1", lifetime=30 * ground.tick)
    await ground.pass_time(1)
    same(
        (await own.get("short"), await own.head("short"), await own.get("long")),
        (None, None, b"1"),
        "what has expired is not there",
    )
    same([key async for key in own.keys()], ["k", "long"], "nor in a listing")
    same((await other.put("short", b"2", expect=ABSENT)).person, ground.person(2), "and in nobody's way")


@law("objects.5", face="store")
async def an_overwrite_keeps_id_and_creation(ground: StoreGround) -> None:
    files = ground.objects("a")
    first = await files.put("k", b"1")
    await ground.pass_time(1)
    second = await files.put("k", b"22")
    same((second.id, second.created_at), (first.id, first.created_at), "an overwrite keeps id and time of creation")
    holds(
        second.updated_at > first.updated_at and second.version != first.version, "and changes the rest", found=second
    )
    await files.delete("k")
    third = await files.put("k", b"1")
    holds(
        third.id != first.id and third.created_at > first.created_at,
        "what comes after a delete starts anew",
        found=third,
    )


@law("objects.6", face="store")
async def bytes_that_do_not_match_leave_all_as_it_was(ground: StoreGround) -> None:
    files = ground.objects("a")
    before = await files.put("k", b"before", sha256=sha256(b"before").digest())
    for key in ("k", "new"):
        await refused(
            files.put(key, b"other", sha256=sha256(b"others").digest()), InvalidValue, "bytes of another digest"
        )
    same(
        (await files.get("k"), (await files.head("k")).version), (b"before", before.version), "the object is as it was"
    )
    same(await files.exists("new"), False, "nothing was made")


@law("objects.6", face="store")
async def a_source_that_fails_leaves_all_as_it_was(ground: StoreGround) -> None:
    async def failing(chunks: int) -> AsyncIterator[bytes]:
        for _ in range(chunks):
            yield PATTERN
        raise InvalidValue("the source has failed")

    files = ground.objects("a")
    before = await files.put("k", b"before")
    for key in ("k", "new"):
        for chunks in (0, 1, 3):
            await refused(files.put(key, failing(chunks)), InvalidValue, "a source that fails")
    same(
        (await files.get("k"), (await files.head("k")).version), (b"before", before.version), "the object is as it was"
    )
    same(await files.exists("new"), False, "nothing was made")


@law("objects.7", face="store")
async def deletes_counts_and_listings_see_the_same(ground: StoreGround) -> None:
    files = ground.objects("a")
    deep, beside = ground.objects("a", "b"), ground.objects("ab")
    for handle in (files, deep, beside):
        for key in ("x", "X", "\u00e9", "10", "9"):
            await handle.put(key, key.encode())
    same((await files.count(), await deep.count(), await beside.count()), (10, 5, 5), "counts below a namespace")
    wanted = ["10", "9", "X", "b/10", "b/9", "b/X", "b/x", "b/\u00e9", "x", "\u00e9"]
    listed = [one async for one in files.entries()]
    names = ["/".join([*one.namespace[-1:], one.key]) if one.namespace[-1] == "b" else one.key for one in listed]
    same(sorted(names), sorted(wanted), "all below a namespace")
    page = await deep.page(limit=2)
    rest = await deep.page(limit=10, cursor=page.cursor)
    same([one.key for one in (*page.items, *rest.items)], ["10", "9", "X", "x", "\u00e9"], "pages, in byte order")
    same(
        (await files.delete("x"), await files.delete("x")),
        (True, False),
        "a delete answers whether something was there",
    )
    same(
        (await files.get("x"), await files.exists("x"), await deep.get("x")),
        (None, False, b"x"),
        "it is gone, and no other",
    )
    same(await files.delete_prefix(), 9, "a delete below a namespace answers how many")
    same((await files.count(), await deep.count(), await beside.count()), (0, 0, 5), "what is left")


@law("objects.8", face="store")
async def a_copy_is_an_object_of_its_own(ground: StoreGround) -> None:
    files, others = ground.objects("a"), ground.objects("b")
    for content in (b"", b"bytes", PATTERN):
        source = await files.put("k", content, content_type=TYPE)
        copy = await files.copy("k", others, "copy")
        same((copy.size, copy.sha256, copy.content_type), (source.size, source.sha256, TYPE), "what is told of a copy")
        holds(copy.id != source.id and copy.version != source.version, "a copy is an object of its own", found=copy)
        await files.put("k", b"changed")
        holds(
            await others.get("copy") == content,
            "a copy stays when its source is overwritten",
            expected=f"{len(content)} bytes",
        )
        await files.delete("k")
        holds(await others.get("copy") == content, "a copy outlives its source", expected=f"{len(content)} bytes")
        await others.delete("copy")
    await refused(files.copy("none", others, "copy"), NotFound, "a copy of nothing")
    same(await others.exists("copy"), False, "makes nothing")
