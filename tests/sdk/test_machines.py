"""Connectors through the SDK."""

import json
from datetime import UTC, datetime, timedelta

import httpx2

from woaas import Client


def test_a_connector_is_put_tested_and_disabled():
    seen: list[httpx2.Request] = []
    tag = {"tag": "m4", "result": "failed", "reason": "never_seen", "value": None, "seen_at": None}
    answer = {
        "id": "con_1", "code": "hall", "state": "enabled", "stale_after": "PT5M", "broker": {"host": "b", "port": 8883},
        "last_message_at": "2026-11-21T08:00:00Z", "status": "finished", "result": "failed", "tags": [tag],
    }  # fmt: skip

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=answer)

    client = Client("k", "http://woaas.test", http_client=httpx2.Client(transport=httpx2.MockTransport(handle)))
    made = client.connectors.put(
        "hall",
        broker={"host": "b", "password": "secret"},
        stale_after=timedelta(minutes=5),
        tags=[{"tag": "m4", "topic": "m4/state", "work_center": "machine-4", "means": "state"}],
    )
    assert (made.stale_after, made.broker.port) == (timedelta(minutes=5), 8883)
    assert made.last_message_at == datetime(2026, 11, 21, 8, tzinfo=UTC)
    test = client.connectors.test("hall")
    assert [(t.tag, t.reason) for t in test.tags] == [("m4", "never_seen")]
    client.connectors.disable("hall")
    client.connectors.last_test("hall")
    assert [(r.method, r.url.path) for r in seen] == [
        ("PUT", "/v1/connectors/hall"),
        ("POST", "/v1/connectors/hall/test"),
        ("POST", "/v1/connectors/hall/disable"),
        ("GET", "/v1/connectors/hall/test"),
    ]
    assert json.loads(seen[0].content)["stale_after"] == "PT5M"
