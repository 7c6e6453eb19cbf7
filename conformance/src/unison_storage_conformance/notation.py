"""The notation: calls and answers as JSON that can be read back. Only records of core's contracts are known to it."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from msgspec import Struct

from unison_storage import errors, values
from unison_storage.contracts import cache, graph, memory, objects
from unison_storage.errors import InvalidConfig, StorageError

_IS: Final = "is"
_NAMES: Final = {
    "memory.Put": memory.Put,
    "memory.Delete": memory.Delete,
    "memory.Touch": memory.Touch,
    "memory.Increment": memory.Increment,
    "memory.Row": memory.Row,
    "memory.Written": memory.Written,
    "memory.Listed": memory.Listed,
    "objects.Draft": objects.Draft,
    "objects.Blob": objects.Blob,
    "objects.ObjectRow": objects.ObjectRow,
    "objects.Committed": objects.Committed,
    "graph.Neighbors": graph.Neighbors,
    "graph.Traversal": graph.Traversal,
    "graph.Route": graph.Route,
    "graph.Search": graph.Search,
    "cache.Set": cache.Set,
    "cache.Touch": cache.Touch,
    "cache.Increment": cache.Increment,
    "cache.Fill": cache.Fill,
    "cache.Acquire": cache.Acquire,
    "cache.Release": cache.Release,
    "values.Node": values.Node,
    "values.Edge": values.Edge,
    "values.EdgeRef": values.EdgeRef,
    "values.Neighbor": values.Neighbor,
    "values.Reached": values.Reached,
    "values.Walk": values.Walk,
    "values.Path": values.Path,
    "values.GraphStats": values.GraphStats,
    "values.Health": values.Health,
}
_TYPES: Final = {type_: name for name, type_ in _NAMES.items()}
_ERRORS: Final = {
    name: one for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, StorageError)
}
_ENUMS: Final = {member.name: member for enum in (values.Expect, values.Keep, values.Missing) for member in enum}


def written(value: Any) -> Any:  # noqa: C901, PLR0911 - one for each kind of value
    """Return a value as plain JSON; what can't be read back is told by its class and text."""
    if value is None or isinstance(value, bool | str | int | float):
        return value
    if isinstance(value, Enum):
        return {_IS: "member", "name": value.name}
    if isinstance(value, bytes):
        return {_IS: "bytes", "hex": value.hex()}
    if isinstance(value, StorageError):
        unknown = {"outcome_unknown": True} if value.outcome_unknown else {}
        return {_IS: "error", "class": type(value).__name__, "message": value.message, **unknown}
    if isinstance(value, type):
        return {_IS: "error", "class": value.__name__, "message": ""}
    if isinstance(value, values.EdgeRef):
        return {_IS: "values.EdgeRef", **{name: written(one) for name, one in value._asdict().items()}}
    if isinstance(value, Struct):
        name = _TYPES.get(type(value), type(value).__name__)
        return {_IS: name, **{field: written(getattr(value, field)) for field in value.__struct_fields__}}
    if isinstance(value, dict):
        return {_IS: "dict", "items": [[written(key), written(one)] for key, one in value.items()]}
    if isinstance(value, tuple):
        return {_IS: "tuple", "items": [written(one) for one in value]}
    if isinstance(value, list | frozenset):
        return [written(one) for one in value]
    return {_IS: "other", "text": repr(value)}


def read(value: Any) -> Any:  # noqa: PLR0911 - one for each kind of value
    """Return what was written; ``InvalidConfig`` for what is no call of a contract."""
    if isinstance(value, list):
        return [read(one) for one in value]
    if not isinstance(value, dict):
        return value
    fields = {name: one for name, one in value.items() if name != _IS}
    kind = value.get(_IS)
    try:
        if kind == "member":
            return _ENUMS[fields["name"]]
        if kind == "bytes":
            return bytes.fromhex(fields["hex"])
        if kind == "tuple":
            return tuple(read(one) for one in fields["items"])
        if kind == "error":
            return _ERRORS[fields.pop("class")](fields.pop("message"), **fields)
        if kind == "dict":
            return {read(key): read(one) for key, one in fields["items"]}
        return _NAMES[str(kind)](**{name: read(one) for name, one in fields.items()})
    except (KeyError, TypeError, ValueError):
        raise InvalidConfig(f"{kind!r} can't be read back: the file is of another version, or was changed") from None
