from __future__ import annotations

import pytest

from tests.plugins.neo4j.surroundings import server_at
from unison_storage.errors import InvalidConfig

SETTING = "UNISON_STORAGE_GRAPH_URL"


def test_a_url_names_server_user_database_and_options() -> None:
    server = server_at("neo4j+s://ann:p%40ss@graph-1:7000/people?connections=3&timeout=0.5")
    assert server.uri == "neo4j+s://graph-1:7000"
    assert (server.user, server.password, server.database) == ("ann", "p@ss", "people")
    assert (server.options.connections, server.options.timeout) == (3, 0.5)
    assert "p@ss" not in repr(server)


def test_what_is_left_out_is_the_usual() -> None:
    server = server_at("bolt://[::1]")
    assert (server.uri, server.user, server.database) == ("bolt://[::1]:7687", None, "neo4j")


def test_kinds_share_connections_only_where_all_is_the_same() -> None:
    url = "bolt://ann:secret@graph/people"
    assert server_at(url).key == server_at(url).key
    for other in ("bolt://ann:other@graph/people", "bolt://ann:secret@graph", f"{url}?connections=3"):
        assert server_at(other).key != server_at(url).key


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("bolt:///people", "names no host, or several; write bolt://user:password@host:7687/database"),
        ("bolt://a,b", "names no host, or several"),
        ("bolt://a/one/two", "names more than one database"),
        ("bolt://a?connection=3", "unknown option 'connection'; near names: connections"),
        ("bolt://a?ssl_ca_certs=/ca.pem", "files of TLS go with bolt+s:// and neo4j+s://"),
        ("bolt+ssc://a?ssl_ca_certs=/ca.pem", "files of TLS go with bolt+s:// and neo4j+s://"),
        ("bolt+s://a?ssl_certfile=/client.pem", "ssl_certfile and ssl_keyfile go together"),
        ("bolt+s://a?ssl_keyfile=/client.key", "ssl_certfile and ssl_keyfile go together"),
        ("bolt://a?timeout=0", "option 'timeout' has a value of the wrong type or range"),
    ],
)
def test_a_url_that_says_too_little_or_too_much_is_refused(url: str, told: str) -> None:
    with pytest.raises(InvalidConfig) as failure:
        server_at(url)
    assert failure.value.message.startswith(SETTING)
    assert told in failure.value.message
