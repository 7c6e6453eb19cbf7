from __future__ import annotations

from typing import Any

import pytest

from unison_storage.errors import InvalidCursor, InvalidLifetime
from unison_storage.values import KEEP, MISSING
from unison_storage_gateway.problems import BadInput
from unison_storage_gateway.queries import Query, lifetime


def query(text: str) -> Query:
    return Query(text.encode(), ("limit", "cursor", "values", "lifetime"))


@pytest.mark.parametrize(
    ("text", "value"),
    [("", MISSING), ("lifetime=60", 60), ("lifetime=0.5", 0.5), ("lifetime=none", None), ("lifetime=keep", KEEP)],
)
def test_lifetimes(text: str, value: Any) -> None:
    assert query(text).lifetime("lifetime") == value


@pytest.mark.parametrize("text", ["", "1e3", "inf", "nan", "1_000", " 1", "0x10", "KEEP", "\u0661", "1.", "9" * 400])
def test_what_is_no_lifetime(text: str) -> None:
    with pytest.raises(InvalidLifetime) as refused:
        lifetime(text)
    assert not text or text not in refused.value.message


@pytest.mark.parametrize(
    "text", ["limit=0", "limit=1001", "limit=-1", "limit=", "limit=1.0", "limit=\u0661", "limit=99999"]
)
def test_limits_out_of_bounds(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        Query(text.encode("ascii", "xmlcharrefreplace"), ("limit",)).limit()
    assert refused.value.loc[0] == "query"


def test_limits() -> None:
    assert (query("").limit(), query("limit=1").limit(), query("limit=1000").limit()) == (100, 1, 1000)


@pytest.mark.parametrize("text", ["values=1", "values=True", "values="])
def test_flags_are_true_or_false(text: str) -> None:
    with pytest.raises(BadInput):
        query(text).flag("values", default=True)


@pytest.mark.parametrize(
    "text", ["lifetme=3", "LIMIT=1", "limit=1&limit=1", "limit=%FF", "&".join(["limit=1"] * 40), "=1"]
)
def test_unknown_repeated_and_undecodable_parameters_are_refused(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        query(text)
    assert "lifetme" not in refused.value.message


def test_a_parameter_may_be_repeated_where_that_is_declared() -> None:
    found = Query(b"space=b&limit=5&space=a&space=b&space=", ("limit",), ("space",))
    assert found.texts("space") == ("b", "a", "b", "")
    assert found.limit() == 5
    assert Query(b"limit=5", ("limit",), ("space",)).texts("space") == ()
    for text in (b"limit=5&limit=5", b"spaces=a", b"space=%FF"):
        with pytest.raises(BadInput):
            Query(text, ("limit",), ("space",))
    with pytest.raises(BadInput, match="takes limit, space"):
        Query(b"other=1", ("limit",), ("space",))


def test_names_have_commas_between_them() -> None:
    found = Query(b"types=A,B,&labels=&one=A%2CB", ("types", "labels", "one"))
    assert found.names("types") == ["A", "B", ""]
    assert (found.names("labels"), found.names("one"), found.names("none")) == ([""], ["A", "B"], None)


def test_a_choice_is_one_of_few_words() -> None:
    assert Query(b"", ("way",)).choice("way", ("out", "in")) == "out"
    assert Query(b"way=in", ("way",)).choice("way", ("out", "in")) == "in"
    for text in (b"way=", b"way=OUT", b"way=out,in"):
        with pytest.raises(BadInput, match="one of out, in") as refused:
            Query(text, ("way",)).choice("way", ("out", "in"))
        assert refused.value.loc == ("query", "way")


def test_deleting_below_must_be_meant() -> None:
    Query(b"recursive=true", ("recursive",)).check_recursive()
    for text in (b"", b"recursive=false", b"recursive=1"):
        with pytest.raises(BadInput):
            Query(text, ("recursive",)).check_recursive()


def test_an_empty_cursor_is_none() -> None:
    assert query("").cursor() is None
    with pytest.raises(InvalidCursor):
        query("cursor=").cursor()
