"""Where machine data comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Required, TypedDict

from woaas._models import Model
from woaas._request import Call
from woaas._wire import Duration


class Broker(Model):
    """A plant's broker; its password is never shown."""

    host: str | None
    port: int | None
    tls: bool | None
    ca_certificate: str | None
    username: str | None


class Tag(Model):
    """What one topic, or one metric of it, says of a work center."""

    tag: str
    topic: str | None
    metric: str | None
    work_center: str | None
    means: str | None
    states: dict[str, str] | None


class Connector(Model):
    """A source of machine data: what it follows, and how that goes."""

    id: str
    code: str
    kind: str | None
    name: str | None
    broker: Broker | None
    topic_root: str | None
    sparkplug: bool | None
    stale_after: timedelta | None
    tags: list[Tag]
    state: str | None
    status: str | None
    last_message_at: datetime | None
    received: int | None
    applied: int | None
    withheld: int | None
    failed: int | None
    last_error: str | None
    last_error_at: datetime | None
    livemode: bool | None
    created_at: datetime | None
    updated_at: datetime | None
    version: int | None


class BrokerCredentials(Model):
    """What a gateway shows the platform's own broker; `password` is shown once."""

    host: str
    port: int
    username: str
    password: str | None
    topic_root: str


class BrokerVerdict(Model):
    """How far connecting came: each `passed`, `failed`, `unknown` or `not_used`."""

    reach: str | None
    tls: str | None
    credentials: str | None
    error: str | None


class TagVerdict(Model):
    """A tag with its last value and when it was seen; `reason` says why it failed."""

    tag: str
    result: str | None
    reason: str | None
    value: object
    seen_at: datetime | None
    measured_at: datetime | None


class SelfTest(Model):
    """A self-test; `status` is `queued` until it is `finished`, then `result` is `passed` or `failed`."""

    id: str
    status: str | None
    created_at: datetime | None
    finished_at: datetime | None
    result: str | None
    broker: BrokerVerdict | None
    tags: list[TagVerdict]


class BrokerInput(TypedDict, total=False):
    """A broker; the password is sent again when anything else of it changes."""

    host: Required[str]
    port: int
    tls: bool
    ca_certificate: str | None
    username: str | None
    password: str | None


class TagInput(TypedDict, total=False):
    """A tag: `{"tag": "m4", "topic": "hall/m4/state", "work_center": "machine-4", "means": "state"}`."""

    tag: Required[str]
    topic: Required[str]
    metric: str | None
    work_center: str | None
    means: Literal["state", "good", "scrap", "rework", "report", "value"]
    states: Mapping[str, Literal["up", "down", "maintenance", "stale"]]


class ConnectorFields(Call, total=False):
    """A connector to put; without `broker` its machines publish to the platform's own."""

    kind: Literal["mqtt"]
    name: str | None
    broker: BrokerInput | None
    sparkplug: bool
    stale_after: Duration | None
    tags: Sequence[TagInput]
