"""Where a listing goes on. A cursor holds a position and what it is a position in; it grants nothing.

It is not signed: the prefix comes from the request each time and is authorised anew, so that a forged cursor can
only move the start within what the caller may see.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from unison_storage.errors import InvalidCursor

_VERSION: Final = b"\x01"
_DIGEST_SIZE: Final = 8
_HEAD: Final = len(_VERSION) + _DIGEST_SIZE
_IMPOSSIBLE: Final = re.compile(r"[\x00-\x1e\x7f-\x9f]")
"""What no address holds; a forged position may not carry it to a backend."""


def _digest(listing: tuple[str, ...]) -> bytes:
    import hashlib

    text = "\x00".join(listing).encode()
    return hashlib.blake2b(text, digest_size=_DIGEST_SIZE).digest()


def encode(listing: tuple[str, ...], last: str) -> str:
    """Return a cursor that stands after ``last`` in the listing named by kind, prefix, filter and order."""
    return base64.urlsafe_b64encode(_VERSION + _digest(listing) + last.encode()).decode().rstrip("=")


def decode(listing: tuple[str, ...], cursor: str) -> str:
    """Return the position; ``InvalidCursor`` if the cursor is malformed or of another listing."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        last = raw[_HEAD:].decode()
    except (binascii.Error, ValueError, TypeError):
        raise InvalidCursor("the cursor is malformed; start from the beginning") from None
    if raw[:_HEAD] != _VERSION + _digest(listing) or not last or _IMPOSSIBLE.search(last):
        raise InvalidCursor("the cursor belongs to another listing; start from the beginning")
    return last
