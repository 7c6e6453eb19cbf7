from __future__ import annotations

import asyncio
import inspect

import pytest

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.operations import LIFECYCLE, READS, WRITES, contract_of
from unison_storage.layers.passing import layered
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.testing import ManualClock

CLOCK = ManualClock()
BACKENDS: list[Backend] = [ReferenceMemory(CLOCK), ReferenceBlobs(CLOCK), ReferenceObjectIndex(CLOCK)]


@pytest.mark.parametrize("inner", BACKENDS, ids=lambda one: type(one).__name__)
def test_what_is_not_replaced_is_the_backends_own_method(inner: Backend) -> None:
    layer = layered(inner, {})
    assert isinstance(layer, contract_of(inner))
    for name in (*READS[contract_of(inner)], *WRITES[contract_of(inner)], *LIFECYCLE):
        assert getattr(layer, name) == getattr(inner, name)
    for name in ("name", "durability", "capabilities", "consistency", "batching", "limits"):
        assert getattr(layer, name) == getattr(inner, name)


@pytest.mark.parametrize("inner", BACKENDS, ids=lambda one: type(one).__name__)
def test_the_tables_of_operations_name_every_method_of_the_contract_once(inner: Backend) -> None:
    contract = contract_of(inner)
    methods = {
        name
        for name, member in inspect.getmembers(contract, inspect.isfunction)
        if not name.startswith("_") and name not in LIFECYCLE
    }
    assert READS[contract] | WRITES[contract] == methods
    assert not READS[contract] & WRITES[contract]


def test_a_layer_answers_by_what_it_replaces() -> None:
    async def count(prefix: str) -> int:
        return len(prefix)

    layer = layered(ReferenceMemory(CLOCK), {"count": count})
    assert asyncio.run(layer.count("abc")) == 3


def test_what_fulfils_no_contract_is_refused() -> None:
    with pytest.raises(TypeError, match="fulfils no contract"):
        layered(object(), {})  # type: ignore[type-var]
