"""Laws of memory that look at many entries: listings, counts, prefixes, persons and purging."""

from __future__ import annotations

from collections.abc import Sequence

from unison_storage.addresses import MAX_SEGMENTS, SEPARATOR
from unison_storage.contracts.memory import Delete, MemoryBackend, Put
from unison_storage_conformance.confusable import LONG_SEGMENT, NAMES, NAMESPACES
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.law import law
from unison_storage_conformance.laws.memory_rows import get, put
from unison_storage_conformance.outcomes import holds, same, value

Memory = Ground[MemoryBackend]
KEYS = ("a", "b", "A", "%", "a b", "\u00e9", "\ufffd", "\U00010000", "10", "9", "~", "!")


async def filled(ground: Memory, addresses: Sequence[str], **more: object) -> None:
    """Write an entry at each address, in batches, its value the address."""
    size = min(100, ground.limits.batch)
    for start in range(0, len(addresses), size):
        puts = [
            Put(address, address.encode(), ground.mint(), None, **more)  # type: ignore[arg-type]
            for address in addresses[start : start + size]
        ]
        for written in await ground.backend.put_many(puts):
            value(written, "a put")


async def listed(ground: Memory, prefix: str, limit: int, *, values: bool = False) -> list[str]:
    """Return all addresses below a prefix, page by page."""
    found: list[str] = []
    after = ""
    while True:
        lines = await ground.backend.list(prefix, after, limit, values=values)
        holds(len(lines) <= limit, "a page holds at most as many as were asked for", expected=limit, found=len(lines))
        holds(all(line.address > after for line in lines), "a page begins strictly after its position", found=after)
        found += [line.address for line in lines]
        for line in lines:
            same(line.row.value, line.address.encode() if values else b"", "the value of a line")
        if len(lines) < limit:
            return found
        after = lines[-1].address


def in_order(addresses: Sequence[str]) -> list[str]:
    """Return addresses in the order of their bytes."""
    return sorted(addresses, key=str.encode)


@law("memory.13")
async def a_listing_is_in_byte_order_and_below_its_prefix_alone(ground: Memory) -> None:
    addresses = [ground.at("l", *namespace, key) for namespace in NAMESPACES for key in KEYS]
    await filled(ground, addresses)
    await filled(ground, [ground.at("x", "l", "a", "k"), ground.at("l\u0020", "a", "k"), ground.at("la", "k")])
    for namespace in NAMESPACES:
        prefix = ground.below("l", *namespace)
        wanted = in_order([address for address in addresses if address.startswith(prefix)])
        for values in (False, True):
            found = await listed(ground, prefix, 1_000, values=values)
            same(found, wanted, f"what lies below {namespace!r}, in byte order")
        same(await ground.backend.count(prefix), len(wanted), f"how many lie below {namespace!r}")
    same(await listed(ground, ground.below("none"), 10), [], "below nothing lies nothing")


@law("memory.13")
async def pages_of_every_size_give_the_same_listing(ground: Memory) -> None:
    addresses = in_order([ground.at("l", key) for key in KEYS] + [ground.at("l", "a", key) for key in KEYS])
    await filled(ground, addresses)
    for limit in (1, 2, 3, 5, len(addresses) - 1, len(addresses), len(addresses) + 1):
        same(await listed(ground, ground.below("l"), limit), addresses, f"pages of {limit}")
    for at, address in enumerate(addresses):
        lines = await ground.backend.list(ground.below("l"), address, 3, values=False)
        same([line.address for line in lines], addresses[at + 1 : at + 4], "a page begins strictly after its position")
        lines = await ground.backend.list(ground.below("l"), address + "\x20", 2, values=False)
        wanted = [other for other in addresses if other.encode() > (address + "\x20").encode()][:2]
        same([line.address for line in lines], wanted, "a page begins after a position where nothing is")


@law("memory.13")
async def what_lies_below_everything_is_found_below_the_empty_prefix(ground: Memory) -> None:
    addresses = in_order([ground.at(name) for name in ("a", "b", "c")])
    await filled(ground, addresses)
    lines = await ground.backend.list("", ground.root, 3, values=True)
    same([line.address for line in lines], addresses, "below the empty prefix lies everything")
    holds(await ground.backend.count("") >= 3, "below the empty prefix everything is counted")


