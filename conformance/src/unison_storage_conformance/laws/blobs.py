"""Laws of blobs: bytes under an id. What is known of objects stands in ``index``."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from unison_storage.capabilities import Capability
from unison_storage.contracts.objects import Blobs
from unison_storage.errors import InvalidValue, ObjectMissing, StorageError
from unison_storage_conformance.confusable import BYTES
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.law import law
from unison_storage_conformance.outcomes import NotTried, broken, holds, same, told
from unison_storage_conformance.refusals import refuse
from unison_storage_conformance.target import survives

Blob = Ground[Blobs]
MEBIBYTE: Final = 1 << 20
PATTERN: Final = bytes(range(251)) * 4_200
"""A little more than a mebibyte, of a length that fits no power of two."""


async def stream(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Yield chunks as a source does."""
    for chunk in chunks:
        yield chunk


async def write(ground: Blob, id: str, *chunks: bytes) -> int:
    """Write a blob and return the size that is answered."""
    return await ground.backend.write(id, stream(chunks))


async def content(blobs: Any, id: str, start: int = 0, end: int | None = None) -> Any:
    """Return the bytes of a blob, or the error that a read raises."""
    try:
        return b"".join([chunk async for chunk in blobs.read(id, start, end)])
    except StorageError as error:
        return error


async def read(ground: Blob, id: str, start: int = 0, end: int | None = None) -> Any:
    """Return what the backend of a ground has of a blob, or the error."""
    return await content(ground.backend, id, start, end)


async def missing(ground: Blob, id: str, message: str) -> None:
    """Say that the law is broken unless nothing of a blob is there."""
    found = await read(ground, id)
    holds(isinstance(found, ObjectMissing), message, expected="ObjectMissing", found=found)
    near = await ground.backend.list(id[:-1] if id[-1] != "0" else id[:-8], 1_000)
    holds(id not in [one.id for one in near], f"{message}: it is not listed", found=id)


@law("blobs.1")
async def bytes_come_back_as_they_were_written(ground: Blob) -> None:
    contents = [*BYTES, PATTERN, PATTERN * 3, b"\x00" * MEBIBYTE]
    ids = [ground.blob() for _ in contents]
    for id, content in zip(ids, contents, strict=True):
        same(await write(ground, id, content), len(content), "a write answers the size")
    for id, content in zip(ids, contents, strict=True):
        holds(await read(ground, id) == content, "a read answers what was written", expected=f"{len(content)} bytes")


@law("blobs.1")
async def it_matters_not_in_which_chunks_bytes_come(ground: Blob) -> None:
    cases: list[list[bytes]] = [
        *(
            [],
            [b""],
            [b"", b""],
            [b"a"],
            [b"a", b"", b"b"],
            [b"", b"ab"],
            [PATTERN[at : at + 999] for at in range(0, 9_990, 999)],
        ),
        *([bytes([number])] * 3 for number in range(3)),
        [PATTERN[:65_536], PATTERN[65_536:65_537], PATTERN[65_537:], b"", b"end"],
        [PATTERN] * 4 + [b"tail"],
    ]
    for chunks in cases:
        id, content = ground.blob(), b"".join(chunks)
        same(await write(ground, id, *chunks), len(content), f"the size of {len(chunks)} chunks")
        holds(await read(ground, id) == content, f"a read after {len(chunks)} chunks", expected=f"{len(content)} bytes")


