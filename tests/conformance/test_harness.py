from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.broken import memory_of
from unison_storage.clock import ManualClock
from unison_storage.contracts.backend import Backend
from unison_storage.contracts.context import Context
from unison_storage.errors import InvalidConfig
from unison_storage.reference.memory import ReferenceMemory
from unison_storage_conformance.harness import Harness, harness_of
from unison_storage_conformance.target import Target


class Mine(Harness):
    """What an author writes."""

    deadline = 3.0

    def backend(self, part: str, context: Context) -> Backend | None:
        """See ``Harness``."""
        return ReferenceMemory(context.clock) if part == "memory" else None


def test_a_url_a_factory_a_class_and_an_object_make_a_harness() -> None:
    assert harness_of("sqlite:///x.db").url == "sqlite:///x.db"
    assert Target(harness_of(memory_of(ReferenceMemory))).parts() == ["memory"]
    assert harness_of(Mine).deadline == 3.0
    own = Mine()
    assert harness_of(own, ["memory"]) is own
    assert own.kinds == ["memory"]
    assert Harness.url is None
    assert Harness.kinds is None


@pytest.mark.parametrize(
    ("given", "kinds", "told"),
    [
        (3, None, "a int is neither a URL, a factory, nor a Harness"),
        ("sqlite:///x.db", ["memories"], "'memories' is no kind; there is memory, object, graph, cache"),
        (Harness, None, "Harness gives neither a url nor a backend"),
    ],
)
def test_what_makes_no_harness_is_told(given: Any, kinds: list[str] | None, told: str) -> None:
    with pytest.raises(InvalidConfig) as failure:
        harness_of(given, kinds)
    assert failure.value.message == told


def test_the_kinds_of_a_target_are_those_that_there_is_a_backend_for() -> None:
    assert Target(harness_of("sqlite:///x.db")).kinds() == ["memory", "object", "graph", "cache"]
    assert Target(harness_of("sqlite:///x.db", ["cache", "object"])).parts() == ["object", "object_index", "cache"]
    assert Target(harness_of(Mine)).kinds() == ["memory"]


def test_a_target_shows_no_password() -> None:
    target = Target(harness_of("sqlite:///x.db?busy_timeout=1"))
    assert target.shown.startswith("sqlite:///x.db")
    assert Target(harness_of(Mine)).shown == "Mine"


def test_the_clock_of_a_run_begins_before_what_others_have_written() -> None:
    assert Target(harness_of(Mine)).clock.now() < ManualClock().now()
