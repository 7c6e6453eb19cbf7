from __future__ import annotations

import asyncio
import secrets
from typing import Any

from tests.plugins.postgres.surroundings import opened
from unison_storage.contracts.objects import Committed, Draft
from unison_storage.errors import NotFound
from unison_storage.values import ABSENT
from unison_storage_postgres.objects import PostgresObjectIndex

RACES = 50


async def draft(on: PostgresObjectIndex, address: str, **more: Any) -> Draft:
    blob = secrets.token_hex(16)
    await on.begin(blob, None)
    return Draft(address, secrets.token_hex(16), blob, secrets.token_hex(4), 3, "0" * 64, "text/plain", None, **more)


def test_of_those_who_race_for_an_address_one_wins(url: str) -> None:
    async def test() -> None:
        async with opened(url, PostgresObjectIndex) as one, opened(url, PostgresObjectIndex) as other:
            for number in range(RACES):
                drafts = [await draft(client, f"k\x1frace{number}", expect=ABSENT) for client in (one, other)]
                calls = [client.commit(made) for client, made in zip((one, other), drafts, strict=True)]
                outcomes = await asyncio.gather(*calls, return_exceptions=True)
                assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyExists", "Committed"]

    asyncio.run(test())


def test_a_blob_is_given_up_or_committed_and_never_both(url: str) -> None:
    async def test() -> None:
        async with opened(url, PostgresObjectIndex) as one, opened(url, PostgresObjectIndex) as other:
            for number in range(RACES):
                made = await draft(one, f"k\x1fstale{number}")
                later = await one.now() + 1_000_000
                done, unwanted = await asyncio.gather(
                    one.commit(made), other.unwanted(0, later, 100), return_exceptions=True
                )
                assert isinstance(done, Committed | NotFound), done
                assert isinstance(unwanted, list)
                assert (made.blob in unwanted) == isinstance(done, NotFound)
                await one.forget(unwanted)

    asyncio.run(test())
