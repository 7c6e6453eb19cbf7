from __future__ import annotations

import pytest

from tests.gateway.service import TOKEN, asynchronous, bearer, call, service
from unison_storage.profiles import Profile


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:8082", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("127.9.9.9", 200),
        ("[::1]:8082", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("evil.example:127", 421),
        ("10.0.0.1", 421),
        ("0.0.0.0", 421),  # noqa: S104 - a name, nothing is bound to it
        ("localhost@evil.example", 421),
        ("evil.example#localhost", 421),
        ("", 421),
        (None, 400),
    ],
)
@asynchronous
async def test_a_development_service_answers_to_loopback_names_only(host: str | None, status: int) -> None:
    async with service(profile=Profile.DEVELOPMENT) as it:
        headers = bearer(TOKEN) if host is None else {**bearer(TOKEN), "host": host}
        answer = await call(it.app, "GET", b"/healthz", headers)
        assert answer.status == status


@asynchronous
async def test_elsewhere_the_name_is_the_business_of_whoever_stands_in_front() -> None:
    async with service() as it:
        assert (await call(it.app, "GET", b"/healthz", {"host": "storage.example"})).status == 200


@pytest.mark.parametrize("profile", [Profile.DEVELOPMENT, Profile.TEST])
@asynchronous
async def test_no_other_origin_is_let_in(profile: Profile) -> None:
    async with service(profile=profile) as it:
        asked = {"host": "localhost", "origin": "http://evil.example", "access-control-request-method": "PUT"}
        for method in ("OPTIONS", "GET"):
            answer = await call(it.app, method, b"/v1/memory/notes/a", {**bearer(TOKEN), **asked})
            assert not [name for name in answer.headers if name.startswith("access-control")]
