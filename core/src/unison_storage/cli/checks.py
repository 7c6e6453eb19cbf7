"""One check of a diagnosis, and what is said of one that failed. What is checked stands in ``diagnosis``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from unison_storage.errors import AvailabilityError, ConfigurationError, GuardViolation, StorageError
from unison_storage.keyspaces import label_of

if TYPE_CHECKING:
    from unison_storage.config import Loaded

State = Literal["ok", "warning", "failed", "not reached"]

PATIENCE: Final = 10.0
"""Seconds that a server has for one check."""
SERVER: Final = "start the server, or correct the setting"
KEYSPACE: Final = "UNISON_STORAGE_KEYSPACES__"

_EXPLAIN: Final = "unison-storage config explain shows each setting and where it comes from"
_PREFIX: Final = "UNISON_STORAGE_"


class Check(Struct, frozen=True):
    """One check. ``setting`` and ``origin`` say where a change would be made, ``remedy`` what to do."""

    group: str
    name: str
    state: State
    message: str
    setting: str | None = None
    origin: str | None = None
    remedy: str | None = None


def origin_of(setting: str, loaded: Loaded) -> str:
    """Return where the value of a variable comes from."""
    if setting.startswith(KEYSPACE):
        label, _, field = setting.removeprefix(KEYSPACE).rpartition("__")
        name = next((one.name for one in loaded.keyspaces if label_of(one.name) == label), label)
        return loaded.origins.get(f"keyspaces.{name}.{field.lower()}", "code")
    return loaded.origins.get(setting.removeprefix(_PREFIX).lower(), "default")


def failed(
    group: str,
    name: str,
    error: StorageError,
    setting: str | None = None,
    origin: str | None = None,
    remedy: str | None = None,
) -> Check:
    """Return a check that met an error, with what can be done about it."""
    message = error.message if setting is None else error.message.removeprefix(f"{setting}: ")
    if isinstance(error, GuardViolation):
        message = message.removesuffix(f"; {error.remedy}")  # which is said below
    said = f"{type(error).__name__}: {message}"
    return Check(group, name, "failed", said, setting, origin, remedy or _remedy(error))


def silent(group: str, name: str, setting: str | None = None, origin: str | None = None) -> Check:
    """Return a check that nobody answered."""
    return Check(group, name, "failed", f"no answer within {PATIENCE:g} s", setting, origin, SERVER)


def _remedy(error: StorageError) -> str | None:
    if isinstance(error, GuardViolation):
        return error.remedy
    if isinstance(error, AvailabilityError):
        return SERVER
    return _EXPLAIN if isinstance(error, ConfigurationError) else None
