"""``cache acquire``, ``renew`` and ``release``: leases by hand. Values stand in ``cache``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from unison_storage.cli import arguments, records
from unison_storage.cli.cache_values import at, at_storage
from unison_storage.cli.options import Address, Json
from unison_storage.cli.output import answer
from unison_storage.cli.words import word
from unison_storage.errors import NotFound

if TYPE_CHECKING:
    from unison_storage.storage import Storage
    from unison_storage.stores.cache import Cache
    from unison_storage.stores.leases import Grant

app = typer.Typer()

Length = Annotated[
    str, typer.Option("--lifetime", metavar="TIME", help="When it ends by itself: seconds, or 15m, 12h.")
]
Owner = Annotated[str, typer.Option(metavar="TOKEN", help="What acquire printed.")]


@word(
    app,
    "acquire",
    "unison-storage cache acquire jobs rebuild --lifetime 5m --wait 30s",
    "owner=$(unison-storage cache acquire jobs rebuild --lifetime 5m --json | jq -r .owner)",
)
def acquire(
    words: Address,
    *,
    lifetime: Length,
    owner: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Take it under this token; made anew where it is left out.")
    ] = None,
    wait: Annotated[str, typer.Option(metavar="TIME", help="Go on trying for so long while another has it.")] = "0",
    json: Json = False,
) -> None:
    """Take a lease and print its owner token and fence.

    The fence grows from owner to owner. Leases are advisory: compare fences where it matters.
    Exits 1 while another has it. Taking it again as its owner starts its lifetime anew.
    """
    from unison_storage.stores.leases import patiently

    place, length = arguments.address(words), arguments.seconds(lifetime, "--lifetime")
    patience = arguments.seconds(wait, "--wait")

    async def work(handle: Cache[Any], storage: Storage) -> Grant:
        return await patiently(lambda: handle.acquire(place.key, lifetime=length, owner=owner), storage.clock, patience)

    grant = at_storage(place, work)
    said = records.facts([("owner", grant.owner), ("fence", str(grant.fence))])
    answer({"owner": grant.owner, "fence": grant.fence}, said, as_json=json)


@word(app, "renew", 'unison-storage cache renew jobs rebuild --owner "$owner" --lifetime 5m')
def renew(words: Address, *, owner: Owner, lifetime: Length, json: Json = False) -> None:
    """Start the lifetime of a lease anew.

    Exits 1 if it was lost: it has expired, or another has it.
    """
    place, length = arguments.address(words), arguments.seconds(lifetime, "--lifetime")
    if not at(place, lambda handle: handle.renew(place.key, owner, lifetime=length)):
        raise NotFound("the lease has expired, or another owner has it", kind="cache", operation="renew")
    answer({"renewed": True}, "renewed", as_json=json)


@word(app, "release", 'unison-storage cache release jobs rebuild --owner "$owner"')
def release(words: Address, *, owner: Owner, json: Json = False) -> None:
    """Let go of a lease.

    It is no failure if it was lost before.
    """
    place = arguments.address(words)
    held = at(place, lambda handle: handle.release(place.key, owner))
    answer({"released": held}, "released" if held else "it was not held any more", as_json=json)
