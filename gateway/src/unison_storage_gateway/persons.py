"""``/v1/persons``: erasing all data of a person. What that does in each kind is the core's business."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from starlette.responses import Response

from unison_storage.storage import Storage
from unison_storage_gateway import records
from unison_storage_gateway.authorization import Access, authorize
from unison_storage_gateway.calls import Call
from unison_storage_gateway.operations import TOLD
from unison_storage_gateway.paths import segment
from unison_storage_gateway.routing import Described

KIND: Final = "person"


class PersonRoutes:
    """The routes of persons, on one storage."""

    def __init__(self, storage: Storage, access: Access) -> None:
        self._storage = storage
        self._access = access

    def routes(self) -> Iterator[Described]:
        """Yield the route."""
        yield Described("POST", "/v1/persons/{address}:erase", self.erase, KIND, "erase", TOLD[KIND, "erase"])

    async def erase(self, call: Call) -> Response:
        """Remove all data of a person from every kind, and report what is gone and what is left.

        With ``dry_run`` only count what there is.
        """
        principal = self._access.principal(call)
        person = segment(call.path)
        authorize(principal, "erase", None, person)
        dry_run = call.query("dry_run").flag("dry_run", default=False)
        return records.json(records.report(await self._storage.erase(person, dry_run=dry_run)))
