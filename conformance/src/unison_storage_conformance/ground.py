"""The ground that one check stands on: its backend, addresses that nobody else uses, and time. No law stands here."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from unison_storage.addresses import SEPARATOR, Address
from unison_storage.capabilities import Limits
from unison_storage.contracts.backend import Backend
from unison_storage.contracts.context import Context
from unison_storage_conformance.ageing import MICRO
from unison_storage_conformance.outcomes import NotTried, broken, same
from unison_storage_conformance.target import survives
from unison_storage_conformance.watch import KEPT, Steps, watched

if TYPE_CHECKING:
    from unison_storage_conformance.site import Site

B = TypeVar("B", bound=Backend)


class Ground(Generic[B]):
    """What a check may do. ``root`` begins every address of it and ends with U+001F; as a space it is one as well."""

    def __init__(
        self, site: Site, number: str, kept: int | None = KEPT, client: Backend | None = None, hidden: str = ""
    ) -> None:
        self.site = site
        self.root = f"{site.root}{number}{SEPARATOR}{hidden}{SEPARATOR if hidden else ''}"
        self.steps: Steps = deque(maxlen=kept)
        self._name = f"{site.run}.{number.replace(SEPARATOR, '.')}"
        self._number = number
        self.made: list[str] = []
        """The ids of blobs that were made here."""
        self._minted = count(1)
        self._subs = count(1)
        self._clients: list[Backend] = []
        self.client = client
        """The client that is alone here, if it is; without a watch over it."""
        self._hidden = hidden
        self._watch()

    def _watch(self) -> None:
        self.backend: B = self.watched(self.client or self.site.backend)

    @property
    def limits(self) -> Limits:
        """What the backend says that it can take."""
        limits: Limits = self.site.backend.limits
        return limits

    @property
    def deadline(self) -> float:
        """Seconds within which every call has to end."""
        return self.site.deadline

    @property
    def slack(self) -> int:
        """Microseconds that times may be off; 0 where the suite's clock decides."""
        return self.site.ageing.slack

    @property
    def tick(self) -> int:
        """A lifetime in microseconds: nothing that lives so long expires by itself during a call or two."""
        return round(self.site.ageing.tick * MICRO)

    def at(self, *parts: str) -> Address:
        """Return an address below the root: segments and key."""
        return self.root + SEPARATOR.join(parts)

    def below(self, *segments: str) -> str:
        """Return the prefix of all addresses below segments; of the root without any. For graphs it is a space."""
        return self.site.space(self.root + "".join(segment + SEPARATOR for segment in segments))

    def person(self, number: int = 1) -> str:
        """Return a person that nobody else has."""
        person = f"conformance.{self._name}.{number}"
        self.site.persons.add(person)
        return person

    def mint(self) -> str:
        """Return a new version."""
        return f"{self._name}.{next(self._minted)}"

    def blob(self) -> str:
        """Return a new id for a blob; its bytes and its row are removed at the end of the run."""
        self.made.append(self.site.blob())
        return self.made[-1]

    def blobs(self, number: int) -> list[str]:
        """Return that many new ids for blobs, in order, with no others between them."""
        beginning = self.site.blob()[:24]
        ids = [f"{beginning}{place:08x}" for place in range(number)]
        self.site.blobs += ids
        self.made += ids
        return ids

    async def now(self) -> int:
        """Return the time that decides about expiry, in microseconds."""
        return await self.backend.now()

    async def pass_time(self, ticks: float) -> None:
        """Let that many ticks pass; a little more where a real clock decides. ``NotTried`` where time can't pass."""
        await self.site.pass_time(ticks)

    async def another(self) -> B:
        """Return another client of the same data, open; ``NotTried`` where data are kept in the process."""
        if not survives(self.site.backend):
            raise NotTried("what is kept in a process has no second client")
        return await self.own()

    async def own(self) -> B:
        """Return a backend with connections of its own, open; it is closed after the check."""
        backend = self.fresh()
        await backend.open()
        return backend

    def fresh(self) -> B:
        """Return a backend with connections of its own, not opened yet; it is closed after the check."""
        made = self.site.make()
        self._clients.append(made)
        under_watch: B = self.watched(made)
        return under_watch

    async def reopen(self) -> None:
        """Close the backend and open one on the same data; ``NotTried`` where data are kept in the process."""
        if not survives(self.site.backend):
            raise NotTried("what is kept in a process ends with it")
        await self.site.reopen()
        self._watch()

    def anew(self) -> Ground[B]:
        """Return ground below this one, for one story of a machine; all its calls are kept, to be replayed."""
        return self._below(self.client, self._hidden)

    def alone(self, context: Context | None = None, hidden: str = "") -> Ground[B]:
        """Return ground below this one for a client of its own, which is not opened yet; it is closed at the end.

        ``hidden`` is a segment of every address there, and of nothing else.
        """
        self._clients.append(self.site.make(context))
        return self._below(self._clients[-1], hidden)

    def _below(self, client: Backend | None, hidden: str = "") -> Ground[B]:
        number = f"{self._number}{SEPARATOR}{next(self._subs)}"
        return Ground(self.site, number, kept=None, client=client, hidden=hidden)

    def watched(self, backend: Any) -> Any:
        """Return a backend under watch, its calls written down with those of this check."""
        return watched(backend, self.deadline, self.steps)

    async def leave(self) -> None:
        """Close what the check has opened, and remove what it has written where that is one call."""
        clients, self._clients = self._clients, []
        for client in clients:
            async with asyncio.timeout(self.deadline):
                await client.close()
        await self.site.clear(self.root)


def near(ground: Ground[Any], found: int | None, wanted: int | None, message: str) -> None:
    """Say that the law is broken unless two times are the same, as exactly as the target can tell."""
    if found is None or wanted is None:
        same(found, wanted, message)
    elif abs(found - wanted) > ground.slack:
        broken(message, expected=wanted, found=found)
