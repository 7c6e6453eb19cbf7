from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from tests.conformance.broken import harness, verdicts
from unison_storage.contracts.cache import Acquire
from unison_storage.errors import DeadlineExceeded, NotFound, StorageError, Truncated, Unavailable
from unison_storage.reference.memory import ReferenceMemory
from unison_storage_conformance.harness import Harness
from unison_storage_conformance.histories import TRADES
from unison_storage_conformance.histories.memory import Got
from unison_storage_conformance.histories.objects import OBJECTS, Asked
from unison_storage_conformance.linearizability import Call
from unison_storage_conformance.mutant import mutants
from unison_storage_conformance.profiles import PROFILES
from unison_storage_conformance.programs import Trade
from unison_storage_conformance.replay import read_all, regression_checks, written_down
from unison_storage_conformance.run import Run
from unison_storage_conformance.telling import told_example
from unison_storage_conformance.trials import unexplained
from unison_storage_conformance.verdicts import State, Verdict

LOST_UPDATES: Any = next(one.make for one in mutants() if one.name == "IncrementsReadAddAndWrite")


def failure(made: Any) -> Verdict:
    [verdict] = verdicts(harness(made, deadline=5.0), "memory.19", profile=PROFILES["quick"])
    assert verdict.state is State.FAILED, verdict.reason
    return verdict


def test_a_race_is_cut_down_to_the_calls_that_make_it() -> None:
    example = failure(LOST_UPDATES).counterexample
    assert example is not None
    assert example.message == "no order of these calls explains their answers"
    assert example.steps == ()
    # a change and an increment meet, and a read shows what came of them
    assert len(example.history) <= 4
    assert "increment_many" in {call["call"] for call in example.history}
    assert len({call["client"] for call in example.history}) >= 2


def test_the_same_run_finds_the_same_history() -> None:
    one, other = failure(LOST_UPDATES).counterexample, failure(LOST_UPDATES).counterexample
    assert one is not None
    assert other is not None
    assert (one.program, one.seed) == (other.program, other.seed)
    assert [(call["client"], call["call"], call["called"], call["answered"]) for call in one.history] == [
        (call["client"], call["call"], call["called"], call["answered"]) for call in other.history
    ]


def test_a_history_is_written_down_and_fails_again_until_it_is_mended(tmp_path: Path) -> None:
    (tmp_path / "lost.json").write_text(json.dumps(written_down(failure(LOST_UPDATES))))
    for made, state in ((LOST_UPDATES, State.FAILED), (ReferenceMemory, State.PASSED)):
        run = Run(harness(made, deadline=5.0), PROFILES["quick"])
        run.open()
        [again] = [run.check(check) for check in regression_checks(run, read_all(tmp_path))]
        run.close()
        assert (again.state, again.check, again.law) == (state, "regression_lost", "memory.19")


def test_it_is_drawn_as_lanes_that_show_what_overlapped() -> None:
    example = failure(LOST_UPDATES).counterexample
    assert example is not None
    lines = [line for line in told_example(example) if line.startswith("client")]
    assert len(lines) == len(example.history)
    bars = [(line.index("├"), line.index("┤")) for line in lines]
    for one, bar in zip(example.history, bars, strict=True):
        for two, other in zip(example.history, bars, strict=True):
            if one["answered"] < two["called"]:
                assert bar[1] <= other[0]
            elif two["answered"] > one["called"]:
                assert bar[0] < other[1]


class Eventual(ReferenceMemory):
    """Promises less than most."""

    consistency: ClassVar[Literal["linearizable", "eventual"]] = "eventual"


def test_what_is_declared_eventual_is_not_judged_by_one_order() -> None:
    [verdict] = verdicts(harness(Eventual), "memory.19")
    assert (verdict.state, verdict.reason) == (State.UNVERIFIED, "the backend declares itself eventual")


class Shared(ReferenceMemory):
    """A client of data that all clients share, as those of a server are."""

    durability = "durable"  # type: ignore[assignment]
    rows: ClassVar[dict[str, Any]] = {}
    calls: ClassVar[dict[int, int]] = {}

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._rows = Shared.rows

    async def put_many(self, puts: Sequence[Any]) -> Any:
        Shared.calls[id(self)] = Shared.calls.get(id(self), 0) + 1
        await asyncio.sleep(0)
        return await super().put_many(puts)


def test_a_server_is_met_by_clients_of_their_own() -> None:
    class Server(Harness):
        kinds = ("memory",)

        def backend(self, part: str, context: Any) -> Any:
            return Shared(context.clock) if part == "memory" else None

    [verdict] = verdicts(Server(), "memory.19", profile=PROFILES["quick"])
    assert verdict.state is State.PASSED
    assert len(Shared.calls) >= 3


@pytest.mark.parametrize(
    ("error", "fine"),
    [(Unavailable, True), (DeadlineExceeded, True), (Truncated, False), (NotFound, False)],
)
@pytest.mark.parametrize(
    ("trade", "operation", "given"),
    [
        (TRADES["memory"], "get_many", Got("a")),
        (TRADES["index"], "get_many", "a"),
        (TRADES["graph"], "get_nodes", ("Device", "a")),
        (TRADES["cache"], "acquire_many", Acquire("a", "owner", 1)),
        (OBJECTS, "get", Asked("a")),
    ],
    ids=["memory", "index", "graph", "cache", "objects"],
)
def test_a_call_that_was_in_vain_has_done_nothing_and_any_other_error_has_to_be_explained(
    trade: Trade, operation: str, given: Any, error: type[StorageError], *, fine: bool
) -> None:
    found = unexplained(trade, [Call(0, operation, given, error, 0, 1)])
    assert (found is None) == fine
