"""TLS, and certificates of clients, on a server of its own."""

from __future__ import annotations

import asyncio
import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.plugins.neo4j.surroundings import graph
from tests.services import neo4j
from unison_storage.errors import AvailabilityError, InvalidConfig, StorageError
from unison_storage.values import Node


class Secured:
    """A server that takes TLS beside clear text, and asks who calls; and the files that its clients need."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.files = {name: folder / f"{name}.pem" for name in ("ca", "other", "client", "client-key")}
        authority.cert_pem.write_to_path(str(self.files["ca"]))
        trustme.CA().cert_pem.write_to_path(str(self.files["other"]))
        client, own = authority.issue_cert("client.test"), authority.issue_cert("127.0.0.1")
        client.private_key_pem.write_to_path(str(self.files["client-key"]))
        client.cert_chain_pems[0].write_to_path(str(self.files["client"]))
        certificates = folder / "bolt"
        (certificates / "trusted").mkdir(parents=True)
        (certificates / "revoked").mkdir()
        own.private_key_pem.write_to_path(str(certificates / "private.key"))
        own.cert_chain_pems[0].write_to_path(str(certificates / "public.crt"))
        shutil.copy(self.files["ca"], certificates / "trusted")
        self.server = neo4j.Started(
            settings={
                "dbms.ssl.policy.bolt.enabled": "true",
                "dbms.ssl.policy.bolt.base_directory": str(certificates),
                "dbms.ssl.policy.bolt.client_auth": "REQUIRE",
                "server.bolt.tls_level": "OPTIONAL",
            }
        )
        self.server.start()

    def url(self, scheme: str = "bolt+s", authority: str = "ca", host: str = "127.0.0.1", *, shown: bool = True) -> str:
        url = f"{scheme}://neo4j:{self.server.password}@{host}:{self.server.port}/?ssl_ca_certs={self.files[authority]}"
        files = f"&ssl_certfile={self.files['client']}&ssl_keyfile={self.files['client-key']}"
        return url + files if shown else url


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    found = Secured(tmp_path_factory.mktemp("tls"))
    yield found
    found.server.remove()


async def refused(url: str) -> StorageError:
    """Return why a graph can't be opened."""
    with pytest.raises(StorageError) as failure:
        async with graph(url):
            pass
    return failure.value


@pytest.mark.parametrize("scheme", ["bolt+s", "neo4j+s"])
def test_all_goes_over_tls_with_certificates_of_both(secured: Secured, scheme: str) -> None:
    async def test() -> None:
        async with graph(secured.url(scheme)) as backend:
            node = Node("Device", scheme)
            await backend.upsert_nodes([node])
            assert await backend.get_nodes([node.ref]) == [node]

    asyncio.run(test())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the driver forgets the socket then
def test_another_authority_and_another_name_are_refused(secured: Secured) -> None:
    for url in (secured.url(authority="other"), secured.url(host="localhost")):
        error = asyncio.run(refused(url))
        assert isinstance(error, InvalidConfig), error
        assert "certificate" in error.message
    gc.collect()


def test_a_client_that_shows_nothing_is_refused(secured: Secured) -> None:
    assert isinstance(asyncio.run(refused(secured.url(shown=False))), AvailabilityError)


def test_a_file_that_is_not_there_is_told(secured: Secured) -> None:
    error = asyncio.run(refused(secured.url().replace("client.pem", "none.pem")))
    assert isinstance(error, InvalidConfig), error
    assert error.message.startswith("UNISON_STORAGE_GRAPH_URL: the file of ssl_certfile can't be read")
