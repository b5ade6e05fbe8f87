"""Answers about webhooks."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from woaas_api.rest.schemas.work_orders import View


class WebhookEndpointView(View, kw_only=True):
    """An address that events are sent to; `secret` is shown once, when it is made.

    `state` is `enabled`, `paused`, `disabled` (nothing got through; `disabled_reason` is `gone`, `failing`, `behind` or
    `owner_ended`) or `archived`. What is sent is what `owner` may see at the time.
    """

    name: str | None | UnsetType = UNSET
    url: str | UnsetType = UNSET
    events: list[str] | UnsetType = UNSET
    state: str | UnsetType = UNSET
    disabled_reason: str | None | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    previous_secret_expires_at: datetime | None | UnsetType = UNSET
    failing_since: datetime | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    archived_at: datetime | None | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET
    version: int | UnsetType = UNSET
    secret: str | None | UnsetType = UNSET


class WebhookTry(Struct, kw_only=True):
    """A try: what the receiver answered, or why it was not heard.

    `error` is `timeout`, `unreachable`, `broken_off` or `ssrf_blocked`.
    """

    at: datetime
    status_code: int | None
    error: str | None
    duration_ms: int


class WebhookDeliveryView(View, kw_only=True):
    """An event on its way to an endpoint.

    `status` is `waiting`, `delivered`, `failed` (given up after eight tries) or `withheld` (the endpoint's owner may
    not see it, or no more). `attempts` counts since it was queued or replayed, `tries` are all there were.
    """

    endpoint_id: str | UnsetType = UNSET
    event_id: str | UnsetType = UNSET
    event_type: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    attempts: int | UnsetType = UNSET
    tries: list[WebhookTry] | UnsetType = UNSET
    status_code: int | None | UnsetType = UNSET
    error: str | None | UnsetType = UNSET
    next_attempt_at: datetime | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    finished_at: datetime | None | UnsetType = UNSET


class WebhookTest(Struct, kw_only=True):
    """The event that a test sends."""

    event_id: str
