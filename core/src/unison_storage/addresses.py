"""Where a thing is kept: keyspace, namespace, key, and their encoding. No policy and no bounds of keyspaces here.

An address is one string: keyspace, segments and key joined by U+001F. Control characters are not allowed inside
them, so the encoding is injective; U+001F sorts before every character that is allowed, so it keeps their order;
and since a prefix ends with U+001F, "below this namespace" means whole segments by construction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from unison_storage.errors import InvalidKey

Address = str

SEPARATOR: Final = "\x1f"
MAX_SEGMENTS: Final = 16
MAX_SEGMENT_BYTES: Final = 255
MAX_KEY_BYTES: Final = 1_024

_AFTER_SEPARATOR: Final = "\x20"
_AFTER_Z: Final = "{"
_DOTS: Final = frozenset((".", ".."))
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_KEYSPACE: Final = re.compile(r"[a-z][a-z0-9:._-]{0,254}")
_PERSON: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")


def check_keyspace(name: str) -> str:
    """Return ``name``; ``InvalidKey`` unless it matches ``[a-z][a-z0-9:._-]*`` and has at most 255 characters."""
    if type(name) is not str or _KEYSPACE.fullmatch(name) is None:
        raise InvalidKey("a keyspace is named by lower-case letters, digits and : . _ - and starts with a letter")
    return name


def check_person(person: str) -> str:
    """Return ``person``; ``InvalidKey`` unless it is an opaque id of at most 128 letters, digits and _ . : -."""
    if type(person) is not str or _PERSON.fullmatch(person) is None:
        raise InvalidKey("a person is an opaque id: a letter or digit, then at most 127 letters, digits and _ . : -")
    return person


def check_namespace(namespace: Iterable[str]) -> tuple[str, ...]:
    """Return the segments as a tuple; ``InvalidKey`` names the segment that breaks the grammar."""
    segments = tuple(namespace)
    if len(segments) > MAX_SEGMENTS:
        raise InvalidKey(f"a namespace has at most {MAX_SEGMENTS} segments, this one {len(segments)}")
    for number, segment in enumerate(segments, 1):
        _check(segment, f"segment {number} of the namespace", MAX_SEGMENT_BYTES)
    return segments


def check_key(key: str) -> str:
    """Return ``key``; ``InvalidKey`` says what is wrong with it, never quoting it."""
    # the C-level tests cover nearly every key there is; what they refuse is looked at closely
    if type(key) is str and key.isascii() and key.isprintable() and 0 < len(key) <= MAX_KEY_BYTES and key not in _DOTS:
        return key
    _check(key, "the key", MAX_KEY_BYTES)
    return key


def _check(text: str, name: str, limit: int) -> None:
    if type(text) is not str:
        raise InvalidKey(f"{name} must be a str, not {type(text).__name__}")
    if not text:
        raise InvalidKey(f"{name} is empty")
    if text in _DOTS:
        raise InvalidKey(f"{name} may not be . or ..")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidKey(f"{name} holds a lone surrogate at position {error.start}") from None
    if size > limit:
        raise InvalidKey(f"{name} has {size} bytes of UTF-8, at most {limit} are allowed")
    control = _CONTROL.search(text)
    if control is not None:
        raise InvalidKey(f"{name} holds the control character U+{ord(control[0]):04X} at position {control.start()}")


def prefix(keyspace: str, namespace: tuple[str, ...]) -> str:
    """Return the prefix of all addresses below checked parts; appending a key gives its address."""
    return SEPARATOR.join((keyspace, *namespace, ""))


def after(below: str) -> Address:
    """Return the first possible address after everything below a prefix: the open end of a range scan.

    Below the empty prefix lies everything: a keyspace begins with a letter from a to z.
    """
    return below[:-1] + _AFTER_SEPARATOR if below else _AFTER_Z


def first_segment(address: Address) -> str:
    """Return the first segment of the namespace of an address, empty where there is none."""
    parts = address.split(SEPARATOR, 2)
    return parts[1] if len(parts) == 3 else ""


def split(address: Address) -> tuple[str, tuple[str, ...], str]:
    """Return keyspace, namespace and key of an address."""
    keyspace, *namespace, key = address.split(SEPARATOR)
    return keyspace, tuple(namespace), key
