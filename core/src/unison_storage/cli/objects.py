"""``object``: one word for each method of the store. How bytes move stands in ``transfers``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from unison_storage.cli import arguments, records, transfers
from unison_storage.cli.arguments import Place
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
    Limit,
    Person,
    Yes,
)
from unison_storage.cli.output import answer, answer_deleted
from unison_storage.cli.prefixes import delete_below
from unison_storage.cli.sessions import run
from unison_storage.cli.words import word
from unison_storage.clock import SystemClock
from unison_storage.errors import NotFound
from unison_storage.values import MISSING, ObjectInfo

if TYPE_CHECKING:
    from unison_storage.stores.objects import Objects

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Read and write bytes of any size.")

ByteNumber = Annotated[int, typer.Option(min=0, metavar="BYTE", help="Begin at this byte.")]
EndByte = Annotated[int | None, typer.Option(min=0, metavar="BYTE", help="Stop before this byte.")]


@word(
    app,
    "put",
    "unison-storage object put transcripts person-1 call.wav --file call.wav",
    "pg_dump app | unison-storage object put dumps app.sql --content-type application/sql --expect absent",
)
def put(
    words: Address,
    *,
    file: File = None,
    content_type: Annotated[
        str | None, typer.Option(metavar="TYPE", help="By default what the name of the file or the key tells.")
    ] = None,
    lifetime: Annotated[str | None, typer.Option(metavar="TIME", help="Seconds, or 15m, 12h, 7d; none.")] = None,
    expect: Expect = None,
    person: Person = None,
    json: Json = False,
) -> None:
    """Store bytes from stdin or a file.

    Who reads meanwhile gets the old content whole.
    """
    place, expected = arguments.address(words), arguments.expectation(expect)
    length = MISSING if lifetime is None else arguments.lifetime(lifetime)
    type_ = content_type or transfers.type_of(file, place.key)

    async def work(handle: Objects) -> ObjectInfo:
        with transfers.source(file, place.key) as chunks:
            return await handle.put(place.key, chunks, content_type=type_, lifetime=length, expect=expected)

    info = _at(place, work, person)
    done = "created" if info.created else "replaced"
    answer(
        {**records.object_document(info), "created": info.created},
        f"{done}, {records.amount(info.size)}, version {info.version}",
        as_json=json,
    )


@word(
    app,
    "get",
    "unison-storage object get transcripts person-1 call.wav > call.wav",
    "unison-storage object get transcripts person-1 call.wav --start 0 --end 44 | xxd",
)
def get(words: Address, *, start: ByteNumber = 0, end: EndByte = None, json: Json = False) -> None:
    """Write the bytes of an object to stdout.

    With --json what is known of them, and the bytes as base64. Exits 1 if there is no object.
    """
    place = arguments.address(words)
    _at(place, lambda handle: transfers.pour(handle, place.key, start, end, as_json=json))


@word(app, "download", "unison-storage object download transcripts person-1 call.wav --to call.wav")
def download(
    words: Address,
    *,
    to: Annotated[Path, typer.Option(metavar="PATH", help="The file; one that is there is replaced.")],
    json: Json = False,
) -> None:
    """Write an object to a file.

    The file appears when it is complete. Exits 1 if there is no object.
    """
    place = arguments.address(words)
    info = _at(place, lambda handle: transfers.save(handle, place.key, to))
    answer(records.object_document(info), f"{records.amount(info.size)} in {to}", as_json=json)


@word(app, "head", "unison-storage object head transcripts person-1 call.wav")
def head(words: Address, *, json: Json = False) -> None:
    """Print what is known of an object.

    Exits 1 if there is none.
    """
    place, now = arguments.address(words), SystemClock().now()
    info = _at(place, lambda handle: handle.head(place.key))
    if info is None:
        raise NotFound("there is no such object", kind="object", operation="head")
    facts = [
        ("object", records.words((info.keyspace, *info.namespace, info.key))),
        ("size", f"{records.amount(info.size)} ({records.count(info.size, 'byte')})"),
        ("type", info.content_type),
        ("sha256", info.sha256),
        ("id", info.id),
        ("version", info.version),
        ("person", info.person or "none"),
        ("created", f"{records.stamp_of(info.created_at)} ({records.when(info.created_at, now)})"),
        ("updated", f"{records.stamp_of(info.updated_at)} ({records.when(info.updated_at, now)})"),
        ("expires", records.when(info.expires_at, now)),
    ]
    answer(records.object_document(info), records.facts(facts), as_json=json)


@word(app, "delete", "unison-storage object delete transcripts person-1 call.wav")
def delete(words: Address, *, expect: ExpectVersion = None, json: Json = False) -> None:
    """Remove an object.

    It is gone at once; its bytes go with a later sweep. It is no failure if nothing was there.
    """
    place, expected = arguments.address(words), arguments.expectation(expect)
    gone = _at(place, lambda handle: handle.delete(place.key, expect=expected))
    answer_deleted(gone=gone, as_json=json)


@word(app, "list", "unison-storage object list transcripts person-1")
def list_(
    words: Below, *, limit: Limit = 100, cursor: Cursor = None, everything: Everything = False, json: Json = False
) -> None:
    """List the objects below a namespace.

    In byte order of the address, deeper namespaces included.
    """
    place, now = arguments.below(words), SystemClock().now()

    def row(info: ObjectInfo) -> list[str]:
        name = records.words((*info.namespace[len(place.namespace) :], info.key))
        times = records.when(info.updated_at, now), records.when(info.expires_at, now)
        return [name, records.amount(info.size), info.content_type, *times]

    columns = ("object", "size>", "type", "updated", "expires")
    listing = Listing(columns, row, records.object_document, "object", "objects")

    async def work(handle: Objects) -> None:
        def page(cursor: str | None, limit: int) -> Awaitable[Any]:
            return handle.page(cursor=cursor, limit=limit)

        await listed(page, listing, cursor, limit, everything=everything, as_json=json)

    _at(place, work)


@word(app, "count", "unison-storage object count transcripts")
def count(words: Below, *, json: Json = False) -> None:
    """Count the objects below a namespace.

    Deeper namespaces are included.
    """
    number = _at(arguments.below(words), lambda handle: handle.count())
    answer({"count": number}, str(number), as_json=json)


@word(
    app,
    "copy",
    "unison-storage object copy transcripts person-1 call.wav --to copy.wav",
    "unison-storage object copy transcripts person-1 call.wav --to archive --to 2026 --to call.wav",
)
def copy(
    words: Address,
    *,
    to: Annotated[list[str], typer.Option(metavar="WORD", help="The new key; or keyspace, segments, key, one each.")],
    expect: Expect = None,
    json: Json = False,
) -> None:
    """Store an object a second time.

    Beside the first, or anywhere else. Exits 1 if there is none.
    """
    place, expected = arguments.address(words), arguments.expectation(expect)
    goal = Place(place.keyspace, place.namespace, to[0]) if len(to) == 1 else arguments.address(to, "--to")

    async def work(storage: Any) -> ObjectInfo:
        there = storage.objects.at(goal.keyspace, *goal.namespace)
        here = storage.objects.at(place.keyspace, *place.namespace)
        info: ObjectInfo = await here.copy(place.key, there, goal.key, expect=expected)
        return info

    info = run(work)
    copied = records.words((info.keyspace, *info.namespace, info.key))
    answer(records.object_document(info), f"copied to {copied}, version {info.version}", as_json=json)


@word(app, "url", "unison-storage object url transcripts person-1 call.wav --lifetime 10m")
def url(
    words: Address,
    *,
    lifetime: Annotated[str, typer.Option(metavar="TIME", help="How long it works: seconds, or 15m, 12h, 7d.")],
    json: Json = False,
) -> None:
    """Print a URL that reads an object for some time.

    Whoever has the URL can read the object.
    """
    place, length = arguments.address(words), arguments.seconds(lifetime, "--lifetime")
    made = _at(place, lambda handle: handle.url(place.key, lifetime=length))
    answer({"url": made}, made, as_json=json)


@word(app, "delete-prefix", "unison-storage object delete-prefix transcripts person-1 --dry-run")
def delete_prefix(words: Below, *, dry_run: DryRun = False, yes: Yes = False, json: Json = False) -> None:
    """Remove every object below a namespace.

    Asks before; deeper namespaces are included.
    """
    place = arguments.below(words)
    _at(place, lambda handle: delete_below(handle, place, "object", "objects", dry_run=dry_run, yes=yes, as_json=json))


def _at(place: Place, work: Callable[[Objects], Awaitable[T]], person: str | None = None) -> T:
    return run(lambda storage: work(storage.objects.at(place.keyspace, *place.namespace, person=person)))
