"""Effects: whether what a call has done is what it has answered, whatever happened to it. Calls are in ``changes``."""

from __future__ import annotations

from typing import Any

from unison_storage.errors import AvailabilityError, StorageError
from unison_storage_conformance.outcomes import broken


def each(answer: Any) -> list[Any]:
    """Return the answers of a batch one by one, or the one of another call."""
    return answer if isinstance(answer, list) else [answer]


def judged(before: Any, after: Any, found: Any, answer: Any) -> None:
    """Judge one item by what was there, what should be there now, what is there, and what was answered."""
    if found not in (before, after):
        broken(
            "a call takes effect once or not at all", expected=f"{before!r} or {after!r}", found=found, law="backend.15"
        )
    if not isinstance(answer, StorageError):
        if found != after:
            broken("what was acknowledged is there", expected=after, found=found, law="backend.9")
        return
    if not isinstance(answer, AvailabilityError):
        broken("a wire that fails comes to an error of availability", found=answer, law="backend.14")
    if found == after and not answer.outcome_unknown:
        broken(
            "the call took effect, and its error denies it",
            expected="outcome_unknown",
            found=answer,
            law="backend.7",
        )


async def judge(change: Any, answer: Any) -> None:
    """Say whose law is broken by what a change has come to, with its answer."""
    answers = answer if change.each and isinstance(answer, list) else [answer] * len(change.before)
    seen = await change.look()
    for before, after, found, one in zip(change.before, change.after, seen, answers, strict=True):
        judged(before, after, found, one)
