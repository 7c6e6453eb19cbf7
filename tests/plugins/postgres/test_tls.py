"""TLS, certificates of clients, and passwords that change while a service runs, on a server of its own."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
import trustme
from psycopg import sql

from tests.plugins.postgres.surroundings import memory, put
from tests.services import postgres
from unison_storage.errors import InvalidConfig, StorageError, Unavailable
from unison_storage_postgres.memory import PostgresMemory

NOBODY = 65_534


class Secured:
    """A server that takes TLS alone, and asks the role ``shown`` for a certificate too; and the files for it."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        authority = trustme.CA()
        names = ("ca", "other", "own", "own-key", "client", "client-key")
        self.files = {name: folder / f"{name}.pem" for name in names}
        authority.cert_pem.write_to_path(str(self.files["ca"]))
        trustme.CA().cert_pem.write_to_path(str(self.files["other"]))
        client = authority.issue_cert("client.test")
        for certificate, name in ((authority.issue_cert("127.0.0.1"), "own"), (client, "client")):
            certificate.private_key_pem.write_to_path(str(self.files[f"{name}-key"]))
            certificate.cert_chain_pems[0].write_to_path(str(self.files[name]))
            self.files[f"{name}-key"].chmod(0o600)
        hba = folder / "hba"
        hba.write_text(
            "hostssl all shown 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n"
            "hostssl all all 127.0.0.1/32 scram-sha-256\n"
        )
        if os.getuid() == 0:
            os.chown(self.files["own-key"], NOBODY, NOBODY)
        self.server = postgres.Started(
            postgres.debian(),
            ssl="on",
            ssl_cert_file=str(self.files["own"]),
            ssl_key_file=str(self.files["own-key"]),
            ssl_ca_file=str(self.files["ca"]),
            hba_file=str(hba),
        )
        self.server.start()
        self.asked("CREATE DATABASE app")

    def asked(self, statement: LiteralString, **names: str) -> None:
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            literals = {name: sql.Literal(value) for name, value in names.items()}
            connection.execute(sql.SQL(statement).format(**literals))

    def url(self, mode: str = "verify-full", authority: str = "ca", host: str = "127.0.0.1", more: str = "") -> str:
        login, _, rest = self.server.url("app").partition("@")
        at = rest.replace("127.0.0.1", host)
        return f"{login}@{at}?sslmode={mode}&sslrootcert={self.files[authority]}{more}"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Secured:
    folder = tmp_path_factory.mktemp("tls")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)  # the server runs as nobody
    return Secured(folder)


async def refused(url: str) -> StorageError:
    """Return why memory can't be opened."""
    with pytest.raises(StorageError) as failure:
        async with memory(url, service=False):
            pass
    return failure.value


def test_all_goes_over_tls(secured: Secured) -> None:
    async def test() -> None:
        async with memory(secured.url(), service=False) as entries:
            await entries.put_many([put("k\x1fa"), put("k\x1fb")])
            assert await entries.count("k\x1f") == 2

    asyncio.run(test())


def test_another_authority_another_name_and_clear_text_are_refused(secured: Secured) -> None:
    for url in (secured.url(authority="other"), secured.url(host="localhost")):
        error = asyncio.run(refused(url))
        assert isinstance(error, InvalidConfig), error
        assert "certificate" in error.message
    assert isinstance(asyncio.run(refused(secured.url("disable"))), InvalidConfig)


def test_a_server_without_tls_is_told(secured: Secured) -> None:
    plain = postgres.database(f"plain_{os.getpid()}")
    error = asyncio.run(refused(f"{plain}?sslmode=verify-full&sslrootcert={secured.files['ca']}"))
    assert isinstance(error, InvalidConfig)
    assert "speaks no TLS" in error.message


def test_a_role_that_has_to_show_a_certificate_shows_one(secured: Secured) -> None:
    secured.asked("CREATE ROLE shown LOGIN SUPERUSER PASSWORD {password}", password=secured.server.password)
    own = f"&sslcert={secured.files['client']}&sslkey={secured.files['client-key']}"

    def of_shown(more: str) -> str:
        return secured.url(more=more).replace("//postgres:", "//shown:")

    async def test() -> None:
        async with memory(of_shown(own), service=False) as entries:
            assert await entries.count("k\x1f") >= 0
        assert isinstance(await refused(of_shown("")), InvalidConfig | Unavailable)

    asyncio.run(test())


def test_a_password_in_a_file_may_change_while_it_runs(secured: Secured, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    secured.asked("CREATE ROLE turning LOGIN SUPERUSER PASSWORD {password}", password="first")
    _, _, rest = secured.url(more=f"&password_file={file}").partition("@")

    async def test() -> None:
        async with memory(f"postgresql://turning@{rest}", service=False) as entries:
            await entries.put_many([put("turn\x1fa")])
            secured.asked("ALTER ROLE turning PASSWORD {password}", password="second")
            file.write_text("second\n")
            secured.asked("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'turning'")
            until = asyncio.get_running_loop().time() + 10
            while True:  # a connection that was cut fails one call at most
                try:
                    assert await entries.count("turn\x1f") == 1
                    break
                except Unavailable:
                    assert asyncio.get_running_loop().time() < until
            file.unlink()
            secured.asked("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'turning'")
            errors = [await failed(entries) for _ in range(2)]
            assert any(isinstance(error, InvalidConfig) and str(file) in error.message for error in errors)

    asyncio.run(test())


async def failed(entries: PostgresMemory) -> StorageError:
    with pytest.raises(StorageError) as failure:
        await entries.count("turn\x1f")
    return failure.value
