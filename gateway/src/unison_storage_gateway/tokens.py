"""The tokens file: who may do what, read anew whenever it changes. No HTTP and no decisions here.

    [[tokens]]
    name = "orchestrator"
    sha256 = "…"                                    # of the token, in hex
    persons = "*"                                   # or a list of persons
    permissions = ["memory:read", "cache:*"]
    expires = 2027-01-01T00:00:00Z                  # may be left out

Two entries may carry one name, so that an old and a new token overlap while one is replaced by the other.
"""

from __future__ import annotations

import hmac
import re
import stat
import time
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from unison_storage.addresses import check_person
from unison_storage.errors import InvalidConfig, InvalidKey
from unison_storage_gateway import logs
from unison_storage_gateway.principals import KINDS, PERMISSIONS, Principal, digest

SETTING: Final = "UNISON_STORAGE_HTTP_TOKENS_FILE"
_FIELDS: Final = {"name", "sha256", "persons", "permissions", "expires"}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_WILDCARDS: Final = frozenset(f"{kind}:*" for kind in KINDS)
_MAX_BYTES: Final = 4 * 1024 * 1024


class Token(Struct, frozen=True):
    """One entry; ``expires`` is seconds since the epoch."""

    sha256: str
    principal: Principal
    expires: float | None


class TokensFile:
    """The entries of one file. A version of it that can't be used is logged once, and the one before stays in force."""

    def __init__(self, path: Path, *, strict: bool, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._strict = strict
        self._now = now
        self._seen = self._signature()
        self._tokens = self._read()

    def verify(self, token: str) -> Principal | None:
        """Return the principal of a token, or ``None``. Every entry is compared, each in constant time."""
        self._refresh()
        given = digest(token)
        found: Token | None = None
        for one in self._tokens:
            if hmac.compare_digest(one.sha256, given):
                found = one
        if found is None or (found.expires is not None and self._now() >= found.expires):
            return None
        return found.principal

    def _refresh(self) -> None:
        signature = self._signature()
        if signature == self._seen:
            return
        self._seen = signature
        try:
            self._tokens = self._read()
        except InvalidConfig:
            logs.event("error", "tokens_file_unusable", error="InvalidConfig")
        else:
            logs.event("info", "tokens_file_reloaded")

    def _signature(self) -> tuple[int, int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode

    def _read(self) -> tuple[Token, ...]:
        try:
            with self._path.open("rb") as file:
                mode = stat.S_IMODE(self._path.stat().st_mode)
                raw = file.read(_MAX_BYTES + 1)
        except OSError as error:
            raise InvalidConfig(f"{SETTING}: the file can't be read ({error.strerror})") from None
        if self._strict and mode & 0o077:
            raise InvalidConfig(f"{SETTING}: others can read or write the file (mode {mode:o}): chmod 600 it")
        try:
            return entries(tomllib.loads(raw.decode("utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            raise InvalidConfig(f"{SETTING}: the file is no TOML") from None


def entries(content: dict[str, Any]) -> tuple[Token, ...]:
    """Return what a tokens file holds; ``InvalidConfig`` names the entry that is wrong, and quotes nothing of it."""
    tables = content.get("tokens")
    if set(content) != {"tokens"} or not isinstance(tables, list):
        raise InvalidConfig(f"{SETTING}: the file holds [[tokens]] tables and nothing else")
    found = tuple(_token(table, f"{SETTING}: entry {number}") for number, table in enumerate(tables, 1))
    if len({one.sha256 for one in found}) < len(found):
        raise InvalidConfig(f"{SETTING}: two entries have one sha256")
    return found


def _token(table: Any, where: str) -> Token:
    if not isinstance(table, dict) or not set(table) <= _FIELDS or not _FIELDS - {"expires"} <= set(table):
        raise InvalidConfig(f"{where}: name, sha256, persons and permissions are required, expires is optional")
    name, sha256, expires = table["name"], table["sha256"], table.get("expires")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise InvalidConfig(f"{where}: name is a letter or digit, then at most 127 letters, digits and _ . : -")
    if not isinstance(sha256, str) or _DIGEST.fullmatch(sha256) is None:
        raise InvalidConfig(f"{where}: sha256 is 64 lower-case hex digits")
    if expires is not None and (not isinstance(expires, datetime) or expires.tzinfo is None):
        raise InvalidConfig(f"{where}: expires is a date and time with an offset, as in 2027-01-01T00:00:00Z")
    principal = Principal(name, _persons(table["persons"], where), _permissions(table["permissions"], where))
    return Token(sha256, principal, None if expires is None else expires.timestamp())


def _persons(given: Any, where: str) -> frozenset[str] | None:
    if given == "*":
        return None
    if not isinstance(given, list) or not given:
        raise InvalidConfig(f'{where}: persons is a list of persons, or "*"')
    try:
        return frozenset(check_person(person) for person in given)
    except InvalidKey as error:
        raise InvalidConfig(f"{where}: {error.message}") from None


def _permissions(given: Any, where: str) -> frozenset[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise InvalidConfig(f"{where}: permissions is a list")
    if not set(given) <= PERMISSIONS | _WILDCARDS:
        raise InvalidConfig(f"{where}: a permission is one of {', '.join(sorted(PERMISSIONS | _WILDCARDS))}")
    return frozenset(given)
