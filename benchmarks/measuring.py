"""How figures are taken: arms run in turn, in a new order each round, and medians of rounds and of ratios are kept."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

RESULTS = Path(__file__).parent / "results"


@dataclass
class Figure:
    """One line of the table: what was measured, the goal, the figure, and what it was compared with."""

    what: str
    goal: str
    figure: str
    met: bool
    note: str = ""


def rounds(arms: Mapping[str, Callable[[], float]], count: int = 7, seed: int = 0) -> dict[str, list[float]]:
    """Return what each arm answered in each round; a first round is thrown away."""
    order = random.Random(seed)
    found: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(count + 1):
        names = list(arms)
        order.shuffle(names)
        for name in names:
            answer = arms[name]()
            if number:
                found[name].append(answer)
    return found


def ratio(found: Mapping[str, list[float]], ours: str, theirs: str) -> float:
    """Return the median of the ratios of each round, so that a noisy moment hits both."""
    return median(a / b for a, b in zip(found[ours], found[theirs], strict=True))


def payload(size: int = 1024) -> dict[str, object]:
    """Return a JSON value of about ``size`` bytes: some numbers, a short history, a text."""
    value: dict[str, object] = {
        "id": 123_456_789,
        "person": "p-000042",
        "kind": "note",
        "score": 0.618034,
        "tags": ["alpha", "beta", "gamma"],
        "active": True,
        "nested": {"a": 1, "b": [1, 2, 3, 4, 5], "c": None},
        "history": [{"t": 1_700_000_000 + number, "role": "user", "n": number} for number in range(8)],
    }
    value["text"] = "lorem ipsum dolor sit amet "[:27] * (size // 27 + 1)
    spare = size - len(json.dumps({**value, "text": ""}, separators=(",", ":")))
    value["text"] = str(value["text"])[:spare]
    return value


def save(name: str, title: str, figures: list[Figure]) -> None:
    """Keep the figures of one benchmark, so that the page can be written from all of them."""
    RESULTS.mkdir(exist_ok=True)
    document = {"title": title, "figures": [asdict(figure) for figure in figures]}
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
