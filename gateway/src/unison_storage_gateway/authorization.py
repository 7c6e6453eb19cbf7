"""Who may do what: the one decision, and the access that routes ask for it. The default is no.

Who a token stands for is found elsewhere (``principals``, ``tokens``); what is stored is not looked at.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from unison_storage.addresses import check_person
from unison_storage.errors import AccessDenied, InvalidKey
from unison_storage.keyspaces import Keyspace
from unison_storage.storage import Storage
from unison_storage_gateway.calls import Call
from unison_storage_gateway.paths import Address, address, below
from unison_storage_gateway.principals import Principal, Verify
from unison_storage_gateway.problems import MISSING, BadInput, Refused, named

PERSON_HEADER: Final = "x-unison-person"
UNKNOWN: Final = named("Unauthorized", 401, "a known token is required: Authorization: Bearer …")


def authorize(principal: Principal, permission: str, keyspace: Keyspace | None, person: str | None) -> None:
    """Return if the principal may; called once a request and once a batch item.

    ``AccessDenied`` without the permission, and for a token limited to persons in a keyspace that isn't person-scoped
    and in the graph. Another person's data is refused as if it were not there.
    """
    if not principal.may(permission):
        raise AccessDenied(f"this token has no permission {permission}")
    if principal.persons is None:
        return
    if permission.startswith("graph:"):
        raise AccessDenied("this token is limited to persons, and the graph is not divided by person")
    if keyspace is not None and not keyspace.person_scoped:
        raise AccessDenied("this token is limited to persons, and the keyspace is not person-scoped")
    if (keyspace is not None or person is not None) and person not in principal.persons:
        raise Refused(MISSING)


class Grant(NamedTuple):
    """What a request was granted: ``person`` is whom the header names, for the store to compare."""

    keyspace: Keyspace
    person: str | None


class Access:
    """The way to the decision for the routes of one application."""

    def __init__(self, storage: Storage, verify: Verify) -> None:
        self._storage = storage
        self._verify = verify

    def principal(self, call: Call) -> Principal:
        """Return who asks; ``Refused`` with 401 without a known token."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        found = self._verify(token.strip()) if scheme.lower() == "bearer" and token else None
        if found is None:
            raise Refused(UNKNOWN, {"WWW-Authenticate": "Bearer"})
        call.principal = found.name
        return found

    def nowhere(self, principal: Principal, permission: str) -> None:
        """Raise ``AccessDenied`` unless the principal has the permission somewhere."""
        authorize(principal, permission, None, None)

    def graph(self, principal: Principal, call: Call, permission: str) -> str | None:
        """Return whom the header names if the request may do it in the graph, which no keyspace divides."""
        named_person = _person(call.headers.get(PERSON_HEADER))
        authorize(principal, permission, None, None)
        return named_person

    def entry(self, call: Call, permission: str) -> tuple[Address, Grant]:
        """Return the address that the path spells, if the request may do it there."""
        principal = self.principal(call)
        at = address(call.path)
        return at, self.item(principal, call, permission, at.keyspace, at.namespace)

    def below(self, call: Call, permission: str) -> tuple[tuple[str, ...], Grant]:
        """Return keyspace and namespace that the path spells, if the request may do it below."""
        principal = self.principal(call)
        keyspace, namespace = below(call.path)
        return (keyspace, *namespace), self.item(principal, call, permission, keyspace, namespace)

    def item(
        self, principal: Principal, call: Call, permission: str, keyspace: str, namespace: tuple[str, ...]
    ) -> Grant:
        """Return the keyspace if the request may do it at one address."""
        named_person = _person(call.headers.get(PERSON_HEADER))
        space = self._storage.keyspaces.get(keyspace)
        call.keyspace = space.name if space.name in self._storage.keyspaces.declared else "undeclared"
        person = (namespace[0] if namespace else None) if space.person_scoped else named_person
        authorize(principal, permission, space, person)
        if principal.persons is not None and named_person is not None and named_person not in principal.persons:
            raise Refused(MISSING)
        return Grant(space, named_person)


def _person(header: str | None) -> str | None:
    try:
        return None if header is None else check_person(header)
    except InvalidKey as error:
        raise BadInput(error.message, loc=("header", PERSON_HEADER)) from None
