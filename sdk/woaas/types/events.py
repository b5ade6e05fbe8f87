"""Events: the same CloudEvents 1.0 document in the list, in the log and in webhooks."""

from __future__ import annotations

from datetime import datetime

from woaas._models import Model


class Event(Model):
    """A fact: `type` such as `work_order.completed`, and what it is about in `data`."""

    id: str
    type: str
    source: str | None
    subject: str | None
    specversion: str | None
    time: datetime | None
    tenantid: str | None
    workorder: str | None
    auditindex: int | None
    livemode: bool | None
    data: Model | None


class EventType(Model):
    """A kind of event the service sends."""

    type: str
    description: str | None
