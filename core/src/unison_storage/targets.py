"""Targets: the URLs that name backends, taken apart. What a part means is the plugin's business."""

from __future__ import annotations

import os
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from unison_storage.errors import InvalidConfig
from unison_storage.keyspaces import near

MASK: Final = "***"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://|$)")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_Options = TypeVar("_Options", bound=Struct)


class Target(Struct, frozen=True, repr_omit_defaults=True):
    """A URL ``scheme://user:password@host:port/database?option=value``, percent-decoded.

    ``hosts`` keeps every ``host:port`` of a comma-separated list, port ``None`` where none is given. ``path``
    starts with ``/`` or is empty. ``setting`` names where the URL came from, for error messages.
    """

    scheme: str
    hosts: tuple[tuple[str, int | None], ...] = ()
    user: str | None = None
    password: str | None = None
    path: str = ""
    options: dict[str, str] = {}
    setting: str = "the URL"

    @classmethod
    def parse(cls, url: str, setting: str = "the URL") -> Target:
        """Take a URL apart; ``InvalidConfig`` names the setting and never quotes the URL."""
        found = _SCHEME.match(url) if type(url) is str else None
        if found is None:
            raise InvalidConfig(f"{setting} is not a URL: it starts with a scheme and ://")
        rest, _, query = url[found.end() :].partition("?")
        authority, slash, path = rest.partition("/")
        login, at, hosts = authority.rpartition("@")
        if authority and not at and "@" in path + query:
            # what stands before the @ may be a password, which must not be taken for a path and shown
            raise InvalidConfig(f"{setting}: write / ? and @ in a user, password or path as %2F, %3F and %40")
        user, colon, password = login.partition(":")
        pairs = [option.partition("=") for option in query.split("&") if option]
        options = {_decoded(name, setting): _decoded(value, setting) for name, _, value in pairs}
        if len(options) != len(pairs):
            raise InvalidConfig(f"{setting} gives an option twice")
        return cls(
            scheme=found[1].lower(),
            hosts=tuple(_host(host, setting) for host in hosts.split(",") if host),
            user=_decoded(user, setting) if at else None,
            password=_decoded(password, setting) if colon else None,
            path=_decoded(slash + path, setting),
            options=options,
            setting=setting,
        )

    @property
    def masked(self) -> str:
        """The URL without password, and without the values of options, which may be secrets."""
        login = f"{self.user}:{MASK}@" if self.password is not None else f"{self.user}@" if self.user else ""
        hosts = ",".join(host if port is None else f"{host}:{port}" for host, port in self.hosts)
        query = "&".join(f"{name}={MASK}" for name in self.options)
        return f"{self.scheme}://{login}{hosts}{self.path}{'?' + query if query else ''}"

    @property
    def here(self) -> bool:
        """Whether all hosts are this machine, or sockets of it, so that nothing crosses a network."""
        return all(_loopback(host.strip("[]")) for host, _ in self.hosts)

    def __repr__(self) -> str:
        return f"Target({self.masked!r})"

    def convert(self, model: type[_Options]) -> _Options:
        """Return the options as ``model``; ``InvalidConfig`` for one that is unknown or malformed."""
        known = model.__struct_encode_fields__
        for name in self.options:
            if name not in known:
                there = f"there is {', '.join(known)}" if known else "there is none"
                raise InvalidConfig(f"{self.setting}: unknown option {name!r}{near(name, known)}; {there}")
        try:
            return msgspec.convert(self.options, model, strict=False)
        except msgspec.ValidationError as error:
            field = str(error).rpartition("$.")[2].rstrip("`") if "$." in str(error) else "?"
            raise InvalidConfig(f"{self.setting}: option {field!r} has a value of the wrong type or range") from None


def readable(file: str | None, option: str, setting: str) -> str | None:
    """Return a file that an option names; ``InvalidConfig`` unless it can be read: drivers do not say which."""
    if file is not None and not os.access(file, os.R_OK):
        raise InvalidConfig(f"{setting}: the file of {option} can't be read: {file}")
    return file


def secret_in(file: str, setting: str) -> str:
    """Return the password that a file holds, without the line's end; ``InvalidConfig`` where it can't be read."""
    try:
        return Path(file).read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise InvalidConfig(f"{setting}: the file of a password can't be read: {file}") from None


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith("/")


def _host(text: str, setting: str) -> tuple[str, int | None]:
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        return _decoded(text, setting), None
    if ":" in host and not host.endswith("]"):
        raise InvalidConfig(f"{setting}: write an IPv6 address in brackets, as in [::1]:5432")
    if _PORT.fullmatch(port) is None or not 0 < int(port) < 65_536:
        raise InvalidConfig(f"{setting}: the port must be a number from 1 to 65535")
    return _decoded(host, setting), int(port)


def _decoded(text: str, setting: str) -> str:
    from urllib.parse import unquote

    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise InvalidConfig(f"{setting}: what is percent-encoded is no UTF-8") from None
