from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.share import shared
from unison_storage.contracts.context import Context
from unison_storage.layers.coalesce import coalesce_cache, coalesce_graph, coalesce_index, coalesce_memory
from unison_storage_conformance.harness import KINDS, harness_of
from unison_storage_conformance.profiles import Profile
from unison_storage_conformance.run import Run
from unison_storage_conformance.served.harness import ServedHarness
from unison_storage_conformance.verdicts import Level, State

FEW = Profile("few", examples=3, steps=5, histories=20)
LAYERS: dict[str, Any] = {
    "memory": coalesce_memory,
    "object_index": coalesce_index,
    "graph": coalesce_graph,
    "cache": coalesce_cache,
}


class Coalesced(ServedHarness):
    """Clients whose calls at once are gathered by core."""

    def backend(self, part: str, context: Context) -> Any:
        client = super().backend(part, context)
        return LAYERS[part](client) if part in LAYERS else client


FEWEST = {Level.HISTORIES: 1, Level.FAULTS: 12, Level.CRASH: 2, Level.RESOURCES: 8, Level.SECRECY: 5}
"""How many checks of each level there are at least."""
TRIED = shared(product([ServedHarness, Coalesced], FEWEST, KINDS))


@pytest.mark.parametrize(("harness", "level", "kind"), TRIED)
def test_clients_that_do_it_right_are_accused_of_nothing(harness: type[ServedHarness], level: Level, kind: str) -> None:
    run = Run(harness_of(harness, [kind]), FEW)
    run.open()
    found = [run.check(check) for check in run.checks() if check.level is level]
    run.close()
    assert [(one.check, one.state, one.reason) for one in found if one.state is not State.PASSED] == []
    assert len(found) >= FEWEST[level]
    assert run.harness_faults == []
    assert run.leftovers == []
