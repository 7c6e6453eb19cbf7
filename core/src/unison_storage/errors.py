"""The error tree: every failure a caller or a plugin can meet. No translation and no retrying here.

    StorageError
    ├── ConfigurationError        mend the settings, then start again
    │   ├── UnknownScheme  AmbiguousPlugin  PluginLoadError
    │   └── InvalidConfig  UnknownKeyspace  GuardViolation
    ├── LifecycleError            open the storage, or open it where it is used
    │   └── NotOpen  Closed  WrongLoop  SchemaOutOfDate  MigrationLocked
    ├── RequestError              the call can't succeed as it stands
    │   ├── NotFound  AlreadyExists  VersionConflict  IdempotencyConflict  HasEdges  LeaseHeld
    │   ├── InvalidKey  InvalidValue  InvalidLifetime  InvalidCursor  TooLarge  Unsupported
    │   ├── AccessDenied  RetentionConflict  ClassificationViolation
    │   ├── Gone
    │   │   └── VersionDeleted  VersionDestroyed  KeyShredded
    │   └── BatchFailed
    ├── IntegrityError            what is stored is not what was written
    │   └── Tampered  WrongContext  Truncated  UnsupportedFormat  RolledBack  ObjectMissing
    └── AvailabilityError         try again later
        ├── Unavailable  DeadlineExceeded  Throttled  PoolExhausted  TransactionConflict
        └── AuditUnavailable  KeyProviderUnavailable

``retryable`` says that the same call may succeed later. ``outcome_unknown`` says that the call may have taken
effect although it failed: a write must not be repeated blindly then. Messages never hold values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


class StorageError(Exception):
    """Root of the tree. The store that raises it fills in where it happened."""

    default_retryable: ClassVar[bool] = False
    fields: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        message: str,
        *,
        kind: str | None = None,
        operation: str | None = None,
        backend: str | None = None,
        retryable: bool | None = None,
        outcome_unknown: bool = False,
        **details: Any,
    ) -> None:
        unknown = details.keys() - set(self.fields)
        if unknown:
            raise TypeError(f"{type(self).__name__} takes no {', '.join(sorted(unknown))}")
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.operation = operation
        self.backend = backend
        self.retryable = self.default_retryable if retryable is None else retryable
        self.outcome_unknown = outcome_unknown
        for name in self.fields:
            setattr(self, name, details.get(name))

    def at(self, kind: str, operation: str, backend: str) -> Self:
        """Fill in where it happened, where that is still open, and return the error."""
        self.kind = self.kind or kind
        self.operation = self.operation or operation
        self.backend = self.backend or backend
        return self

    def of(self, side: str) -> Self:
        """Return an equal error whose message says first of which of several storages it is."""
        twin = self.copy()
        twin.message = f"{side}: {self.message}"
        twin.args = (twin.message,)
        return twin

    def copy(self) -> Self:
        """Return an equal error of its own, so that waiters of one batch do not share a traceback."""
        twin = type(self).__new__(type(self), self.message)
        twin.__dict__.update(self.__dict__)
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.__dict__.copy())


def _rebuild(cls: type[StorageError], message: str, state: dict[str, Any]) -> StorageError:
    error = cls.__new__(cls, message)
    error.__dict__.update(state)
    return error


class ConfigurationError(StorageError):
    """Mend the settings, then start again."""


class UnknownScheme(ConfigurationError):
    """No installed plugin serves the scheme of a URL; the message names near ones and what to install."""


class AmbiguousPlugin(ConfigurationError):
    """Two distributions claim one scheme; uninstall one of the two that the message names."""


class PluginLoadError(ConfigurationError):
    """A plugin was found but could not be loaded; other schemes are not affected."""


class InvalidConfig(ConfigurationError):
    """A setting is missing, unknown or malformed; the message names it."""


class UnknownKeyspace(ConfigurationError):
    """The keyspace is not declared, and the profile demands it; declare it or correct the name."""


class GuardViolation(ConfigurationError):
    """A guard rail of the profile forbids this set-up; ``rule`` is its id and ``remedy`` the way out."""

    fields = ("rule", "remedy")
    rule: str
    remedy: str


class LifecycleError(StorageError):
    """The storage is not in a state to answer."""


class NotOpen(LifecycleError):
    """Use ``async with storage:`` or ``await storage.open()`` first."""


class Closed(LifecycleError):
    """The storage was closed; open it again."""


class WrongLoop(LifecycleError):
    """The storage belongs to another event loop; open one storage for each loop."""


class SchemaOutOfDate(LifecycleError):
    """The schema is behind or ahead of this version: run ``unison-storage migrate``, or upgrade."""

    fields = ("have", "want")
    have: str | None
    want: str


class MigrationLocked(LifecycleError):
    """Another process is migrating; wait for it."""

    default_retryable = True


class RequestError(StorageError):
    """The call can't succeed as it stands: change it."""


