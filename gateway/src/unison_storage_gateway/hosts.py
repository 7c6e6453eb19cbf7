"""Which names a development service answers to: loopback alone, so that no web page reaches it by a name of its own.

A page that rebinds its name to 127.0.0.1 still sends that name as ``Host``.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from unison_storage_gateway import problems
from unison_storage_gateway.problems import named

_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?")
ABSENT: Final = named("Bad request", 400, "the request has no Host header")
FOREIGN: Final = named("Misdirected request", 421, "a development service answers to loopback names only")


def is_loopback(name: str) -> bool:
    """Return whether a name or address means this machine."""
    try:
        return name.lower() == "localhost" or ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


class LoopbackOnly:
    """Refuses requests whose ``Host`` is another than loopback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == b"host"]
        host = _HOST.fullmatch(given[0].decode("latin-1")) if len(given) == 1 else None
        if host is not None and is_loopback(host["name"]):
            await self._app(scope, receive, send)
            return
        await problems.response(FOREIGN if given else ABSENT)(scope, receive, send)
