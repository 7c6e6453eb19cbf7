"""A run: which checks are tried on a target, and what each comes to. How that looks stands in ``report``."""

from __future__ import annotations

import secrets
import time
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any, Final

from msgspec.structs import replace

from unison_storage.capabilities import Capability
from unison_storage.errors import StorageError
from unison_storage_conformance.counterexamples import counterexample
from unison_storage_conformance.ground import Ground
from unison_storage_conformance.harness import Harness
from unison_storage_conformance.law import Check, checks, part_of, sentences
from unison_storage_conformance.loop import Loop
from unison_storage_conformance.outcomes import HarnessFault, LawBroken, NotTried
from unison_storage_conformance.profiles import Profile
from unison_storage_conformance.refusals import refuse
from unison_storage_conformance.site import Site
from unison_storage_conformance.store_ground import StoreSite
from unison_storage_conformance.stories import Play, play
from unison_storage_conformance.target import Target
from unison_storage_conformance.verdicts import Level, State, Verdict

PATIENCE: Final = 30
"""Limits of a single call after which a whole check counts as hanging."""

_OBJECT_PARTS: Final = ("object", "object_index")


class Run:
    """One run of the suite on one target: ``open``, then ``check`` as often as there are checks, then ``close``."""

    def __init__(self, harness: Harness, profile: Profile, seed: int = 0) -> None:
        self.profile = profile
        self.seed = seed
        self.target = Target(harness)
        self.harness_faults: list[str] = []
        self.leftovers: list[str] = []
        self._name = secrets.token_hex(6)
        self._loop = Loop()
        self._stack = AsyncExitStack()
        self._sites: dict[str, Site] = {}
        self._stores: StoreSite | None = None
        self._number = 0

    def checks(self) -> list[Check]:
        """Return the checks of this target, in order."""
        return [check for check in checks(self.target.kinds()) if self._can_be_tried(check)]

    def _can_be_tried(self, check: Check) -> bool:
        parts = self.target.parts()
        if check.contract == "plugin":
            return self.target.plugin is not None and self._has(check, "")
        if self.target.harness.surface is not None:  # and not "objects" alone: memory has laws of its store too
            return check.face == "store" and check.level is not Level.CRASH
        needed = _OBJECT_PARTS if check.contract == "objects" else (part_of(check.contract),)
        if not all(part in parts for part in needed):
            return False
        if check.level is Level.CRASH and not self.target.outlives(part_of(check.contract)):
            return False  # what is kept in a process dies with it
        if check.contract == "coalescer" and not self.target.gathered(part_of(check.contract)):
            return False  # what gathers calls by itself is not laid under core's layer
        return self._has(check, part_of(check.contract))

    def _has(self, check: Check, part: str) -> bool:
        """Return whether the target has what a check of a part needs."""
        return all(self.target.has(need, part) for need in check.needs)

    def open(self) -> None:
        """Bring the schema up to date and open a backend for each part. Raises what of core's errors that comes to."""
        self._loop_run(self._serve())
        self._loop_run(self.target.prepare())
        for part in self.target.parts():
            site = Site(self.target, part, self._name, self.profile, self.seed)
            self._loop_run(site.open())
            self._sites[part] = site
        self._stores = StoreSite(self.target, self._sites, self._name, self.profile, self.seed)
        self._loop_run(self._stores.open())

    def close(self) -> None:
        """Remove what the run has written, and close everything; what can't be removed is told in ``leftovers``."""
        if self._stores is not None:
            self._quietly("store", self._stores.close())
        for part, site in self._sites.items():
            self._quietly(part, site.clean())
            self._quietly(part, site.backend.close())
        self._quietly("server", self._stack.aclose())
        self._loop.close()

    async def _serve(self) -> None:
        harness = self.target.harness
        if harness.serve is not None:
            harness.address = await self._stack.enter_async_context(harness.serve(self.target.clock))

    def server(self) -> str:
        """Return what the backends say of what they run on, each once."""
        details = [self._loop_run(_detail(site.backend)) for site in self._sites.values()]
        return ", ".join(dict.fromkeys(detail for detail in details if detail))

    def check(self, check: Check) -> Verdict:
        """Try one check and return what it came to."""
        started = time.perf_counter()
        verdict = Verdict(
            law=check.law,
            check=check.name,
            kind=check.kind,
            level=check.level,
            state=State.PASSED,
            seconds=0.0,
            contract=check.contract,
            sentence=sentences().get(check.law, ""),
        )
        if self._loop.blocked:
            verdict = replace(
                verdict, state=State.UNVERIFIED, reason="an earlier check blocked the event loop for good"
            )
        else:
            verdict = self._tried(check, verdict)
        return replace(verdict, seconds=time.perf_counter() - started)

    def _tried(self, check: Check, verdict: Verdict) -> Verdict:
        played: Play | None = None
        with self._standing(check) as ground:
            try:
                if check.capability is not None and check.capability not in self._capabilities(check):
                    self._loop_run(refuse(ground, check.capability))
                    return replace(verdict, state=State.REFUSED, reason=f"{check.capability} is not declared")
                if check.level is Level.MACHINE:
                    played = Play(check, ground, self.profile, self.seed, self._loop_run)
                    play(played)
                    verdict = replace(verdict, reached=dict(played.reached))
                else:
                    self._loop_run(check.call(ground))
            except NotTried as error:
                return replace(verdict, state=State.UNVERIFIED, reason=str(error))
            except HarnessFault as error:
                self.harness_faults.append(str(error))
                return replace(verdict, state=State.UNVERIFIED, reason=f"harness fault: {error}")
            except Exception as error:  # noqa: BLE001 - what a broken backend makes of a check may be anything
                broken = _broken(error)
                example = counterexample(broken, check, ground if played is None else played.shortest or ground)
                return replace(verdict, state=State.FAILED, reason=broken.message, counterexample=example)
        return verdict

    @contextmanager
    def _standing(self, check: Check) -> Iterator[Any]:
        """Give a check its ground, and take it back."""
        self._number += 1
        number = f"{self._number}"
        if check.contract == "plugin":
            yield self.target
            return
        if check.face == "store":
            assert self._stores is not None  # noqa: S101 - opened with the run
            yield self._stores.ground(number)
            return
        ground: Ground[Any] = Ground(self._sites[part_of(check.contract)], number)
        try:
            yield ground
        finally:
            self._quietly(check.contract, ground.leave())

    def _capabilities(self, check: Check) -> frozenset[Capability]:
        found: frozenset[Capability] = self._sites[part_of(check.contract)].backend.capabilities
        return found

    def _loop_run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run(work, self.target.harness.deadline * PATIENCE)

    def _quietly(self, part: str, work: Coroutine[Any, Any, Any]) -> None:
        if self._loop.blocked:
            work.close()
            self.leftovers.append(f"{part}: the event loop is blocked, so what the run has written is still there")
            return
        try:
            self._loop_run(work)
        except Exception as error:  # noqa: BLE001 - a broken backend may fail in any way here too, and the run goes on
            told = f"{part}: {type(error).__name__}: {error}"
            self.leftovers += [told] if told not in self.leftovers else []


async def _detail(backend: Any) -> str:
    try:
        return str((await backend.health()).detail)
    except Exception:  # noqa: BLE001 - a law of its own says that health never raises
        return ""


def _broken(error: Exception) -> LawBroken:
    """Return a failure of a check as a broken law; of none where the check could make nothing of an answer."""
    if isinstance(error, LawBroken):
        return error
    if isinstance(error, StorageError):
        return LawBroken(f"{type(error).__name__} where an answer is expected: {error}", found=error)
    return LawBroken(f"the check stumbled over an answer: {type(error).__name__}: {error}", found=error, law="")
