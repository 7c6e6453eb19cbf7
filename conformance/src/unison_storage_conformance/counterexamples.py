"""Counterexamples: how a law was broken, as a record that can be shown, written down and played again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from unison_storage.addresses import SEPARATOR
from unison_storage_conformance.law import Check
from unison_storage_conformance.linearizability import FOREVER, Call
from unison_storage_conformance.notation import written
from unison_storage_conformance.outcomes import LawBroken
from unison_storage_conformance.trials import HistoryBroken
from unison_storage_conformance.verdicts import Counterexample


def counterexample(error: LawBroken, check: Check, ground: Any) -> Counterexample:
    """Return how a check found that a law is broken, with the calls on the ground that it stood on."""
    root = getattr(ground, "root", "")
    if isinstance(error, HistoryBroken):
        more: dict[str, Any] = {
            "history": tuple(_history(error.calls)),
            "program": msgspec.to_builtins(error.program),
            "seed": error.seed,
        }
    else:
        more = {"steps": tuple(_steps(ground))}
    return Counterexample(
        law=check.law if error.law is None else error.law,
        message=error.message,
        expected=_rooted(error.expected, root),
        found=_rooted(error.found, root),
        root=root,
        **more,
    )


def _steps(ground: Any) -> Sequence[Any]:
    return [
        {
            "call": step.operation,
            "given": written(list(step.given)),
            "named": {name: written(value) for name, value in step.named.items()},
            "answer": written(step.answered),
        }
        for step in getattr(ground, "steps", ())
    ]


def _history(calls: Sequence[Call]) -> Sequence[Any]:
    """Return overlapping calls with their places counted anew, so that what was left out leaves no gap."""
    places = sorted({place for call in calls for place in (call.called, call.answered) if place < FOREVER})
    return [
        {
            "client": call.client,
            "call": call.operation,
            "given": written(call.given),
            "answer": None if call.answered == FOREVER else written(call.answer),
            "called": places.index(call.called),
            "answered": None if call.answered == FOREVER else places.index(call.answered),
        }
        for call in calls
    ]


def _rooted(text: str | None, root: str) -> str | None:
    """Return text with what was made up for the run left out."""
    return (
        text
        if text is None or not root
        else text.replace(repr(root)[1:-1], "…").replace(root, "…").replace(SEPARATOR, "/")
    )
