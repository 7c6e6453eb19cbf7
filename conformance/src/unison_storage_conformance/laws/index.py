"""Laws of the object index: what is visible where. What may go stands in ``index_upkeep``."""

from __future__ import annotations

import asyncio
from typing import Any

from unison_storage.contracts.memory import Delete
from unison_storage.contracts.objects import Committed
from unison_storage.errors import AlreadyExists, InvalidValue, NotFound, StorageError, VersionConflict
from unison_storage.values import ABSENT, ANY, PRESENT
from unison_storage_conformance.confusable import LONG_KEYS, NAMESPACES, PAIRS, SPLITS
from unison_storage_conformance.ground import near
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.index_rows import Index, aged, commit, draft, due, get, known, put
from unison_storage_conformance.outcomes import holds, refuses, same, value


@law("index.1")
async def a_begun_blob_is_known_and_nothing_is_visible(ground: Index) -> None:
    blob, none = ground.blob(), ground.blob()
    same(await known(ground, blob, none), set(), "a blob that was not begun is not known")
    await ground.backend.begin(blob, None)
    same(await known(ground, blob, none), {blob}, "a blob that was begun is known")
    same(await ground.backend.count(ground.root), 0, "a blob that was begun is no object")
    same(await due(ground), set(), "a blob that was begun is wanted")


@law("index.1")
async def beginning_again_changes_nothing(ground: Index) -> None:
    own, other = ground.person(1), ground.person(2)
    row = await put(ground, ground.at("a"), person=own)
    await ground.backend.begin(row.blob, other)
    same(await get(ground, ground.at("a")), row, "a begin of a visible object's blob leaves the object")
    same(await due(ground), set(), "and the blob is wanted")
    same((await ground.backend.owned(own), await ground.backend.owned(other)), (1, 0), "and is whose it was")
    blob = ground.blob()
    await ground.backend.begin(blob, own)
    await ground.backend.begin(blob, other)
    same(
        (await ground.backend.owned(own), await ground.backend.owned(other)),
        (2, 0),
        "a pending blob stays whose it was",
    )
    await ground.backend.delete_many([Delete(ground.at("a"))])
    await ground.backend.begin(row.blob, other)
    same(await due(ground), {row.blob}, "an unwanted blob stays unwanted")


@law("index.2")
async def a_commit_makes_the_object_visible(ground: Index) -> None:
    address, blob, person = ground.at("a"), ground.blob(), ground.person()
    await ground.backend.begin(blob, person)
    now = await ground.now()
    made = draft(
        ground,
        address,
        blob,
        size=2**40,
        sha256="ab" * 32,
        content_type='image/png; a="b"',
        lifetime=9 * ground.tick,
        person=person,
    )
    done: Committed = value(await commit(ground, made), "a commit")
    same(done.fresh, True, "an object where nothing was is fresh")
    for name in ("address", "id", "blob", "version", "size", "sha256", "content_type", "person"):
        same(getattr(done.row, name), getattr(made, name), f"{name} of a committed object")
    near(ground, done.row.created, now, "created")
    near(ground, done.row.updated, now, "updated")
    near(ground, done.row.expires, now + 9 * ground.tick, "expires")
    same(await get(ground, address), done.row, "a get answers what was committed")
    same(await ground.backend.by_id([made.id, ground.blob()]), [done.row, None], "by its id too")
    same(await ground.backend.list(ground.root, "", 10), [done.row], "and in a listing")
    same(await known(ground, blob), {blob}, "its blob is known")
    same(await due(ground), set(), "and wanted")


@law("index.2")
async def an_overwrite_frees_the_blob_before(ground: Index) -> None:
    address = ground.at("a")
    rows = []
    for size in (1, 0, 2**33):
        rows.append(await put(ground, address, size=size))
        row = await get(ground, address)
        same((row, row and row.size), (rows[-1], size), "the last commit is what is there")
    same(await due(ground), {rows[0].blob, rows[1].blob}, "blobs that were replaced are unwanted")
    same(await ground.backend.count(ground.root), 1, "an overwrite makes no second object")
    same(await ground.backend.by_id([rows[0].id]), [rows[-1]], "the id leads to what is there")


@law("index.3")
async def confusable_addresses_are_two(ground: Index) -> None:
    for number, (one, other) in enumerate((*PAIRS, *LONG_KEYS)):
        place = str(number)
        first = await put(ground, ground.at(place, one))
        same(await get(ground, ground.at(place, other)), None, f"{other!r} is not {one!r}")
        second = await put(ground, ground.at(place, other), expect=ABSENT)
        same(
            await ground.backend.get_many([ground.at(place, one), ground.at(place, other)]),
            [first, second],
            f"{one!r} and {other!r} are two",
        )
        same(await ground.backend.delete_many([Delete(ground.at(place, one))]), [True], f"{one!r} is deleted")
        same(await get(ground, ground.at(place, other)), second, f"a delete of {one!r} leaves {other!r}")
    for number, (split, joined) in enumerate(SPLITS):
        await put(ground, ground.at("s", str(number), *split))
        same(await get(ground, ground.at("s", str(number), *joined)), None, f"{joined!r} is not {split!r}")