class NotFound(RequestError):
    """Nothing is there, and the call needs something to be there."""


class AlreadyExists(RequestError):
    """Something is there, and the call expected nothing."""


class VersionConflict(RequestError):
    """Another version is there: somebody was faster. Read again, decide again."""


class IdempotencyConflict(RequestError):
    """The id was used before with another body."""


class HasEdges(RequestError):
    """The node still has edges; delete them or pass ``detach=True``."""


class LeaseHeld(RequestError):
    """Another owner holds the lease."""

    default_retryable = True


class InvalidKey(RequestError):
    """A keyspace, segment, key or person breaks the grammar of addresses."""


class InvalidValue(RequestError):
    """A value or argument is outside its domain."""


class InvalidLifetime(RequestError):
    """A lifetime is no positive number of seconds, or outside the bounds of its keyspace."""


class InvalidCursor(RequestError):
    """The cursor is malformed or belongs to another listing; start from the beginning."""


class TooLarge(RequestError):
    """A value, key or batch is over a limit; ``limit`` is that limit."""

    fields = ("limit",)
    limit: int | None


class Unsupported(RequestError):
    """The backend lacks ``capability``; nothing was changed."""

    fields = ("capability",)
    capability: str


class AccessDenied(RequestError):
    """The principal, or the role in the database, may not do this."""


class RetentionConflict(RequestError):
    """A retention period or a legal hold forbids the deletion."""


class ClassificationViolation(RequestError):
    """A field's data class is not accepted there."""

    fields = ("field", "data_class", "target")
    field: str
    data_class: str
    target: str


class Gone(RequestError):
    """It was there, and its content can't be had any more."""


class VersionDeleted(Gone):
    """The version is soft-deleted; undelete it to read it."""


class VersionDestroyed(Gone):
    """The version was destroyed for good."""


class KeyShredded(Gone):
    """The person was erased and their keys are destroyed."""


class BatchFailed(RequestError):
    """At least one item of a batch failed; ``results`` holds a value or an error for each key."""

    fields = ("results",)
    results: Mapping[Any, Any]


class IntegrityError(StorageError):
    """What is stored is not what was written. Nothing of it is handed out."""


class Tampered(IntegrityError):
    """The bytes were changed."""


class WrongContext(IntegrityError):
    """The bytes are intact but belong elsewhere."""


class Truncated(IntegrityError):
    """The end is missing."""


class UnsupportedFormat(IntegrityError):
    """The format is unknown to this version."""


class RolledBack(IntegrityError):
    """An older state was put back."""


class ObjectMissing(IntegrityError):
    """The object is listed, but its bytes are gone: run ``unison-storage reconcile``."""


class AvailabilityError(StorageError):
    """The backend can't answer now."""

    default_retryable = True


class Unavailable(AvailabilityError):
    """The backend can't be reached, is read-only, full or busy."""


class DeadlineExceeded(AvailabilityError):
    """The backend did not answer in time."""


class Throttled(AvailabilityError):
    """Too many calls; slow down."""


class PoolExhausted(AvailabilityError):
    """All connections stayed busy for too long; nothing was sent."""


class TransactionConflict(AvailabilityError):
    """Two transactions got into each other's way and this one was rolled back."""


class AuditUnavailable(AvailabilityError):
    """The audit log did not take the event, so the call was refused."""


class KeyProviderUnavailable(AvailabilityError):
    """The key provider did not answer."""
