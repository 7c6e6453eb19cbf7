"""What a ``postgresql:`` URL says: server, database, role and options. Nothing is connected here."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Annotated, Any, Final, Literal, Self

from msgspec import Meta, Struct

from unison_storage.errors import InvalidConfig
from unison_storage.targets import Target, secret_in

PLANS: Final = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off"}
"""Every statement has one good plan, by an index, however large a table is: it is made once, and not for each batch.

Nor is one compiled: what has no index is priced so high without sequential scans that the server would spend a third of
a second on compiling it.

The server's own time limit lets it say that nothing was done; a silent one is given up soon after.
"""
_SPELLING = "write postgresql://user:password@host:5432/database"


class Options(Struct, frozen=True):
    """What may follow the ``?``.

    ``connections`` is how many connections all kinds of one URL have together; four for each core of the server are
    enough. ``wait`` is how many seconds a call waits for one of them, ``connect_timeout`` for a new one, and
    ``statement_timeout`` for the answer to a statement. ``sslmode`` and the three files are those of libpq;
    ``password_file`` holds the password in place of the URL, and is read at each connect. ``pooler``
    says that something stands between that lends a server for each transaction, as PgBouncer does.
    ``target_session_attrs`` says which of several hosts is taken: by default the first that takes writes.
    """

    connections: Annotated[int, Meta(ge=1, le=1_000)] = 8
    wait: Annotated[float, Meta(gt=0, le=60)] = 5.0
    connect_timeout: Annotated[int, Meta(ge=2, le=60)] = 5
    statement_timeout: Annotated[float, Meta(ge=0.1, le=3_600)] = 5.0
    password_file: str | None = None
    pooler: Literal["transaction"] | None = None
    target_session_attrs: Literal["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] | None = (
        None
    )
    application_name: str = "unison-storage"
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    sslrootcert: str | None = None
    sslcert: str | None = None
    sslkey: str | None = None


class Server(Struct, frozen=True):
    """Where everything is kept, and how it is reached. ``setting`` names where the URL came from."""

    hosts: tuple[tuple[str, int | None], ...]
    user: str | None
    password: str | None
    database: str
    options: Options
    setting: str

    @classmethod
    def of(cls, target: Target) -> Self:
        """Read a target; ``InvalidConfig`` where it names no host or no database."""
        options = target.convert(Options)
        database = target.path[1:]
        if target.password is not None and options.password_file is not None:
            raise InvalidConfig(f"{target.setting} gives a password and a password_file; leave one out")
        if not target.hosts:
            raise InvalidConfig(f"{target.setting} names no host; {_SPELLING}")
        if not database or "/" in database:
            raise InvalidConfig(f"{target.setting} names no database, or more than one; {_SPELLING}")
        for part in (target.user, target.password, database, *(host for host, _ in target.hosts)):
            if part is not None and "\x00" in part:
                raise InvalidConfig(f"{target.setting}: no part of a URL can hold U+0000")
        return cls(target.hosts, target.user, target.password, database, options, target.setting)

    @property
    def key(self) -> Hashable:
        """What kinds must have in common to share the connections."""
        return "postgres", self.hosts, self.user, self.password, self.database, self.options

    @property
    def parameters(self) -> dict[str, Any]:
        """What libpq is given at a connect: https://www.postgresql.org/docs/current/libpq-connect.html."""
        options, file = self.options, self.options.password_file
        given = {
            "host": ",".join(host.strip("[]") for host, _ in self.hosts),
            "port": ",".join(str(port or 5432) for _, port in self.hosts),
            "user": self.user,
            "password": self.password if file is None else secret_in(file, self.setting),
            "dbname": self.database,
            "connect_timeout": options.connect_timeout,
            "target_session_attrs": options.target_session_attrs or ("read-write" if self.hosts[1:] else None),
            "application_name": options.application_name,
            "sslmode": options.sslmode,
            "sslrootcert": options.sslrootcert,
            "sslcert": options.sslcert,
            "sslkey": options.sslkey,
            "client_encoding": "UTF8",
        }
        if options.pooler is None:  # a pooler refuses what it does not know of a session
            settings = {**PLANS, "statement_timeout": str(round(options.statement_timeout * 1_000))}
            given["options"] = " ".join(f"-c {name}={value}" for name, value in settings.items())
        return {name: value for name, value in given.items() if value is not None}

    def __repr__(self) -> str:
        return f"Server({','.join(host for host, _ in self.hosts)}/{self.database})"
