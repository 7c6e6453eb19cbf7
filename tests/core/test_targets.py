"""Targets: URLs of every scheme taken apart alike, and shown without what may be secret."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Meta, Struct

from unison_storage.errors import InvalidConfig
from unison_storage.targets import MASK, Target

CANARY = "canary-7f3a"
SCHEMES = [
    *("reference", "sqlite", "postgresql", "bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc", "redis"),
    *("rediss", "unix", "redis+sentinel", "redis+cluster", "file", "s3", "fsspec+s3", "fsspec+memory"),
]

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
some = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
hosts = st.lists(
    st.tuples(
        st.from_regex(r"[a-z0-9.-]{1,12}", fullmatch=True) | some.filter(lambda text: not text.endswith("]")),
        st.none() | st.integers(1, 65_535),
    ),
    max_size=3,
).map(tuple)


@st.composite
def targets(draw: st.DrawFn) -> Target:
    password = draw(st.none() | anything)
    return Target(
        scheme=draw(st.sampled_from(SCHEMES)),
        hosts=draw(hosts),
        user=draw(anything if password is not None else st.none() | anything),
        password=password,
        path=draw(st.just("") | anything.map(lambda text: "/" + text)),
        options=draw(st.dictionaries(some, anything, max_size=3)),
    )


def spelled(target: Target) -> str:
    """Write a target as a URL with everything percent-encoded that a URL has a use for."""
    login = "" if target.user is None else quote(target.user, safe="")
    login += "" if target.password is None else ":" + quote(target.password, safe="")
    at = "" if target.user is None else "@"
    places = ",".join(quote(host, safe="") + ("" if port is None else f":{port}") for host, port in target.hosts)
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in target.options.items())
    return f"{target.scheme}://{login}{at}{places}{quote(target.path)}{'?' + query if query else ''}"


@given(target=targets(), upper=st.booleans())
@settings(deadline=None, max_examples=200)
def test_what_is_spelled_out_is_read_back(target: Target, *, upper: bool) -> None:
    url = spelled(target)
    scheme = target.scheme.upper() if upper else target.scheme
    assert Target.parse(scheme + url[len(target.scheme) :]) == target


def tells_only_the_setting(error: InvalidConfig, url: str) -> None:
    assert str(error).startswith("SETTING")
    assert error.__cause__ is None
    assert len(url) < 12 or url not in str(error)


@given(url=st.text(max_size=30) | st.text("ab1:/@?&=%,[]+#. ", max_size=30).map(lambda rest: "a://" + rest))
@settings(deadline=None, max_examples=300)
@example("a://h:" + "9" * 4301)
@example("a://h:²")
@example("a://\ud800:\ud800@\ud800/\ud800?\ud800=\ud800")
@example("a://u:%ff@h")
def test_any_text_is_a_target_or_an_invalid_setting(url: str) -> None:
    try:
        target = Target.parse(url, "SETTING")
    except InvalidConfig as error:
        tells_only_the_setting(error, url)
    else:
        assert target.scheme == target.scheme.lower()
        assert target.path == "" or target.path.startswith("/")
        assert url.lower().startswith(target.scheme + "://")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("reference://", Target("reference")),
        ("sqlite:///data/app.db", Target("sqlite", path="/data/app.db")),
        ("sqlite:////srv/app.db?busy_timeout=1", Target("sqlite", path="//srv/app.db", options={"busy_timeout": "1"})),
        ("SQLite:///X.db", Target("sqlite", path="/X.db")),
        ("file:///run/secrets/kek", Target("file", path="/run/secrets/kek")),
        ("s3://bucket/a/b", Target("s3", (("bucket", None),), path="/a/b")),
        ("fsspec+s3://bucket", Target("fsspec+s3", (("bucket", None),))),
        ("postgresql://app:p%40ss%2F@db:5432/x", Target("postgresql", (("db", 5432),), "app", "p@ss/", "/x")),
        ("bolt+ssc://neo4j@h", Target("bolt+ssc", (("h", None),), "neo4j")),
        ("neo4j+s://u:p:q@h", Target("neo4j+s", (("h", None),), "u", "p:q")),
        ("redis://:secret@h/0", Target("redis", (("h", None),), "", "secret", "/0")),
        ("redis+sentinel://a:1,b:2,c/m", Target("redis+sentinel", (("a", 1), ("b", 2), ("c", None)), path="/m")),
        ("unix:///run/redis.sock?db=1", Target("unix", path="/run/redis.sock", options={"db": "1"})),
        ("a://u:p@w@h", Target("a", (("h", None),), "u", "p@w")),
        ("a://h?flag&empty=&x=a=b", Target("a", (("h", None),), options={"flag": "", "empty": "", "x": "a=b"})),
    ],
)
def test_urls_of_every_scheme_have_one_grammar(url: str, expected: Target) -> None:
    assert Target.parse(url) == expected


@pytest.mark.parametrize("scheme", ["bolt", "postgresql"])
def test_an_ipv6_address_stands_in_brackets(scheme: str) -> None:
    target = Target.parse(f"{scheme}://u:p@[::1]:5432,[fe80::1]/x")
    assert [(host.strip("[]"), port) for host, port in target.hosts] == [("::1", 5432), ("fe80::1", None)]
    assert target.masked == f"{scheme}://u:{MASK}@[::1]:5432,[fe80::1]/x"


def test_an_ipv6_address_without_brackets_is_not_cut_into_host_and_port() -> None:
    with pytest.raises(InvalidConfig):
        Target.parse("postgresql://fe80::1/x")


def test_a_plus_in_an_option_is_a_plus() -> None:
    assert Target.parse("sqlite:///x.db?blobs=/data/a+b").options == {"blobs": "/data/a+b"}
    assert Target.parse("sqlite:///a+b.db").path == "/a+b.db"


@pytest.mark.parametrize("part", ["a://%ff@h", "a://u:%ff@h", "a://%ff", "a://h/%ff", "a://h?x=%ff", "a://h?%ff=1"])
def test_bytes_that_are_no_text_are_refused_and_not_replaced(part: str) -> None:
    with pytest.raises(InvalidConfig):
        Target.parse(part)


@pytest.mark.parametrize("url", ["a://h?x=1&x=2", "a://h?x=1&y=2&x=1", "a://h?x&x", "a://h?%78=1&x=2"])
def test_an_option_is_given_once(url: str) -> None:
    with pytest.raises(InvalidConfig, match="MY_URL gives an option twice"):
        Target.parse(url, "MY_URL")


@pytest.mark.parametrize(
    "port", ["0", "65536", "-1", "x", "", " 1", "1.0", "²", "1_0", "9" * 5000], ids=lambda p: p[:9]
)
def test_a_port_is_a_number_from_1_to_65535(port: str) -> None:
    with pytest.raises(InvalidConfig, match="MY_URL: the port"):
        Target.parse(f"a://u:{CANARY}@h:{port}/x", "MY_URL")
    assert Target.parse("a://h:1").hosts == (("h", 1),)
    assert Target.parse("a://h:65535").hosts == (("h", 65_535),)


@pytest.mark.parametrize(
    "url", ["", "sqlite", "a:/b", "://h", "1a://h", "/data/x.db", "a b://h", "ä://h", "a", " a://h"]
)
def test_what_has_no_scheme_is_no_url(url: str) -> None:
    with pytest.raises(InvalidConfig, match="MY_URL is not a URL") as caught:
        Target.parse(url, "MY_URL")
    assert "'" not in str(caught.value)


@pytest.mark.parametrize("url", [None, 1, b"a://h", ["a://h"]], ids=repr)
def test_what_is_no_string_is_no_url(url: str) -> None:
    with pytest.raises(InvalidConfig):
        Target.parse(url)


# ---------------------------------------------------------------------------------------------------------- masking


@given(
    target=targets(),
    before=st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    behind=st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    name=some,
)
@settings(deadline=None, max_examples=200)
def test_neither_password_nor_option_values_are_ever_shown(target: Target, before: str, behind: str, name: str) -> None:
    secret = before + CANARY + behind
    made = Target(
        target.scheme,
        target.hosts,
        target.user or "",
        secret,
        target.path,
        {**target.options, name: secret},
    )
    read = Target.parse(spelled(made))
    assert (read.password, read.options[name]) == (secret, secret)
    for shown in (read.masked, repr(read), str(read), f"{read}", repr([read])):
        assert CANARY not in shown
    assert MASK in read.masked


@pytest.mark.parametrize(
    "url", [f"a://u:1/{CANARY}@h/x", f"a://u:1?{CANARY}@h/x", f"a://u:12/3?{CANARY}@h", f"a://u:p/{CANARY}@h"]
)
def test_a_password_that_should_have_been_encoded_is_not_shown_as_a_path(url: str) -> None:
    try:
        shown = Target.parse(url, "MY_URL").masked
    except InvalidConfig as error:
        shown = str(error)
        assert "MY_URL" in shown
    assert CANARY not in shown


def test_everything_else_is_shown() -> None:
    url = "postgresql://app:secret@db:5432,other/x?sslmode=require&y="
    assert Target.parse(url).masked == "postgresql://app:***@db:5432,other/x?sslmode=***&y=***"
    assert Target.parse("sqlite:///data/x.db").masked == "sqlite:///data/x.db"
    assert Target.parse("redis://:secret@h").masked == "redis://:***@h"
    assert repr(Target.parse("a://h")) == "Target('a://h')"


# ---------------------------------------------------------------------------------------------------------- options


class Options(Struct, frozen=True):
    busy_timeout: Annotated[float, Meta(ge=0, le=60)] = 5.0
    pool: int = 4
    tls: bool = False
    mode: Literal["fast", "safe"] = "safe"
    blobs: str | None = None


class NoOptions(Struct):
    pass


def test_options_become_the_types_of_the_model() -> None:
    target = Target.parse("a://h?busy_timeout=2.5&pool=9&tls=true&mode=fast&blobs=/x%20y")
    assert target.convert(Options) == Options(2.5, 9, tls=True, mode="fast", blobs="/x y")
    assert Target.parse("a://h").convert(Options) == Options()


@pytest.mark.parametrize("name", ["pool", "tls", "busy_timeout", "mode"])
@pytest.mark.parametrize("value", [CANARY, "", "-1e999", f"$.{CANARY}", f"`$.x` {CANARY}", "1.5.1", "[1]"])
def test_a_malformed_value_names_the_option_and_is_not_quoted(name: str, value: str) -> None:
    url = f"a://h?{name}={quote(value, safe='')}"
    with pytest.raises(InvalidConfig, match=f"MY_URL: option '{name}'") as caught:
        Target.parse(url, "MY_URL").convert(Options)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("value", ["-0.1", "60.1", "1e9"])
def test_a_value_out_of_range_names_the_option(value: str) -> None:
    with pytest.raises(InvalidConfig, match="'busy_timeout'"):
        Target.parse(f"a://h?busy_timeout={value}").convert(Options)


@pytest.mark.parametrize(
    ("name", "told"), [("busy_timeot", "near names: busy_timeout"), ("Pool", "pool"), ("zz", "mode")]
)
def test_an_unknown_option_is_an_error_with_near_names_and_all_names(name: str, told: str) -> None:
    with pytest.raises(InvalidConfig, match=f"MY_URL: unknown option '{name}'.*{told}") as caught:
        Target.parse(f"a://h?{name}={CANARY}", "MY_URL").convert(Options)
    assert CANARY not in str(caught.value)
    assert "busy_timeout, pool, tls, mode, blobs" in str(caught.value)


def test_a_backend_without_options_says_so() -> None:
    with pytest.raises(InvalidConfig, match="there is none"):
        Target.parse("a://h?x=1").convert(NoOptions)
    assert Target.parse("a://h").convert(NoOptions) == NoOptions()