@law("index.3")
async def expectations_hold_or_refuse(ground: Index) -> None:
    there, nothing = ground.at("there"), ground.at("nothing")
    old = await put(ground, there)
    now = await put(ground, there)
    cases: list[tuple[str, Any, Any]] = [
        *((there, ABSENT, AlreadyExists), (there, old.version, VersionConflict), (there, "", VersionConflict)),
        *((nothing, PRESENT, NotFound), (nothing, now.version, NotFound)),
    ]
    for address, expect, error in cases:
        blob = ground.blob()
        await ground.backend.begin(blob, None)
        refuses(
            await commit(ground, draft(ground, address, blob, expect=expect)), error, f"a commit that expects {expect}"
        )
        same(await ground.backend.get_many([there, nothing]), [now, None], "a commit that is refused changes nothing")
    third = await put(ground, there, expect=PRESENT)
    fourth = await put(ground, there, expect=third.version)
    same(await get(ground, there), fourth, "a commit whose expectation holds")
    await put(ground, nothing, expect=ABSENT)
    for expect, error in ((old.version, VersionConflict), (fourth.version + "x", VersionConflict)):
        [refusal] = await ground.backend.delete_many([Delete(there, expect)])
        refuses(refusal, error, "a delete that expects another version")
    [refusal] = await ground.backend.delete_many([Delete(ground.at("none"), fourth.version)])
    refuses(refusal, NotFound, "a delete of a version where nothing is")
    same(await get(ground, there), fourth, "a delete that is refused changes nothing")
    same(
        await ground.backend.delete_many([Delete(there, fourth.version)]), [True], "a delete that expects what is there"
    )


@law("index.3")
async def of_many_commits_at_once_one_wins(ground: Index) -> None:
    for round_ in range(3):
        address, expect = ground.at(str(round_)), ABSENT
        for stage in ("nothing", "a version"):
            drafts = [draft(ground, address, ground.blob(), expect=expect) for _ in range(6)]
            for one in drafts:
                await ground.backend.begin(one.blob, None)
            answers = await asyncio.gather(*(commit(ground, one) for one in drafts))
            won = [answer for answer in answers if isinstance(answer, Committed)]
            same(len(won), 1, f"of commits at once that expect {stage} one wins")
            same(await get(ground, address), won[0].row, "what has won is there")
            expect = won[0].row.version  # type: ignore[assignment]


@law("index.3")
async def persons_are_kept_and_never_exchanged(ground: Index) -> None:
    address, own, other = ground.at("a"), ground.person(1), ground.person(2)
    await put(ground, address)
    await put(ground, address, person=own)
    row = await put(ground, address)
    same(row.person, own, "a commit that names nobody keeps the person")
    for expect in (ANY, PRESENT, row.version):
        blob = ground.blob()
        await ground.backend.begin(blob, other)
        refuses(
            await commit(ground, draft(ground, address, blob, person=other, expect=expect)),
            InvalidValue,
            "another person",
        )
        same(await get(ground, address), row, "what is refused changes nothing")
    await ground.backend.delete_many([Delete(address)])
    same((await put(ground, address, person=other)).person, other, "what comes after a delete is whose it says")


@law("index.3")
async def what_has_expired_is_not_there(ground: Index) -> None:
    short, long_, person = ground.at("e", "short"), ground.at("e", "long"), ground.person()
    gone = await put(ground, short, lifetime=ground.tick, person=person)
    stays = await put(ground, long_, lifetime=10 * ground.tick, person=person)
    same(await ground.backend.get_many([short, long_]), [gone, stays], "both are there at first")
    await ground.pass_time(1)
    stays = await aged(ground, stays)
    same(await ground.backend.get_many([short, long_]), [None, stays], "what has expired is not there for a get")
    same(await ground.backend.by_id([gone.id, stays.id]), [None, stays], "nor by its id")
    same(await ground.backend.list(ground.root, "", 10), [stays], "nor in a listing")
    same(await ground.backend.count(ground.root), 1, "nor counted")
    again = await put(ground, short, expect=ABSENT)
    same((again.person, again.expires), (None, None), "it is in nobody's way, and leaves no person and no expiry")
    holds(again.id != gone.id, "and what comes after has an id of its own", found=again.id)
    await put(ground, ground.at("d"), lifetime=ground.tick)
    await ground.pass_time(1)
    same(await ground.backend.delete_many([Delete(ground.at("d"))]), [False], "a delete of what has expired")
    blob = ground.blob()
    await ground.backend.begin(blob, None)
    await put(ground, ground.at("v"), lifetime=ground.tick)
    await ground.pass_time(1)
    refuses(
        await commit(ground, draft(ground, ground.at("v"), blob, expect=PRESENT)),
        NotFound,
        "PRESENT of what has expired",
    )


