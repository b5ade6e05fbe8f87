"""Webhook signatures: Standard Webhooks 1.0."""

import base64
import json

import pytest

from woaas import WebhookVerificationError
from woaas.webhooks import sign, verify

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
OTHER = "whsec_" + base64.b64encode(b"another-secret-another-s").decode()
BODY = json.dumps(
    {"id": "evt_1", "type": "work_order.completed", "workorder": "wo_1", "data": {"state": "completed"}}
).encode()
NOW = 1_800_000_000


def headers(*signatures, timestamp=NOW, **replaced):
    signature = " ".join(signatures) or sign("evt_1", timestamp, BODY, SECRET)
    return {"Webhook-Id": "evt_1", "Webhook-Timestamp": str(timestamp), "Webhook-Signature": signature, **replaced}


def test_the_specifications_example_verifies():
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    payload = '{"test": 2432232314}'
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, payload, secret) == signature


def test_a_good_webhook_is_a_typed_event():
    event = verify(BODY, headers(), SECRET, now=NOW)
    assert (event.id, event.type, event.workorder) == ("evt_1", "work_order.completed", "wo_1")
    assert event.data.state == "completed"


def test_one_of_several_signatures_is_enough():
    verify(BODY, headers(sign("evt_1", NOW, BODY, OTHER), sign("evt_1", NOW, BODY, SECRET)), SECRET, now=NOW)


def test_one_of_several_secrets_is_enough():
    verify(BODY, headers(), [OTHER, SECRET], now=NOW)


@pytest.mark.parametrize("position", [0, len(BODY) // 2, len(BODY) - 1])
def test_an_altered_byte_fails(position):
    altered = bytearray(BODY)
    altered[position] ^= 1
    with pytest.raises(WebhookVerificationError, match="no signature matches"):
        verify(bytes(altered), headers(), SECRET, now=NOW)


def test_another_id_fails():
    with pytest.raises(WebhookVerificationError, match="no signature matches"):
        verify(BODY, headers(**{"Webhook-Id": "evt_2"}), SECRET, now=NOW)


def test_another_secret_fails():
    with pytest.raises(WebhookVerificationError, match="no signature matches"):
        verify(BODY, headers(), OTHER, now=NOW)


@pytest.mark.parametrize("offset", [-301, 301])
def test_a_time_out_of_tolerance_fails(offset):
    with pytest.raises(WebhookVerificationError, match="300 s are allowed"):
        verify(BODY, headers(), SECRET, now=NOW + offset)


@pytest.mark.parametrize("offset", [-300, 300])
def test_a_time_at_the_tolerance_passes(offset):
    verify(BODY, headers(), SECRET, now=NOW + offset)


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_a_missing_header_fails(name):
    incomplete = {key: value for key, value in headers().items() if key != name}
    with pytest.raises(WebhookVerificationError, match=name.lower()):
        verify(BODY, incomplete, SECRET, now=NOW)


def test_a_timestamp_that_is_none_fails():
    with pytest.raises(WebhookVerificationError, match="whole number"):
        verify(BODY, headers("v1,x", **{"Webhook-Timestamp": "1e9"}), SECRET, now=NOW)


def test_a_secret_that_is_not_base64_fails():
    with pytest.raises(WebhookVerificationError, match="whsec_"):
        verify(BODY, headers(), "whsec_***", now=NOW)