@law("memory.13")
async def a_listing_holds_the_whole_row(ground: Memory) -> None:
    person = ground.person()
    await put(ground, ground.at("l", "a"), b"value", 9 * ground.tick, person=person)
    await put(ground, ground.at("l", "b"), b"", None)
    await ground.pass_time(0.5)
    await put(ground, ground.at("l", "a"), b"value", 9 * ground.tick)
    for name in ("a", "b"):
        row = await get(ground, ground.at("l", name))
        for values in (True, False):
            lines = await ground.backend.list(ground.below("l"), "", 10, values=values)
            line = {line.address: line.row for line in lines}.get(ground.at("l", name))
            for field in ("version", "created", "updated", "expires", "person"):
                same(getattr(line, field, "none"), getattr(row, field), f"{field} of a line")
            same(getattr(line, "value", "none"), row.value if values and row else b"", "the value of a line")


@law("memory.13")
async def a_long_listing_is_whole(ground: Memory) -> None:
    addresses = [ground.at("l", f"{number:05}") for number in range(2_100)]
    await filled(ground, addresses)
    for limit in (1_000, 700):
        same(len(await listed(ground, ground.below("l"), limit)), len(addresses), f"2,100 entries in pages of {limit}")
    same(await listed(ground, ground.below("l"), 999), addresses, "2,100 entries in order")
    same(await ground.backend.count(ground.below("l")), 2_100, "2,100 entries are counted")
    same(await ground.backend.delete_prefix(ground.below("l")), 2_100, "2,100 entries are deleted")
    same(await ground.backend.count(ground.below("l")), 0, "nothing is left")


@law("memory.13")
async def what_is_deleted_between_pages_skips_nothing(ground: Memory) -> None:
    addresses = [ground.at("l", f"{number:02}") for number in range(12)]
    await filled(ground, addresses)
    first = await ground.backend.list(ground.below("l"), "", 4, values=False)
    last = first[-1].address if first else ""
    await ground.backend.delete_many([Delete(addresses[0]), Delete(addresses[1]), Delete(last)])
    rest = await ground.backend.list(ground.below("l"), last, 100, values=False)
    same([line.address for line in rest], addresses[4:], "a page goes on where the one before it ended")


@law("memory.13")
async def expired_entries_do_not_shorten_a_page(ground: Memory) -> None:
    for number in range(12):
        await put(ground, ground.at("l", f"{number:02}"), b"", ground.tick if number % 3 else None)
    await ground.pass_time(1)
    wanted = [ground.at("l", f"{number:02}") for number in range(0, 12, 3)]
    lines = await ground.backend.list(ground.below("l"), "", 3, values=False)
    same([line.address for line in lines], wanted[:3], "a page is full although entries have expired")
    lines = await ground.backend.list(ground.below("l"), wanted[0], 10, values=False)
    same([line.address for line in lines], wanted[1:], "the rest")


@law("memory.14")
async def a_prefix_counts_and_deletes_what_it_lists(ground: Memory) -> None:
    addresses = [ground.at("p", *namespace, key) for namespace in NAMESPACES for key in ("a", "a%", "ab")]
    for namespace in NAMESPACES[1:]:
        await filled(ground, addresses)
        prefix = ground.below("p", *namespace)
        below = [address for address in addresses if address.startswith(prefix)]
        same(await ground.backend.count(prefix), len(below), f"a count below {namespace!r}")
        same(await ground.backend.delete_prefix(prefix), len(below), f"deleting below {namespace!r} answers how many")
        left = await listed(ground, ground.below("p"), 1_000)
        same(
            left,
            in_order([one for one in addresses if one not in below]),
            f"deleting below {namespace!r} leaves the rest",
        )
    same(await ground.backend.delete_prefix(ground.below("none")), 0, "deleting below nothing")


@law("memory.14")
async def a_prefix_deletes_what_has_expired_without_counting_it(ground: Memory) -> None:
    await put(ground, ground.at("p", "short"), b"", ground.tick)
    await put(ground, ground.at("p", "long"), b"", None)
    await ground.pass_time(1)
    same(await ground.backend.delete_prefix(ground.below("p")), 1, "what has expired is not counted")
    same(await listed(ground, ground.below("p"), 10), [], "nothing is left")


