"""Paths as they were sent: an address is read from the raw path, so that ``%2F`` inside a segment is data.

Which keyspaces there are, and whether the parts of an address are well formed, is the core's business.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import quote, unquote, unquote_to_bytes

from msgspec import Struct

from unison_storage.errors import InvalidKey

_CACHE: Final = "unison_storage_gateway.path"
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Address(Struct, frozen=True):
    """Where one entry lies."""

    keyspace: str
    namespace: tuple[str, ...]
    key: str


def raw_path(scope: MutableMapping[str, Any]) -> str:
    """Return the path below the mount point as it was sent: still percent-encoded, without query."""
    root: str = scope.get("root_path", "")
    cached: tuple[str, str] | None = scope.get(_CACHE)
    if cached is not None and cached[0] == root:
        return cached[1]
    sent: bytes | None = scope.get("raw_path")
    # raw_path is optional in ASGI; a server that leaves it out can't tell %2F from a slash
    whole = quote(scope["path"]) if sent is None else sent.partition(b"?")[0].decode("latin-1")
    path = _below(root, whole)
    scope[_CACHE] = (root, path)
    return path


def _below(root: str, whole: str) -> str:
    """Return what follows the prefix that reads ``root`` once decoded; all of it where a proxy has cut the prefix."""
    prefix = root.rstrip("/")
    if not prefix:
        return whole
    at = whole.find("/", 1)
    while at != -1:
        if unquote(whole[:at]) == prefix:
            return whole[at:]
        at = whole.find("/", at + 1)
    return "/" if unquote(whole) == prefix else whole


def segment(encoded: str) -> str:
    """Return one segment decoded; ``InvalidKey`` for bad percent-encoding and for what is no UTF-8."""
    if "%" not in encoded and encoded.isascii():
        return encoded
    if not encoded.isascii() or _BAD_ESCAPE.search(encoded):
        raise InvalidKey("a segment of the path is not percent-encoded")
    try:
        return unquote_to_bytes(encoded).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidKey("a segment of the path is no UTF-8 once decoded") from None


def address(encoded: str) -> Address:
    """Return the address that the rest of a path spells: keyspace, segments, key."""
    keyspace, *namespace, key = _parts(encoded, "an address is keyspace, namespace segments and key")
    return Address(keyspace, tuple(namespace), key)


def below(encoded: str) -> tuple[str, tuple[str, ...]]:
    """Return keyspace and namespace that the rest of a path spells, its trailing slash cut off."""
    keyspace, *namespace = _parts(encoded, "a listing names a keyspace", least=1)
    return keyspace, tuple(namespace)


def _parts(encoded: str, expected: str, least: int = 2) -> list[str]:
    parts = [segment(part) for part in encoded.split("/")]
    if len(parts) < least or not parts[0]:
        raise InvalidKey(expected)
    return parts
