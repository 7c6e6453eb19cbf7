"""Laws of the object index: what may go, erasures, and those of all backends. What is visible stands in ``index``."""

from __future__ import annotations

from typing import Any

from unison_storage.contracts.memory import Delete
from unison_storage.errors import NotFound, StorageError, VersionConflict
from unison_storage.values import ABSENT
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.index_rows import Index, aged, commit, draft, due, get, known, put
from unison_storage_conformance.outcomes import holds, refuses, same, told


@law("index.8")
async def unwanted_blobs_are_those_that_no_object_needs(ground: Index) -> None:
    visible = await put(ground, ground.at("visible"))
    pending = ground.blob()
    await ground.backend.begin(pending, None)
    replaced = await put(ground, ground.at("replaced"))
    await put(ground, ground.at("replaced"))
    deleted = await put(ground, ground.at("deleted"))
    await ground.backend.delete_many([Delete(ground.at("deleted"))])
    expired = await put(ground, ground.at("expired"), lifetime=ground.tick)
    same(await due(ground), {replaced.blob, deleted.blob}, "what was replaced or deleted is unwanted")
    same(await due(ground), {replaced.blob, deleted.blob}, "asking for it changes nothing")
    await ground.pass_time(1)
    same(await due(ground), {replaced.blob, deleted.blob, expired.blob}, "what has expired is unwanted")
    await aged(ground, visible)
    same(await known(ground, pending), {pending}, "a pending blob stays")


@law("index.8")
async def the_time_since_when_decides(ground: Index) -> None:
    if ground.slack:
        return  # others may be uploading meanwhile, and times are not exact
    first = await put(ground, ground.at("first"))
    await ground.backend.delete_many([Delete(ground.at("first"))])
    early = await ground.now()
    begun = ground.blob()
    await ground.backend.begin(begun, None)
    expiring = await put(ground, ground.at("expiring"), lifetime=2 * ground.tick)
    await ground.pass_time(1)
    second = await put(ground, ground.at("second"))
    await ground.backend.delete_many([Delete(ground.at("second"))])
    late = await ground.now()
    same(await due(ground, before=early), set(), "before the time at which it became so, nothing is unwanted")
    same(await due(ground, before=early + 1), {first.blob}, "strictly before")
    same(await due(ground, before=late), {first.blob}, "what came later is not told")
    same(await due(ground, before=late + 1), {first.blob, second.blob}, "all that became so before")
    same(await due(ground, before=0, stale=early), set(), "a pending blob is not stale before its time")
    same(await due(ground, before=0, stale=early + 1), {begun}, "a pending blob that was begun before is stale")
    refuses(await commit(ground, draft(ground, ground.at("x"), begun)), NotFound, "a stale blob is given up")
    await ground.pass_time(4)
    same(
        await due(ground, before=early + 2 * ground.tick),
        {first.blob, second.blob, begun},
        "an object counts from its expiry",
    )
    found = await due(ground, before=early + 2 * ground.tick + 1)
    same(found, {first.blob, second.blob, begun, expiring.blob}, "an object counts from its expiry")


@law("index.8")
async def no_more_are_answered_than_asked_for(ground: Index) -> None:
    rows = [await put(ground, ground.at(str(number))) for number in range(9)]
    await ground.backend.delete_many([Delete(row.address) for row in rows])
    now = await ground.now() + 1 + ground.slack
    found = await ground.backend.unwanted(now, 0, 4)
    holds(len(found) == 4, "at most as many as were asked for", expected=4, found=len(found))
    mine: set[str] = set()
    for _ in range(1_000):
        page = await ground.backend.unwanted(now, 0, 4)
        mine |= set(page) & {row.blob for row in rows}
        if not page or ground.slack:
            break
        await ground.backend.forget([blob for blob in page if blob in ground.site.blobs])
    if not ground.slack:
        same(mine, {row.blob for row in rows}, "forgetting what went leads to the next ones")


@law("index.9")
async def what_a_visible_object_needs_is_not_forgotten(ground: Index) -> None:
    visible, deleted = await put(ground, ground.at("a")), await put(ground, ground.at("b"))
    await ground.backend.delete_many([Delete(ground.at("b"))])
    pending, none = ground.blob(), ground.blob()
    await ground.backend.begin(pending, None)
    same(await ground.backend.forget([none, visible.blob]), 0, "there is nothing that may be forgotten")
    same(await get(ground, ground.at("a")), visible, "a visible object stays")
    same(await known(ground, visible.blob), {visible.blob}, "with its blob")
    same(await ground.backend.forget([visible.blob, deleted.blob, pending, none]), 2, "what is unwanted or pending")
    same(await known(ground, visible.blob, deleted.blob, pending, none), {visible.blob}, "is not known any more")
    same(await due(ground), set(), "nor unwanted")
    same(await ground.backend.forget([deleted.blob, pending]), 0, "it is forgotten once")
    same(await get(ground, ground.at("a")), visible, "a visible object stays")


