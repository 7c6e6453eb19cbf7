from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.service import TOKEN, asynchronous, bearer, service, tokens_file
from unison_storage.reference.memory import ReferenceMemory
from unison_storage_gateway import logs

SECRETS = {name: f"canary-{name}-c0ffee" for name in ("token", "person", "key", "value", "segment", "query", "header")}


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    formatter = logs.JsonLines()
    return [json.loads(formatter.format(record)) for record in caplog.records]


class Faulty(ReferenceMemory):
    """Quotes what it was given, as no backend may."""

    async def delete_many(self, deletes: Any) -> Any:
        raise ValueError(repr(deletes))


def test_no_secret_reaches_a_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    tokens = tokens_file(tmp_path, **{SECRETS["token"]: {"persons": "*", "permissions": ["memory:*"], "name": "svc"}})

    @asynchronous
    async def check() -> None:
        async with service(tokens=tokens, memory=Faulty) as it:
            secret = bearer(SECRETS["token"])
            person, key, segment = SECRETS["person"], SECRETS["key"], SECRETS["segment"]
            for path in (
                f"personal/{person}/{segment}/{key}",
                f"notes/{segment}/{key}",
                f"{key}/{key}",
                f"notes/{key}%",
            ):
                for method in ("PUT", "GET", "DELETE", "POST", "PATCH"):
                    await it.raw(
                        method,
                        f"/v1/memory/{path}?{SECRETS['query']}=1".encode(),
                        {**{name.lower(): value for name, value in secret.items()}, "x-unison-person": person},
                        [json.dumps(SECRETS["value"]).encode()],
                    )
                    headers = {**secret, "If-Match": f'"{SECRETS["header"]}"'}
                    await it.client.request(method, f"/v1/memory/{path}", headers=headers, json=SECRETS["value"])
            await it.client.get(f"/{key}", headers=bearer(SECRETS["token"] + "x"))
            await it.client.put("/v1/memory/notes/a", content=f"[{SECRETS['value']}")
            operation = {"op": "delete", "keyspace": "notes", "namespace": [segment], "key": key}
            await it.client.post("/v1/memory:batch", json={"operations": [operation]}, headers=secret)

    check()
    formatted = "\n".join(json.dumps(line) for line in lines(caplog))
    plain = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert "ValueError at test_logs.py" in formatted
    for name, canary in SECRETS.items():
        assert canary not in formatted, name
        assert canary not in plain, name
    assert TOKEN not in plain


@asynchronous
async def test_a_request_is_one_line_of_allow_listed_keys(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="unison_storage_gateway")
    async with service() as it:
        await it.client.put("/v1/memory/personal/ann/a", content="1", headers={"X-Request-Id": "request-1"})
        await it.client.put("/v1/memory/notes/a", content="x")
        await it.client.get("/healthz")
    logged = lines(caplog)
    assert [set(line) <= set(logs.KEYS) for line in logged] == [True] * 3
    put = {name: value for name, value in logged[0].items() if name not in ("time", "duration")}
    assert put == {
        "level": "info",
        "event": "request",
        "request_id": "request-1",
        "principal": "development",
        "route": "/v1/memory/{address}",
        "kind": "memory",
        "operation": "put",
        "keyspace": "personal",
        "status": 201,
    }
    assert (logged[1]["status"], logged[1]["error"], logged[1]["keyspace"]) == (400, "InvalidValue", "undeclared")
    assert "principal" not in logged[2]


def test_what_others_log_is_reduced() -> None:
    try:
        raise KeyError("canary")
    except KeyError as error:
        info = (KeyError, error, error.__traceback__)
        record = logging.LogRecord("other.lib", logging.ERROR, __file__, 1, "path %s", ("canary",), info)
    line = json.loads(logs.JsonLines().format(record))
    assert {name: line[name] for name in ("level", "event", "error")} == {
        "level": "error",
        "event": "log.other.lib",
        "error": "KeyError",
    }
    assert set(line) == {"time", "level", "event", "error"}


def test_a_key_outside_of_the_list_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="path"):
        logs.event("info", "request", path="/v1")


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert logs.place(ValueError("canary")) == "ValueError"
