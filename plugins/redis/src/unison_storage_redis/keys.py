"""Keys: where an address lies on the server. What lies there is not here.

    <prefix>:m:<address>       an entry of memory
    <prefix>:index             the addresses of memory, in byte order
    <prefix>:expiry            when entries of memory expire: address, NUL, person
    <prefix>:person:<person>   the addresses of a person
    <prefix>:c:{<address>}     a value of the cache
    <prefix>:f:{<address>}     the lease for filling it,   <prefix>:g:{<address>} its last fence
    <prefix>:l:{<address>}     another lease,              <prefix>:n:{<address>} its last fence

What stands in braces decides about the slot of a Cluster, so all that belongs to one address is on one node. A brace
inside of an address is written as %7D, and % as %25; that keeps prefixes, and no two addresses meet.
"""

from __future__ import annotations

import re
from typing import Final

from unison_storage.addresses import Address
from unison_storage.contracts.cache import is_filling

_SPECIAL: Final = re.compile(r"([*?\[\]\\^-])")


def escaped(address: str) -> str:
    """Return an address as it stands between braces."""
    return address.replace("%", "%25").replace("}", "%7D") if "%" in address or "}" in address else address


def unescaped(text: str) -> str:
    """Return the address that stands between braces."""
    return text.replace("%7D", "}").replace("%25", "%")


def pattern(text: str) -> str:
    """Return the glob that matches what begins with the text, and nothing else."""
    return _SPECIAL.sub(r"\\\1", text) + "*"


class CacheKeys:
    """Where the cache keeps its values and leases, below a prefix."""

    __slots__ = ("_fence", "_fill", "_fill_fence", "_lease", "value_head")

    def __init__(self, prefix: str) -> None:
        self.value_head = f"{prefix}:c:{{"
        self._fill = f"{prefix}:f:{{"
        self._fill_fence = f"{prefix}:g:{{"
        self._lease = f"{prefix}:l:{{"
        self._fence = f"{prefix}:n:{{"

    def value(self, address: Address) -> str:
        """Return the key of a value."""
        return f"{self.value_head}{escaped(address)}}}"

    def filling(self, address: Address) -> str:
        """Return the key of the lease for filling a value."""
        return f"{self._fill}{escaped(address)}}}"

    def lease(self, address: Address) -> tuple[str, str]:
        """Return the keys of a lease and of its last fence."""
        if is_filling(address):
            inner = escaped(address[:-1])
            return f"{self._fill}{inner}}}", f"{self._fill_fence}{inner}}}"
        inner = escaped(address)
        return f"{self._lease}{inner}}}", f"{self._fence}{inner}}}"

    def patterns(self, prefix: str) -> tuple[str, str]:
        """Return the globs of the values, and of the leases for filling, below a prefix of addresses."""
        inner = escaped(prefix)
        return pattern(self.value_head + inner), pattern(self._fill + inner)

    def address(self, key: bytes) -> Address:
        """Return the address of the key of a value, or of a lease for filling one."""
        return unescaped(key.decode()[len(self.value_head) : -1])


class MemoryKeys:
    """Where memory keeps its entries, and what finds them, below a prefix."""

    __slots__ = ("_entry", "_person", "expiry", "index", "scratch")

    def __init__(self, prefix: str) -> None:
        self._entry = f"{prefix}:m:"
        self._person = f"{prefix}:person:"
        self.index = f"{prefix}:index"
        self.expiry = f"{prefix}:expiry"
        self.scratch = f"{prefix}:scratch"

    def entry(self, address: Address) -> str:
        """Return the key of an entry."""
        return self._entry + address

    def person(self, person: str) -> str:
        """Return the key of the set of what may be a person's."""
        return self._person + person
