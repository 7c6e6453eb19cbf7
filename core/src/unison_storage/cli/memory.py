"""``memory``: one word for each method of the store. Addresses and times are read in ``arguments``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from unison_storage.cli import arguments, inputs, records
from unison_storage.cli.arguments import Place
from unison_storage.cli.failures import NO
from unison_storage.cli.listings import Listing, listed
from unison_storage.cli.options import (
    Address,
    Below,
    Cursor,
    DryRun,
    Everything,
    Expect,
    ExpectVersion,
    File,
    Json,
    Lifetime,
    Limit,
    Person,
    PutLifetime,
    Yes,
)
from unison_storage.cli.output import answer, answer_deleted, document, line
from unison_storage.cli.prefixes import delete_below
from unison_storage.cli.sessions import run
from unison_storage.cli.words import word
from unison_storage.clock import SystemClock
from unison_storage.errors import NotFound
from unison_storage.values import MISSING

if TYPE_CHECKING:
    from unison_storage.stores.memory import Memory

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Read and write values with lifetimes.")


@word(app, "get", "unison-storage memory get session person-1 draft")
def get(
    words: Address,
    *,
    touch: Annotated[
        str | None, typer.Option(metavar="TIME", help="Start the lifetime anew with this, in the same step.")
    ] = None,
    json: Json = False,
) -> None:
    """Print a value as JSON.

    With --json the whole entry. Exits 1 if nothing is there.
    """
    place = arguments.address(words)
    length = MISSING if touch is None else arguments.lifetime(touch, "--touch")
    entry = _at(place, lambda handle: handle.get(place.key, touch=length))
    if entry is None:
        raise _nothing("get")
    document(records.entry_document(entry) if json else entry.value)


@word(
    app,
    "put",
    """echo '{"text": "hello"}' | unison-storage memory put session person-1 draft --lifetime 1h""",
    "unison-storage memory put session person-1 draft --value '[1, 2]' --expect absent",
)
def put(
    words: Address,
    *,
    value: Annotated[str | None, typer.Option(metavar="JSON", help="The value; other users may see it in ps.")] = None,
    file: File = None,
    lifetime: PutLifetime = None,
    expect: Expect = None,
    person: Person = None,
    json: Json = False,
) -> None:
    """Write a value and print its version.

    The value is JSON from stdin, unless --file or --value give it.
    """
    place = arguments.address(words)
    length, expected = arguments.given_lifetime(lifetime), arguments.expectation(expect)
    content = inputs.json_value(value, file)
    stamp = _at(place, lambda handle: handle.put(place.key, content, lifetime=length, expect=expected), person)
    done = "created" if stamp.created else "replaced"
    expires = records.when(stamp.expires_at, SystemClock().now())
    answer(records.stamp_document(stamp), f"{done}, version {stamp.version}, expires {expires}", as_json=json)


@word(app, "delete", "unison-storage memory delete session person-1 draft")
def delete(words: Address, *, expect: ExpectVersion = None, json: Json = False) -> None:
    """Remove an entry.

    It is no failure if nothing was there.
    """
    place, expected = arguments.address(words), arguments.expectation(expect)
    gone = _at(place, lambda handle: handle.delete(place.key, expect=expected))
    answer_deleted(gone=gone, as_json=json)


@word(app, "touch", "unison-storage memory touch session person-1 draft --lifetime 12h")
def touch(
    words: Address,
    *,
    lifetime: Annotated[str, typer.Option(metavar="TIME", help="Seconds, or 15m, 12h, 7d; none where allowed.")],
    json: Json = False,
) -> None:
    """Start the lifetime of an entry anew.

    Value and version stay. Exits 1 if nothing is there.
    """
    place, length = arguments.address(words), arguments.lifetime(lifetime)
    if not _at(place, lambda handle: handle.touch(place.key, lifetime=length)):
        raise _nothing("touch")
    answer({"touched": True}, "touched", as_json=json)


@word(app, "increment", "unison-storage memory increment session person-1 visits --by 2")
def increment(
    words: Address,
    *,
    by: Annotated[int, typer.Option(help="How much to add; may be negative.")] = 1,
    lifetime: Lifetime = None,
    person: Person = None,
    json: Json = False,
) -> None:
    """Add to a counter and print its new value.

    One that is absent starts at 0, and gets the lifetime then.
    """
    place = arguments.address(words)
    length = MISSING if lifetime is None else arguments.lifetime(lifetime)
    total = _at(place, lambda handle: handle.increment(place.key, by, lifetime=length), person)
    answer({"value": total}, str(total), as_json=json)


@word(app, "exists", "unison-storage memory exists session person-1 draft && echo there")
def exists(words: Address, *, json: Json = False) -> None:
    """Tell whether an entry is there.

    Exits 0 if it is and 3 if it is not; 1 means that it could not be found out.
    """
    place = arguments.address(words)
    there = _at(place, lambda handle: handle.exists(place.key))
    answer({"exists": there}, "yes" if there else "no", as_json=json)
    if not there:
        raise typer.Exit(NO)


@word(
    app,
    "list",
    "unison-storage memory list session person-1",
    "unison-storage memory list session person-1 --all --json | jq '.items[].key'",
)
def list_(
    words: Below,
    *,
    limit: Limit = 100,
    cursor: Cursor = None,
    everything: Everything = False,
    values: Annotated[bool, typer.Option("--values/--no-values", help="Read the values too.")] = True,
    json: Json = False,
) -> None:
    """List the entries below a namespace.

    In byte order of the address, deeper namespaces included.
    """
    place, now = arguments.below(words), SystemClock().now()

    def row(entry: Any) -> list[str]:
        value = [records.brief(entry.value)] if values else []
        inside = entry.namespace[len(place.namespace) :]
        name = records.words((*inside, entry.key))
        return [name, *value, records.when(entry.updated_at, now), records.when(entry.expires_at, now)]

    columns = ("entry", *(["value"] if values else []), "updated", "expires")
    listing = Listing(columns, row, lambda entry: records.entry_document(entry, values=values), "entry", "entries")

    async def work(handle: Memory[Any]) -> None:
        def page(cursor: str | None, limit: int) -> Awaitable[Any]:
            return handle.page(cursor=cursor, limit=limit, values=values)

        await listed(page, listing, cursor, limit, everything=everything, as_json=json)

    _at(place, work)


@word(app, "keys", "unison-storage memory keys session person-1")
def keys(words: Below, *, json: Json = False) -> None:
    """Print the key of every entry below a namespace.

    The key of a deeper namespace comes without its segments.
    """

    async def work(handle: Memory[Any]) -> None:
        if json:
            document({"keys": [key async for key in handle.keys()]})
            return
        async for key in handle.keys():
            line(key)

    _at(arguments.below(words), work)


@word(app, "count", "unison-storage memory count session")
def count(words: Below, *, json: Json = False) -> None:
    """Count the entries below a namespace.

    Deeper namespaces are included.
    """
    number = _at(arguments.below(words), lambda handle: handle.count())
    answer({"count": number}, str(number), as_json=json)


@word(
    app,
    "delete-prefix",
    "unison-storage memory delete-prefix session person-1 chat-7 --dry-run",
    "unison-storage memory delete-prefix session person-1 chat-7 --yes",
)
def delete_prefix(words: Below, *, dry_run: DryRun = False, yes: Yes = False, json: Json = False) -> None:
    """Remove every entry below a namespace.

    Asks before; deeper namespaces are included.
    """
    place = arguments.below(words)
    _at(place, lambda handle: delete_below(handle, place, "entry", "entries", dry_run=dry_run, yes=yes, as_json=json))


def _at(place: Place, work: Callable[[Memory[Any]], Awaitable[T]], person: str | None = None) -> T:
    return run(lambda storage: work(storage.memory.at(place.keyspace, *place.namespace, person=person)))


def _nothing(operation: str) -> NotFound:
    return NotFound("there is no such entry", kind="memory", operation=operation)
