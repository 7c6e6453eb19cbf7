"""Versions and ids: names that are never given twice. What they name is stored elsewhere."""

from __future__ import annotations

import os
import secrets
from itertools import count
from typing import Final

_PREFIX_BYTES: Final = 9


class _Mint:
    """A random prefix of this process and a counter: unique without asking anybody."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.prefix = secrets.token_urlsafe(_PREFIX_BYTES)
        self.next = count(1).__next__


_MINT: Final = _Mint()

# a forked child would go on counting where its parent does
os.register_at_fork(after_in_child=_MINT.renew)


def new_version() -> str:
    """Return a version that no address has had before: at most 32 characters of ``A-Za-z0-9_-.``."""
    return f"{_MINT.prefix}.{_MINT.next():x}"


def new_id() -> str:
    """Return a random id of 32 lower-case hex digits, for objects and blobs."""
    return secrets.token_hex(16)