@law("index.10")
async def an_erasure_answers_all_blobs_of_the_person(ground: Index) -> None:
    gone, stays = ground.person(1), ground.person(2)
    mine = [await put(ground, ground.at("e", str(number)), person=gone) for number in range(4)]
    others = [await put(ground, ground.at("f", str(number)), person=stays) for number in range(3)]
    nobody = await put(ground, ground.at("e", "nobody"))
    await put(ground, ground.at("e", "later"))
    later = await put(ground, ground.at("e", "later"), person=gone)
    pending = ground.blob()
    await ground.backend.begin(pending, gone)
    await ground.backend.delete_many([Delete(mine[3].address)])
    expired = await put(ground, ground.at("e", "expired"), person=gone, lifetime=ground.tick)
    await ground.pass_time(1)
    nobody, *others = [await aged(ground, row) for row in (nobody, *others)]
    for name in (gone[:-1], gone + "0", gone.upper(), gone.replace(".", "_")):
        same(
            (await ground.backend.owned(name), await ground.backend.erase(name)), (0, []), f"{name!r} is somebody else"
        )
    wanted = {row.blob for row in (*mine, later, expired)} | {pending}
    same(await ground.backend.owned(gone), len(wanted), "how many blobs are a person's")
    found = await ground.backend.erase(gone)
    same((len(found), set(found)), (len(wanted), wanted), "an erasure answers all blobs of the person, each once")
    same(await ground.backend.list(ground.below("e"), "", 100), [nobody], "all objects of the person are invisible")
    same(await ground.backend.list(ground.below("f"), "", 100), others, "those of others stay")
    holds(wanted <= await due(ground), "all their blobs are unwanted", found=len(wanted - await due(ground)))
    refuses(
        await commit(ground, draft(ground, ground.at("late"), pending)), NotFound, "an upload that was begun before"
    )
    await ground.backend.forget(list(wanted))
    same((await ground.backend.owned(gone), await ground.backend.erase(gone)), (0, []), "nothing is left")
    same(await ground.backend.owned(stays), 3, "another person's blobs")


@law("index.11")
async def known_answers_blobs_of_any_state(ground: Index) -> None:
    visible, deleted, expired = [
        await put(ground, ground.at(name), lifetime=ground.tick if name == "c" else None) for name in "abc"
    ]
    pending, none = ground.blob(), ground.blob()
    await ground.backend.begin(pending, None)
    await ground.backend.delete_many([Delete(ground.at("b"))])
    await ground.pass_time(1)
    blobs = [visible.blob, deleted.blob, expired.blob, pending]
    same(await known(ground, *blobs, none), set(blobs), "visible, unwanted, expired and pending ones")
    same(await known(ground, none), set(), "and no other")
    same(await ground.backend.known([]), [], "none of none")


@law("backend.4", on=("index",))
async def one_bad_item_fails_no_other(ground: Index) -> None:
    for place in range(3):
        rows = [await put(ground, ground.at(f"{place}{number}")) for number in range(3)]
        stays = await put(ground, ground.at(f"{place}stays"))
        deletes = [Delete(row.address) for row in rows]
        deletes.insert(place, Delete(stays.address, "another"))
        outcomes = await ground.backend.delete_many(deletes)
        refuses(outcomes.pop(place), VersionConflict, "a delete of another version")
        same(outcomes, [True, True, True], "deletes beside a bad one")
        same(await get(ground, stays.address), stays, "the bad item changed nothing")


@law("backend.6", on=("index",))
async def errors_hold_no_value(ground: Index) -> None:
    canary = "text/x-canary-7f3a91c5"
    await put(ground, ground.at("a"), content_type=canary)
    blob = ground.blob()
    await ground.backend.begin(blob, None)
    for more in ({"expect": ABSENT}, {"expect": "another"}):
        outcome: Any = await commit(ground, draft(ground, ground.at("a"), blob, content_type=canary, **more))
        refuses(outcome, StorageError, "a commit that is refused")
        holds(canary not in told(outcome), "an error holds no value", found=type(outcome).__name__)


@law("backend.7", on=("index",))
async def a_refusal_says_that_nothing_has_happened(ground: Index) -> None:
    row = await put(ground, ground.at("a"))
    blob = ground.blob()
    await ground.backend.begin(blob, None)
    outcomes: list[Any] = [
        await commit(ground, draft(ground, ground.at("a"), blob, expect=ABSENT)),
        await commit(ground, draft(ground, ground.at("a"), blob, expect="another")),
        await commit(ground, draft(ground, ground.at("b"), ground.blob())),
        *await ground.backend.delete_many([Delete(ground.at("a"), "another")]),
    ]
    for outcome in outcomes:
        refuses(outcome, StorageError, "what is not as expected")
        same((outcome.outcome_unknown, outcome.retryable), (False, False), "a refusal is sure, and for good")
    same(await get(ground, ground.at("a")), row, "what was refused changed nothing")


@law("backend.9", on=("index",))
async def another_client_sees_what_was_acknowledged(ground: Index) -> None:
    other, address = await ground.another(), ground.at("a")
    blob = ground.blob()
    await ground.backend.begin(blob, None)
    same(await other.known([blob]), [blob], "another client knows a pending blob")
    row = (await other.commit(draft(ground, address, blob))).row
    same(await get(ground, address), row, "what another client has committed is there")
    await ground.reopen()
    same(await get(ground, address), row, "it is there after re-opening")
    await ground.backend.delete_many([Delete(address)])
    same(await other.get_many([address]), [None], "what was deleted is gone for another client")


@law("backend.11", on=("index",))
async def a_full_batch_is_taken_whole(ground: Index) -> None:
    rows = [await put(ground, ground.at("k" * 900 + f"{number:04}")) for number in range(40)]
    size = ground.limits.batch
    asked = [rows[number % 40].address for number in range(size)]
    same(await ground.backend.get_many(asked), [rows[number % 40] for number in range(size)], "a full batch of gets")
    ids = [rows[number % 40].id for number in range(size)]
    same(await ground.backend.by_id(ids), [rows[number % 40] for number in range(size)], "a full batch of ids")
    gone = await ground.backend.delete_many([Delete(address) for address in asked])
    same(gone, [number < 40 for number in range(size)], "a full batch of deletes")
