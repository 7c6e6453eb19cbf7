"""Calls: one request with what the gateway needs to know of it. Answering it is the business of routes."""

from __future__ import annotations

import re
import secrets
from typing import Final

from starlette.requests import Request
from starlette.types import Receive, Scope

from unison_storage_gateway.intake import CHUNK_SECONDS, Intake
from unison_storage_gateway.queries import Query

_REQUEST_ID: Final = re.compile(r"[0-9A-Za-z_-]{8,64}")


class Call(Request):
    """One request, with its body as ``intake``.

    What ends up in the log is noted here as it becomes known: ``principal``, ``keyspace``, ``backend``, ``error``.
    """

    def __init__(self, scope: Scope, receive: Receive, chunk_seconds: float = CHUNK_SECONDS) -> None:
        super().__init__(scope, receive)
        self.intake = Intake(self.headers, receive, chunk_seconds)
        given = self.headers.get("x-request-id", "")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        self.principal: str | None = None
        self.keyspace: str | None = None
        self.backend: str | None = None
        self.error: str | None = None

    @property
    def path(self) -> str:
        """The part of the raw path that the route's pattern leaves open."""
        found: str = self.path_params.get("address", "")
        return found

    def query(self, *known: str, repeatable: tuple[str, ...] = ()) -> Query:
        """Return the parameters; ``BadInput`` for any that the route does not know."""
        return Query(self.scope["query_string"], known, repeatable)
