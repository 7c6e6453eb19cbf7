"""What a URL of Redis says: servers, how they stand together, user, database and options. Nothing is connected here."""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from msgspec import Meta, Struct

from unison_storage.errors import InvalidConfig
from unison_storage.targets import Target, readable, secret_in

_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379


class Topology(StrEnum):
    """How servers stand together."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


_SPELLING: Final = {
    Topology.SINGLE: "write redis://user:password@host:6379/0, or unix:///path/of/socket?db=0",
    Topology.SENTINEL: "write redis+sentinel://user:password@host1:26379,host2:26379/service/0",
    Topology.CLUSTER: "write redis+cluster://user:password@host1:6379,host2:6379",
}


class Options(Struct, frozen=True):
    """What may follow the ``?``.

    ``prefix`` begins every key. ``timeout`` is how many seconds a server may be silent while it owes an answer, and
    ``connect_timeout`` how many a new connection may take. ``password_file`` holds the password in place of the URL,
    and is read at each connect. ``protocol`` is the version of RESP. The three files are for TLS; without
    ``ssl_ca_certs`` the system's authorities are trusted. ``db`` is the database of a socket.
    """

    prefix: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")] = "unison-storage"
    timeout: Annotated[float, Meta(ge=0.05, le=60)] = 2.0
    connect_timeout: Annotated[float, Meta(ge=0.05, le=60)] = 2.0
    protocol: Literal["2", "3"] = "3"
    client_name: Annotated[str, Meta(pattern=r"^[!-~]{1,64}$")] = "unison-storage"
    password_file: str | None = None
    sentinel_user: str | None = None
    sentinel_password_file: str | None = None
    ssl_ca_certs: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    db: Annotated[int, Meta(ge=0)] | None = None


class Server(Struct, frozen=True):
    """Where everything is kept, and how it is reached. ``setting`` names where the URL came from.

    ``hosts`` are those of the server, of its Sentinels, or of some nodes of the Cluster; none for a ``socket``.
    """

    topology: Topology
    hosts: tuple[tuple[str, int], ...]
    tls: bool
    user: str | None
    password: str | None
    db: int
    options: Options
    setting: str
    service: str = ""
    socket: str = ""

    @classmethod
    def of(cls, target: Target) -> Self:
        """Read a target; ``InvalidConfig`` where it says too little or too much."""
        options = target.convert(Options)
        scheme, _, kind = target.scheme.partition("+")
        topology = Topology(kind or "single")
        for part in (target.user, target.password, target.path, *(host for host, _ in target.hosts)):
            if part is not None and "\x00" in part:
                raise InvalidConfig(f"{target.setting}: no part of a URL can hold U+0000")
        if target.password is not None and options.password_file is not None:
            raise InvalidConfig(f"{target.setting} gives a password and a password_file; leave one out")
        path = target.path
        service = socket = ""
        if scheme == "unix":
            socket, path = path, "" if options.db is None else f"/{options.db}"
        elif options.db is not None:
            raise InvalidConfig(f"{target.setting}: db is for sockets; {_SPELLING[topology]}")
        if topology is Topology.SENTINEL:
            service, _, number = path[1:].partition("/")
            path = f"/{number}" if number else ""
        db = path[1:] or "0"
        several = topology is not Topology.SINGLE
        if (
            not (db.isascii() and db.isdigit())
            or (topology is Topology.CLUSTER and int(db))
            or (topology is Topology.SENTINEL and not service)
            or (bool(socket) == bool(target.hosts))
            or (len(target.hosts) > 1 and not several)
        ):
            raise InvalidConfig(f"{target.setting} says too little or too much; {_SPELLING[topology]}")
        port = _SENTINEL_PORT if topology is Topology.SENTINEL else _PORT
        hosts = tuple((host.strip("[]"), number or port) for host, number in target.hosts)
        return cls(
            topology=topology,
            hosts=hosts,
            tls=scheme == "rediss",
            user=target.user or None,
            password=target.password,
            db=int(db),
            options=options,
            setting=target.setting,
            service=service,
            socket=socket,
        )

    @property
    def key(self) -> Hashable:
        """What kinds must have in common to share the connections."""
        return (
            *("redis", self.topology, self.hosts, self.tls, self.user, self.password, self.db),
            *(self.options, self.service, self.socket),
        )

    @property
    def parameters(self) -> dict[str, Any]:
        """What the driver is given for every connection but its address; reads the password's file."""
        options = self.options
        return {
            "username": self.user,
            "password": self.password
            if options.password_file is None
            else secret_in(options.password_file, self.setting),
            "db": self.db,
            "client_name": options.client_name,
            **self._wire,
        }

    @property
    def sentinel_parameters(self) -> dict[str, Any]:
        """What the driver is given for every connection to a Sentinel but its address."""
        file = self.options.sentinel_password_file
        return {
            "username": self.options.sentinel_user,
            "password": None if file is None else secret_in(file, self.setting),
            **self._wire,
        }

    @property
    def _wire(self) -> dict[str, Any]:
        options = self.options
        files = {
            "ssl_ca_certs": options.ssl_ca_certs,
            "ssl_certfile": options.ssl_certfile,
            "ssl_keyfile": options.ssl_keyfile,
        }
        return {
            "protocol": int(options.protocol),
            "socket_timeout": options.connect_timeout,
            "socket_connect_timeout": options.connect_timeout,
            "driver_info": None,  # CLIENT SETINFO would cost a round trip, and old servers do not know it
            **({name: readable(file, name, self.setting) for name, file in files.items()} if self.tls else {}),
        }

    def __repr__(self) -> str:
        return f"Server({self.socket or ','.join(host for host, _ in self.hosts)}/{self.db})"
