"""Verify a target at length, and keep what came of it on a page.

    python -m tests.tools.verify sqlite

Every law in profile ci, kind by kind; with SQLite also every mutant and benign variant in profile ci on three seeds,
which say the same of the suite whatever the target is. The results go to `docs/verification.md` with the commit and
the date; what other targets came to stays there as it is. Exits with 1 where a law failed, a mutant lived, or a benign
variant was accused.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from msgspec import Struct

from unison_storage_conformance.harness import Harness, harness_of
from unison_storage_conformance.mutant import caught, mutants, tried
from unison_storage_conformance.profiles import PROFILES
from unison_storage_conformance.report import made
from unison_storage_conformance.run import Run
from unison_storage_conformance.target import Target
from unison_storage_conformance.verdicts import State, totals

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "verification.md"
SEEDS: Final = (1, 2, 3)
Places = Iterator[tuple[str, Harness]]
CI: Final = PROFILES["ci"]

HEAD: Final = """# Verification

What `make verify` came to, by target: every law in profile ci, and with SQLite the suite's own mutants on three seeds.
Made by `python -m tests.tools.verify`; a section is replaced when its target is verified again.
"""
_SECTION: Final = re.compile(r"^## (?P<name>\w+)\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class Line(Struct, frozen=True):
    """One kind of a target, or one set of variants: what was counted, how long it took, and what is wrong."""

    name: str
    counted: str
    seconds: float
    wrong: Sequence[str]


def main(arguments: Sequence[str]) -> int:
    """Verify the target that is named."""
    if len(arguments) != 1 or arguments[0] not in TARGETS:
        print(f"usage: python -m tests.tools.verify {'|'.join(TARGETS)}", file=sys.stderr)
        return 2
    [target] = arguments
    with tempfile.TemporaryDirectory() as folder:
        laws = [
            shown(kind(harness, name, f"{place}{name}"))
            for place, harness in TARGETS[target](Path(folder))
            for name in Target(harness).kinds()
        ]
        laws += [shown(line) for line in BESIDES[target]()] if target in BESIDES else []
    suite = [shown(variants(seed)) for seed in SEEDS] if target == SUITE_WITH else []
    PAGE.write_text(
        page(PAGE.read_text("utf-8") if PAGE.exists() else "", target, section(target, laws, suite)), "utf-8"
    )
    return 1 if any(line.wrong for line in (*laws, *suite)) else 0


def kind(harness: Harness, name: str, shown_as: str) -> Line:
    """Try every law of one kind."""
    started = time.perf_counter()
    run = Run(harness_of(harness, [name]), CI)
    run.open()
    report = made(run)
    counted = ", ".join(f"{number} {state}" for state, number in totals(report.verdicts).items() if number)
    failed = [f"{one.law} {one.check}: {one.reason}" for one in report.verdicts if one.state is State.FAILED]
    wrong = [*failed, *report.faults, *report.waiver_faults, *report.leftovers]
    return Line(shown_as, counted, time.perf_counter() - started, wrong)


def variants(seed: int) -> Line:
    """Try every mutant against its law, and every benign variant against all of them."""
    started = time.perf_counter()
    everyone = list(range(len(mutants())))
    # not forked: a process that was forked can't have writers of its own, which come from a server of this one
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        wrong = [told for told in pool.map(judged, everyone, [seed] * len(everyone)) if told]
    broken = [one for one in mutants() if one.law]
    benign = [one for one in mutants() if not one.law]
    counted = f"{len(broken)} mutants, {len(benign)} benign variants"
    return Line(f"seed {seed}", counted, time.perf_counter() - started, wrong)


def judged(number: int, seed: int) -> str:
    """Return what is wrong with the suite's judgement of one variant; empty where nothing is."""
    variant = mutants()[number]
    found = tried(variant, CI, seed, [variant.law] if variant.law else [])
    if variant.law:
        return "" if caught(variant, found) else f"{variant.contract} {variant.name} lives: {variant.sentence}"
    accused = [f"{one.law} {one.check}" for one in found if one.state is State.FAILED]
    return f"{variant.contract} {variant.name} is accused by {', '.join(accused)}" if accused else ""


def shown(line: Line) -> Line:
    """Say how far it is."""
    print(
        f"{line.name}: {line.counted}, {line.seconds:.0f} s{''.join(f'{chr(10)}  {one}' for one in line.wrong)}",
        flush=True,
    )
    return line


