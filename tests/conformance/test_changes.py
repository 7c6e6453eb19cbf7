"""What a change has come to is looked at as of one moment, though it takes effect late."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import pytest

from unison_storage.clock import ManualClock
from unison_storage.contracts.graph import Neighbors
from unison_storage.errors import Unavailable
from unison_storage.reference.graph import ReferenceGraph
from unison_storage.reference.objects import ReferenceObjectIndex
from unison_storage_conformance.changes import CHANGES, Change
from unison_storage_conformance.effects import judge
from unison_storage_conformance.outcomes import LawBroken

LOST = Unavailable("the wire was cut", outcome_unknown=True)


class Late:
    """A backend that loses its wire once it is told to; what it is asked then takes effect ahead of a later call."""

    def __init__(self, backend: Any, ahead_of: int) -> None:
        self._backend = backend
        self._ahead_of = ahead_of
        self._lost: Any = None
        self.cut = False

    def __getattr__(self, name: str) -> Any:
        async def asked(*given: Any) -> Any:
            if self.cut:
                self.cut = False
                self._lost = name, given
                raise LOST
            if self._lost is not None:
                self._ahead_of -= 1
                if self._ahead_of < 0:
                    (late, what), self._lost = self._lost, None
                    await getattr(self._backend, late)(*what)
            return await getattr(self._backend, name)(*given)

        return asked


class Ground:
    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self._numbers = count()

    def at(self, name: str) -> str:
        return f"s\x1f{name}"

    def below(self) -> str:
        return "s\x1f"

    def mint(self) -> str:
        return f"v{next(self._numbers)}"

    def blob(self) -> str:
        return f"{next(self._numbers):032x}"


def late_changes(contract: str, ahead_of: int) -> int:
    """Judge each change of a contract, which takes effect ahead of so many calls; return how many there are."""

    async def one(prepared: Any) -> None:
        clock = ManualClock()
        backend = Late(ReferenceGraph(clock) if contract == "graph" else ReferenceObjectIndex(clock), ahead_of)
        change: Change = await prepared(Ground(backend))
        backend.cut = True
        with pytest.raises(Unavailable):
            await change.call(backend)
        await judge(change, LOST)

    for prepared in CHANGES[contract]:
        asyncio.run(one(prepared))
    return len(CHANGES[contract])


@pytest.mark.parametrize("contract", ["graph", "index"])
@pytest.mark.parametrize("ahead_of", range(6))
def test_what_takes_effect_while_it_is_looked_at_is_not_taken_for_a_half(contract: str, ahead_of: int) -> None:
    assert late_changes(contract, ahead_of) == 4


class Halves(ReferenceGraph):
    """A graph that deletes the edges of a node, and then dies."""

    async def delete_nodes(self, refs: Any, detach: bool) -> Any:  # noqa: FBT001 - see the contract
        [around] = await self.neighbors([Neighbors(ref, "both", None, None, None, 10) for ref in refs])
        assert isinstance(around, list)
        assert detach
        await self.delete_edges([one.edge.ref for one in around])
        raise LOST


def test_a_half_that_stays_is_one() -> None:
    async def test() -> None:
        graph = Halves(ManualClock())
        [deleting] = [one for one in CHANGES["graph"] if one.__name__ == "_delete_node"]
        change = await deleting(Ground(graph))
        with pytest.raises(Unavailable):
            await change.call(graph)
        with pytest.raises(LawBroken, match="once or not at all"):
            await judge(change, LOST)

    asyncio.run(test())