@law("blobs.1")
async def blobs_at_once_are_apart(ground: Blob) -> None:
    ids = ground.blobs(12)
    contents = [bytes([number]) * (number * 10_000 + 1) for number in range(len(ids))]
    halves = [(content[: len(content) // 2], content[len(content) // 2 :]) for content in contents]
    await asyncio.gather(*(write(ground, id, *half) for id, half in zip(ids, halves, strict=True)))
    found = await asyncio.gather(*(read(ground, id) for id in ids))
    holds(list(found) == contents, "each blob has its own bytes", found=[len(one) for one in found])


@law("blobs.2")
async def a_write_that_fails_leaves_nothing(ground: Blob) -> None:
    async def failing(chunks: int) -> AsyncIterator[bytes]:
        for _ in range(chunks):
            yield PATTERN
        raise InvalidValue("the source has failed")

    for chunks in (0, 1, 3):
        id = ground.blob()
        try:
            await ground.backend.write(id, failing(chunks))
        except InvalidValue:
            pass
        else:
            broken("an error of the source ends the write", expected="InvalidValue", found="an answer")
        await missing(ground, id, f"a write that failed after {chunks} chunks")


@law("blobs.2")
async def a_write_that_is_cancelled_leaves_nothing(ground: Blob) -> None:
    for chunks in (0, 1, 3):
        id, waiting = ground.blob(), asyncio.Event()

        async def stuck(chunks: int = chunks, waiting: asyncio.Event = waiting) -> AsyncIterator[bytes]:
            for _ in range(chunks):
                yield PATTERN
            waiting.set()
            await asyncio.Event().wait()

        task = asyncio.ensure_future(ground.site.backend.write(id, stuck()))
        try:
            async with asyncio.timeout(ground.deadline):
                await waiting.wait()
            await missing(ground, id, "a blob that is half written")
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=ground.deadline)
        holds(task.cancelled(), "a write that is cancelled ends", expected="cancelled", found=task)
        await missing(ground, id, f"a write that was cancelled after {chunks} chunks")


@law("blobs.3")
async def ranges_are_half_open_and_clipped(ground: Blob) -> None:
    for content in (b"", b"x", b"0123456789", PATTERN):
        id, size = ground.blob(), len(content)
        await write(ground, id, content)
        edges = sorted(
            {0, 1, 2, 5, size // 2, max(size - 1, 0), size, size + 1, size + 10, 262_143, 262_144, 262_145, 10**12}
        )
        for start in edges:
            for end in (None, *(edge for edge in edges if edge >= start)):
                found = await read(ground, id, start, end)
                holds(
                    found == content[start:end],
                    f"bytes {start} to {end} of {size}",
                    expected=content[start:end],
                    found=found,
                )


@law("blobs.4")
async def a_missing_blob_is_told_before_the_first_chunk(ground: Blob) -> None:
    for start, end in ((0, None), (0, 0), (5, None), (0, 10)):
        found = await read(ground, ground.blob(), start, end)
        holds(isinstance(found, ObjectMissing), "a read of a missing blob", expected="ObjectMissing", found=found)
    here, gone = ground.blobs(2)
    await write(ground, here, b"x")
    await write(ground, gone, b"y")
    await ground.backend.delete_many([gone])
    await missing(ground, gone, "a blob that was deleted")
    same(await read(ground, here), b"x", "the blob beside it")


@law("blobs.5")
async def deletes_remove_what_is_there(ground: Blob) -> None:
    ids = ground.blobs(6)
    for id in ids:
        await write(ground, id, b"x")
    none = ground.blob()
    same(await ground.backend.delete_many([none]), [False], "a delete of nothing")
    asked = [ids[3], none, ids[1], ids[3]]
    same(await ground.backend.delete_many(asked), [True, False, True, False], "deletes answer in order")
    for place, id in enumerate(ids):
        if place in (1, 3):
            await missing(ground, id, "what was deleted is gone")
        else:
            same(await read(ground, id), b"x", "what was not deleted stays")


@law("blobs.6")
async def listings_are_in_order_and_strictly_after(ground: Blob) -> None:
    ids = ground.blobs(30)
    before = await ground.now()
    for place, id in enumerate([*ids[1::2], *ids[::2]]):
        await write(ground, id, b"x" * place)
    sizes = dict(zip([*ids[1::2], *ids[::2]], range(30), strict=True))
    beginning = ids[0][:24]
    for limit in (1, 7, 30, 1_000):
        found: list[Any] = []
        after = beginning
        while len(found) < len(ids):
            page = await ground.backend.list(after, limit)
            holds(
                0 < len(page) <= limit,
                "a page holds at most as many as were asked for",
                expected=limit,
                found=len(page),
            )
            holds(page[0].id > after, "a page begins strictly after its position", found=page[0].id)
            found += [one for one in page if one.id.startswith(beginning)]
            after = page[-1].id
        same([one.id for one in found], ids, f"pages of {limit}, in order")
        same([one.size for one in found], [sizes[id] for id in ids], "sizes of a listing")
        for one in found:
            holds(
                abs(one.written - before) <= 60_000_000 + ground.slack,
                "when a blob was written",
                expected=before,
                found=one.written,
            )
    same([one.id for one in await ground.backend.list(ids[4], 3)], ids[5:8], "what comes after an id")
    await ground.backend.delete_many([ids[6]])
    same([one.id for one in await ground.backend.list(ids[4], 2)], [ids[5], ids[7]], "what was deleted is not listed")
    same([one.id for one in await ground.backend.list(ids[6], 1)], [ids[7]], "what comes after an id that has gone")


@law("blobs.7")
async def large_blobs_come_in_chunks(ground: Blob) -> None:
    id, times = ground.blob(), 24

    async def large() -> AsyncIterator[bytes]:
        for _ in range(times):
            yield PATTERN

    measured = survives(ground.site.backend)
    if measured:
        tracemalloc.start()
    try:
        await ground.backend.write(id, large())
        peak = tracemalloc.get_traced_memory()[1] if measured else 0
        sizes = [len(chunk) async for chunk in ground.backend.read(id)]
        peak = max(peak, tracemalloc.get_traced_memory()[1]) if measured else 0
    finally:
        tracemalloc.stop()
    whole = times * len(PATTERN)
    same(sum(sizes), whole, "all bytes come")
    holds(
        max(sizes) <= whole // 3, "a large blob is not read in one piece", expected=f"<= {whole // 3}", found=max(sizes)
    )
    holds(peak < whole // 2, "a large blob is not held in memory", expected=f"< {whole // 2}", found=peak)


@law("blobs.9", capability=Capability.COPY)
async def a_copy_is_a_blob_of_its_own(ground: Blob) -> None:
    for content in (b"", b"x", PATTERN):
        source, id = ground.blob(), ground.blob()
        await write(ground, source, content)
        same(await ground.backend.copy(source, id), len(content), "a copy answers the size")
        holds(await read(ground, id) == content, "a copy has the bytes of its source", expected=f"{len(content)} bytes")
        await ground.backend.delete_many([source])
        holds(await read(ground, id) == content, "a copy outlives its source", expected=f"{len(content)} bytes")
    id = ground.blob()
    try:
        await ground.backend.copy(ground.blob(), id)
    except ObjectMissing:
        await missing(ground, id, "a copy of nothing")
    else:
        broken("a copy of a missing blob", expected="ObjectMissing", found="an answer")


@law("blobs.10", capability=Capability.PRESIGN)
async def urls_are_each_their_own(ground: Blob) -> None:
    ids = ground.blobs(2)
    for id in ids:
        await write(ground, id, b"x")
    urls = [await ground.backend.presign(id, 60_000_000) for id in ids]
    holds(
        all("://" in url for url in urls) and urls[0] != urls[1], "each blob has a URL of its own", found=len(set(urls))
    )


@law("backend.8", on=("blobs",))
async def what_is_not_declared_is_refused(ground: Blob) -> None:
    undeclared = {Capability.COPY, Capability.PRESIGN} - ground.site.backend.capabilities
    for capability in sorted(undeclared):
        await refuse(ground, capability)
    if not undeclared:
        raise NotTried("all capabilities are declared")


@law("backend.4", on=("blobs",))
async def missing_ids_fail_no_other(ground: Blob) -> None:
    ids = ground.blobs(4)
    await write(ground, ids[1], b"x")
    await write(ground, ids[3], b"x")
    same(await ground.backend.delete_many(ids), [False, True, False, True], "deletes of what is there and what is not")


@law("backend.6", on=("blobs",))
async def errors_hold_no_value(ground: Blob) -> None:
    canary = b"canary-7f3a91c5"

    async def failing() -> AsyncIterator[bytes]:
        yield canary
        raise InvalidValue("the source has failed")

    id = ground.blob()
    try:
        await ground.backend.write(id, failing())
    except InvalidValue as error:
        holds(canary.decode() not in told(error), "an error holds no value", found=type(error).__name__)
    found = await read(ground, id)
    holds(isinstance(found, ObjectMissing), "nothing of it is there", expected="ObjectMissing", found=found)


@law("backend.7", on=("blobs",))
async def a_miss_is_sure(ground: Blob) -> None:
    found = await read(ground, ground.blob())
    holds(isinstance(found, ObjectMissing), "a read of a missing blob", expected="ObjectMissing", found=found)
    same((found.outcome_unknown, found.retryable), (False, False), "a miss is sure, and for good")


@law("backend.9", on=("blobs",))
async def another_client_reads_what_was_written(ground: Blob) -> None:
    other, id = await ground.another(), ground.blob()
    await write(ground, id, PATTERN)
    holds(await content(other, id) == PATTERN, "another client reads what was written", expected="all of it")
    await ground.reopen()
    holds(await read(ground, id) == PATTERN, "it is there after re-opening", expected="all of it")
    await other.delete_many([id])
    await missing(ground, id, "what another client has deleted")


@law("backend.11", on=("blobs",))
async def a_full_batch_is_deleted(ground: Blob) -> None:
    ids = ground.blobs(ground.limits.batch)
    for id in ids[::10]:
        await write(ground, id, b"x")
    same(
        await ground.backend.delete_many(ids), [place % 10 == 0 for place in range(len(ids))], "deletes of a full batch"
    )
