from __future__ import annotations

import json
import re

import httpx
from fastapi import FastAPI

from tests.gateway.service import asynchronous, service
from unison_storage.testing import reference_storage
from unison_storage_gateway import include_storage_routes, single_token

OPERATIONS = {
    "/v1/memory/{address}": {"put", "get", "delete"},
    "/v1/memory/{address}/": {"get", "delete"},
    "/v1/memory/{address}:touch": {"post"},
    "/v1/memory/{address}:increment": {"post"},
    "/v1/memory:batch": {"post"},
    "/v1/cache/{address}": {"put", "get", "delete"},
    "/v1/cache/{address}/": {"delete"},
    **{f"/v1/cache/{{address}}:{action}": {"post"} for action in ("add", "touch", "increment")},
    **{f"/v1/cache/{{address}}:{action}": {"post"} for action in ("acquire", "renew", "release")},
    "/v1/graph/nodes/{label}/{id}": {"put", "get", "delete"},
    "/v1/graph/nodes/{label}/{id}/neighbors": {"get"},
    **{f"/v1/graph/{items}{action}": {"post"} for items in ("nodes", "edges") for action in ("", ":get", ":delete")},
    **{f"/v1/graph:{action}": {"post"} for action in ("traverse", "path", "find")},
    "/v1/graph:stats": {"get"},
    "/v1/graph/": {"delete"},
    "/v1/objects/{address}": {"put", "get", "head", "delete"},
    "/v1/objects/{address}/": {"get", "delete"},
    "/v1/objects/{address}:copy": {"post"},
    "/v1/objects:by-id/{address}": {"get"},
    "/v1/persons/{address}:erase": {"post"},
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
}


@asynchronous
async def test_every_operation_is_described() -> None:
    async with service() as it:
        answer = await it.client.get("/openapi.json", headers={"Authorization": ""})
        document = answer.json()
        assert {path: set(item) for path, item in document["paths"].items()} == OPERATIONS
        ids = []
        for path, item in document["paths"].items():
            for method, operation in item.items():
                ids.append(operation["operationId"])
                assert operation["summary"]
                assert operation["description"]
                named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
                assert named == set(re.findall(r"\{(\w+)\}", path))
                in_query = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
                assert ("space" in in_query) == path.startswith("/v1/graph")
                assert ("requestBody" in operation) == (method in ("put", "post") and not path.endswith(":erase"))
                assert ("security" in operation) == (path not in ("/healthz", "/readyz"))
                if "security" in operation:
                    assert operation["security"] == [{"bearer": []}]
                    assert {"401", "403"} & set(operation["responses"])
        assert len(set(ids)) == len(ids)
        assert document["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}
        references = set(re.findall(r'"\$ref": "([^"]*)"', json.dumps(document)))
        assert references == set()


@asynchronous
async def test_nothing_is_fetched_from_elsewhere() -> None:
    async with service() as it:
        for path in ("/docs", "/redoc"):
            assert (await it.client.get(path)).status_code == 404


@asynchronous
async def test_an_embedding_application_describes_them_too() -> None:
    app = FastAPI()

    @app.get("/own")
    async def own() -> str:
        return "own"

    include_storage_routes(app, reference_storage(), principals=single_token("t"), prefix="/storage")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        document = (await client.get("/openapi.json")).json()
        assert {"/own", "/storage/v1/memory/{address}"} <= set(document["paths"])
        assert "bearer" in document["components"]["securitySchemes"]
        assert (await client.get("/own")).json() == "own"
