"""The report: what a run came to, as a record and as one JSON document. How a person sees it is ``terminal``'s."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from unison_storage_conformance import __version__
from unison_storage_conformance.documents import FORMAT, Document, Tried
from unison_storage_conformance.law import Check
from unison_storage_conformance.replay import regression_checks
from unison_storage_conformance.run import Run
from unison_storage_conformance.verdicts import Verdict, exit_code, totals
from unison_storage_conformance.waivers import Waiver, today, waived


class Report(Struct, frozen=True, kw_only=True):
    """What a run came to. ``faults`` are the harness's, ``waiver_faults`` of waivers, ``leftovers`` of cleaning."""

    url: str
    backend: str
    version: str
    server: str
    profile: str
    seed: int
    at: str
    verdicts: list[Verdict]
    faults: list[str]
    waiver_faults: list[str]
    leftovers: list[str]

    @property
    def exit_code(self) -> int:
        """What a command that made it exits with."""
        return exit_code(self.verdicts, harness_fault=bool(self.faults), waiver_fault=bool(self.waiver_faults))

    def document(self) -> Document:
        """Return it as it is written down."""
        return Document(
            format=FORMAT,
            suite=__version__,
            target=Tried(self.url, self.backend, self.version, self.server),
            profile=self.profile,
            seed=self.seed,
            at=self.at,
            laws=self.verdicts,
            harness_faults=self.faults,
            waiver_faults=self.waiver_faults,
            leftovers=self.leftovers,
        )

    def written(self) -> dict[str, Any]:
        """Return it as JSON takes it, with the totals counted."""
        return {**msgspec.to_builtins(self.document()), "totals": totals(self.verdicts)}


def made(
    run: Run,
    waivers: Sequence[Waiver] = (),
    known: Sequence[Any] = (),
    heard: Callable[[int, int, Check | None], None] = lambda _done, _of, _check: None,
    checks: Sequence[Check] | None = None,
) -> Report:
    """Try everything on an opened run, close it and return the report. ``known`` are counterexamples to play again.

    ``heard`` is told before each check how many are done, of how many. ``checks`` are all of the target's by default.
    """
    found = [*(run.checks() if checks is None else checks), *regression_checks(run, known)]
    verdicts = []
    try:
        server = run.server()
        for done, check in enumerate(found):
            heard(done, len(found), check)
            verdicts.append(run.check(check))
        heard(len(found), len(found), None)
    finally:
        run.close()
    verdicts, faults = waived(verdicts, waivers, today())
    plugin = run.target.plugin
    return Report(
        url=run.target.shown,
        backend=run.target.shown if plugin is None else plugin.spec.name,
        version="" if plugin is None else plugin.found.version,
        server=server,
        profile=run.profile.name,
        seed=run.seed,
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        verdicts=verdicts,
        faults=list(dict.fromkeys(run.harness_faults)),
        waiver_faults=faults,
        leftovers=run.leftovers,
    )
