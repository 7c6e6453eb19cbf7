"""Keyspaces: named partitions with lifetime bounds, data class and person scope. No data and no backends here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

from msgspec import Struct
from msgspec.structs import asdict, replace

from unison_storage.addresses import check_keyspace, check_person
from unison_storage.classification import DataClass
from unison_storage.errors import InvalidConfig, InvalidKey, InvalidLifetime, InvalidValue, UnknownKeyspace
from unison_storage.profiles import Profile

MINUTE: Final = 60.0
HOUR: Final = 3_600.0
DAY: Final = 86_400.0
LONGEST: Final = 100 * 365.25 * DAY
CACHE_LIFETIME: Final = 5 * MINUTE
CACHE_CEILING: Final = DAY
"""Default and ceiling in the cache, for keyspaces that declare none."""
_MICROS: Final = 1_000_000

CodecName = Literal["json", "msgpack", "raw"]
OnFailure = Literal["refuse", "degrade"]


class Keyspace(Struct, frozen=True):
    """A named partition. ``lifetime`` is the default, ``floor`` and ``ceiling`` are bounds, all in seconds.

    With a ceiling nothing lives for ever, and the ceiling is the default where no lifetime is given. In a
    ``person_scoped`` keyspace the first namespace segment is the person. ``durable=False`` lets it live on a
    backend that may lose it. ``url`` keeps memory and cache of this keyspace on a backend of their own.

    ``codec`` is how the cache encodes values: ``json``, ``msgpack`` or ``raw`` bytes. ``on_failure`` says what it does
    while its backend does not answer: ``refuse`` raises; ``degrade`` counts it, reads as if nothing were there, and
    lets writes of values go.
    """

    name: str
    lifetime: float | None = None
    floor: float | None = None
    ceiling: float | None = None
    data_class: DataClass = DataClass.CONTENT
    person_scoped: bool = False
    durable: bool = True
    url: str | None = None
    codec: CodecName = "json"
    on_failure: OnFailure = "refuse"

    def __post_init__(self) -> None:
        for what, value, known in (("codec", self.codec, CodecName), ("on_failure", self.on_failure, OnFailure)):
            if value not in get_args(known):
                raise InvalidConfig(f"keyspace {self.name!r}: {what} is {' or '.join(get_args(known))}")
        try:
            check_keyspace(self.name)
            low = micros_of(self.floor) if self.floor is not None else 0
            high = micros_of(self.ceiling) if self.ceiling is not None else math.inf
            default = micros_of(self.lifetime) if self.lifetime is not None else None
        except (InvalidKey, InvalidLifetime) as error:
            raise InvalidConfig(f"keyspace {self.name!r}: {error.message}") from None
        if not low <= (default if default is not None else high) <= high:
            raise InvalidConfig(f"keyspace {self.name!r}: floor, lifetime and ceiling must not decrease in this order")

    def __repr__(self) -> str:
        shown = ((name, "***" if name == "url" and value else value) for name, value in asdict(self).items())
        return f"Keyspace({', '.join(f'{name}={value!r}' for name, value in shown)})"

    @property
    def default(self) -> int | None:
        """The lifetime in microseconds where a caller gives none; ``None`` for ever."""
        seconds = self.lifetime if self.lifetime is not None else self.ceiling
        return None if seconds is None else micros_of(seconds)

    def for_cache(self) -> Keyspace:
        """Return the keyspace as the cache takes it: with a default and a ceiling, where it has none of its own."""
        lifetime = self.lifetime or self.ceiling or max(CACHE_LIFETIME, self.floor or 0)
        return replace(self, lifetime=lifetime, ceiling=self.ceiling or max(CACHE_CEILING, lifetime))

    def bounded(self, lifetime: float | None) -> int | None:
        """Return a caller's lifetime in microseconds, rounded up; ``InvalidLifetime`` outside the bounds."""
        if lifetime is None:
            if self.ceiling is not None:
                raise InvalidLifetime(f"keyspace {self.name}: a lifetime of at most {self.ceiling:.12g} s is required")
            return None
        length = micros_of(lifetime)
        if self.ceiling is not None and length > micros_of(self.ceiling):
            raise InvalidLifetime(f"keyspace {self.name}: a lifetime is at most {self.ceiling:.12g} s")
        if self.floor is not None and length < micros_of(self.floor):
            raise InvalidLifetime(f"keyspace {self.name}: a lifetime is at least {self.floor:.12g} s")
        return length

    def person(self, namespace: tuple[str, ...], person: str | None) -> str | None:
        """Return whose data lies below a namespace: its first segment where person-scoped, else ``person``."""
        if not self.person_scoped:
            return None if person is None else check_person(person)
        if not namespace:
            raise InvalidKey(f"keyspace {self.name} is person-scoped: its first namespace segment is the person")
        owner = check_person(namespace[0])
        if person is not None and person != owner:
            raise InvalidValue(f"keyspace {self.name} is person-scoped: the person is its first namespace segment")
        return owner


