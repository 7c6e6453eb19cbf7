"""Digests: the same for the same things in any order, and another one for anything else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from unison_storage.copying.tally import Digest, Tally

things = st.tuples(st.text(), st.binary(), st.none() | st.text(), st.dictionaries(st.text(), st.integers(0, 9)))


def digest(of: list[object]) -> str:
    made = Digest()
    for one in of:
        made.add(one)
    return made.hex


@given(st.lists(things, max_size=6, unique_by=repr), st.randoms())
def test_the_order_does_not_matter_and_what_is_there_does(some: list[object], random: object) -> None:
    mixed = list(some)
    random.shuffle(mixed)  # type: ignore[attr-defined]  # what hypothesis gives is a random.Random
    assert digest(mixed) == digest(some)
    for left_out in range(len(some)):
        assert digest(some[:left_out] + some[left_out + 1 :]) != digest(some)
    assert digest([*some, *some]) != digest(some) or not some


def test_what_differs_or_is_missing_is_not_equal() -> None:
    assert Tally("memory", items=2, same=2, beyond=3).equal
    assert not Tally("memory", items=2, same=1, different=1).equal
    assert not Tally("memory", items=2, same=1, missing=1).equal
    assert not Tally("memory", digest="a", digest_there="b").equal
