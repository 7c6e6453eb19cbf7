"""The harness: what an author gives the suite. How backends are opened with it stands in ``target``."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from copy import copy
from typing import Any, Final, TypeAlias

from unison_storage.assembly import OFFERED
from unison_storage.clock import ManualClock
from unison_storage.contracts.backend import Backend
from unison_storage.contracts.context import Context
from unison_storage.errors import InvalidConfig
from unison_storage.layers.lane import Lane

PARTS: Final = OFFERED
"""What a backend can be made for: the kinds, with the two halves of objects apart."""

KINDS: Final = ("memory", "object", "graph", "cache")

Factory: TypeAlias = Callable[[str, Context], Backend | None]


class Harness:
    """What the suite needs to try a backend: a ``url``, or ``backend`` for one that is embedded. All else is optional.

    A plugin lends ``age``, ``raw`` and ``restart`` for its URLs by the hook ``conformance_harness``. Backends that ask
    the clock of their context for the time need no ``age``. No law of these kinds asks for ``raw`` yet. Writers that
    are killed have the harness in another process: a class of a module, with attributes that can be pickled.
    """

    url: str | None = None
    kinds: Sequence[str] | None = None
    """Which of memory, object, graph and cache to try; ``None`` is all that there are."""
    deadline: float = 10.0
    """Seconds within which every single call has to end."""

    age: Callable[[float], Awaitable[None]] | None = None
    """``async def age(self, seconds)``: make everything stored that much older."""
    raw: Callable[[str], Awaitable[bytes | None]] | None = None
    """``async def raw(self, address)``: return the stored bytes, past the backend."""
    restart: Callable[[], Awaitable[None]] | None = None
    """``async def restart(self)``: stop the server at once and start it again."""

    serve: Callable[[ManualClock], AbstractAsyncContextManager[tuple[str, int]]] | None = None
    """``serve(clock)`` starts the server that the backends are for and gives its host and port; ends with the run."""
    address: tuple[str, int] | None = None
    """Where the server listens: taken from the URL or from ``serve``. Faults are tried where there is one."""

    passwords: Sequence[str] = ()
    """Secrets that the backends are given to reach their server, beside the password of the URL. None may be told."""

    lanes: type[Any] = Lane
    """What gathers calls where the coalescer is tried: core's own, which the mutants break."""

    surface: Callable[[ManualClock], AbstractAsyncContextManager[Any]] | None = None
    """``surface(clock)`` opens what has ``memory`` and ``objects`` as a storage has them, in place of backends."""

    def backend(self, part: str, context: Context) -> Backend | None:  # noqa: ARG002 - for a subclass to use
        """Make a backend for a part (``memory``, ``object``, ``object_index``, ``graph``, ``cache``), not opened yet.

        ``None`` where there is none. It is called once for each client, and in other processes too, so two calls for
        one part have to meet the same data, unless the backend says that it keeps them in the process
        (``Durability.PROCESS``).
        """
        return None

    def at(self, address: tuple[str, int]) -> Harness:
        """Return a harness for the same server at another address, where a proxy stands before it.

        For a URL there is nothing to do; a subclass that has ``backend`` makes it connect to ``self.address``.
        """
        twin = copy(self)
        twin.address = address
        if self.url is not None:
            twin.url = _HOSTS.sub(lambda found: f"{found[1]}{address[0]}:{address[1]}", self.url, count=1)
        return twin


_HOSTS: Final = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?@]*@)?)[^/?@]*")


class _Embedded(Harness):
    """A harness for a factory."""

    def __init__(self, factory: Factory) -> None:
        self._factory = factory

    def backend(self, part: str, context: Context) -> Backend | None:
        return self._factory(part, context)


def harness_of(given: Any, kinds: Sequence[str] | None = None) -> Harness:
    """Return the harness for a URL, a factory ``(part, context) → backend``, a ``Harness`` or its class."""
    if isinstance(given, type) and issubclass(given, Harness):
        made = given()
    elif isinstance(given, Harness):
        made = given
    elif isinstance(given, str):
        made = Harness()
        made.url = given
    elif callable(given):
        made = _Embedded(given)
    else:
        raise InvalidConfig(f"a {type(given).__name__} is neither a URL, a factory, nor a Harness")
    if kinds is not None:
        made.kinds = kinds
    for kind in made.kinds or ():
        if kind not in KINDS:
            raise InvalidConfig(f"{kind!r} is no kind; there is {', '.join(KINDS)}")
    if made.url is None and made.surface is None and type(made).backend is Harness.backend:
        raise InvalidConfig(f"{type(made).__name__} gives neither a url nor a backend")
    return made
