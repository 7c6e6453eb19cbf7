"""Graph models: which labels, relationship types and properties a graph may have, and what a value may look like.

A model is an allow-list. There is no type for free text in it: a property is an id, a time, a tag or a score, so that
secrets and personal text have no way in. What is checked here never reaches a backend; nothing is stored here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from unison_storage.classification import DataClass, check_accepted
from unison_storage.errors import (
    ClassificationViolation,
    InvalidConfig,
    InvalidKey,
    InvalidValue,
    StorageError,
    TooLarge,
)
from unison_storage.keyspaces import near

SETTING: Final = "UNISON_STORAGE_GRAPH_MODEL"
MAX_ITEMS: Final = 1_000
"""Items of a list in one property."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,127}")
_TAG: Final = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}")
_LATEST: Final = 253_402_300_800
"""The year 10000, in seconds since the epoch."""
_RESERVED: Final = frozenset(("id", "key", "person", "space"))
"""What every node or edge has beside its properties."""


class Grammar(StrEnum):
    """What a value of a property may look like."""

    ID = "id"
    """an opaque id: a letter or digit, then at most 127 letters, digits and _ . : / -"""
    TIME = "time"
    """seconds since 1970-01-01T00:00:00Z, an int or a finite float from 0 to the year 10000"""
    TAG = "tag"
    """one of few words: at most 64 lower-case letters, digits and _ . : -"""
    SCORE = "score"
    """a finite int or float from 0 to 1"""


class GraphProperty(Struct, frozen=True):
    """A property that nodes and edges may have. With ``many`` it is a list of such values, of one type.

    ``tags`` closes a tag to those words. ``data_class`` is by default what the grammar suggests.
    """

    name: str
    grammar: Grammar
    many: bool = False
    tags: tuple[str, ...] = ()
    data_class: DataClass | None = None

    @property
    def declared(self) -> DataClass:
        """The data class of its values: ids are identifiers, the rest tells what somebody did."""
        return self.data_class or (DataClass.IDENTIFIER if self.grammar is Grammar.ID else DataClass.BEHAVIOURAL)


class Relationship(Struct, frozen=True):
    """A type of edges, and which labels its ends may have; ``None`` for any."""

    type: str
    sources: tuple[str, ...] | None = None
    targets: tuple[str, ...] | None = None


