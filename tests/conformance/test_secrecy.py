from __future__ import annotations

import asyncio
import gc
import logging
import sys
import warnings
from collections.abc import Callable

import pytest

from unison_storage.telemetry import Telemetry
from unison_storage_conformance.outcomes import LawBroken
from unison_storage_conformance.secrecy.canaries import check_silent, labels
from unison_storage_conformance.secrecy.listening import listening

CANARY = "what nobody may hear"


def logs() -> None:
    logging.getLogger("anything").debug("%s", CANARY)


def logs_with_a_level_of_its_own() -> None:
    logging.getLogger("loud").debug("%s", CANARY)


def logs_apart() -> None:
    logging.getLogger("apart").info("a call", extra={"given": CANARY})


def logs_an_exception() -> None:
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("anything").exception("it failed")


def warns() -> None:
    warnings.warn(CANARY, stacklevel=1)


def writes() -> None:
    sys.stdout.write(CANARY)


def writes_lines() -> None:
    sys.stderr.writelines([CANARY])


def drops_a_task() -> None:
    async def fails() -> None:
        raise ValueError(CANARY)

    async def run() -> None:
        task = asyncio.ensure_future(fails())
        await asyncio.sleep(0)
        del task
        gc.collect()

    asyncio.run(run())


class Dropped:
    def __del__(self) -> None:
        raise ValueError(CANARY)


def drops_what_fails() -> None:
    Dropped()


@pytest.fixture
def loggers() -> None:
    logging.getLogger("apart").propagate = False
    logging.getLogger("loud").setLevel(logging.ERROR)


@pytest.mark.parametrize(
    ("tell", "who"),
    [
        (logs, "the log anything"),
        (logs_with_a_level_of_its_own, "the log loud"),
        (logs_apart, "the log apart"),
        (logs_an_exception, "the log anything"),
        (warns, "a warning"),
        (writes, "stdout"),
        (writes_lines, "stderr"),
        (drops_a_task, "the log asyncio"),
        (drops_what_fails, "an exception that nobody could raise"),
    ],
)
@pytest.mark.usefixtures("loggers")
def test_whoever_tells_is_heard(tell: Callable[[], None], who: str) -> None:
    with listening() as heard:
        tell()
    with pytest.raises(LawBroken, match=f"{who} tells the value"):
        check_silent(heard, {"value": CANARY})


def test_all_is_as_it_was_afterwards() -> None:
    def state() -> object:
        root = logging.getLogger()
        return root.level, list(root.handlers), sys.stdout, sys.stderr, sys.unraisablehook, list(warnings.filters)

    before = state()
    with listening() as heard:
        logs()
    after = len(heard)
    logs()
    assert state() == before
    assert len(heard) == after


def test_bytes_are_found_as_hex_too() -> None:
    with pytest.raises(LawBroken):
        check_silent([("somebody", CANARY.encode().hex())], {"value": CANARY})
    check_silent([("somebody", "nothing")], {"value": CANARY})


def test_metrics_are_looked_at_by_all_their_labels() -> None:
    telemetry = Telemetry()
    telemetry.meter("memory", "get", "backend", "keyspace").failed(ValueError())
    telemetry.counters["name", "kind", "counted", "all"] += 1
    telemetry.gauge("size", "kind", "gauged", lambda: 1.0)
    told = " ".join(text for _, text in labels(telemetry))
    for word in ("keyspace", "ValueError", "counted", "gauged"):
        assert word in told
