"""The scripts that run on the server, read from their files. What they do stands beside each in ``lua/``."""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files
from typing import Final

from msgspec import Struct


class Script(Struct, frozen=True):
    """A script: its text, and the digest that the server knows it by."""

    text: str
    digest: str

    @classmethod
    def read(cls, name: str) -> Script:
        """Read the script of that name."""
        text = (files("unison_storage_redis") / "lua" / f"{name}.lua").read_text("utf-8")
        return cls(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


CACHE_DELETE: Final = Script.read("cache_delete")
CACHE_INCREMENT: Final = Script.read("cache_increment")
CACHE_FILL: Final = Script.read("cache_fill")
LEASE_ACQUIRE: Final = Script.read("lease_acquire")
LEASE_RENEW: Final = Script.read("lease_renew")
LEASE_RELEASE: Final = Script.read("lease_release")
MEMORY_PUT: Final = Script.read("memory_put")
MEMORY_TOUCH: Final = Script.read("memory_touch")
MEMORY_INCREMENT: Final = Script.read("memory_increment")
MEMORY_DELETE: Final = Script.read("memory_delete")
MEMORY_FORGET: Final = Script.read("memory_forget")
MEMORY_DUE: Final = Script.read("memory_due")
MEMORY_PURGE: Final = Script.read("memory_purge")