def section(target: str, laws: Sequence[Line], suite: Sequence[Line]) -> str:
    """Return the text of a target."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    rows = [
        f"## {target}",
        "",
        f"Commit {commit.stdout.strip()}, {datetime.now(UTC):%Y-%m-%d}, Python {sys.version.split()[0]}.",
        "",
        *table("kind", "laws, profile ci", laws, "failed"),
        "",
        *(table("seed", "the suite itself, profile ci", suite, "judged wrongly") if suite else ()),
        "",
        *[f"- {one}" for line in (*laws, *suite) for one in line.wrong],
    ]
    return "\n".join(rows).rstrip() + "\n"


def table(first: str, second: str, lines: Iterable[Line], wrong: str) -> list[str]:
    """Return the lines as a table of the page."""
    rows = [f"| {line.name} | {line.counted} | {len(line.wrong)} | {line.seconds:.0f} s |" for line in lines]
    return [f"| {first} | {second} | {wrong} | time |", "|---|---|---|---|", *rows]


def page(old: str, target: str, new: str) -> str:
    """Return the page with the section of a target made or replaced."""
    sections = {found["name"]: found[0] for found in _SECTION.finditer(old)}
    sections[target] = new
    return "\n".join([HEAD, *(text.rstrip() + "\n" for _, text in sorted(sections.items()))])


def sqlite(folder: Path) -> Places:
    """Yield the harness for a file."""
    yield "", harness_of(f"sqlite:///{folder}/x.db")


def postgres(_folder: Path) -> Places:
    """Yield the harnesses for the newest server and for the oldest, by themselves and behind a pooler."""
    from tests.plugins.postgres.surroundings import Restarted, as_service, for_service
    from tests.services import pgbouncer
    from tests.services.postgres import Started, debian, made

    options = "statement_timeout=0.3&connect_timeout=2"
    for name, programs in (("PostgreSQL 18", None), ("PostgreSQL 15", debian())):
        server = Started(programs)
        direct = asyncio.run(as_service(made(server, "verify")))
        yield f"{name}: ", Restarted(f"{direct}?{options}", server)
        pooler = pgbouncer.Started(server)
        pooler.start()
        asyncio.run(as_service(made(server, "pooled")))
        pooled = f"{for_service(pooler.url('pooled'))}?{options}&pooler=transaction"
        yield f"{name}, PgBouncer: ", Restarted(pooled, server)
        pooler.remove()


def redis(_folder: Path) -> Places:
    """Yield the harnesses for Valkey and for Redis by themselves, behind Sentinels, and as a Cluster."""
    from tests.plugins.redis.surroundings import Restarted
    from tests.services.valkey import Clustered, Started, Watched, debian, valkey

    for name, program in (("Valkey 9", valkey()), ("Redis 7", debian())):
        server = Started(program)
        server.start()
        yield f"{name}: ", Restarted(server, "?timeout=0.3&connect_timeout=2")
        server.remove()
        for place, several in (("Sentinel", Watched(program)), ("Cluster", Clustered(program))):
            several.start()
            yield f"{name}, {place}: ", harness_of(several.url)
            several.remove()


def neo4j(_folder: Path) -> Places:
    """Yield the harnesses for the release that is kept up for long, and for the newest."""
    from tests.plugins.neo4j.surroundings import Restarted
    from tests.services.neo4j import LTS, NEWEST, Started

    for version in (LTS, NEWEST):
        server = Started(version)
        server.start()
        yield f"Neo4j {version}: ", Restarted(server, "?timeout=2&connect_timeout=1")
        server.remove()


def failovers() -> Iterator[Line]:
    """Kill the server that is written to, over and over, and tell how long it took until all wrote again."""
    from tests.plugins.redis.failover import killed_while_writing
    from tests.services.valkey import Clustered, Watched, debian, valkey

    for name, program in (("Valkey 9", valkey()), ("Redis 7", debian())):
        started, took = time.perf_counter(), []
        watched = Watched(program)
        watched.start()
        for _ in range(FAILOVERS):
            watched.settle()
            victim = watched.serving()
            took.append(asyncio.run(killed_while_writing(watched.url, victim)))
            victim.start()
        watched.remove()
        yield Line(f"{name}: failover of Sentinel", _times(took), time.perf_counter() - started, [])
        started, took = time.perf_counter(), []
        clustered = Clustered(program, replicas=1)
        clustered.start()
        for number in range(3):
            took.append(asyncio.run(killed_while_writing(clustered.url, clustered.nodes[number])))
        clustered.remove()
        yield Line(f"{name}: a node of a Cluster", _times(took), time.perf_counter() - started, [])


def promotions() -> Iterator[Line]:
    """Kill the primary under 32 callers, over and over, with a standby that is waited for."""
    from tests.plugins.postgres.failover import Pair, Round, rounds
    from tests.services.postgres import debian

    async def killed(pair: Pair) -> list[Round]:
        return [one async for one in rounds(pair, PROMOTIONS)]

    for name, programs in (("PostgreSQL 18", None), ("PostgreSQL 15", debian())):
        started = time.perf_counter()
        seen = asyncio.run(killed(Pair(programs)))
        for one in seen:
            print(one, flush=True)
        counted = (
            f"{_times([one.seconds for one in seen])}; {sum(one.acknowledged for one in seen)} writes acknowledged, "
            f"{sum(one.failed for one in seen)} failed, {sum(one.unknown for one in seen)} of them outcome unknown"
        )
        wrong = [f"round {turn}: {one.lost} lost" for turn, one in enumerate(seen, 1) if one.lost]
        yield Line(f"{name}: failover", counted, time.perf_counter() - started, wrong)


def _times(took: Sequence[float]) -> str:
    return f"{len(took)} kills, all write again after {min(took):.1f} to {max(took):.1f} s"


TARGETS: Final[dict[str, Callable[[Path], Places]]] = {
    "sqlite": sqlite,
    "postgres": postgres,
    "redis": redis,
    "neo4j": neo4j,
}
"""What is tried of each target, and under which name: how each harness comes about."""
BESIDES: Final[dict[str, Callable[[], Iterator[Line]]]] = {"postgres": promotions, "redis": failovers}
"""What is tried of a target beside its laws."""
FAILOVERS: Final = 10
PROMOTIONS: Final = 20
SUITE_WITH: Final = "sqlite"
"""The target with which the suite itself is tried."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
