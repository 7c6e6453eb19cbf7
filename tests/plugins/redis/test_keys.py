from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from unison_storage_redis.keys import CacheKeys, MemoryKeys, escaped, pattern, unescaped

KEYS = CacheKeys("app")
addresses = st.text(st.sampled_from("a%}{7D25*?[]\\^-é\x1f"), max_size=12)


@given(addresses)
def test_what_is_escaped_comes_back(address: str) -> None:
    assert unescaped(escaped(address)) == address
    assert "}" not in escaped(address)
    assert KEYS.address(KEYS.value(address).encode()) == address
    assert KEYS.address(KEYS.filling(address).encode()) == address


@given(addresses, addresses)
def test_a_prefix_stays_one(one: str, other: str) -> None:
    assert escaped(one + other).startswith(escaped(one))
    assert (KEYS.value(one) == KEYS.value(other)) == (one == other)


@given(addresses.map("k\x1f".__add__))
def test_all_that_belongs_to_an_address_is_in_one_slot(address: str) -> None:
    lease, fence = KEYS.lease(address + "\x1f")
    assert lease == KEYS.filling(address)
    assert len({key_slot(key.encode()) for key in (KEYS.value(address), lease, fence)}) == 1
    assert len({key_slot(key.encode()) for key in KEYS.lease(address)}) == 1


@given(addresses)
def test_nothing_of_the_cache_is_anything_else(address: str) -> None:
    keys = [KEYS.value(address), *KEYS.lease(address), *KEYS.lease(address + "\x1f"), MemoryKeys("app").entry(address)]
    assert len(set(keys)) == len(keys)


@given(addresses, addresses)
def test_a_pattern_matches_what_begins_so_and_nothing_else(prefix: str, other: str) -> None:
    # the globs of Python have no escapes: what Redis escapes, it puts in brackets
    glob = pattern(prefix)
    translated = ""
    at = 0
    while at < len(glob):
        if glob[at] == "\\":
            translated += f"[{glob[at + 1]}]" if glob[at + 1] in "*?[" else glob[at + 1]
            at += 2
        else:
            translated += glob[at]
            at += 1
    assert fnmatchcase(prefix + other, translated)
    assert fnmatchcase(other, translated) == other.startswith(prefix)
