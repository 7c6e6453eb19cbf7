from __future__ import annotations

import pytest
from psycopg.conninfo import make_conninfo

from tests.plugins.postgres.surroundings import server_at
from unison_storage.errors import InvalidConfig

SETTING = "UNISON_STORAGE_DATABASE_URL"


def test_a_url_names_server_role_database_and_options() -> None:
    server = server_at(
        "postgresql://ann:p%40ss@db-1:5433,[::1]/app?connections=3&sslmode=verify-full&sslrootcert=%2Fca"
    )
    assert server.parameters["host"] == "db-1,::1"
    assert server.parameters["port"] == "5433,5432"
    assert (server.parameters["user"], server.parameters["password"]) == ("ann", "p@ss")
    assert (server.database, server.options.connections) == ("app", 3)
    assert (server.parameters["sslmode"], server.parameters["sslrootcert"]) == ("verify-full", "/ca")
    assert make_conninfo(**server.parameters)
    assert "p@ss" not in repr(server)


def test_kinds_share_connections_only_where_all_is_the_same() -> None:
    url = "postgresql://ann:secret@db/app"
    assert server_at(url).key == server_at(url).key
    for other in ("postgresql://ann:other@db/app", "postgresql://db/app", f"{url}?connections=3"):
        assert server_at(other).key != server_at(url).key


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql:///app", "names no host; write postgresql://user:password@host:5432/database"),
        ("postgresql://db", "names no database, or more than one"),
        ("postgresql://db/one/two", "names no database, or more than one"),
        ("postgresql://db/a%00b", "no part of a URL can hold U+0000"),
        ("postgresql://db/app?connection=3", "unknown option 'connection'; near names: connections"),
        ("postgresql://ann:x@db/app?password_file=/p", "gives a password and a password_file; leave one out"),
        ("postgresql://db/app?connections=0", "option 'connections' has a value of the wrong type or range"),
        ("postgresql://db/app?sslmode=maybe", "option 'sslmode' has a value of the wrong type or range"),
    ],
)
def test_a_url_that_says_too_little_or_too_much_is_refused(url: str, told: str) -> None:
    with pytest.raises(InvalidConfig) as failure:
        server_at(url)
    assert failure.value.message.startswith(SETTING)
    assert told in failure.value.message
