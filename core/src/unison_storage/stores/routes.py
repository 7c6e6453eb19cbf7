"""Routes by keyspace: which backend serves a kind in a keyspace, and all backends of a kind at once.

Memory and cache may keep a keyspace on a backend of its own. What a route does with a call stands in ``border``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from unison_storage.classification import ACCEPTED, check_accepted
from unison_storage.contracts.backend import Backend
from unison_storage.errors import InvalidConfig
from unison_storage.keyspaces import Keyspace, Keyspaces
from unison_storage.stores.border import EVERYWHERE, Border, Route

B = TypeVar("B", bound=Backend)


def _as_it_is(keyspace: Keyspace) -> Keyspace:
    return keyspace


class Routes(Generic[B]):
    """The routes of one kind. ``bounds`` may narrow a keyspace for it."""

    def __init__(
        self,
        border: Border,
        kind: str,
        keyspaces: Keyspaces,
        backend: B | None,
        own: Mapping[str, B],
        bounds: Callable[[Keyspace], Keyspace] = _as_it_is,
    ) -> None:
        self._border = border
        self._kind = kind
        self._keyspaces = keyspaces
        self._backend = backend
        self._own = own
        self._bounds = bounds
        self._known: dict[str, Route] = {}

    def get(self, name: str) -> Route:
        """Return the route of a keyspace.

        Raises ``UnknownKeyspace``, ``ClassificationViolation`` where the kind does not accept the keyspace's class, and
        ``InvalidConfig`` where nothing serves it.
        """
        return self._known.get(name) or self._made(name)

    def declared(self) -> Iterator[Route]:
        """Yield the route of every declared keyspace that the kind accepts and something serves."""
        for name, keyspace in self._keyspaces.declared.items():
            served = self._own.get(name, self._backend) is not None
            if served and keyspace.data_class in ACCEPTED[self._kind]:
                yield self.get(name)

    def everywhere(self) -> Iterator[tuple[Route, B]]:
        """Yield each backend once, with a route that stands for all keyspaces."""
        backends = {id(backend): backend for backend in (self._backend, *self._own.values()) if backend is not None}
        for backend in backends.values():
            yield Route(self._border, self._kind, backend, EVERYWHERE, declared=True), backend

    def _made(self, name: str) -> Route:
        keyspace = self._keyspaces.get(name)
        declared = name in self._keyspaces.declared
        check_accepted(self._kind, keyspace.data_class, f"keyspace {name}")
        backend = self._own.get(name, self._backend)
        if backend is None:
            raise InvalidConfig(
                f"nothing serves {self._kind} of keyspace {name!r}: only keyspaces with a URL of their own are"
            )
        route = Route(self._border, self._kind, backend, self._bounds(keyspace), declared=declared)
        if declared:
            self._known[name] = route
        return route
