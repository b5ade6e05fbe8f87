"""What is sent: the event as its feed shows it, signed, with the newest checkpoint of the log beside it."""

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from woaas_core.conditional import encode

CHECKPOINT = "Woaas-Checkpoint"
"""A header and no member of the event, whose document is the same as in the feed. The note is signed itself."""
_AGENT = "WOaaS-Webhooks/1"


class Message(NamedTuple):
    """A try of a delivery, ready to be sent."""

    delivery_id: UUID
    endpoint_id: UUID
    attempts: int
    url: str
    headers: dict[str, str]
    body: bytes


def rendered(
    event: Mapping[str, Any], *, at: datetime, secrets: Iterable[str], checkpoint: str | None
) -> tuple[dict[str, str], bytes]:
    """Headers and body of an event, signed with every secret in force."""
    from standardwebhooks import Webhook  # noqa: PLC0415 - only what delivers needs it

    body = encode(event)
    message_id = event["id"]
    signatures = [Webhook(secret).sign(message_id, at, body.decode()) for secret in secrets]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": _AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    if checkpoint is not None:
        headers[CHECKPOINT] = base64.b64encode(checkpoint.encode()).decode()
    return headers, body
