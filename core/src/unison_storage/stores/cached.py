"""Cached functions: a call is looked up by function and arguments. Computing and keeping is the handle's business."""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, ParamSpec, TypeVar

import msgspec

from unison_storage.errors import InvalidValue
from unison_storage.portable import JSON

P = ParamSpec("P")
R = TypeVar("R")

BY_HANDLE: Final = "unison_storage_by_handle"
_LONGEST_NAME: Final = 128
_DIGEST: Final = 16
_LONGEST_ARGUMENTS: Final = 1 << 20
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def by_handle(method: Callable[P, R]) -> Callable[P, R]:
    """Mark a method that uses nothing but other methods of its handle, so that any doorway can run it as it is."""
    setattr(method, BY_HANDLE, True)
    return method


class Cached(Generic[P, R]):
    """A function whose results are cached. Call it as before; ``key`` tells where a call is kept, to delete it.

    Arguments are JSON values, since they name the entry: ``InvalidValue`` otherwise, for ``self`` of a method too.
    """

    def __init__(self, handle: Any, function: Callable[P, R], options: Mapping[str, Any]) -> None:
        self._handle = handle
        self._function = function
        self._options = options
        self._signature = inspect.signature(function)
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what the function returned for these arguments, or what it returns now."""
        loader = functools.partial(self._function, *args, **kwargs)
        return self._handle.get_or_compute(self.key(*args, **kwargs), loader, **self._options)  # type: ignore[no-any-return]

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Return the key of a call: the function's name and a digest of the arguments, defaults included."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = {name: list(value) if isinstance(value, tuple) else value for name, value in bound.arguments.items()}
        try:
            JSON.encode(given, _LONGEST_ARGUMENTS)
        except InvalidValue:
            raise InvalidValue("a cached function takes JSON values, since they name what is kept") from None
        name = f"{self._function.__module__}.{self._function.__qualname__}"
        digest = hashlib.blake2b(name.encode() + b"\x00" + _encode(given), digest_size=_DIGEST).hexdigest()
        return f"{name[-_LONGEST_NAME:]}:{digest}"
