"""Cached values as they are given and shown: JSON, or bytes in raw keyspaces. The words stand in ``cache``."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import typer

from unison_storage.cli import inputs
from unison_storage.cli.arguments import Place
from unison_storage.cli.output import document, write
from unison_storage.cli.sessions import run
from unison_storage.cli.transfers import spare_terminal
from unison_storage.errors import InvalidValue

if TYPE_CHECKING:
    from unison_storage.storage import Storage
    from unison_storage.stores.cache import Cache

T = TypeVar("T")


def at(place: Place, work: Callable[[Cache[Any]], Awaitable[T]]) -> T:
    """Do the work at a namespace of the cache, and return what came of it."""
    return at_storage(place, lambda handle, _: work(handle))


def at_storage(place: Place, work: Callable[[Cache[Any], Storage], Awaitable[T]]) -> T:
    """As ``at``, for work that needs the storage too."""
    return run(lambda storage: work(storage.cache.at(place.keyspace, *place.namespace), storage), _raising())


def given_value(place: Place, given: str | None, file: Path | None) -> Any:
    """Return the value to write, as the codec of the keyspace takes it. Read before anything is opened."""
    if _raising().keyspaces.get(place.keyspace).codec != "raw":
        return inputs.json_value(given, file)
    if given is not None:
        raise typer.BadParameter(
            f"{place.keyspace} holds raw bytes, which come from stdin or --file", param_hint="--value"
        )
    return inputs.raw_value(file)


def write_value(value: Any, *, as_json: bool) -> None:
    """Write a value to stdout: bytes as they are, but nothing binary to a terminal; all else as JSON."""
    if not isinstance(value, bytes):
        document({"value": _portable(value)} if as_json else _portable(value))
    elif as_json:
        document({"base64": b64encode(value).decode()})
    else:
        if not _is_text(value):
            spare_terminal("a value that is no text", "redirect it, or use --json")
        write(value)


def _raising() -> Storage:
    """Return the storage of the settings with keyspaces that raise where a service would go on without the cache."""
    from unison_storage.config import load
    from unison_storage.keyspaces import Keyspaces
    from unison_storage.profiles import profile_named
    from unison_storage.storage import Storage

    given = load().arguments()
    declared = Keyspaces(given["keyspaces"], profile_named(given["profile"])).declared.values()
    return Storage(**{**given, "keyspaces": [msgspec.structs.replace(one, on_failure="refuse") for one in declared]})


def _portable(value: Any) -> Any:
    """Return a value as JSON has it; MessagePack knows bytes, times and keys that are no strings."""
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except (TypeError, ValueError, msgspec.MsgspecError):
        raise InvalidValue("the value has no form in JSON") from None


def _is_text(value: bytes) -> bool:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\n\t" for character in text)
