"""Check that a webhook comes from the service, and read its event (Standard Webhooks 1.0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence

import msgspec

from ._errors import WebhookVerificationError
from .types.events import Event

TOLERANCE_S = 300

CHECKPOINT = "woaas-checkpoint"

__all__ = ["TOLERANCE_S", "Event", "WebhookEvent", "WebhookVerificationError", "sign", "verify"]


class WebhookEvent(Event):
    """An event that came as a webhook, with the newest signed checkpoint of the log it is in."""

    def __init__(self, raw: Mapping[str, object], checkpoint: str | None = None) -> None:
        super().__init__(raw)
        self._checkpoint = checkpoint

    @property
    def checkpoint(self) -> str | None:
        """The signed note, for `client.audit.keep_checkpoint(file, vkeys=…, seen=event.checkpoint)`.

        It proves itself by its own signature, once it is kept so; None where none came along.
        """
        return self._checkpoint


def verify(
    payload: bytes | str,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance_s: float = TOLERANCE_S,
    now: float | None = None,
) -> WebhookEvent:
    """The event of a webhook whose signature, id and time are right.

    Pass the body exactly as received. During a rotation `secret` may be several; the service may also send several
    signatures, and one that matches is enough. `webhook-id` is the event's id: keep it to see repeats.

    Raises:
        WebhookVerificationError: a header is missing, no signature matches, or the time is off by more than
            `tolerance_s` in either direction.
    """
    body = payload.encode() if isinstance(payload, str) else payload
    message_id, timestamp, signatures = _signed_headers(headers)
    if not timestamp.isascii() or not timestamp.isdigit():
        raise WebhookVerificationError("webhook-timestamp is not a whole number of seconds")
    age_s = (time.time() if now is None else now) - int(timestamp)
    if abs(age_s) > tolerance_s:
        when = "old" if age_s > 0 else "in the future"
        raise WebhookVerificationError(f"the webhook is {abs(age_s):.0f} s {when}; {tolerance_s:.0f} s are allowed")
    secrets = [secret] if isinstance(secret, str) else list(secret)
    expected = [sign(message_id, int(timestamp), body, one) for one in secrets]
    matches = [hmac.compare_digest(ours.encode(), theirs.encode()) for ours in expected for theirs in signatures]
    if not any(matches):
        raise WebhookVerificationError("no signature matches the secret")
    return _event(body, headers)


def sign(message_id: str, timestamp: int, payload: bytes | str, secret: str) -> str:
    """The `v1,…` signature of a message: for tests of one's own receiver.

    Raises:
        WebhookVerificationError: the secret is not `whsec_` and base64.
    """
    body = payload.encode() if isinstance(payload, str) else payload
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise WebhookVerificationError("the secret is not whsec_ followed by base64") from error
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _signed_headers(headers: Mapping[str, str]) -> tuple[str, str, list[str]]:
    lower = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not lower.get(name)]
    if missing:
        raise WebhookVerificationError(f"the header {missing[0]} is missing")
    return lower["webhook-id"], lower["webhook-timestamp"].strip(), lower["webhook-signature"].split()


def _event(body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise WebhookVerificationError("the body is signed but is not JSON") from error
    if not isinstance(document, dict):
        raise WebhookVerificationError("the body is signed but is not an event")
    sent = next((value for name, value in headers.items() if name.lower() == CHECKPOINT), None)
    try:
        note = None if sent is None else base64.b64decode(sent, validate=True).decode()
    except ValueError as error:
        raise WebhookVerificationError("the checkpoint beside the event is not base64 text") from error
    return WebhookEvent(document, note)
