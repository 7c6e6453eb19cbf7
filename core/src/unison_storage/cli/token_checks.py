"""Checks of the token set-up of the HTTP service: enough to see what would keep it from starting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from unison_storage.cli import extensions
from unison_storage.cli.checks import Check, State, origin_of
from unison_storage.cli.records import count
from unison_storage.cli.tokens_file import SETTING, exposed, summary
from unison_storage.errors import InvalidConfig

if TYPE_CHECKING:
    from pathlib import Path

    from unison_storage.config import Loaded

_SINGLE: Final = "UNISON_STORAGE_HTTP_TOKEN"
_MAKE: Final = "unison-storage tokens new makes its entries"
_GROUP: Final = "tokens"


def token_checks(loaded: Loaded) -> Iterator[Check]:
    """Yield what can be said of tokens without starting the service."""
    settings = loaded.settings
    strict = settings.profile.strict
    if settings.http_token is not None and strict:
        message = f"profile {settings.profile} refuses a token that may do everything"
        remedy = f"set {SETTING} instead; {_MAKE}"
        yield Check(_GROUP, _SINGLE, "failed", message, _SINGLE, origin_of(_SINGLE, loaded), remedy)
    elif settings.http_token is not None:
        yield Check(_GROUP, _SINGLE, "ok", "one token that may do everything", _SINGLE, origin_of(_SINGLE, loaded))
    if settings.http_tokens_file is not None:
        yield _file(settings.http_tokens_file, loaded)
    elif settings.http_token is None:
        yield _none(strict=strict)


def _file(path: Path, loaded: Loaded) -> Check:
    from unison_storage.clock import SystemClock

    origin = origin_of(SETTING, loaded)
    try:
        found = summary(path, SystemClock().now() / 1_000_000)
        problem = exposed(path.stat().st_mode)
    except (InvalidConfig, OSError) as error:
        said = error.message if isinstance(error, InvalidConfig) else f"{path}: {error.strerror}"
        return Check(_GROUP, SETTING, "failed", said, SETTING, origin, f"correct the setting or the file; {_MAKE}")
    if problem is not None:
        what, _, how = problem.partition(": ")
        state: State = "failed" if loaded.settings.profile.strict else "warning"
        return Check(_GROUP, SETTING, state, f"{path}: {what}", SETTING, origin, f"chmod 600 {path}" if how else None)
    number = count(len(found.names), "entry", "entries")
    if found.expired:
        message = f"{path}: {number}, {found.expired} of them expired"
        return Check(_GROUP, SETTING, "warning", message, SETTING, origin, "remove what has expired")
    if not found.names:
        return Check(_GROUP, SETTING, "warning", f"{path}: nobody may do anything", SETTING, origin, _MAKE)
    return Check(_GROUP, SETTING, "ok", f"{path}: {number}", SETTING, origin)


def _none(*, strict: bool) -> Check:
    if not strict:
        return Check(_GROUP, _GROUP, "ok", "none set; the development service makes its own")
    if "serve" not in extensions.names():
        return Check(_GROUP, _GROUP, "ok", "none needed: no HTTP service is installed")
    return Check(_GROUP, _GROUP, "warning", "the HTTP service would not start", SETTING, "default", f"set it; {_MAKE}")
