"""Webhook endpoints through the SDK, and the checkpoint that comes with an event."""

import base64
import json

import httpx2
import pytest

from woaas import Client, WebhookVerificationError, webhooks

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
NOTE = "test.woaas/audit\n3\nroot=\n\n— test.woaas/audit sig\n"


def test_an_endpoint_is_made_followed_and_retired():
    seen: list[httpx2.Request] = []
    attempt = {"at": "2026-11-21T08:00:00Z", "status_code": 500, "error": None, "duration_ms": 12}
    answer = {"id": "whk_1", "secret": SECRET, "events": ["work_order.*"], "tries": [attempt], "status": "waiting"}

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        is_list = request.url.path.endswith("deliveries")
        return httpx2.Response(200, json={"data": [answer], "next_cursor": None} if is_list else answer)

    client = Client("k", "http://woaas.test", http_client=httpx2.Client(transport=httpx2.MockTransport(handle)))
    made = client.webhook_endpoints.create(url="https://erp.example/", events=["work_order.*"])
    assert (made.secret, made.events) == (SECRET, ["work_order.*"])
    (delivery,) = client.webhook_endpoints.deliveries("whk_1", status="waiting")
    assert (delivery.status, delivery.tries[0].status_code) == ("waiting", 500)
    client.webhook_endpoints.replay("whk_1", "whd_1")
    client.webhook_endpoints.rotate_secret("whk_1", keep_previous_for="PT1H")
    client.webhook_endpoints.archive("whk_1")
    assert [(r.method, r.url.path.removeprefix("/v1/webhook-endpoints")) for r in seen] == [
        ("POST", ""),
        ("GET", "/whk_1/deliveries"),
        ("POST", "/whk_1/deliveries/whd_1/replay"),
        ("POST", "/whk_1/rotate-secret"),
        ("POST", "/whk_1/archive"),
    ]
    assert json.loads(seen[3].content) == {"keep_previous_for": "PT1H"}


def test_the_checkpoint_comes_with_the_event():
    body = b'{"id":"evt_1","type":"work_order.completed"}'
    signed = {"webhook-id": "evt_1", "webhook-timestamp": "5", "webhook-signature": ""}
    signed["webhook-signature"] = webhooks.sign("evt_1", 5, body, SECRET)
    assert webhooks.verify(body, signed, SECRET, now=5).checkpoint is None
    beside = {**signed, "Woaas-Checkpoint": base64.b64encode(NOTE.encode()).decode()}
    event = webhooks.verify(body, beside, SECRET, now=5)
    assert (event.checkpoint, event.type) == (NOTE, "work_order.completed")
    with pytest.raises(WebhookVerificationError, match="checkpoint"):
        webhooks.verify(body, {**signed, "woaas-checkpoint": "***"}, SECRET, now=5)
