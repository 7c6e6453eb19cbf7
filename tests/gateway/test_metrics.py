from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.gateway.service import asynchronous, service
from unison_storage.telemetry import BUCKETS, Telemetry
from unison_storage_gateway import metrics
from unison_storage_gateway.exchange import Traffic

CANARY = "canary-7d1e"


def samples(text: bytes) -> list[Sample]:
    return [sample for family in text_string_to_metric_families(text.decode()) for sample in family.samples]


def buckets(telemetry: Telemetry) -> dict[str, float]:
    found = samples(metrics.text(telemetry, Traffic()))
    return {one.labels["le"]: one.value for one in found if one.name == "unison_storage_operation_seconds_bucket"}


def test_buckets_are_exact_sums_of_those_of_the_core() -> None:
    telemetry = Telemetry()
    meter = telemetry.meter("memory", "get", "reference", "notes")
    for power in range(BUCKETS):
        meter.done(2**power - 1)
    for bound, number in buckets(telemetry).items():
        if bound != "+Inf":
            assert number == sum(2**power - 1 < float(bound) * 1e9 for power in range(BUCKETS))
    assert len(buckets(telemetry)) == 13
    assert buckets(telemetry)["+Inf"] == BUCKETS


def test_what_takes_exactly_a_bound_is_not_below_it() -> None:
    telemetry = Telemetry()
    telemetry.meter("memory", "get", "reference", "notes").done(2**20)
    below = [float(bound) for bound, number in buckets(telemetry).items() if number == 0]
    assert max(below) == 2**20 / 1e9


def test_counters_gauges_and_errors() -> None:
    telemetry, traffic = Telemetry(), Traffic()
    telemetry.meter("memory", "get", "reference", "notes").failed(TimeoutError())
    telemetry.counters["upload_leftovers", "object", "file", "all"] += 3
    telemetry.gauge("pool_size", "memory", "postgres", lambda: 4)
    telemetry.gauge("pool_size", "object_index", "postgres", lambda: 2)
    traffic.count("GET", "/v1/memory/{address}", 200)
    traffic.count("BREW", "/v1/memory/{address}", 405)
    found = {(one.name, *one.labels.values()): one.value for one in samples(metrics.text(telemetry, traffic))}
    errors = {key: value for key, value in found.items() if key[0] == "unison_storage_operation_errors_total"}
    assert [(set(key[1:]), value) for key, value in errors.items()] == [
        ({"memory", "get", "reference", "notes", "TimeoutError"}, 1)
    ]
    assert found["unison_storage_upload_leftovers_total", "file", "all", "object"] == 3
    assert found["unison_storage_pool_size", "postgres", "memory"] == 4
    assert found["unison_storage_http_requests_total", "GET", "/v1/memory/{address}", "200"] == 1
    assert found["unison_storage_http_requests_total", "other", "/v1/memory/{address}", "405"] == 1


@asynchronous
async def test_labels_hold_nothing_that_callers_name() -> None:
    async with service(base_url="http://127.0.0.1") as it:
        for path in (f"{CANARY}/{CANARY}", f"notes/{CANARY}", f"personal/{CANARY}/{CANARY}"):
            for kind in ("memory", "objects", "cache"):
                await it.client.put(f"/v1/{kind}/{path}", json=CANARY)
                await it.client.get(f"/v1/{kind}/{path}")
                await it.client.get(f"/v1/{kind}/{path}?{CANARY}=1")
        for label in ("Device", CANARY):
            await it.client.put(f"/v1/graph/nodes/{label}/{CANARY}?space={CANARY}", json={"person": CANARY})
            await it.client.get(f"/v1/graph/nodes/{label}/{CANARY}/neighbors?space={CANARY}")
        await it.client.get(f"/{CANARY}")
        await it.client.request(CANARY.upper(), "/v1/memory/notes/a")
        answer = await it.client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert CANARY not in answer.text.lower()
        labels = {one.labels["route"] for one in samples(answer.content) if "route" in one.labels}
        node = "/v1/graph/nodes/{label}/{id}"
        kinds = {f"/v1/{kind}/{{address}}" for kind in ("memory", "objects", "cache")}
        assert labels == {*kinds, node, f"{node}/neighbors", "no route"}
        keyspaces = {one.labels["keyspace"] for one in samples(answer.content) if "keyspace" in one.labels}
        assert keyspaces == {"undeclared", "personal", "all"}
