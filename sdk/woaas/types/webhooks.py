"""Addresses that events are sent to, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Required

from woaas._models import Model
from woaas._request import Call
from woaas._wire import Duration


class WebhookEndpoint(Model):
    """An address that events are sent to. `secret` is there once, in the answer that makes it."""

    id: str
    name: str | None
    url: str | None
    events: list[str]
    state: str | None
    disabled_reason: str | None
    owner: str | None
    secret: str | None
    previous_secret_expires_at: datetime | None
    failing_since: datetime | None
    livemode: bool | None
    created_at: datetime | None
    updated_at: datetime | None
    archived_at: datetime | None
    version: int | None


class WebhookTry(Model):
    """A try: what the receiver answered, or why it was not heard."""

    at: datetime | None
    status_code: int | None
    error: str | None
    duration_ms: int | None


class WebhookDelivery(Model):
    """An event on its way: `status` is waiting, delivered, failed or withheld."""

    id: str
    endpoint_id: str | None
    event_id: str | None
    event_type: str | None
    status: str | None
    attempts: int | None
    tries: list[WebhookTry]
    status_code: int | None
    error: str | None
    next_attempt_at: datetime | None
    livemode: bool | None
    created_at: datetime | None
    finished_at: datetime | None


class WebhookTest(Model):
    """The event that a test sends."""

    event_id: str


class NewWebhookEndpoint(Call, total=False):
    """An endpoint to make: a public https address, and types of events; `work_order.*` is all of a noun's."""

    url: Required[str]
    events: Required[Sequence[str]]
    name: str | None


class WebhookEndpointChange(Call, total=False):
    """What of an endpoint may change; `url` only of one that you made."""

    url: str
    events: Sequence[str]
    name: str | None


class NewWebhookSecret(Call, total=False):
    """How long the secret in use signs beside the new one."""

    keep_previous_for: Duration
