"""Options and arguments that several words share. Their meaning stands in ``arguments``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout, all else to stderr.")]
Address = Annotated[
    list[str],
    typer.Argument(metavar="KEYSPACE [SEGMENT]... KEY", help="Where it lies. Put -- before words that start with -."),
]
Below = Annotated[list[str], typer.Argument(metavar="KEYSPACE [SEGMENT]...", help="Everything below this counts.")]
Person = Annotated[
    str | None,
    typer.Option(metavar="ID", help="Whose data it is; in a person-scoped keyspace the first segment says it."),
]
Lifetime = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Seconds, or 15m, 12h, 7d; none where the keyspace allows it."),
]
CacheLifetime = Annotated[
    str | None,
    typer.Option("--lifetime", metavar="TIME", help="Seconds, or 15m, 12h, 7d; by default that of the keyspace."),
]
PutLifetime = Annotated[
    str | None,
    typer.Option("--lifetime", metavar="TIME", help="Seconds, or 15m, 12h, 7d; keep leaves the expiry as it is; none."),
]
Expect = Annotated[
    str | None,
    typer.Option(metavar="WHAT", help="Write only if this is there: absent, present or a version."),
]
ExpectVersion = Annotated[str | None, typer.Option("--expect", metavar="VERSION", help="Delete only this version.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many to list at most.")]
Cursor = Annotated[str | None, typer.Option(metavar="CURSOR", help="Go on where a list stopped.")]
Everything = Annotated[bool, typer.Option("--all", help="List all, page by page.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")]
File = Annotated[
    Path | None, typer.Option("--file", "-f", metavar="PATH", help="Read it from this file instead of stdin.")
]
