"""A list of revoked tokens that fails closed: while it can't be asked, or was lost, no token is good.

Memory keeps the list, the cache what was looked up in it; neither ever holds a token. Try it, with any storage:

UNISON_STORAGE_PROFILE=development UNISON_STORAGE_DATABASE_URL=sqlite:///x.db python examples/token_revocations.py
"""

import asyncio
import hashlib
import hmac
import secrets

from unison_storage import Storage, StorageError

MONTH = 30 * 86_400.0  # no token lives longer
BEGUN = "begun"


class Revocations:
    def __init__(self, storage: Storage, key: bytes) -> None:
        self._list = storage.memory.at("auth:tokens", "revoked")
        self._looked_up = storage.cache.at("auth:tokens", "revoked")
        self._key = key  # ids are hashed under it: who reads the store learns none

    async def begin(self) -> None:
        """Say that the list is whole: at the first start, or after all that was revoked is in it again."""
        await self._list.put(BEGUN, {}, lifetime=MONTH)

    async def revoke(self, token_id: str, lifetime: float) -> None:
        """Revoke a token that would expire in so many seconds; it is refused once this returns."""
        name = self._name(token_id)
        await self._list.put(name, {}, lifetime=lifetime)
        await self._list.touch(BEGUN, lifetime=MONTH)
        await self._looked_up.set(name, "revoked", lifetime=min(lifetime, 60))

    async def allows(self, token_id: str) -> bool:
        """Return whether a token is good; never if that can't be known."""
        name = self._name(token_id)
        try:
            return await self._looked_up.get_or_compute(name, lambda: self._look_up(name), lifetime=5) == "good"
        except (LookupError, StorageError):
            return False

    async def _look_up(self, name: str) -> str:
        found = await self._list.get_many([name, BEGUN])
        if found[BEGUN] is None:
            raise LookupError("the list was lost")
        return "good" if found[name] is None else "revoked"

    def _name(self, token_id: str) -> str:
        return hmac.new(self._key, token_id.encode(), hashlib.sha256).hexdigest()


async def main() -> None:
    async with Storage.from_env() as storage:
        tokens = Revocations(storage, secrets.token_bytes(32))
        await tokens.begin()
        await tokens.revoke("token-1", lifetime=3_600)
        print({name: await tokens.allows(name) for name in ("token-1", "token-2")})


if __name__ == "__main__":
    asyncio.run(main())
