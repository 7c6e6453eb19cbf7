"""Operations: every method of a contract is a read, a write or part of a life, so that layers can rely on it."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.cache import CacheBackend
from unison_storage.contracts.graph import GraphBackend
from unison_storage.contracts.memory import MemoryBackend
from unison_storage.contracts.objects import Blobs, ObjectIndex
from unison_storage.contracts.operations import BATCHES, LIFECYCLE, READS, WRITES, contract_of, touches
from unison_storage.reference.cache import ReferenceCache
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.testing import ManualClock
from unison_storage.values import MISSING, Health

CONTRACTS: list[type[Any]] = [MemoryBackend, Blobs, ObjectIndex, GraphBackend, CacheBackend]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_method_of_a_contract_is_sorted_once(contract: type[Any]) -> None:
    methods = {name for name in dir(contract) if not name.startswith("_") and callable(getattr(contract, name))}
    assert READS[contract] & WRITES[contract] == set()
    assert READS[contract] | WRITES[contract] | set(LIFECYCLE) == methods


@pytest.mark.parametrize("contract", CONTRACTS)
def test_what_answers_item_by_item_takes_a_sequence_first(contract: type[Any]) -> None:
    for name in BATCHES & (READS[contract] | WRITES[contract]):
        _, first, *_ = inspect.signature(getattr(contract, name)).parameters.values()
        assert str(first.annotation).startswith("Sequence["), f"{contract.__name__}.{name}"


def test_every_contract_is_sorted() -> None:
    assert set(READS) == set(WRITES) == set(CONTRACTS)


def test_a_backend_fulfils_one_contract() -> None:
    clock = ManualClock()
    assert contract_of(ReferenceMemory(clock)) is MemoryBackend
    assert contract_of(ReferenceBlobs(clock)) is Blobs
    assert contract_of(ReferenceObjectIndex(clock)) is ObjectIndex
    assert contract_of(ReferenceGraph(clock)) is GraphBackend
    assert contract_of(ReferenceCache(clock)) is CacheBackend


def test_what_fulfils_no_contract_is_a_type_error() -> None:
    class Neither(Backend):
        name = "neither"

        async def health(self) -> Health:
            return Health(ok=True, detail="", seconds=0.0)

        async def now(self) -> int:
            return 0

    with pytest.raises(TypeError, match="Neither"):
        contract_of(Neither())


@pytest.mark.parametrize(
    ("arguments", "named", "expected"),
    [
        ((["a"],), {}, False),
        ((["a"], MISSING), {}, False),
        ((["a"],), {"touch": MISSING}, False),
        ((["a"], None), {}, True),
        ((["a"],), {"touch": None}, True),
        ((["a"], 5), {}, True),
        ((["a"],), {"touch": 0}, True),
        ((), {}, False),
    ],
)
def test_a_get_that_touches_is_a_write(arguments: tuple[Any, ...], named: dict[str, Any], *, expected: bool) -> None:
    assert touches(arguments, named) is expected
