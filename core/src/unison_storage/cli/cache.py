"""``cache``: one word for each method of the store; leases stand in ``cache_leases``, values in ``cache_values``.

The words raise where a service would do without the cache: who calls by hand wants to know.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from unison_storage.cli import arguments, cache_leases
from unison_storage.cli.cache_values import at, given_value, write_value
from unison_storage.cli.failures import NO
from unison_storage.cli.options import Address, Below, CacheLifetime, DryRun, File, Json, Yes
from unison_storage.cli.output import answer, answer_deleted
from unison_storage.cli.prefixes import delete_below
from unison_storage.cli.words import word
from unison_storage.errors import NotFound
from unison_storage.values import MISSING

app = typer.Typer(no_args_is_help=True, help="Keep values that may vanish, and leases.")

Value = Annotated[
    str | None,
    typer.Option(metavar="JSON", help="The value, unless the keyspace is raw; other users may see it in ps."),
]


@word(
    app,
    "get",
    "unison-storage cache get intent:cache agent-7 route",
    "unison-storage cache get thumbnails photo-1 > photo-1.jpg",
)
def get(words: Address, *, json: Json = False) -> None:
    """Print a value.

    As JSON, or the bytes of a raw keyspace as they are. Exits 1 if nothing is there.
    """
    place = arguments.address(words)
    value: Any = at(place, lambda handle: handle.get(place.key, MISSING))
    if value is MISSING:
        raise _nothing("get")
    write_value(value, as_json=json)


@word(
    app,
    "set",
    """echo '{"skill": "s9"}' | unison-storage cache set intent:cache agent-7 route --lifetime 60""",
    "unison-storage cache set thumbnails photo-1 --file photo-1.jpg",
)
def set_(
    words: Address, *, value: Value = None, file: File = None, lifetime: CacheLifetime = None, json: Json = False
) -> None:
    """Write a value.

    JSON from stdin, unless --file or --value give it; in a raw keyspace bytes from stdin or --file.
    """
    place, length = arguments.address(words), arguments.length(lifetime)
    content = given_value(place, value, file)
    at(place, lambda handle: handle.set(place.key, content, lifetime=length))
    answer({"set": True}, "set", as_json=json)


@word(app, "add", "unison-storage cache add jobs nightly --value 1 --lifetime 1h && run-nightly")
def add(
    words: Address, *, value: Value = None, file: File = None, lifetime: CacheLifetime = None, json: Json = False
) -> None:
    """Write a value if nothing is there.

    Of several at once one wins. Exits 0 if it was written and 3 if something was there; 1 means that it failed.
    """
    place, length = arguments.address(words), arguments.length(lifetime)
    content = given_value(place, value, file)
    added = at(place, lambda handle: handle.add(place.key, content, lifetime=length))
    answer({"added": added}, "added" if added else "something was there", as_json=json)
    if not added:
        raise typer.Exit(NO)


@word(app, "delete", "unison-storage cache delete intent:cache agent-7 route")
def delete(words: Address, *, json: Json = False) -> None:
    """Remove an entry.

    What is being computed for it is not kept. It is no failure if nothing was there.
    """
    place = arguments.address(words)
    gone = at(place, lambda handle: handle.delete(place.key))
    answer_deleted(gone=gone, as_json=json)


@word(app, "touch", "unison-storage cache touch intent:cache agent-7 route --lifetime 5m")
def touch(
    words: Address,
    *,
    lifetime: Annotated[str, typer.Option(metavar="TIME", help="Seconds, or 15m, 12h, 7d.")],
    json: Json = False,
) -> None:
    """Start the lifetime of an entry anew.

    Exits 1 if nothing is there.
    """
    place, length = arguments.address(words), arguments.seconds(lifetime, "--lifetime")
    if not at(place, lambda handle: handle.touch(place.key, lifetime=length)):
        raise _nothing("touch")
    answer({"touched": True}, "touched", as_json=json)


@word(app, "increment", "unison-storage cache increment intent:cache agent-7 hits --by 2 --lifetime 60")
def increment(
    words: Address,
    *,
    by: Annotated[int, typer.Option(help="How much to add; may be negative.")] = 1,
    lifetime: CacheLifetime = None,
    json: Json = False,
) -> None:
    """Add to a counter and print its new value.

    One that is absent starts at 0, and gets the lifetime then.
    """
    place, length = arguments.address(words), arguments.length(lifetime)
    total = at(place, lambda handle: handle.increment(place.key, by, lifetime=length))
    answer({"value": total}, str(total), as_json=json)


@word(app, "count", "unison-storage cache count intent:cache agent-7")
def count(words: Below, *, json: Json = False) -> None:
    """Count the entries below a namespace.

    Deeper namespaces are included. A server may have to look at everything it holds.
    """
    number = at(arguments.below(words), lambda handle: handle.count())
    answer({"count": number}, str(number), as_json=json)


@word(app, "delete-prefix", "unison-storage cache delete-prefix intent:cache agent-7 --yes")
def delete_prefix(words: Below, *, dry_run: DryRun = False, yes: Yes = False, json: Json = False) -> None:
    """Remove every entry below a namespace.

    Asks before; deeper namespaces are included. A server may have to look at everything it holds.
    """
    place = arguments.below(words)
    at(place, lambda handle: delete_below(handle, place, "entry", "entries", dry_run=dry_run, yes=yes, as_json=json))


app.registered_commands += cache_leases.app.registered_commands


def _nothing(operation: str) -> NotFound:
    return NotFound("there is no such entry", kind="cache", operation=operation)
