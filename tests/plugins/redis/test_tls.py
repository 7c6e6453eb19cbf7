"""TLS, on Redis 7: the Valkey in the wheel has none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.plugins.redis.surroundings import HOUR, cache, memory, put
from tests.services import valkey
from tests.services.ports import free_port
from unison_storage.contracts.cache import Increment, Set
from unison_storage.errors import AvailabilityError, InvalidConfig, StorageError


class Secured:
    """A server that speaks TLS alone, and the files that its clients need."""

    def __init__(self, folder: Path, *, wants_certificate: bool) -> None:
        self.authority = trustme.CA()
        self.files = {name: folder / f"{name}.pem" for name in ("ca", "cert", "key", "client", "client-key", "other")}
        self.authority.cert_pem.write_to_path(str(self.files["ca"]))
        trustme.CA().cert_pem.write_to_path(str(self.files["other"]))
        for name, key, certificate in (
            ("cert", "key", self.authority.issue_cert("127.0.0.1")),
            ("client", "client-key", self.authority.issue_cert("client.test")),
        ):
            certificate.private_key_pem.write_to_path(str(self.files[key]))
            certificate.cert_chain_pems[0].write_to_path(str(self.files[name]))
        self.server = valkey.Started(
            valkey.debian(),
            {
                "tls-port": str(free_port()),
                "tls-cert-file": str(self.files["cert"]),
                "tls-key-file": str(self.files["key"]),
                "tls-ca-cert-file": str(self.files["ca"]),
                "tls-auth-clients": "yes" if wants_certificate else "no",
            },
        )
        self.server.start()

    def url(self, authority: str = "ca", host: str = "127.0.0.1", *, certificate: bool = False) -> str:
        port = self.server.options["tls-port"]
        url = f"rediss://:{self.server.password}@{host}:{port}/?ssl_ca_certs={self.files[authority]}"
        given = f"&ssl_certfile={self.files['client']}&ssl_keyfile={self.files['client-key']}"
        return url + given if certificate else url


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    found = Secured(tmp_path_factory.mktemp("tls"), wants_certificate=False)
    yield found
    found.server.remove()


@pytest.fixture(scope="module")
def mutual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    found = Secured(tmp_path_factory.mktemp("mutual"), wants_certificate=True)
    yield found
    found.server.remove()


async def refused(url: str) -> StorageError:
    """Return why a cache can't be opened."""
    with pytest.raises(StorageError) as failure:
        async with cache(url):
            pass
    return failure.value


def test_all_goes_over_tls(secured: Secured) -> None:
    async def test() -> None:
        async with cache(secured.url()) as backend, memory(secured.url()) as entries:
            values = [bytes([number]) * (1 << 20 if number % 2 else 10) for number in range(8)]
            addresses = [f"k\x1f{number}" for number in range(8)]
            sets = (backend.set_many([Set(one, value, HOUR)]) for one, value in zip(addresses, values, strict=True))
            assert await asyncio.gather(*sets) == [[None]] * 8
            assert await backend.get_many(addresses) == values
            assert await backend.increment_many([Increment("k\x1fn", 1, HOUR)] * 3) == [1, 2, 3]
            await entries.put_many([put("k\x1fa", person="ann")])
            assert await entries.erase("ann") == 1
            health = await backend.health()
            assert (health.ok, ", TLS" in health.detail, "Redis 7" in health.detail) == (True, True, True), health

    asyncio.run(test())


def test_another_authority_and_another_name_are_refused(secured: Secured) -> None:
    for url in (secured.url("other"), secured.url(host="localhost")):
        error = asyncio.run(refused(url))
        assert isinstance(error, InvalidConfig), error
        assert "certificate" in error.message


def test_a_server_that_wants_a_certificate_gets_one(mutual: Secured) -> None:
    async def test() -> None:
        async with cache(mutual.url(certificate=True)) as backend:
            assert await backend.get_many(["k\x1fa"]) == [None]
        error = await refused(mutual.url())
        assert isinstance(error, InvalidConfig | AvailabilityError)

    asyncio.run(test())


def test_tls_where_there_is_none_and_none_where_there_is(secured: Secured) -> None:
    plain = f"redis://:{secured.server.password}@127.0.0.1:{secured.server.options['tls-port']}"
    assert isinstance(asyncio.run(refused(plain)), AvailabilityError)
    without = f"rediss://:{secured.server.password}@127.0.0.1:{secured.server.port}"
    assert isinstance(asyncio.run(refused(without)), AvailabilityError)


def test_a_file_that_is_not_there_is_told(secured: Secured) -> None:
    error = asyncio.run(refused(secured.url().replace("ca.pem", "none.pem")))
    assert isinstance(error, InvalidConfig), error
    assert error.message.startswith("UNISON_STORAGE_CACHE_URL: the file of ssl_ca_certs can't be read")