def label_of(name: str) -> str:
    """Return how a keyspace is spelled in the name of an environment variable; two names may meet there."""
    return "".join(char if char.isalnum() else "_" for char in name).upper()


def micros_of(lifetime: float) -> int:
    """Return seconds as whole microseconds, rounded up; ``InvalidLifetime`` unless a positive finite number."""
    if type(lifetime) is not float and type(lifetime) is not int:
        raise InvalidLifetime(f"a lifetime is a number of seconds, not {type(lifetime).__name__}")
    if not 0 < lifetime <= LONGEST:  # also false for NaN
        raise InvalidLifetime("a lifetime is more than 0 seconds and at most 100 years")
    return math.ceil(lifetime * _MICROS)


_P: Final = DataClass.BEHAVIOURAL
BUILT_IN: Final = (
    Keyspace(name="session", lifetime=DAY, ceiling=30 * DAY, data_class=_P, person_scoped=True),
    Keyspace(name="ui:session", lifetime=HOUR, ceiling=DAY, data_class=_P, person_scoped=True, durable=False),
    Keyspace(name="connectors", data_class=DataClass.SECRET, person_scoped=True),
    Keyspace(name="transcripts", data_class=DataClass.CONTENT, person_scoped=True),
    Keyspace(name="auth:tokens", lifetime=HOUR, ceiling=31 * DAY, data_class=DataClass.IDENTIFIER, durable=False),
    Keyspace(name="intent:cache", lifetime=5 * MINUTE, ceiling=DAY, data_class=_P, durable=False, on_failure="degrade"),
    Keyspace(
        name="context:cache",
        lifetime=5 * MINUTE,
        ceiling=DAY,
        data_class=_P,
        person_scoped=True,
        durable=False,
        on_failure="degrade",
    ),
    Keyspace(
        name="graph:hot",
        lifetime=MINUTE,
        ceiling=HOUR,
        data_class=DataClass.IDENTIFIER,
        durable=False,
        on_failure="degrade",
    ),
)


class Keyspaces:
    """The keyspaces of one storage: the built-in ones, replaced and extended by the declared."""

    def __init__(self, declared: Iterable[Keyspace], profile: Profile) -> None:
        declared = tuple(declared)
        names = [space.name for space in declared]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InvalidConfig(f"keyspace {twice!r} is declared twice")
        self.declared: Mapping[str, Keyspace] = {space.name: space for space in (*BUILT_IN, *declared)}
        self._undeclared_refused = profile.strict

    def get(self, name: str) -> Keyspace:
        """Return the keyspace; undeclared: free of bounds, or ``UnknownKeyspace`` in staging and production."""
        space = self.declared.get(name)
        if space is not None:
            return space
        check_keyspace(name)
        if self._undeclared_refused:
            raise UnknownKeyspace(f"keyspace {name!r} is not declared{near(name, self.declared)}; {_DECLARE}")
        return Keyspace(name=name)


_DECLARE: Final = "declare it with Storage(keyspaces=[…]), [keyspaces] in the TOML file or UNISON_STORAGE_KEYSPACES__…"


def near(name: str, names: Iterable[str]) -> str:
    """Return "; near names: …" for an error message, or nothing where no name is near."""
    from difflib import get_close_matches

    found = get_close_matches(name, list(names), n=3)
    return f"; near names: {', '.join(found)}" if found else ""
