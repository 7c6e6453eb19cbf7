"""The target: what is tried, and how its backends are opened. What a check gets of it stands in ``ground``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from unison_storage.assembly import HOOKS
from unison_storage.clock import ManualClock
from unison_storage.contracts.backend import Backend, Durability
from unison_storage.contracts.context import Context
from unison_storage.contracts.migrations import Migrations
from unison_storage.errors import GuardViolation, InvalidConfig
from unison_storage.hookspecs import HarnessHooks
from unison_storage.plugins import Plugin, Plugins
from unison_storage.profiles import Profile
from unison_storage.targets import Target as Url
from unison_storage.telemetry import Telemetry
from unison_storage_conformance.harness import KINDS, PARTS, Harness
from unison_storage_conformance.law import Need

START: Final = 1_000_000_000.0
"""2001-09-09, in seconds since the epoch: where the suite's clock begins.

It lies before anything that a real clock has written, so that what others keep on the target never looks expired.
"""

_ELSEWHERE: Final = "name a database that is there for tests"

_PARTS_OF: Final = {"object": ("object", "object_index")}


class Target:
    """What is tried. Making one looks the plugin up and takes the URL apart; it does no I/O."""

    def __init__(self, harness: Harness, clock: ManualClock | None = None) -> None:
        self.harness = harness
        self.clock = clock or ManualClock(START)
        self.url: Url | None = None
        self.plugin: Plugin | None = None
        if harness.url is not None:
            self._plugins = Plugins()
            self.url = Url.parse(harness.url, "the URL")
            self.plugin = self._plugins.serving(self.url.scheme, "the URL")
            self.url.convert(self.plugin.spec.options)
        self._shared = self.context()

    @property
    def has_server(self) -> bool:
        """Whether there is a wire between backends and data."""
        return self.harness.serve is not None or self.harness.address is not None or bool(self.url and self.url.hosts)

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port of the server; ``None`` where the URL names none, or several."""
        if self.harness.address is not None:
            return self.harness.address
        hosts = () if self.url is None else self.url.hosts
        if len(hosts) != 1 or hosts[0][1] is None:
            return None
        return hosts[0][0], hosts[0][1]

    def at(self, address: tuple[str, int]) -> Target:
        """Return the same target at another address, where a proxy stands before it."""
        return Target(self.harness.at(address), self.clock)

    @property
    def passwords(self) -> Sequence[str]:
        """What nobody may be told: the password of the URL, and what else the harness names."""
        own = self.url.password if self.url is not None else None
        return [*([own] if own else []), *self.harness.passwords]

    @property
    def shown(self) -> str:
        """The URL without its password, or the name of the harness."""
        return self.url.masked if self.url is not None else type(self.harness).__name__

    def context(self) -> Context:
        """Return surroundings of their own, so that what is opened in them has connections of its own."""
        return Context(Profile.TEST, self.clock, Telemetry())

    def kinds(self) -> Sequence[str]:
        """Return the kinds to try, in the order of the report."""
        if self.harness.kinds is not None:
            return [kind for kind in KINDS if kind in self.harness.kinds]
        return [kind for kind in KINDS if any(part in self.parts() for part in _PARTS_OF.get(kind, (kind,)))]

    def parts(self) -> Sequence[str]:
        """Return the parts that a backend can be made for, of the kinds that are asked for."""
        wanted = self.harness.kinds
        parts = [
            part
            for part in PARTS
            if wanted is None or part in wanted or (part == "object_index" and "object" in wanted)
        ]
        if self.plugin is not None:
            return [part for part in parts if part in self.plugin.spec.kinds]
        return [part for part in parts if self.harness.backend(part, self._shared) is not None]

    def gathered(self, part: str) -> bool:
        """Return whether core lays its coalescer over a part, which it does unless the backend gathers itself."""
        backend = self._made(part, self._shared)
        return backend is not None and backend.batching == "core"

    def outlives(self, part: str) -> bool:
        """Return whether what is written to a part is there when its writer has died."""
        backend = self._made(part, self._shared)
        return backend is not None and survives(backend)

    def has(self, need: Need, part: str) -> bool:
        """Return whether there is what a check of a part needs."""
        if need is Need.WIRE:
            return self.has_server
        if need is Need.MIGRATIONS:
            return self.migrations() is not None
        backend = self._made(part, self._shared)
        return backend is not None and backend.durability is Durability.DURABLE

    def make(self, part: str, context: Context | None = None) -> Backend:
        """Return a backend for a part, not opened yet: with the connections that all share, or with its own.

        Raises ``InvalidConfig`` where a plugin declares the part and its hook makes none.
        """
        made = self._made(part, context or self._shared)
        if made is None:
            raise InvalidConfig(
                f"{self.shown}: its hook for {part} makes no backend; "
                f"name in its spec the kinds that it serves, or name with --kind which to try"
            )
        return made

    def _made(self, part: str, context: Context) -> Backend | None:
        if self.plugin is None:
            return self.harness.backend(part, context)
        made: Backend | None = self._plugins.subset(self.plugin, HOOKS[part])(target=self.url, context=context)
        return made

    def migrations(self) -> Migrations | None:
        """Return the migrations of the URL's schema; ``None`` where there is none."""
        if self.plugin is None:
            return None
        made: Migrations | None = self._plugins.subset(self.plugin, "migrations")(target=self.url, context=self._shared)
        return made

    def hooks(self) -> HarnessHooks:
        """Return what the harness gives, and what the plugin lends where it gives nothing."""
        lent: Any = None
        if self.plugin is not None:
            lent = self._plugins.subset(self.plugin, "conformance_harness")(target=self.url)
        lent = lent or HarnessHooks()
        own = self.harness
        return HarnessHooks(age=own.age or lent.age, raw=own.raw or lent.raw, restart=own.restart or lent.restart)

    async def prepare(self) -> None:
        """Bring the schema up to date; ``GuardViolation`` where the target is marked as production or staging."""
        migrations = self.migrations()
        if migrations is None:
            return
        state = await migrations.state()
        if state.profile in (Profile.PRODUCTION, Profile.STAGING):
            raise GuardViolation(
                f"the target is marked as {state.profile}, and the suite writes and deletes: {_ELSEWHERE}",
                rule="conformance-target",
                remedy=_ELSEWHERE,
            )
        await migrations.apply()


def survives(backend: Backend) -> bool:
    """Return whether what one client wrote is there for another one."""
    return backend.durability is not Durability.PROCESS
