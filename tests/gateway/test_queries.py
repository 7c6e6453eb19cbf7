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


def test_an_empty_cursor_is_none() -> None:
    assert query("").cursor() is None
    with pytest.raises(InvalidCursor):
        query("cursor=").cursor()