@law("memory.15")
async def an_erasure_takes_the_person_and_nobody_else(ground: Memory) -> None:
    gone, stays = ground.person(1), ground.person(2)
    for number in range(20):
        await put(ground, ground.at("e", str(number), "k"), b"1", None, person=gone)
        await put(ground, ground.at("f", str(number)), b"1", None, person=stays)
    await put(ground, ground.at("e", "nobody"), b"1")
    await put(ground, ground.at("e", gone), gone.encode())
    await put(ground, ground.at("e", "later"), b"1")
    await put(ground, ground.at("e", "later"), b"2", person=gone)
    await put(ground, ground.at("e", "expired"), b"1", ground.tick, person=gone)
    await ground.pass_time(1)
    for name in (gone[:-1], gone + "0", gone.upper(), gone.replace(".", "_"), gone[:-1] + "%"):
        same(await ground.backend.owned(name), 0, f"{name!r} is somebody else")
        same(await ground.backend.erase(name), 0, f"erasing {name!r} erases nothing")
    same(await ground.backend.owned(gone), 21, "how much is a person's")
    same(await ground.backend.erase(gone), 21, "an erasure answers how many were visible")
    same(await ground.backend.owned(gone), 0, "nothing is the person's any more")
    same(await ground.backend.erase(gone), 0, "a second erasure finds nothing")
    same(await ground.backend.owned(stays), 20, "another person's entries stay")
    left = await listed_rows(ground)
    wanted = [ground.at("e", "nobody"), ground.at("e", gone), *(ground.at("f", str(number)) for number in range(20))]
    same(left, in_order(wanted), "what is left")


async def listed_rows(ground: Memory) -> list[str]:
    """Return all addresses of the ground, whatever their values."""
    lines = await ground.backend.list(ground.root, "", 1_000, values=False)
    return [line.address for line in lines]


@law("memory.16")
async def a_purge_takes_what_has_expired_and_no_more_than_it_may(ground: Memory) -> None:
    for number in range(10):
        await put(ground, ground.at("p", f"short{number}"), b"", ground.tick)
        await put(ground, ground.at("p", f"long{number}"), b"", 50 * ground.tick)
        await put(ground, ground.at("p", f"ever{number}"), b"", None)
    await purged(ground, 1_000)
    same(await ground.backend.count(ground.below("p")), 30, "a purge takes nothing that has not expired")
    await ground.pass_time(1)
    found = await purged(ground, 4)
    same(await ground.backend.count(ground.below("p")), 20, "a purge takes nothing that is visible")
    if sum(found) == 0:
        return  # the server purges by itself
    # others may have left what expires meanwhile, so that there may be more than the ten
    holds(all(number <= 4 for number in found), "a purge takes at most as many as it may", expected="<= 4", found=found)
    holds(sum(found) >= 10, "purges answer how many went", expected=">= 10", found=found)
    if not ground.slack:
        holds(found[:2] == [4, 4], "a purge takes as many as it may", expected=[4, 4], found=found[:2])


async def purged(ground: Memory, limit: int) -> list[int]:
    """Purge until nothing is left that has expired, and return what each purge answers."""
    found = [await ground.backend.purge_expired(limit)]
    while found[-1] and len(found) < 10_000:
        found.append(await ground.backend.purge_expired(limit))
    same(found[-1], 0, "purges come to an end")
    return found


@law("memory.16")
async def a_purge_leaves_what_was_written_anew(ground: Memory) -> None:
    address = ground.at("a")
    await put(ground, address, b"1", ground.tick)
    await ground.pass_time(1)
    await put(ground, address, b"2", 50 * ground.tick)
    await ground.backend.purge_expired(1_000)
    row = await get(ground, address)
    same(row and row.value, b"2", "what was written after an expiry stays")


@law("backend.11", on=("memory",))
async def the_longest_address_is_taken_whole(ground: Memory) -> None:
    own = ground.root.count(SEPARATOR) - 1
    segments = [LONG_SEGMENT] * (MAX_SEGMENTS - own)
    for last in ("k" * 1_024, "k" * 1_023 + "x", "\u20ac" * 341):
        await filled(ground, [ground.at(*segments, last)])
        row = await get(ground, ground.at(*segments, last))
        same(row and row.value, ground.at(*segments, last).encode(), "an entry at the longest address")
    same(await ground.backend.count(ground.below(*segments)), 3, "addresses that differ at their end alone are apart")
    same(await ground.backend.delete_prefix(ground.below(*segments)), 3, "and can be deleted")


@law("memory.2")
async def every_name_is_listed_as_it_was_given(ground: Memory) -> None:
    addresses = [ground.at("n", name) for name in NAMES]
    await filled(ground, addresses)
    same(await listed(ground, ground.below("n"), 7, values=True), in_order(addresses), "names, in byte order")