class GraphModel:
    """What one graph may hold. Raises ``InvalidConfig``, and ``ClassificationViolation`` for what no graph accepts."""

    def __init__(
        self, labels: Sequence[str], relationships: Sequence[Relationship], properties: Sequence[GraphProperty] = ()
    ) -> None:
        _check_names("label", labels)
        _check_names("relationship type", [one.type for one in relationships])
        _check_names("property", [one.name for one in properties])
        self.labels = tuple(labels)
        self.relationships: Mapping[str, Relationship] = {one.type: one for one in relationships}
        self.properties: Mapping[str, GraphProperty] = {one.name: one for one in properties}
        for relationship in relationships:
            _check_ends(relationship, self.labels)
        for one in properties:
            _check_property(one)

    def label(self, name: str) -> str:
        """Return ``name``; ``InvalidValue`` unless the model has that label."""
        return _known("label", name, self.labels)

    def type(self, name: str) -> str:
        """Return ``name``; ``InvalidValue`` unless the model has that relationship type."""
        return _known("relationship type", name, self.relationships)

    def ends(self, type: str, source: str, target: str) -> None:
        """Raise ``InvalidValue`` unless edges of the type may join the two labels; all three are known."""
        relationship = self.relationships[type]
        for end, label, allowed in (
            ("from", source, relationship.sources),
            ("to", target, relationship.targets),
        ):
            if allowed is not None and label not in allowed:
                raise InvalidValue(f"{type} leads {end} {', '.join(allowed)}, and not {end} {label}")

    def changes(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Return properties of an upsert as a dict of their own, where ``None`` removes one.

        Raises ``InvalidValue`` for an unknown name and for what is no scalar and no flat list of one type,
        ``ClassificationViolation`` for a value that is none of its property's, ``TooLarge``.
        """
        if not isinstance(properties, Mapping):
            raise InvalidValue(f"properties are a dict, not {type_name(properties)}")
        return {name: self._value(name, value) for name, value in properties.items()}

    def where(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Return what properties of a search have to equal; raises as ``changes``, for lists and ``None`` too."""
        if not isinstance(wanted, Mapping):
            raise InvalidValue(f"where is a dict, not {type_name(wanted)}")
        for name, value in wanted.items():
            if self._property(name).many or value is None:
                raise InvalidValue(f"property {name} can't be searched for {'a list' if value is not None else 'None'}")
        return {name: self._value(name, value) for name, value in wanted.items()}

    def _property(self, name: Any) -> GraphProperty:
        return self.properties[_known("property", name, self.properties)]

    def _value(self, name: str, value: Any) -> Any:
        one = self._property(name)
        if value is None:
            return None
        if not one.many:
            _check_scalar(one, value)
            return value
        if type(value) is not list:
            raise InvalidValue(f"property {name} is a list, not {type_name(value)}")
        if len(value) > MAX_ITEMS:
            raise TooLarge(f"property {name} has {len(value)} items, at most {MAX_ITEMS} are allowed", limit=MAX_ITEMS)
        for item in value:
            _check_scalar(one, item)
        if len({type(item) for item in value}) > 1:
            raise InvalidValue(f"property {name} mixes types: a list has items of one type")
        return list(value)


def check_id(id: str) -> str:
    """Return the id of a node; ``InvalidKey`` says what an id looks like, never quoting it."""
    if type(id) is not str or _ID.fullmatch(id) is None:
        raise InvalidKey(
            "a node is named by an opaque id: a letter or digit, then at most 127 letters, digits and _ . : / -"
        )
    return id


def check_edge_key(key: str) -> str:
    """Return the key of an edge; ``InvalidKey`` unless it is empty or looks like an id."""
    if key != "" and (type(key) is not str or _ID.fullmatch(key) is None):
        raise InvalidKey("the key of an edge is empty, or an opaque id as of a node")
    return key


def model_named(name: str) -> GraphModel:
    """Return the model that ``module:name`` means, importing the module; ``InvalidConfig`` names the setting."""
    from importlib import import_module

    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise InvalidConfig(f"{SETTING} names a model as module:name")
    try:
        found = getattr(import_module(module), attribute)
    except StorageError:
        raise
    except Exception as error:  # a module may fail in any way when imported
        raise InvalidConfig(f"{SETTING}: {name} can't be loaded ({type(error).__name__}: {error})") from error
    if not isinstance(found, GraphModel):
        raise InvalidConfig(f"{SETTING}: {name} is a {type_name(found)}, not a GraphModel")
    return found


def type_name(value: Any) -> str:
    """Return what sort of thing a value is, for messages, which never quote it."""
    return type(value).__name__


def _check_names(what: str, names: Sequence[str]) -> None:
    if isinstance(names, str):
        raise InvalidConfig(f"each {what} is a name in a list, and not a letter of one text")
    for name in names:
        if type(name) is not str or _NAME.fullmatch(name) is None:
            raise InvalidConfig(
                f"a {what} is named by a letter, then at most 63 letters, digits and _; {name!r} is not"
            )
    twice = next((name for name in names if list(names).count(name) > 1), None)
    if twice is not None:
        raise InvalidConfig(f"the {what} {twice} is declared twice")


def _check_ends(relationship: Relationship, labels: Sequence[str]) -> None:
    for ends in (relationship.sources, relationship.targets):
        _check_names("label", ends or ())
        strange = set(ends or ()) - set(labels)
        if strange:
            raise InvalidConfig(f"{relationship.type} joins labels that the model lacks: {', '.join(sorted(strange))}")


def _check_property(one: GraphProperty) -> None:
    if one.name in _RESERVED:
        raise InvalidConfig(f"a property can't be called {one.name}: that is what every node or edge has by itself")
    if not isinstance(one.grammar, Grammar):
        raise InvalidConfig(
            f"property {one.name}: a grammar is one of {', '.join(f'Grammar.{of.name}' for of in Grammar)}"
        )
    check_accepted("graph", one.declared, f"property {one.name}")
    tags: object = one.tags  # a str is what the types can't keep away
    if isinstance(tags, str):
        raise InvalidConfig(f"property {one.name}: tags are words in a tuple, and not the letters of one text")
    if one.tags and one.grammar is not Grammar.TAG:
        raise InvalidConfig(f"property {one.name} is no tag, so it has no tags to choose from")
    for tag in one.tags:
        if type(tag) is not str or _TAG.fullmatch(tag) is None:
            raise InvalidConfig(f"property {one.name}: {tag!r} is no tag: {Grammar.TAG.name} is {_LOOKS[Grammar.TAG]}")


def _known(what: str, name: Any, names: Iterable[str]) -> str:
    if type(name) is str and name in names:
        return name
    # what is no name at all may be anything, so it is not repeated in a message
    shown = type(name) is str and _NAME.fullmatch(name) is not None
    wanted = f"{what} {name}{near(name, names)}" if shown else f"such {what}"
    raise InvalidValue(f"the graph model has no {wanted}; it has {', '.join(names) or 'none'}")


def _check_scalar(one: GraphProperty, value: Any) -> None:
    if type(value) not in (str, int, float, bool):
        raise InvalidValue(f"property {one.name} is a scalar or a flat list, and not a {type_name(value)}")
    if type(value) is float and not math.isfinite(value):
        raise InvalidValue(f"property {one.name} is not a finite number")
    if _FITS[one.grammar](value) and (not one.tags or value in one.tags):
        return
    looks = f"one of {', '.join(one.tags)}" if one.tags else _LOOKS[one.grammar]
    raise ClassificationViolation(
        f"property {one.name} ({one.declared}) is a {one.grammar}: {looks}; the given {type_name(value)} is none",
        kind="graph",
        field=one.name,
        data_class=one.declared,
        target="graph",
    )


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: type(value) is str and pattern.fullmatch(value) is not None


def _between(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: type(value) in (int, float) and low <= value <= high


_FITS: Final[Mapping[Grammar, Callable[[Any], bool]]] = {
    Grammar.ID: _matches(_ID),
    Grammar.TIME: _between(0, _LATEST),
    Grammar.TAG: _matches(_TAG),
    Grammar.SCORE: _between(0, 1),
}
_LOOKS: Final[Mapping[Grammar, str]] = {
    Grammar.ID: "a letter or digit, then at most 127 letters, digits and _ . : / -",
    Grammar.TIME: "seconds since 1970, from 0 to the year 10000",
    Grammar.TAG: "at most 64 lower-case letters, digits and _ . : -",
    Grammar.SCORE: "a number from 0 to 1",
}
