"""Telling: calls, answers and histories in notation, as lines that a person reads. Where they are shown is not here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from unison_storage.addresses import SEPARATOR
from unison_storage.cli.output import shown
from unison_storage_conformance.verdicts import Counterexample

SHOWN_STEPS: Final = 12
"""How many of the last calls are told."""

WIDEST: Final = 40
"""Columns that the bars of a history may take."""


def told_example(example: Counterexample) -> Iterator[str]:
    """Yield the last calls or the history, what was expected and what was found."""
    left_out = len(example.steps) - SHOWN_STEPS
    if left_out > 0:
        yield f"… {left_out} earlier calls"
    for number, step in enumerate(example.steps, 1):
        if number > left_out:
            yield f"{number:>3}  {told_step(step, example.root)}"
    if example.history:
        yield from lanes(example.history, example.root)
    if example.expected is not None:
        yield f"expected  {shown(example.expected)}"
    if example.found is not None:
        yield f"found     {shown(example.found)}"


def lanes(history: Sequence[Any], root: str) -> Iterator[str]:
    """Yield a line for each call, so that what overlapped stands above one another; no answer is an open end."""
    last = max(max(call["called"], call["answered"] or 0) for call in history)
    step = min(3.0, (WIDEST - 1) / max(last, 1))
    width = round(last * step) + 2
    for call in history:
        start = round(call["called"] * step)
        if call["answered"] is None:
            bar = " " * start + "├" + "╌" * (width - start - 1)
        else:
            end = max(round(call["answered"] * step), start + 1)
            bar = " " * start + "├" + "─" * (end - start - 1) + "┤"
        yield f"client {call['client']}  {bar:{width}}  {told_call(call, root)}"


def told_call(call: Any, root: str) -> str:
    """Return one call of a history and its answer on a line."""
    answer = "no answer" if call["answered"] is None else told(call["answer"], root)
    return _cut(f"{call['call']} {told(call['given'], root)}", answer)


def told_step(step: Any, root: str) -> str:
    """Return one call and its answer on a line."""
    given = ", ".join(
        [
            *(told(one, root) for one in step["given"]),
            *(f"{name}={told(one, root)}" for name, one in step["named"].items()),
        ]
    )
    answer = told(step["answer"], root)
    return _cut(f"{step['call']}({given})", answer)


def _cut(call: str, answer: str) -> str:
    line = f"{call} → {answer}"
    return shown(line if len(line) <= 300 else f"{line[:220]} … → {answer[:70]}")


def told(value: Any, root: str) -> str:  # noqa: PLR0911 - one for each kind of value
    """Return a value in notation as a person reads it."""
    if isinstance(value, str):
        return repr(_shortened(value, root))
    if isinstance(value, list):
        return f"[{', '.join(told(one, root) for one in value)}]"
    if not isinstance(value, dict):
        return repr(value)
    match value.get("is"):
        case "bytes":
            data = bytes.fromhex(value["hex"])
            return repr(data) if len(data) <= 40 else f"{data[:20]!r}… ({len(data)} bytes)"
        case "member":
            return str(value["name"])
        case "error":
            return str(value["class"])
        case "tuple":
            return f"({', '.join(told(one, root) for one in value['items'])})"
        case "dict":
            return "{" + ", ".join(f"{told(key, root)}: {told(one, root)}" for key, one in value["items"]) + "}"
        case "other":
            return str(value["text"])
    name = str(value["is"]).rpartition(".")[2]
    fields = ", ".join(
        f"{field}={told(one, root)}" for field, one in value.items() if field != "is" and one not in _DEFAULTS
    )
    return f"{name}({fields})"


_DEFAULTS: Final = (None, {"is": "member", "name": "ANY"})


def _shortened(text: str, root: str) -> str:
    """Return a text without what was made up for the run: the root of addresses, the run in versions and persons."""
    run = root.split(SEPARATOR)[1] if root.count(SEPARATOR) > 1 else ""
    text = text.replace(root, "…", 1) if root else text
    return (text.replace(run, "…") if run else text).replace(SEPARATOR, "/")
