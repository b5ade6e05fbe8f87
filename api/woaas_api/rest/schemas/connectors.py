"""Answers about connectors."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from woaas_api.rest.schemas.work_orders import View
from woaas_core.wire import DurationText
from woaas_work_orders.connectors.inputs import Means


class BrokerView(Struct, kw_only=True):
    """A plant's broker; its password is never shown."""

    host: str
    port: int
    tls: bool
    ca_certificate: str | None
    username: str | None


class TagView(Struct, kw_only=True):
    """What one topic, or one metric of it, says of a work center."""

    tag: str
    topic: str
    metric: str | None
    work_center: str | None
    means: Means
    states: dict[str, str]


class ConnectorView(View, kw_only=True):
    """A connector: what it follows, and how that goes.

    `status` is `connecting`, `connected`, `failed` or `stopped`. Of the readings `received` messages held, `applied`
    changed something, `withheld` would have said otherwise than a person or fitted no operation, `failed` could not be
    used; `last_error` says the last reason.
    """

    code: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    broker: BrokerView | None | UnsetType = UNSET
    topic_root: str | UnsetType = UNSET
    sparkplug: bool | UnsetType = UNSET
    stale_after: DurationText | None | UnsetType = UNSET
    tags: list[TagView] | UnsetType = UNSET
    state: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    last_message_at: datetime | None | UnsetType = UNSET
    received: int | UnsetType = UNSET
    applied: int | UnsetType = UNSET
    withheld: int | UnsetType = UNSET
    failed: int | UnsetType = UNSET
    last_error: str | None | UnsetType = UNSET
    last_error_at: datetime | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET
    version: int | UnsetType = UNSET


class BrokerCredentials(Struct, kw_only=True):
    """What a gateway shows the platform's own broker; `password` is in this answer only."""

    host: str
    port: int
    username: str
    password: str | None
    topic_root: str


class BrokerVerdict(Struct, kw_only=True):
    """How far connecting came: each `passed`, `failed`, `unknown`, or `not_used` where there is no TLS."""

    reach: str
    tls: str
    credentials: str
    error: str | None


class TagVerdict(Struct, kw_only=True):
    """A tag with its last value and when it was seen; `reason` says why it failed."""

    tag: str
    result: str
    reason: str | None
    value: Any
    seen_at: datetime | None
    measured_at: datetime | None


class SelfTest(Struct, kw_only=True):
    """A self-test; all but `id`, `status` and `created_at` come with its end."""

    id: str
    status: str
    created_at: datetime
    finished_at: datetime | UnsetType = UNSET
    result: str | UnsetType = UNSET
    broker: BrokerVerdict | UnsetType = UNSET
    tags: list[TagVerdict] | UnsetType = UNSET
