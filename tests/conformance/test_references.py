"""The references pass their own suite, bare and in every layer that a storage puts around a backend."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from tests.share import shared
from unison_storage.contracts.backend import Backend
from unison_storage.contracts.context import Context
from unison_storage.layers.coalesce import coalesce_cache, coalesce_graph, coalesce_index, coalesce_memory
from unison_storage.layers.deadline import deadline
from unison_storage.layers.retry import retry
from unison_storage_conformance.harness import KINDS, harness_of
from unison_storage_conformance.profiles import PROFILES
from unison_storage_conformance.references import reference
from unison_storage_conformance.run import Run
from unison_storage_conformance.verdicts import State

COALESCED: dict[str, Callable[[Any], Backend]] = {
    "memory": coalesce_memory,
    "object_index": coalesce_index,
    "graph": coalesce_graph,
    "cache": coalesce_cache,
}
"""What has layers: a storage puts none around blobs, whose reads and writes are streams."""
Layer = Callable[[str, Any, Context], Backend]


def coalesced(part: str, backend: Any, _: Context) -> Backend:
    return COALESCED[part](backend) if part in COALESCED else backend


def bounded(part: str, backend: Any, _: Context) -> Backend:
    return deadline(backend, 5.0) if part in COALESCED else backend  # type: ignore[no-any-return]


def retried(part: str, backend: Any, context: Context) -> Backend:
    return retry(backend, context.clock) if part in COALESCED else backend  # type: ignore[no-any-return]


LAYERS: dict[str, tuple[Layer, ...]] = {
    "bare": (),
    "deadline": (bounded,),
    "retry": (retried,),
    "coalesce": (coalesced,),
    "all": (bounded, retried, coalesced),
}


@pytest.mark.parametrize(("name", "kind"), shared(product(LAYERS, KINDS)))
def test_a_reference_passes(name: str, kind: str) -> None:
    def made(part: str, context: Context) -> Backend:
        backend = reference(part, context.clock)
        for layer in LAYERS[name]:
            backend = layer(part, backend, context)
        return backend

    run = Run(harness_of(made, [kind]), PROFILES["quick"])
    run.open()
    found = [run.check(check) for check in run.checks()]
    run.close()
    assert [(one.law, one.check, one.reason) for one in found if one.state is State.FAILED] == []
    assert sum(one.state is State.PASSED for one in found) > 30
    assert run.leftovers == []
    reasons = {one.reason for one in found if one.state is State.UNVERIFIED}
    assert reasons <= {"what is kept in a process has no second client", "what is kept in a process ends with it"}
