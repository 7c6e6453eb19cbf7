"""What a URL of Neo4j says: servers, database, user and options. Nothing is connected here."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Annotated, Final, Self

from msgspec import Meta, Struct

from unison_storage.errors import InvalidConfig
from unison_storage.targets import Target, readable

_PORT: Final = 7687
_SPELLING: Final = "write bolt://user:password@host:7687/database"


class Options(Struct, frozen=True):
    """What may follow the ``?``.

    ``connections`` is how many statements are under way at once; two to four for each core of the server are enough.
    ``timeout`` is how many seconds a statement may take, ``connect_timeout`` a new connection. ``ssl_ca_certs`` names
    authorities in place of the system's, ``ssl_certfile`` and ``ssl_keyfile`` what is shown to a server that asks who
    calls: for schemes with ``+s``.
    """

    connections: Annotated[int, Meta(ge=1, le=100)] = 8
    timeout: Annotated[float, Meta(ge=0.1, le=3_600)] = 5.0
    connect_timeout: Annotated[float, Meta(ge=0.1, le=60)] = 2.0
    ssl_ca_certs: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None

    @property
    def files(self) -> dict[str, str | None]:
        """The files of TLS, by option."""
        return {
            "ssl_ca_certs": self.ssl_ca_certs,
            "ssl_certfile": self.ssl_certfile,
            "ssl_keyfile": self.ssl_keyfile,
        }


class Server(Struct, frozen=True):
    """Where everything is kept, and how it is reached. ``setting`` names where the URL came from."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None
    database: str
    options: Options
    setting: str

    @classmethod
    def of(cls, target: Target) -> Self:
        """Read a target; ``InvalidConfig`` where it names no host, or several."""
        options = target.convert(Options)
        if len(target.hosts) != 1:
            raise InvalidConfig(f"{target.setting} names no host, or several; {_SPELLING}")
        database = target.path[1:] or "neo4j"
        if "/" in database or "\x00" in database:
            raise InvalidConfig(f"{target.setting} names more than one database; {_SPELLING}")
        if any(options.files.values()) and not target.scheme.endswith("+s"):
            raise InvalidConfig(f"{target.setting}: files of TLS go with bolt+s:// and neo4j+s://")
        if (options.ssl_certfile is None) is not (options.ssl_keyfile is None):
            raise InvalidConfig(f"{target.setting}: ssl_certfile and ssl_keyfile go together")
        [(host, port)] = target.hosts
        return cls(
            target.scheme,
            host,
            port or _PORT,
            target.user,
            target.password,
            database,
            options,
            target.setting,
        )

    @property
    def uri(self) -> str:
        """What the driver is given: it refuses a user or a password there."""
        return f"{self.scheme}://{self.host}:{self.port}"

    def file(self, option: str) -> str | None:
        """Return a file of TLS; ``InvalidConfig`` unless it can be read."""
        return readable(self.options.files[option], option, self.setting)

    @property
    def key(self) -> Hashable:
        """What kinds must have in common to share the connections."""
        return "neo4j", self.uri, self.user, self.password, self.database, self.options

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port}/{self.database})"
