from __future__ import annotations

from unison_storage_gateway.principals import Principal, single_token


def test_wildcards_stand_for_all_of_one_kind() -> None:
    principal = Principal("p", None, frozenset(("cache:*", "memory:read")))
    allowed = ["cache:read", "cache:write", "memory:read"]
    refused = ["memory:write", "memory:*:x", "cach:read", "cachex:read", "erase", "object:read"]
    assert [one for one in [*allowed, *refused] if principal.may(one)] == allowed


def test_a_single_token_may_do_everything() -> None:
    verify = single_token("token-1")
    found = verify("token-1")
    assert found is not None
    assert found.persons is None
    assert all(found.may(one) for one in ("memory:write", "erase", "metrics:read"))
    assert [verify(one) for one in ("", "token-2", "token-1 ", "Token-1")] == [None] * 4
