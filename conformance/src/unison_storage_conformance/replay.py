"""Replaying: a counterexample as a file, played again against the reference. How one comes about is not here."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from unison_storage.clock import ManualClock
from unison_storage.errors import InvalidConfig, StorageError
from unison_storage_conformance.ageing import MICRO
from unison_storage_conformance.histories import TRADES
from unison_storage_conformance.law import PART_OF, Check
from unison_storage_conformance.notation import read
from unison_storage_conformance.outcomes import alike, broken
from unison_storage_conformance.programs import Program
from unison_storage_conformance.references import REFERENCES
from unison_storage_conformance.run import Run
from unison_storage_conformance.trials import again, clients
from unison_storage_conformance.verdicts import Level, State, Verdict

FORMAT: Final = 1


class Known(Struct, frozen=True):
    """A counterexample that was written to a file: what was called below which root, on which contract."""

    name: str
    law: str
    contract: str
    root: str
    steps: list[Any]
    program: Program = ()
    seed: str = ""


def can_be_replayed(verdict: Verdict) -> bool:
    """Return whether it is a failure of calls on a backend that could be made again.

    Plugins and stores have none; and what a death, a wire or a closing did to calls is not done by the calls.
    """
    example = verdict.counterexample
    return (
        verdict.state is State.FAILED
        and example is not None
        and bool(example.program or (example.steps and verdict.level in (Level.LAWS, Level.MACHINE)))
        and verdict.contract in PART_OF
    )


def written_down(verdict: Verdict) -> dict[str, Any]:
    """Return the counterexample of a verdict as the document of a file."""
    example = verdict.counterexample
    assert example is not None  # noqa: S101 - only failures are written down
    return {
        "format": FORMAT,
        "law": example.law,
        "sentence": verdict.sentence,
        "check": verdict.check,
        "contract": verdict.contract,
        "message": example.message,
        "expected": example.expected,
        "found": example.found,
        "root": example.root,
        "steps": [{name: step[name] for name in ("call", "given", "named")} for step in example.steps],
        "program": list(example.program),
        "seed": example.seed,
        "history": list(example.history),
    }


def read_known(path: Path) -> Known:
    """Return the counterexample of a file; ``InvalidConfig`` where it is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT:
            raise InvalidConfig(f"{path} has format {content['format']!r}, this version reads {FORMAT}")
        known = Known(
            path.name,
            content["law"],
            content["contract"],
            content["root"],
            content["steps"],
            msgspec.convert(content.get("program", ()), Program),
            content.get("seed", ""),
        )
    except OSError as error:
        raise InvalidConfig(f"{path} can't be read: {type(error).__name__}") from None
    except (ValueError, KeyError, TypeError, msgspec.ValidationError):
        raise InvalidConfig(f"{path} is no counterexample of the suite") from None
    if known.contract not in PART_OF:
        raise InvalidConfig(f"{path} is a counterexample of {known.contract!r}, which can't be replayed")
    return known


def read_all(folder: Path) -> list[Known]:
    """Return the counterexamples of a folder, in order of their names."""
    return [read_known(path) for path in sorted(folder.glob("*.json"))]


def regression_checks(run: Run, known: Sequence[Known]) -> list[Check]:
    """Return the checks that play known counterexamples again, those whose contract the target has."""
    parts = run.target.parts()
    return [_check(one) for one in known if PART_OF[one.contract] in parts]


def _check(known: Known) -> Check:
    async def again(ground: Any) -> None:
        await _replayed(known, ground)

    name = "regression_" + re.sub(r"\W+", "_", known.name.removesuffix(".json"))
    return Check(known.law, name, known.contract, Level.LAWS, again)


async def _replayed(known: Known, ground: Any) -> None:
    """Make the same calls, below the ground's own root, of the backend and of an empty reference.

    Calls that overlapped are made as often as it takes: whether they meet again is the machine's choice.
    """
    if known.program:
        failed = await again(TRADES[known.contract], known.program, known.seed, await clients(ground), ground)
        if failed is not None:
            raise failed
        return
    clock = ManualClock(await ground.now() / MICRO)
    reference: Any = REFERENCES[known.contract](clock)
    for number, step in enumerate(known.steps, 1):
        call = step["call"]
        if call == "pass_time":
            await ground.pass_time(step["given"][0])
            clock.advance(step["given"][0] * ground.tick / MICRO)
            continue
        if call == "reopen":
            await ground.reopen()
            continue
        given = read(_moved(step["given"], known.root, ground.root))
        named = {name: read(_moved(one, known.root, ground.root)) for name, one in step["named"].items()}
        found, wanted = await _answer(ground.backend, call, given, named), await _answer(reference, call, given, named)
        if call not in ("purge_expired", "now") and not alike(
            found, wanted, await ground.now() - clock.now(), ground.slack
        ):
            broken(f"call {number}, {call}, is answered otherwise than by the reference", expected=wanted, found=found)


async def _answer(backend: Any, call: str, given: Sequence[Any], named: dict[str, Any]) -> Any:
    method = getattr(backend, call, None)
    if method is None or call.startswith("_"):
        raise InvalidConfig(f"{call} is no call of this contract")
    try:
        return await method(*given, **named)
    except StorageError as error:
        return error


def _moved(value: Any, old: str, new: str) -> Any:
    """Return notation with every text that begins with the old root below the new one."""
    if isinstance(value, str):
        return value.replace(old, new, 1) if old and value.startswith(old) else value
    if isinstance(value, list):
        return [_moved(one, old, new) for one in value]
    if isinstance(value, dict):
        return {name: _moved(one, old, new) for name, one in value.items()}
    return value
