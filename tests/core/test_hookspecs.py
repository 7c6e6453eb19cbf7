"""Hooks: the table of what a plugin may implement is the one that assembly calls, and the reference fits it."""

from __future__ import annotations

import inspect

import pluggy
import pytest

from unison_storage import hookspecs, reference
from unison_storage.assembly import OFFERED
from unison_storage.clock import SystemClock
from unison_storage.contracts.backend import KINDS, Backend
from unison_storage.contracts.context import Context
from unison_storage.errors import InvalidConfig
from unison_storage.profiles import Profile
from unison_storage.targets import Target
from unison_storage.telemetry import Telemetry

FACTORIES = {"memory": "memory_backend", "object": "blob_backend", "object_index": "object_index_backend"}
FACTORIES |= {"graph": "graph_backend", "cache": "cache_backend"}


def manager() -> pluggy.PluginManager:
    made = pluggy.PluginManager(hookspecs.PROJECT)
    made.add_hookspecs(hookspecs)
    return made


def test_every_kind_that_is_offered_has_a_factory() -> None:
    hooks = {name for name in vars(manager().hook) if not name.startswith("_")}
    assert {FACTORIES[kind] for kind in OFFERED} <= hooks
    assert set(OFFERED) - {"object_index"} <= set(KINDS)
    assert {"backend_specs", "migrations", "guard_rules", "conformance_harness"} <= hooks


def test_factories_take_a_target_and_its_surroundings() -> None:
    for name in (*FACTORIES.values(), "migrations"):
        assert list(inspect.signature(getattr(hookspecs, name)).parameters) == ["target", "context"]


def test_the_reference_fits_the_hooks() -> None:
    made = manager()
    made.register(reference)
    made.check_pending()
    ((spec,),) = made.hook.backend_specs()
    assert spec.kinds == OFFERED


@pytest.mark.parametrize("kind", FACTORIES)
def test_each_reference_backend_is_new_empty_and_takes_no_option(kind: str) -> None:
    context = Context(Profile.TEST, SystemClock(), Telemetry())
    make = getattr(reference, FACTORIES[kind])
    one, two = (make(target=Target.parse("reference://"), context=context) for _ in range(2))
    assert isinstance(one, Backend)
    assert one is not two
    with pytest.raises(InvalidConfig, match="unknown option 'size'"):
        make(target=Target.parse("reference://?size=5"), context=context)
