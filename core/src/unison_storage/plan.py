"""The plan of a storage: what its settings come to before anything is open, and opening that. Stores come after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from unison_storage.assembly import Layering, Place, backend_of, migrations_of, places, prepare
from unison_storage.clock import Clock
from unison_storage.contracts.backend import Backend
from unison_storage.contracts.context import Context
from unison_storage.contracts.migrations import Migrations
from unison_storage.guards import Finding, enforce, findings
from unison_storage.keyspaces import Keyspace
from unison_storage.layers.retry import Patience
from unison_storage.plugins import Plugins
from unison_storage.profiles import Profile
from unison_storage.targets import Target
from unison_storage.telemetry import Telemetry


class Plan:
    """What serves each kind. Making one looks plugins up and takes URLs apart; it does no I/O."""

    def __init__(
        self,
        *,
        given: Mapping[str, Any],
        keyspaces: Sequence[Keyspace],
        allowed: Sequence[str] | None,
        profile: Profile,
        clock: Clock,
        telemetry: Telemetry,
        read_only: bool,
        staleness: float | None,
        attempts: int,
        deadline: float | None,
        migration_url: str | None,
    ) -> None:
        self._plugins = Plugins(allowed)
        self._profile = profile
        self._context = Context(profile, clock, telemetry)
        self._layering = Layering(read_only, Patience(attempts=attempts) if attempts > 1 else None, deadline, staleness)
        self._migration_url = migration_url
        self.places = places(given, keyspaces, self._plugins, staleness)

    def findings(self) -> Sequence[Finding]:
        """Return every guard rail that is broken."""
        served = [place.served for place in self.places]
        served += [place.served_at_replica for place in self.places if place.served_at_replica is not None]
        return findings(self._plugins.rules(), served, self._profile)

    def migrations(self) -> Mapping[str, Migrations]:
        """Return the migrations of every database by masked URL, as the owner of the schema where one is named."""
        url = self._migration_url
        owner: Target | None = None if url is None else Target.parse(url, "UNISON_STORAGE_MIGRATION_URL")
        return migrations_of(self.places, self._plugins, self._context, owner)

    async def open(self) -> dict[str, Backend]:
        """Check the guard rails, bring schemas up to date where the profile does, and open the backends, by name.

        A backend of a keyspace is called by kind and keyspace, as in ``memory session``. Nothing stays open after a
        failure.
        """
        enforce(self.findings(), self._profile)
        await prepare(migrations_of(self.places, self._plugins, self._context), self._profile)
        return await self.open_as_it_is()

    async def open_as_it_is(self) -> dict[str, Backend]:
        """Open the backends, whatever guard rails say; ``SchemaOutOfDate`` where a schema is not current."""
        opened: dict[str, Backend] = {}
        try:
            for place in self.places:
                backend = backend_of(place, self._plugins, self._context, self._layering)
                await backend.open()
                opened[_name(place)] = backend
        except BaseException:
            await close_all(opened.values())
            raise
        return opened


async def close_all(backends: Iterable[Backend]) -> None:
    """Close backends, last opened first; one that fails keeps no other open, and its error is raised at the end."""
    failure: BaseException | None = None
    for backend in reversed(tuple(backends)):
        try:
            await backend.close()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the others have to be closed too
            failure = failure or error
    if failure is not None:
        raise failure


def _name(place: Place) -> str:
    return place.kind if place.keyspace is None else f"{place.kind} {place.keyspace.name}"