@law("index.3")
async def listings_are_in_byte_order_below_their_prefix(ground: Index) -> None:
    keys = ("a", "B", "\u00e9", "\ufffd", "\U00010000", "10", "9")
    rows = [await put(ground, ground.at("l", *namespace, key)) for namespace in NAMESPACES for key in keys]
    for address in (ground.at("x", "l", "a", "k"), ground.at("la", "k"), ground.at("l ", "a", "k")):
        await put(ground, address)
    rows.sort(key=lambda row: row.address.encode())
    for namespace in NAMESPACES:
        prefix = ground.below("l", *namespace)
        wanted = [row for row in rows if row.address.startswith(prefix)]
        same(await ground.backend.list(prefix, "", 1_000), wanted, f"what lies below {namespace!r}, in byte order")
        same(await ground.backend.count(prefix), len(wanted), f"how many lie below {namespace!r}")
    for limit in (1, 3, 50, len(rows) + 1):
        found: list[Any] = []
        while True:
            page = await ground.backend.list(ground.below("l"), found[-1].address if found else "", limit)
            holds(len(page) <= limit, "a page holds at most as many as were asked for", expected=limit, found=len(page))
            holds(
                not found or not page or page[0].address > found[-1].address,
                "a page begins strictly after its position",
            )
            found += page
            if len(page) < limit:
                break
        same([row.address for row in found], [row.address for row in rows], f"pages of {limit}")
    same(await ground.backend.list(ground.below("none"), "", 10), [], "below nothing lies nothing")


@law("index.4")
async def a_commit_that_is_refused_leaves_the_blob_pending(ground: Index) -> None:
    address, blob = ground.at("a"), ground.blob()
    before = await put(ground, address, person=ground.person(1))
    await ground.backend.begin(blob, None)
    for more in ({"expect": ABSENT}, {"expect": "another"}, {"person": ground.person(2)}):
        refuses(await commit(ground, draft(ground, address, blob, **more)), StorageError, "a commit that is refused")
        same(await get(ground, address), before, "the object is as it was")
        same(await known(ground, blob, before.blob), {blob, before.blob}, "both blobs are known")
        same(await due(ground), set(), "both blobs are wanted")
    row = await put(ground, address, blob=blob, pending=False)
    same(await get(ground, address), row, "the blob is still good for a commit")


@law("index.5")
async def an_overwrite_keeps_id_and_creation(ground: Index) -> None:
    address = ground.at("a")
    first = await put(ground, address, lifetime=50 * ground.tick)
    await ground.pass_time(1)
    first = await aged(ground, first)
    now = await ground.now()
    second = await put(ground, address)
    same(
        (second.id, second.created, second.expires),
        (first.id, first.created, None),
        "an overwrite keeps id and creation, not the expiry",
    )
    near(ground, second.updated, now, "updated is the time of the last commit")
    blob = ground.blob()
    await ground.backend.begin(blob, None)
    done = value(await commit(ground, draft(ground, address, blob)), "a commit")
    same(done.fresh, False, "an overwrite is not fresh")
    await ground.backend.delete_many([Delete(address)])
    await ground.pass_time(1)
    now = await ground.now()
    third = await put(ground, address)
    holds(third.id != first.id, "what comes after a delete has an id of its own", found=third.id)
    near(ground, third.created, now, "and its own time of creation")
    same(await ground.backend.by_id([first.id, third.id]), [None, third], "the id before leads nowhere")


@law("index.6")
async def only_a_pending_blob_can_be_committed(ground: Index) -> None:
    address, never = ground.at("a"), ground.blob()
    row = await put(ground, ground.at("other"))
    gone = await put(ground, ground.at("gone"))
    await ground.backend.delete_many([Delete(ground.at("gone"))])
    given_up, forgotten = ground.blob(), ground.blob()
    await ground.backend.begin(forgotten, None)
    await ground.backend.forget([forgotten])
    await ground.backend.begin(given_up, ground.person())
    await ground.backend.erase(ground.person())
    for blob in (never, row.blob, gone.blob, given_up, forgotten):
        refuses(await commit(ground, draft(ground, address, blob)), NotFound, "a commit of a blob that is not pending")
        same(await get(ground, address), None, "makes nothing visible")
    same(await get(ground, ground.at("other")), row, "the object whose blob it was is as it was")
    same(await due(ground), {gone.blob, given_up}, "what was unwanted stays so")


@law("index.7")
async def a_delete_makes_the_blob_unwanted(ground: Index) -> None:
    rows = [await put(ground, ground.at(name)) for name in ("a", "b", "c")]
    asked = [Delete(ground.at(name)) for name in ("a", "none", "c", "a")]
    same(await ground.backend.delete_many(asked), [True, False, True, False], "deletes answer in order")
    same(
        await ground.backend.get_many([row.address for row in rows]),
        [None, rows[1], None],
        "what was deleted is invisible",
    )
    same(await ground.backend.by_id([row.id for row in rows]), [None, rows[1], None], "by its id too")
    same(await due(ground), {rows[0].blob, rows[2].blob}, "the blobs are unwanted")
    same(await known(ground, *(row.blob for row in rows)), {row.blob for row in rows}, "and still known")
