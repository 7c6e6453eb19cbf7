from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.redis.surroundings import server_at
from unison_storage.errors import InvalidConfig
from unison_storage_redis.config import Topology

SETTING = "UNISON_STORAGE_CACHE_URL"


def test_a_url_names_server_user_database_and_options(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()
    options = f"prefix=app&timeout=0.5&protocol=2&ssl_ca_certs={authority}"
    server = server_at(f"rediss://ann:p%40ss@cache-1:7000/3?{options}")
    assert (server.topology, server.hosts, server.tls, server.db) == (Topology.SINGLE, (("cache-1", 7000),), True, 3)
    given = server.parameters
    assert (given["username"], given["password"], given["db"], given["protocol"]) == ("ann", "p@ss", 3, 2)
    assert given["ssl_ca_certs"] == str(authority)
    assert (server.options.prefix, server.options.timeout) == ("app", 0.5)
    assert "p@ss" not in repr(server)


def test_what_is_left_out_is_the_usual() -> None:
    server = server_at("redis://[::1]")
    assert (server.hosts, server.tls, server.db, server.options.prefix) == (
        (("::1", 6379),),
        False,
        0,
        "unison-storage",
    )
    assert server.parameters["username"] is None
    assert "ssl_ca_certs" not in server.parameters


def test_a_socket_is_named_by_its_path() -> None:
    server = server_at("unix:///run/redis.sock?db=2")
    assert (server.hosts, server.socket, server.db) == ((), "/run/redis.sock", 2)


def test_sentinels_are_named_with_their_service() -> None:
    server = server_at("redis+sentinel://ann:secret@s1,s2:26380/main/4?sentinel_user=watch")
    assert (server.topology, server.hosts) == (Topology.SENTINEL, (("s1", 26379), ("s2", 26380)))
    assert (server.service, server.db) == ("main", 4)
    assert server.sentinel_parameters["username"] == "watch"
    assert server.sentinel_parameters["password"] is None


def test_a_cluster_is_named_by_some_of_its_nodes() -> None:
    server = server_at("rediss+cluster://n1:7001,n2")
    assert (server.topology, server.hosts, server.tls) == (Topology.CLUSTER, (("n1", 7001), ("n2", 6379)), True)


def test_a_password_is_read_from_its_file_each_time(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    server = server_at(f"redis://ann@cache/?password_file={file}&sentinel_password_file={file}")
    assert server.parameters["password"] == "first"
    file.write_text("second\r\n")
    assert (server.parameters["password"], server.sentinel_parameters["password"]) == ("second", "second")
    file.unlink()
    with pytest.raises(InvalidConfig, match=f"{SETTING}: the file of a password can't be read"):
        _ = server.parameters


def test_kinds_share_connections_only_where_all_is_the_same() -> None:
    url = "redis://ann:secret@cache/1"
    assert server_at(url).key == server_at(url).key
    for other in (
        "redis://ann:other@cache/1",
        "redis://ann:secret@cache/2",
        f"{url}?prefix=b",
        url.replace("s:", "ss:"),
    ):
        assert server_at(other).key != server_at(url).key


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis:///0", "write redis://user:password@host:6379/0"),
        ("redis://a,b/0", "write redis://user:password@host:6379/0"),
        ("redis://a/zero", "write redis://user:password@host:6379/0"),
        ("redis://a/-1", "write redis://user:password@host:6379/0"),
        ("redis://a/0?db=1", "db is for sockets"),
        ("unix://host/run/redis.sock", "or unix:///path/of/socket?db=0"),
        ("redis+sentinel://a", "write redis+sentinel://"),
        ("redis+cluster://a/1", "write redis+cluster://"),
        ("redis://a%00b", "no part of a URL can hold U+0000"),
        ("redis://:secret@a?password_file=/x", "gives a password and a password_file"),
        ("redis://a?prefixes=x", "unknown option 'prefixes'; near names: prefix"),
        ("redis://a?prefix=a*b", "option 'prefix' has a value of the wrong type or range"),
        ("redis://a?prefix={a}", "option 'prefix' has a value of the wrong type or range"),
        ("redis://a?timeout=0", "option 'timeout' has a value of the wrong type or range"),
        ("redis://a?protocol=4", "option 'protocol' has a value of the wrong type or range"),
    ],
)
def test_a_url_that_says_too_little_or_too_much_is_refused(url: str, told: str) -> None:
    with pytest.raises(InvalidConfig) as failure:
        server_at(url)
    assert failure.value.message.startswith(SETTING)
    assert told in failure.value.message
    assert "secret" not in failure.value.message
