"""The page: reports as one static file of HTML, laws against backends. How it looks stands in ``page.html``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from msgspec import Struct

from unison_storage_conformance.documents import Document
from unison_storage_conformance.law import CONTRACTS
from unison_storage_conformance.telling import SHOWN_STEPS, told_call, told_step
from unison_storage_conformance.verdicts import Counterexample, State, Verdict, worst

_PAGES: Final = Environment(
    loader=PackageLoader("unison_storage_conformance", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_CODE: Final = re.compile(r"``(.+?)``")


class Line(Struct, frozen=True):
    """One law: what it came to in each report (``None`` where it was not tried), and its checks."""

    law: str
    sentence: str
    states: list[State | None]
    checks: list[tuple[str, str, list[Verdict | None]]]
    """Name, level, and what each report says."""
    reasons: list[tuple[str, str, Verdict]]
    """Of which report, of which check, and the verdict that has a reason."""

    @property
    def failed(self) -> bool:
        """Whether any report says so."""
        return State.FAILED in self.states


def page(documents: Sequence[Document]) -> str:
    """Return a page of one report, or of several side by side."""
    sections = [(contract, list(_lines(contract, documents))) for contract in CONTRACTS]
    return _PAGES.get_template("page.html").render(
        documents=documents,
        sections=[(contract, lines) for contract, lines in sections if lines],
        failed=[line for _, lines in sections for line in lines if line.failed],
        states=list(State),
        example=_example,
    )


def _coded(text: str) -> Markup:
    """Return a sentence with what stands between two backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


_PAGES.filters["coded"] = _coded


def _lines(contract: str, documents: Sequence[Document]) -> Iterator[Line]:
    """Yield the laws of a contract that any report has tried, in the order of their numbers."""
    found = [one for document in documents for one in document.laws if one.law.partition(".")[0] == contract]
    for law in sorted({one.law for one in found}, key=lambda law: int(law.partition(".")[2])):
        by_report = [{one.id: one for one in document.laws if one.law == law} for document in documents]
        ids = {one.id: one for verdicts in by_report for one in verdicts.values()}
        checks = [
            (_name(one, contract), str(one.level), [verdicts.get(id) for verdicts in by_report])
            for id, one in ids.items()
        ]
        states = [worst([one.state for one in verdicts.values()]) for verdicts in by_report]
        sentence = next((one.sentence for one in ids.values() if one.sentence), "")
        reasons = [
            (document.name, name, verdict)
            for name, _, verdicts in checks
            for document, verdict in zip(documents, verdicts, strict=True)
            if verdict is not None and verdict.reason
        ]
        yield Line(law, sentence, states, checks, reasons)


def _name(verdict: Verdict, contract: str) -> str:
    words = verdict.check.replace("_", " ")
    return words if verdict.contract == contract else f"{words} ({verdict.contract})"


def _example(example: Counterexample) -> dict[str, Any]:
    """Return a counterexample as the template takes it: steps as lines, calls at once as bars in hundredths."""
    left_out = max(0, len(example.steps) - SHOWN_STEPS)
    last = max((max(call["called"], call["answered"] or 0) for call in example.history), default=0) + 1
    return {
        "left_out": left_out,
        "steps": [told_step(step, example.root) for step in example.steps[left_out:]],
        "lanes": [
            {
                "client": call["client"],
                "start": 100 * call["called"] / last,
                "width": 100 * ((last if call["answered"] is None else call["answered"]) - call["called"]) / last,
                "open": call["answered"] is None,
                "call": told_call(call, example.root),
            }
            for call in example.history
        ],
    }
