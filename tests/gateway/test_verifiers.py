from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.service import asynchronous, service, settings_of, tokens_file
from unison_storage.errors import GuardViolation, InvalidConfig
from unison_storage.profiles import Profile
from unison_storage_gateway.principals import digest
from unison_storage_gateway.verifiers import verifier

SETTINGS = ("UNISON_STORAGE_HTTP_TOKENS_FILE", "unison-storage tokens new")


@pytest.mark.parametrize("profile", [Profile.PRODUCTION, Profile.STAGING])
def test_an_all_powerful_token_is_refused_where_it_counts(profile: Profile, tmp_path: Path) -> None:
    file = tokens_file(tmp_path, a={"persons": "*", "permissions": []})
    for tokens in (None, file):
        with pytest.raises(GuardViolation) as refused:
            verifier(settings_of(profile, "s3cret", tokens))
        assert "s3cret" not in refused.value.message
        assert refused.value.rule == "all-powerful-token"
        assert all(word in refused.value.remedy for word in SETTINGS)


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_nothing_starts(profile: Profile, token: str | None) -> None:
    with pytest.raises(InvalidConfig) as refused:
        verifier(settings_of(profile, token))
    assert all(word in refused.value.message for word in SETTINGS)
    assert (
        "UNISON_STORAGE_HTTP_TOKEN," in refused.value.message.replace(" (development)", ",") + ","
    ) or profile.strict


def test_both_sources_hold_in_development(tmp_path: Path) -> None:
    file = tokens_file(tmp_path, other={"persons": "*", "permissions": []})
    verify = verifier(settings_of(Profile.DEVELOPMENT, "one", file))
    names = [found.name if found else None for found in (verify("one"), verify("other"), verify("none"))]
    assert names == ["development", "other", None]


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compared = []
    plain = hmac.compare_digest

    def watched(one: Any, other: Any) -> bool:
        compared.append((one, other))
        return plain(one, other)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    file = tokens_file(tmp_path, **{name: {"persons": "*", "permissions": []} for name in ("a", "b", "c")})
    verify = verifier(settings_of(Profile.PRODUCTION, None, file))
    for token in ("a", "c", "unknown"):
        compared.clear()
        verify(token)
        # every entry is compared, whichever fits, and by digests of one length
        assert {one for pair in compared for one in pair} == {digest(name) for name in ("a", "b", "c", token)}
        assert len(compared) == 3


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic YTpi", "all-powerful-token-of-the-tests", "Bearer wrong", "Bearer \u00e9"],
)
@asynchronous
async def test_without_a_known_token_nothing_is_answered(header: str | None) -> None:
    async with service() as it:
        headers = {} if header is None else {"authorization": header}
        for method, path in (
            ("GET", b"/v1/memory/notes/a"),
            ("PUT", b"/v1/memory/notes/%"),
            ("POST", b"/v1/memory:batch"),
            ("GET", b"/v1/objects:by-id/0"),
            ("POST", b"/v1/persons/ann:erase"),
        ):
            answer = await it.raw(method, path, {"authorization": "", **headers})
            assert (answer.status, answer.json()["type"]) == (401, "/problems/unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"
        known = await it.client.get(
            "/v1/memory/notes/a", headers={"Authorization": f"bearer  {it.client.headers['authorization'][7:]}"}
        )
        assert known.status_code == 404
